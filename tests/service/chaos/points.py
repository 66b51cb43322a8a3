"""Crash points: every named point at which a daemon could stop, and a child that stops at the n-th of them.

The points are before and after each change of the store and each of its commits, each byte of a request to the CI,
before and after each of its answers, and before and after each acknowledgement (of AMQP, and of webhooks).
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.fakes.rabbit import Rabbit
from tests.service.chaos.checker import Verdict
from tests.service.chaos.kills import IntakeName, Stage, StoreName, settle, stage

#: Exit code of a child that stopped at its point; as if SIGKILL had ended it.
STOPPED = 137
#: Seconds within which a life reaches its point, or finishes its work; only a busy machine needs that long.
_REACHED_WITHIN = 30.0
#: Verbs of a store that change something although an idle daemon calls them all the time.
_IDLE = frozenset({"lease", "release", "next", "take", "count", "observe", "cursor", "distrust", "close", "purge"})


class _Counter:
    """Counts points, and ends the process at one of them."""

    def __init__(self, stop_at: int, log: str) -> None:
        self._stop_at = stop_at
        self._log = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._lock = threading.Lock()
        self._count = 0
        #: Threads that are within a verb of the store: only their commits and replies are points.
        self.within = threading.local()

    def point(self, name: str) -> None:
        """Pass a point, or stop there."""
        with self._lock:
            self._count += 1
            os.write(self._log, f"{self._count} {name}\n".encode())
            if self._count == self._stop_at:
                os._exit(STOPPED)


def install(stop_at: int, log: str, apart: int = 0) -> None:
    """Install all points in a child; `apart`: bytes between two points within a request (0: three in each piece)."""
    counter = _Counter(stop_at, log)
    _around_stores(counter)
    _around_commits(counter)
    _around_requests(counter, apart)
    _around_acknowledgements(counter)
    _quicken()


def _quicken() -> None:
    """Shorten timeouts so that other daemons notice a death within seconds, by the same code."""
    from triggerbot.store import redis

    for name, seconds in (("_WATCH_EVERY", 0.5), ("_ALIVE", 2)):
        assert hasattr(redis, name), name
        setattr(redis, name, seconds)


def _around(counter: _Counter, owner: Any, name: str, label: str, only: Callable[..., bool] = lambda *_: True) -> None:
    real = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        if not only(*arguments):
            return real(*arguments, **named)
        counter.point(f"before {label}")
        answer = real(*arguments, **named)
        counter.point(f"after {label}")
        return answer

    setattr(owner, name, call)


def _around_stores(counter: _Counter) -> None:
    from triggerbot.store import Store
    from triggerbot.store.room import Reads, Room

    for owner in (Store, *Room.__subclasses__()):
        for name, verb in list(vars(owner).items()):
            if not name.startswith("_") and not isinstance(verb, Reads) and name not in _IDLE:
                setattr(owner, name, _Counted(verb, counter, f"store.{name}"))


class _Counted:
    """A verb of a store, between two points."""

    def __init__(self, verb: Any, counter: _Counter, label: str) -> None:
        self._verb, self._counter, self._label = verb, counter, label

    def __get__(self, room: Any, kind: Any) -> Any:
        real = self._verb.__get__(room, kind)

        def call(*arguments: Any, **named: Any) -> Any:
            self._counter.point(f"before {self._label}")
            answer = real(*arguments, **named)
            self._counter.point(f"after {self._label}")
            return answer

        return call


def _around_commits(counter: _Counter) -> None:
    from triggerbot.store.redis.connection import RedisConnection

    class Connection(sqlite3.Connection):
        writes = False

        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
            # A migration begins otherwise.
            writing = self.writes
            self.writes = sql == "BEGIN IMMEDIATE" or (self.writes and sql != "COMMIT")
            if sql != "COMMIT" or not writing:
                return super().execute(sql, *arguments)
            counter.point("before the commit")
            done = super().execute(sql, *arguments)
            counter.point("after the commit")
            return done

    real = sqlite3.connect
    sqlite3.connect = lambda *arguments, **named: real(  # type: ignore[assignment]
        *arguments, **{"factory": Connection, **named}
    )
    _around(counter, RedisConnection, "apply", "the script in Redis")


def _around_requests(counter: _Counter, apart: int) -> None:
    from httpcore._backends.sync import SyncStream

    write, read = SyncStream.write, SyncStream.read
    posting: set[int] = set()

    def count_write(stream: Any, buffer: bytes, timeout: float | None = None) -> None:
        if buffer.startswith(b"POST"):
            posting.add(id(stream))
        elif buffer.startswith(b"GET"):
            posting.discard(id(stream))
        if id(stream) not in posting:
            return write(stream, buffer, timeout)
        pieces = [buffer[at : at + apart] for at in range(0, len(buffer), apart)] if apart else _three(buffer)
        for number, piece in enumerate(pieces):
            counter.point(f"before piece {number} of {len(pieces)} of a request")
            write(stream, piece, timeout)
        counter.point("after a piece of a request")
        return None

    def count_read(stream: Any, most: int, timeout: float | None = None) -> bytes:
        if id(stream) not in posting:
            return read(stream, most, timeout)
        counter.point("before the answer")
        answer = read(stream, most, timeout)
        counter.point("after the answer")
        return answer

    SyncStream.write, SyncStream.read = count_write, count_read  # type: ignore[method-assign]


def _three(buffer: bytes) -> list[bytes]:
    """Split a text after its first byte, in the middle, and before its last byte."""
    middle = max(1, len(buffer) // 2)
    return [piece for piece in (buffer[:1], buffer[1:middle], buffer[middle:-1], buffer[-1:]) if piece]


def _around_acknowledgements(counter: _Counter) -> None:
    import amqp

    from triggerbot.web import webhooks

    _around(counter, amqp.Channel, "basic_ack", "the acknowledgement")
    real = webhooks.Hooks.__call__

    async def answer(self: Any, scope: Any, receive: Any, send: Any) -> None:
        async def counted_send(message: Any) -> None:
            counter.point("before a part of the answer to a webhook")
            await send(message)
            counter.point("after a part of the answer to a webhook")

        await real(self, scope, receive, counted_send)

    webhooks.Hooks.__call__ = answer  # type: ignore[method-assign]


# -- the runs -----------------------------------------------------------------------------------------------------


def names(made: Stage) -> list[str]:
    """Read which points the last life passed."""
    log = made.directory / "points.txt"
    return [line.partition(" ")[2] for line in log.read_text().splitlines()] if log.exists() else []


def enumerate_points(made: Stage, apart: int) -> list[str]:
    """Let one job fail and be retriggered, and name every point that was passed."""
    life = made.start(stop_at=0, log=str(made.directory / "points.txt"), apart=apart)
    made.feeder.feed(*made.ground.fail("0000000", ["job"]))
    if not settle(made, life, 120.0):
        raise AssertionError(f"one failure was not dealt with: {made.directory}")
    life.kill()
    return names(made)


def one_point(made: Stage, number: int, second: int, apart: int) -> tuple[bool, bool]:
    """Stop at a point, and at another one during the recovery; return whether each was reached."""
    log = str(made.directory / "points.txt")
    made.feeder.feed(*made.ground.fail(f"{number:07x}", ["job"]))
    reached = []
    for stop_at in (number, second):
        life = made.start(stop_at=stop_at, log=log, apart=apart)
        until = time.monotonic() + _REACHED_WITHIN
        while life.alive and time.monotonic() < until and not made.done:
            time.sleep(0.01)
        reached.append(not life.alive)
        life.kill()
    return reached[0], reached[1]


def points(
    store: StoreName,
    intake: IntakeName,
    seed: int,
    rabbit: Rabbit | None = None,
    *,
    apart: int = 0,
    together: int = 6,
    every: int = 1,
) -> tuple[Verdict, dict[str, Any]]:
    """Stop at every point once, and once more at another during the recovery; several stages work side by side."""
    begun = time.monotonic()
    with stage(store, intake, seed, rabbit=rabbit, posts={}, reads={}, lag=0.2) as made:
        known = enumerate_points(made, apart)
    numbers = list(range(1, len(known) + 1, every))

    def play(part: int) -> tuple[Verdict, int, int]:
        dice = random.Random(f"{seed}/{part}")
        first = again = 0
        with stage(store, intake, seed + part, rabbit=rabbit, posts={}, reads={}, lag=0.2) as made:
            for number in numbers[part::together]:
                one, two = one_point(made, number, dice.randint(1, len(known)), apart)
                first, again = first + one, again + two
                life = made.start()
                settled = settle(made, life, 120.0, longer=0.2)
                life.kill()
                verdict = made.verdict()
                if not settled or not verdict.good:
                    raise AssertionError(f"stopped at {number} ({known[number - 1]}): {verdict} in {made.directory}")
            return made.verdict(), first, again

    with ThreadPoolExecutor(together) as pool:
        parts = list(pool.map(play, range(together)))
    whole = Verdict(
        *(sum(getattr(verdict, name) for verdict, _, _ in parts) for name in
          ("attempted", "acknowledged", "ok", "recovered")),
        *(tuple(job for verdict, _, _ in parts for job in getattr(verdict, name)) for name in
          ("lost", "doubled", "unexpected")),
    )  # fmt: skip
    about = {
        "points": len(known), "stopped": sum(first for _, first, _ in parts),
        "stopped_again": sum(again for _, _, again in parts), "kinds": len(set(known)),
        "names": sorted(set(known)), "seconds": round(time.monotonic() - begun),
    }  # fmt: skip
    return whole, about
