"""Where the store of a history lives: in plain dicts, in a SQLite file, or in a Redis in memory."""

import copy
import tempfile
from pathlib import Path
from typing import Any, Protocol

import fakeredis

from triggerbot.store import Store
from triggerbot.store.factory import open_file, open_memory
from triggerbot.store.memory import Memory
from triggerbot.store.records import Distrust
from triggerbot.store.redis import RedisEngine
from triggerbot.store.redis.connection import PREFIX
from triggerbot.store.sqlite.backup import backup

#: What is kept in memory, apart from leases.
_KEPT = ("documents", "logs", "indexes", "totals")


class Ground(Protocol):
    """One store, which any number of replicas may open."""

    #: Whether a lease lasts as long as its process, rather than for its time.
    leases_last: bool

    def open(self) -> Store:
        """Open it once more."""

    def died(self) -> None:
        """A replica died."""

    def copy(self) -> None:
        """Copy all that is kept."""

    def forget(self, now: float) -> None:
        """Put the copy in its place, at this time; no replica has it open."""

    def close(self) -> None:
        """Close all that was opened."""


class InMemory:
    """Plain dicts; a lease lasts for its time, as in Redis, or as long as its process, as with SQLite."""

    def __init__(self, *, leases_last: bool = False) -> None:
        self.leases_last = leases_last
        self._memory = Memory(lasting_leases=leases_last)
        self._copy: list[Any] = []

    def open(self) -> Store:
        """Share the memory."""
        return open_memory(self._memory)

    def died(self) -> None:
        """Let go of leases that last as long as their process."""
        if self.leases_last:
            self._memory.leases.clear()

    def copy(self) -> None:
        """Copy it."""
        self._copy = copy.deepcopy([getattr(self._memory, name) for name in _KEPT])

    def forget(self, now: float) -> None:
        """Bring the copy back; who leased something is dead."""
        self._memory.distrust = Distrust(now, "it is a copy")
        for name, value in zip(_KEPT, self._copy, strict=True):
            setattr(self._memory, name, value)
        self._memory.leases.clear()

    def close(self) -> None:
        """There is nothing to close."""


class Sqlite:
    """One file, on which one replica works at a time."""

    leases_last = True

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="triggerbot-simulation-")
        self._file = Path(self._directory.name) / "state.db"
        self._copied = Path(self._directory.name) / "copy.db"
        self._opened: list[Store] = []

    def open(self) -> Store:
        """Open the file."""
        self._opened.append(open_file(self._file, durable=False))
        return self._opened[-1]

    def died(self) -> None:
        """What a process had leased died with it."""

    def copy(self) -> None:
        """Copy the file."""
        backup(self._file, self._copied)

    def forget(self, now: float) -> None:
        """Put the copy in the file's place, and let a daemon recognise it."""
        for store in self._opened:
            store.close()
        self._opened.clear()
        for end in ("", "-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        self._copied.rename(self._file)
        open_file(self._file, daemon=True, durable=False, clock=lambda: now).close()

    def close(self) -> None:
        """Close the file, however often it is open."""
        for store in self._opened:
            store.close()
        self._directory.cleanup()


class FakeRedis(fakeredis.FakeRedis):
    """A Redis in memory, which can say who it is."""

    def info(self, *_: object, **__: object) -> dict[str, str]:
        """Tell what a server tells of itself."""
        return {"redis_version": "7.0.0", "role": "master", "run_id": "fake"}


class Redis:
    """One Redis in memory."""

    leases_last = False

    def __init__(self) -> None:
        self._server = fakeredis.FakeServer()
        self._opened: list[Store] = []
        self.open()
        # It is new, so it would be distrusted for a while, by the real clock.
        FakeRedis(server=self._server).hset(f"{PREFIX}meta", "since", "0")

    def open(self) -> Store:
        """Connect."""
        self._opened.append(Store(RedisEngine(FakeRedis(server=self._server))))
        return self._opened[-1]

    def died(self) -> None:
        """What it had leased stays so until its time is over."""

    def copy(self) -> None:
        """It is not copied: that it forgets is tried with a real one."""
        raise NotImplementedError

    def forget(self, now: float) -> None:
        """It is not copied."""
        raise NotImplementedError

    def close(self) -> None:
        """Disconnect all."""
        for store in self._opened:
            store.close()
