"""Fixtures: an intake of messages that a test starts and stops."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.daemon import eventually
from tests.fakes.fixtures import quiet
from tests.fakes.rabbit import Broker
from tests.service.pulse.consumer import Consumer

__all__ = ["quiet"]


@pytest.fixture
def consume(broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Consumer]]:
    """Return a function that consumes the broker's queue until the test ends."""
    with ExitStack() as stack:

        def start(*, wait: bool = True, **changes: Any) -> Consumer:
            consumer = stack.enter_context(Consumer(broker, tmp_path / "state.db", **changes))
            if wait:
                eventually(lambda: consumer.connected, "the intake consumes")
            return consumer

        yield start
    assert not [thread.name for thread in threading.enumerate() if thread.name == "pulse-under-test"]
