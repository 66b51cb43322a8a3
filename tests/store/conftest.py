"""Where the stores under test live; each test of the contract runs once for every backend."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from triggerbot.store import Store
from triggerbot.store.opening import open_store


@dataclass
class Home:
    """One place that keeps a store, to be opened any number of times."""

    address: str
    path: Path
    opened: list[Store] = field(default_factory=list)

    def open(self, *, daemon: bool = False) -> Store:
        """Open the store; it is closed at the end of the test unless the test does it."""
        store = open_store(self.address, daemon=daemon)
        self.opened.append(store)
        return store


@pytest.fixture(params=["sqlite"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """Have an empty place for a store of each backend."""
    path = tmp_path / "state.db"
    home = Home(f"{request.param}:{path}", path)
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
