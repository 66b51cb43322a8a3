"""Where the stores under test live; each test of the contract runs once for every backend."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import fakeredis
import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.servers import is_installed
from triggerbot.store import Store
from triggerbot.store.factory import open_file, open_memory
from triggerbot.store.memory import Memory
from triggerbot.store.redis import RedisEngine


@dataclass
class Home:
    """One place that keeps a store, to be opened any number of times."""

    make: Callable[[bool], Store]
    #: The file, where there is one.
    path: Path | None
    opened: list[Store] = field(default_factory=list)

    def open(self, *, daemon: bool = False) -> Store:
        """Open the store; it is closed at the end of the test unless the test does it."""
        store = self.make(daemon)
        self.opened.append(store)
        return store


class Fake(fakeredis.FakeRedis):
    """A Redis in memory, which can say who it is."""

    def info(self, *_: object, **__: object) -> dict[str, str]:
        """Tell what a server tells of itself."""
        return {"redis_version": "7.0.0", "role": "master", "run_id": "fake"}


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Start a Redis, once."""
    with tempfile.TemporaryDirectory(prefix="redis-") as name, RedisServer(Path(name)) as server:
        yield server


#: Where there is a real Redis, an imitation of it can wait for the slow tier.
_IMITATION = pytest.param("fakeredis", marks=[pytest.mark.slow] if is_installed("redis-server") else [])


@pytest.fixture(params=["sqlite", "redis", _IMITATION, "memory"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """Have an empty place for a store of each backend."""
    match request.param:
        case "sqlite":
            path = tmp_path / "state.db"
            home = Home(lambda daemon: open_file(path, daemon=daemon), path)
        case "redis":
            server = request.getfixturevalue("redis_server")
            server.client().flushall()
            home = Home(lambda _: Store(RedisEngine.at(server.url())), None)
        case "memory":
            memory = Memory()
            home = Home(lambda _: open_memory(memory), None)
        case _:
            fake = fakeredis.FakeServer()
            home = Home(lambda _: Store(RedisEngine(Fake(server=fake))), None)
    yield home
    for store in home.opened:
        store.close()


@pytest.fixture
def store(home: Home) -> Store:
    """Open an empty store."""
    return home.open()


@pytest.fixture
def reopen(home: Home) -> Callable[[], Store]:
    """Close what is open and open the same again."""

    def again() -> Store:
        while home.opened:
            home.opened.pop().close()
        return home.open()

    return again
