"""Fixtures and hooks of all tests: temporary files, order, one RabbitMQ a process, and the search for secrets."""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.environment import trust_nobody, use_memory
from tests.examples import register_profiles
from tests.fakes import canary
from tests.fakes.rabbit import Broker, Rabbit
from tests.order import pytest_collection_modifyitems, pytest_xdist_make_scheduler

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]

register_profiles()
use_memory()
trust_nobody()


@pytest.fixture(autouse=True)
def no_secret_on_disk(request: pytest.FixtureRequest) -> Iterator[None]:
    """Search the test's directory for secrets: logs, stores, error files, pages."""
    yield
    directory = request.node.funcargs.get("tmp_path")
    leaks = list(canary.search(directory)) if isinstance(directory, Path) and directory.exists() else []
    assert leaks == [], "a secret got out"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search for secrets in what a test has printed and logged in its own process."""
    report = yield
    leaks = [leak for _, text in report.sections for leak in canary.found(text.encode("utf-8", "replace"))]
    if leaks and report.when == "teardown" and report.passed:
        report.outcome = "failed"
        report.longrepr = f"a secret got out: {leaks}"
    return report


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """Start one RabbitMQ for all tests of the process."""
    with tempfile.TemporaryDirectory(prefix="rabbit-") as name, Rabbit(Path(name)) as rabbit:
        yield rabbit


@pytest.fixture
def broker(rabbit: Rabbit) -> Broker:
    """Provide an exchange and a queue for one test."""
    return Broker(rabbit)
