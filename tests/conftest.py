"""What all tests share: how hard Hypothesis tries, the same way each time, and one RabbitMQ for each process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.rabbit import Broker, Rabbit
from hypothesis import HealthCheck, settings

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


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """Start a RabbitMQ, once."""
    with tempfile.TemporaryDirectory(prefix="rabbit-") as name, Rabbit(Path(name)) as rabbit:
        yield rabbit


@pytest.fixture
def broker(rabbit: Rabbit) -> Broker:
    """Have an exchange and a queue of one's own."""
    return Broker(rabbit)
