"""What all tests share: how hard Hypothesis tries, one RabbitMQ for each process, and that no secret ever shows."""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes import canary
from tests.fakes.rabbit import Broker, Rabbit

#: Deterministic, and moderate in number: a run is repeatable anywhere, and the whole suite stays quick.
settings.register_profile(
    "triggerbot",
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
#: `pytest --hypothesis-profile=search` looks further, and elsewhere each time.
settings.register_profile("search", settings.get_profile("triggerbot"), max_examples=1000, derandomize=False)
settings.load_profile("triggerbot")


@pytest.fixture(autouse=True)
def no_secret_on_disk(request: pytest.FixtureRequest) -> Iterator[None]:
    """Search what a test leaves in its directory: logs, stores, error files, pages."""
    yield
    directory = request.node.funcargs.get("tmp_path")
    leaks = list(canary.search(directory)) if isinstance(directory, Path) and directory.exists() else []
    assert leaks == [], "a secret got out"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search what a test has printed and logged in its own process."""
    report = yield
    leaks = [leak for _, text in report.sections for leak in canary.found(text.encode("utf-8", "replace"))]
    if leaks and report.when == "teardown" and report.passed:
        report.outcome = "failed"
        report.longrepr = f"a secret got out: {leaks}"
    return report


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """Start a RabbitMQ, once."""
    with tempfile.TemporaryDirectory(prefix="rabbit-") as name, Rabbit(Path(name)) as rabbit:
        yield rabbit


@pytest.fixture
def broker(rabbit: Rabbit) -> Broker:
    """Have an exchange and a queue of one's own."""
    return Broker(rabbit)
