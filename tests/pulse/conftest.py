"""A real RabbitMQ for the tests of the Pulse intake, and an intake that a test starts and stops."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fakes.daemon import eventually
from fakes.fixtures import quiet
from fakes.rabbit import Broker, Rabbit
from pulsing import Consumer

__all__ = ["quiet"]


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """Start a RabbitMQ, once."""
    with tempfile.TemporaryDirectory(prefix="rabbit-") as name, Rabbit(Path(name)) as rabbit:
        yield rabbit


@pytest.fixture
def broker(rabbit: Rabbit) -> Broker:
    """Have an exchange and a queue's name of one's own."""
    return Broker(rabbit)


@pytest.fixture
def consume(broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Consumer]]:
    """Consume the broker's queue until the test ends; returns when it does."""
    with ExitStack() as stack:

        def start(*, wait: bool = True, **changes: Any) -> Consumer:
            consumer = stack.enter_context(Consumer(broker, tmp_path / "state.db", **changes))
            if wait:
                eventually(lambda: consumer.connected, "the intake consumes")
            return consumer

        yield start
    assert not [thread.name for thread in threading.enumerate() if thread.name == "pulse-under-test"]
