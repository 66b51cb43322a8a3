"""Fixtures: supervised daemons that watch a fake CI, and a Redis for several of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import TOKEN
from tests.fakes.redis_server import RedisServer
from tests.service.workers.supervised import Supervised


@pytest.fixture
def ci() -> Iterator[FakeCI]:
    """A CI that requires a token."""
    with FakeCI(token=TOKEN) as made:
        yield made


@pytest.fixture
def make_daemon(tmp_path: Path, ci: FakeCI) -> Iterator[Callable[..., Supervised]]:
    """Return a function that makes daemons, not started yet; none outlives the test."""
    made: list[Supervised] = []

    def make(**named: str) -> Supervised:
        made.append(Supervised(tmp_path, ci.url, **named))
        return made[-1]

    yield make
    for daemon in made:
        daemon.end()


@pytest.fixture
def one(make_daemon: Callable[..., Supervised]) -> Supervised:
    """One worker with its supervisor, on SQLite."""
    daemon = make_daemon()
    daemon.start("--workers", "1")
    return daemon


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis for one test."""
    directory = tmp_path / "redis"
    directory.mkdir()
    with RedisServer(directory) as server:
        yield server.url()
