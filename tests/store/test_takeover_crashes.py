"""Taking over a store is done once, by one process, and after a crash at any step by the next one."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.redis_server import RedisServer
from tests.store.older_stores import META, OLD_CHECK, Make, agrees, expected, make, path
from triggerbot.core.errors import StoreAway, StoreUnusable
from triggerbot.store import takeover
from triggerbot.store.factory import open_store
from triggerbot.store.redis import older as older_redis
from triggerbot.store.redis.connection import RedisConnection
from triggerbot.store.sqlite import older as older_sqlite

__all__ = ["make", "path"]

#: The version of files before documents.
SQLITE_BEFORE = 6
_LOCK = "{triggerbot}:takeover"


class _Killed(BaseException):
    """The end of the process."""


def _dying(write: Callable[..., None], steps: int, *, after: bool) -> Callable[..., None]:
    """Let the process end before or after a number of steps."""
    left = iter(range(steps))

    def step(*arguments: Any, **named: Any) -> None:
        last = next(left, None) is None
        if not last or after:
            write(*arguments, **named)
        if last:
            raise _Killed

    return step


def _ends(target: Any, name: str, monkeypatch: pytest.MonkeyPatch, address: str) -> Iterator[int]:
    """Let the process end at a later step each time, before or after it, until it comes to its end."""
    for step in range(1000):
        with monkeypatch.context() as patched:
            patched.setattr(target, name, _dying(getattr(target, name), step, after=bool(step % 2)))
            try:
                open_store(address).close()
            except _Killed:
                yield step
            else:
                return


def test_a_file_survives_a_crash_at_any_step(make: Make, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as before then, and is taken over at the next start."""
    address = make("sqlite-6")
    for step in _ends(older_sqlite, "write", monkeypatch, address):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (SQLITE_BEFORE,)
        if step > 10:
            break
    store = open_store(address)
    agrees(store, expected("sqlite-6"))
    store.close()


def test_a_redis_survives_a_crash_at_any_step(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is taken over is not done again, and the next start does the rest."""
    address = make("redis-3")
    assert len([*_ends(RedisConnection, "apply", monkeypatch, address)]) > 3
    store = open_store(address)
    agrees(store, expected("redis-3"))
    store.close()


def test_a_redis_survives_crashes_between_steps(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more step at each start, as if nothing ever ran to its end."""
    address, starts = make("redis-3"), 0
    while True:
        with monkeypatch.context() as patched:
            patched.setattr(older_redis, "write", _dying(takeover.write, 1, after=False))
            try:
                open_store(address).close()
            except _Killed:
                starts += 1
            else:
                break
    store = open_store(address)
    agrees(store, expected("redis-3"))
    assert starts > 10
    store.close()


def test_an_older_program_that_runs_is_stopped_first(
    make: Make, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is taken over, so that nothing that it writes is lost."""
    address = make("redis-3")
    with monkeypatch.context() as patched:
        patched.setattr(older_redis, "write", _dying(takeover.write, 0, after=False))
        with suppress(_Killed):
            open_store(address)
    assert redis_server.client().eval(OLD_CHECK, 1, META) == b"NEWER"


# -- one process at a time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sqlite-5", "sqlite-6", "redis-3"])
def test_all_that_open_it_at_once_see_it_whole(make: Make, name: str) -> None:
    """The first takes it over, and the others wait for it."""
    address = make(name)
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [address] * 4))
    for store in stores:
        agrees(store, expected(name))
        store.close()


def test_one_process_takes_over(make: Make, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are told so, also when the first is at it already; once it is gone, the next one does it."""
    address = make("redis-3")
    client = redis_server.client()
    monkeypatch.setattr(older_redis, "_PATIENCE", 0.1)
    client.set(_LOCK, "another")
    with pytest.raises(StoreAway, match="another triggerbot takes over"):
        open_store(address)
    assert client.get(_LOCK) == b"another"
    client.delete(_LOCK)
    store = open_store(address)
    agrees(store, expected("redis-3"))
    assert not client.exists(_LOCK)
    store.close()


def test_who_loses_the_lock_changes_nothing(
    make: Make, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was held up for long, while another took its place."""
    address = make("redis-3")
    client = redis_server.client()
    with monkeypatch.context() as patched:
        write, calls = takeover.write, iter(range(100))

        def late(*arguments: Any, **named: Any) -> None:
            if next(calls) == 8:
                client.set(_LOCK, "another", px=200)
            write(*arguments, **named)

        patched.setattr(older_redis, "write", late)
        with pytest.raises(StoreAway, match="start again"):
            open_store(address)
    store = open_store(address)
    agrees(store, expected("redis-3"))
    store.close()


def test_what_cannot_be_read_is_told(make: Make, path: Path, redis_server: RedisServer) -> None:
    """A damaged value ends in a sentence, and the store stays as it is."""
    address = make("sqlite-6")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE runs SET state = 'odd' WHERE id = 1")
        connection.commit()
    with pytest.raises(StoreUnusable, match="cannot take over"):
        open_store(address)
    address = make("redis-3")
    redis_server.client().hset("{triggerbot}:j:1", "odd", "\x1e1")
    with pytest.raises(StoreUnusable, match="cannot take over"):
        open_store(address)
