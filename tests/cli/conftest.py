"""Fixtures of the tests of commands; see `command_bench`."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.fakes.command_bench import Bench, bench, failed_run

__all__ = ["bench"]


@pytest.fixture
def used(bench: Bench) -> Bench:
    """Return a bench with an empty store."""
    bench.store().close()
    return bench


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file of events."""

    def write(*events: dict[str, Any] | str) -> Path:
        path = tmp_path / "events.jsonl"
        texts = [event if isinstance(event, str) else json.dumps(failed_run(**event)) for event in events]
        path.write_text("".join(text + "\n" for text in texts))
        return path

    return write


@pytest.fixture(autouse=True)
def _tidy_logs() -> Iterator[None]:
    """Reset logging: commands set it up for their own stderr, and the next test has another."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def real_now(bench: Bench) -> float:
    """Set the bench's clock to the time of day, for commands that look at it."""
    bench.now = time.time()
    return bench.now
