"""The engine for several replicas: one Redis, in which a short script applies each transaction, or none of it."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import TypeVar

import redis

from triggerbot.core.errors import StoreRefused, StoreUnavailable, StoreUnusable
from triggerbot.core.model import Group, Push
from triggerbot.store.documents import encode, load
from triggerbot.store.engine import Changes, Conflict, Doc, Reader, Transaction, settle
from triggerbot.store.in_order import InOrder, Item
from triggerbot.store.names import US, due_of, group_part, part_of
from triggerbot.store.records import Distrust
from triggerbot.store.redis import older
from triggerbot.store.redis.cache import Cache
from triggerbot.store.redis.connection import PREFIX, RedisConnection, connect
from triggerbot.store.redis.view import RedisView

T = TypeVar("T")
#: Tries of a transaction that others come between, and seconds between two, at most.
_TRIES, _PAUSE = 200, 0.05
#: Seconds between checks that it is still the same server, and between heartbeats.
_WATCH_EVERY = 5.0
#: Seconds without a heartbeat after which a process is taken for dead.
_ALIVE = 20
#: Arguments of one operation, an even number: Lua's stack has room for some thousands.
_ARGUMENTS_MAX = 1000
#: The index of leases by their ends, and how many are read.
_LEASES, _LEASES_MAX = "leases", 10_000


def _operations(view: RedisView, changes: Changes) -> list[str | bytes]:
    """Write a transaction as the arguments of the script."""
    made: list[str | bytes] = []
    for part, version in view.versions.items():
        made += ("v", part, version)
    for index, least, members in view.absences:
        made += ("a", index, repr(least), str(len(members)), *members)
    for part in changes.dropped:
        made += ("d", part)
    for index, (below, limit) in changes.trimmed.items():
        made += ("t", index, repr(below), str(limit))
    for (what, place), arguments in _by_key(changes).items():
        for start in range(0, max(1, len(arguments)), _ARGUMENTS_MAX):
            some = arguments[start : start + _ARGUMENTS_MAX]
            made += (what, place, str(len(some)), *some)
    for (key, field), amount in changes.sums.items():
        made += ("s", key, field, repr(amount))
    return made


def _by_key(changes: Changes) -> dict[tuple[str, str], list[str | bytes]]:
    """Put together what the script can do in one command: on the same key, the same."""
    made: dict[tuple[str, str], list[str | bytes]] = defaultdict(list)
    changed: dict[str, set[str]] = {part: set() for part, _ in changes.logs}
    for (part, kind), own in groupby(changes.documents.items(), lambda one: one[0][:2]):
        place, kinds = f"{part}{US}{kind or US}", changed.setdefault(part, set())
        for doc, value in own:
            if value is None:
                made["x", place].append(doc.name)
            else:
                made["h", place] += (doc.name, value)
                kinds.add(kind or US)
    for part, entry in changes.logs:
        made["l", part] += (entry,)
    for part, kinds in changed.items():
        made["p", part] = [argument for kind in kinds for argument in (kind, "1")]
    for (index, member), number in changes.ranks.items():
        made["Z" if number is None else "z", index] += (member,) if number is None else (repr(float(number)), member)
    return made


class RedisEngine:
    """An `Engine` in Redis, for any number of processes."""

    def __init__(self, client: "redis.Redis", *, must_exist: bool = False, watch: bool = False) -> None:
        self._link = RedisConnection(client)
        if must_exist and not _is_ours(self._link):
            raise StoreUnusable("there is nothing of triggerbot in this Redis yet: it has not run with this config")
        self._link.open()
        if self._link.is_older:
            older.take_over(self._link, self._write_older)
        self._cache = Cache()
        self._writer: InOrder[Callable[[], object]] = InOrder(_settle_each)
        self._own: dict[Push | Group, str] = {}
        self._lock = threading.Lock()
        self._owner = ""
        self._closing = threading.Event()
        self._has_heartbeat = watch
        if watch:
            self._link.warn()
            threading.Thread(target=self._watch, name="store-watch", daemon=True).start()

    @classmethod
    def at(cls, address: str, *, must_exist: bool = False, watch: bool = False) -> "RedisEngine":
        """Open the store at an address such as `redis://host:6379/0`; raises `StoreUnusable`."""
        return cls(connect(address), must_exist=must_exist, watch=watch)

    def _watch(self) -> None:
        """Check that the server is still the same one, and send heartbeats."""
        while not self._closing.wait(_WATCH_EVERY):
            try:
                self._link.watch()
                self._send_heartbeat()
            except StoreUnavailable:
                continue

    def _send_heartbeat(self) -> None:
        """Renew this process's heartbeat: once it stops, others take its leases over before they expire."""
        if self._has_heartbeat and self._owner:
            self._link.read(lambda client: client.set(f"{PREFIX}alive:{self._owner}", "1", ex=_ALIVE))

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that the store lost data, if any."""
        return self._link.distrust()

    def read(self, view: Callable[[Reader], T]) -> T:
        """Run a view, again if something came between."""

        def attempt(_: int) -> T:
            value: T = self._link.read(lambda _: view(RedisView(self._link)))
            return value

        return self._tries(attempt)

    def run(self, body: Callable[[Transaction], T]) -> T:
        """Run a transaction until nothing came between."""
        return self._tries(lambda number: self._attempt(body, number))

    def submit(self, body: Callable[[Transaction], T], *, here: bool = False) -> "Future[T]":
        """Run a transaction later, in order, one at a time: each is a round trip, or several."""
        return self._writer.submit(lambda: self.run(body), here=here)

    def _attempt(self, body: Callable[[Transaction], T], number: int) -> T:
        view = RedisView(self._link, self._cache, hopeful=number == 0)
        transaction = Transaction(view)
        try:
            value = self._run_body(body, transaction, view)
            if transaction.changes:
                version = self._link.apply(_operations(view, transaction.changes))
                self._cache.applied(view.versions, view.fetched, transaction.changes, version)
            else:
                self._link.read(lambda _: view.confirm())
        except Conflict as conflict:
            self._cache.stale(conflict.part, view.versions.get(conflict.part, ""))
            raise
        return value

    def _run_body(self, body: Callable[[Transaction], T], transaction: Transaction, view: RedisView) -> T:
        try:
            value: T = self._link.read(lambda _: body(transaction))
        except (Conflict, StoreUnavailable, StoreRefused):
            raise
        except Exception:
            # What it was given may have been out of date: then it is run again.
            self._link.read(lambda _: view.confirm())
            raise
        return value

    def _write_older(self, body: Callable[[Transaction], None], before: Sequence[str], after: Sequence[str]) -> None:
        view = RedisView(self._link)
        transaction = Transaction(view)
        body(transaction)
        self._link.apply([*before, *_operations(view, transaction.changes), *after])

    def _tries(self, attempt: Callable[[int], T]) -> T:
        for number in range(_TRIES):
            try:
                return attempt(number)
            except Conflict:
                time.sleep(random.uniform(0, _PAUSE) * min(1.0, number / 20))  # noqa: S311 # nosec B311
        raise StoreUnavailable("others change the same part of the store all the time")

    # -- leases -------------------------------------------------------------------------------------------------

    def lease(self, candidates: Iterable[Push | Group], owner: str, now: float, seconds: float) -> Push | Group | None:
        """Lease the first candidate that is free; an expired lease, or one of a dead process, is taken over."""
        if owner != self._owner:
            self._owner = owner
            self._send_heartbeat()
        found = list(candidates)
        if not found:
            return None
        leased = self.run(lambda transaction: self._lease(transaction, found, owner, now, seconds))
        if leased is not None:
            with self._lock:
                self._own[leased] = owner
        return leased

    def _lease(
        self, transaction: Transaction, candidates: list[Push | Group], owner: str, now: float, seconds: float
    ) -> Push | Group | None:
        docs = [Doc(f"lease{US}{_name(one)}", "") for one in candidates]
        for one, doc, data in zip(candidates, docs, transaction.get(docs), strict=True):
            held, until, beats = ("", 0.0, False) if data is None else load(tuple[str, float, bool], data)
            if until <= now or (beats and not self._is_alive(held)):
                transaction.put(doc, encode((owner, now + seconds, self._has_heartbeat)))
                transaction.rank(_LEASES, _name(one), now + seconds)
                return one
        return None

    def _is_alive(self, owner: str) -> bool:
        return bool(self._link.read(lambda client: client.exists(f"{PREFIX}alive:{owner}")))

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        with self._lock:
            self._own.pop(leased, None)
        doc = Doc(f"lease{US}{_name(leased)}", "")

        def body(transaction: Transaction) -> None:
            data = transaction.get([doc])[0]
            if data is not None and load(tuple[str, float, bool], data)[0] == owner:
                transaction.drop(doc.part)
                transaction.rank(_LEASES, _name(leased), None)

        self.run(body)

    def leased(self, owner: str | None = None) -> set[Push | Group]:
        """Return what is leased by one owner, who has to be of this process, or by any process."""
        if owner is None:
            found = self.read(lambda reader: reader.first(_LEASES, _LEASES_MAX))
            return {due_of(name) for _, name in found}
        with self._lock:
            return {one for one, own in self._own.items() if owner == own}

    def compact(self) -> None:
        """Do nothing: Redis gives memory back by itself."""

    def close(self) -> None:
        """Finish pending writes and close."""
        self._writer.close()
        self._closing.set()
        self._link.close()


def _settle_each(items: Sequence[Item[Callable[[], object]]]) -> list[Callable[[], None]]:
    return [settle(future, act) for act, future in items]


def _name(one: Push | Group) -> str:
    match one:
        case Push():
            return part_of(one)
        case Group():
            return group_part(one)


def _is_ours(link: RedisConnection) -> bool:
    try:
        return link.is_ours()
    except (redis.RedisError, OSError):
        # Opening the store fails next, with the reason.
        return True
