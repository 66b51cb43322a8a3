"""The engine in memory: for replays, for backtests, and for tests of what stands on top. Nothing survives it."""

import math
import threading
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Group, Push
from triggerbot.store.engine import Changes, Doc, Transaction, at_once
from triggerbot.store.records import Distrust

T = TypeVar("T")


class Index:
    """Members sorted by a number."""

    def __init__(self) -> None:
        self.rank: dict[str, float] = {}
        self.sorted: list[tuple[float, str]] = []

    def put(self, member: str, number: float | None) -> None:
        """Move a member; `None` takes it out."""
        old = self.rank.pop(member, None)
        if old is not None:
            del self.sorted[bisect_left(self.sorted, (old, member))]
        if number is not None:
            self.rank[member] = number
            insort(self.sorted, (number, member))


class Memory:
    """What is stored: engines that share it are replicas. Its lock is held for each view and transaction."""

    def __init__(self, *, lasting_leases: bool = False) -> None:
        #: Whether a lease lasts as long as its process, rather than for its time.
        self.lasting_leases = lasting_leases
        self.lock = threading.RLock()
        self.documents: dict[str, dict[str, dict[str, bytes]]] = defaultdict(lambda: defaultdict(dict))
        self.logs: dict[str, list[bytes]] = defaultdict(list)
        self.indexes: dict[str, Index] = defaultdict(Index)
        self.totals: dict[str, dict[str, float]] = defaultdict(dict)
        self.leases: dict[Push | Group, tuple[str, float]] = {}
        self.distrust: Distrust | None = None

    # -- a `Reader` ---------------------------------------------------------------------------------------------

    def get(self, docs: Sequence[Doc]) -> list[bytes | None]:
        """Read documents."""
        return [self.documents[part][kind].get(name) if part in self.documents else None for part, kind, name in docs]

    def all(self, part: str, kind: str) -> dict[str, bytes]:
        """Read all documents of one kind in a part."""
        return dict(self.documents[part][kind]) if part in self.documents else {}

    def log(self, part: str) -> list[bytes]:
        """Read a log."""
        return list(self.logs.get(part, ()))

    def first(
        self, index: str, limit: int, *, least: float = -math.inf, most: float = math.inf, descending: bool = False
    ) -> list[tuple[float, str]]:
        """List members by number."""
        found = self.indexes[index].sorted
        start = bisect_left(found, (least, ""))
        end = bisect_left(found, (math.nextafter(most, math.inf), "")) if most < math.inf else len(found)
        return found[start:end][::-1][:limit] if descending else found[start : min(end, start + limit)]

    def ranks(self, index: str, members: Sequence[str]) -> list[float | None]:
        """Read the numbers of members."""
        return [self.indexes[index].rank.get(member) for member in members]

    def absent(self, index: str, members: Sequence[str], least: float) -> list[bool]:
        """Tell which members are not in an index at `least` or more."""
        found = self.indexes[index].rank
        return [found.get(member, -math.inf) < least for member in members]

    def starting(self, index: str, prefix: str, limit: int) -> list[str]:
        """List members by prefix."""
        return sorted(member for member in self.indexes[index].rank if member.startswith(prefix))[:limit]

    def size(self, index: str) -> int:
        """Count the members of an index."""
        return len(self.indexes[index].rank)

    def sums(self, keys: Sequence[str], fields: Sequence[str] | None = None) -> list[dict[str, float]]:
        """Read sums."""
        if fields is None:
            return [dict(self.totals[key]) for key in keys]
        return [{field: own[field] for field in fields if field in own} for own in (self.totals[key] for key in keys)]

    # -- changes ------------------------------------------------------------------------------------------------

    def apply(self, changes: Changes) -> None:
        """Apply what a transaction changes."""
        for part in changes.dropped:
            self.documents.pop(part, None)
            self.logs.pop(part, None)
        for (part, kind, name), value in changes.documents.items():
            if value is None:
                self.documents[part][kind].pop(name, None)
            else:
                self.documents[part][kind][name] = value
        for part, entry in changes.logs:
            self.logs[part].append(entry)
        for index, (below, limit) in changes.trimmed.items():
            for _, member in self.first(index, limit, most=math.nextafter(below, -math.inf)):
                self.indexes[index].put(member, None)
        for (index, member), number in changes.ranks.items():
            self.indexes[index].put(member, number)
        for (key, field), amount in changes.sums.items():
            own = self.totals[key]
            own[field] = own.get(field, 0) + amount
            if not own[field]:
                del own[field]


class MemoryEngine:
    """An `Engine` on a `Memory`."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self._closed = False

    def _open(self) -> Memory:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return self.memory

    def read(self, view: Callable[[Memory], T]) -> T:
        """Run a view."""
        memory = self._open()
        with memory.lock:
            return view(memory)

    def run(self, body: Callable[[Transaction], T]) -> T:
        """Run a transaction."""
        memory = self._open()
        with memory.lock:
            transaction = Transaction(memory)
            value = body(transaction)
            memory.apply(transaction.changes)
            return value

    def submit(self, body: Callable[[Transaction], T], **_where: bool) -> "Future[T]":
        """Run a transaction at once, always in the thread of the caller."""
        return at_once(self.run, body)

    def distrust(self) -> Distrust | None:
        """Return the reason given by who put an older copy in its place, if anybody did."""
        return self.memory.distrust

    def lease(self, candidates: Iterable[Push | Group], owner: str, now: float, seconds: float) -> Push | Group | None:
        """Lease the first candidate that is free."""
        memory = self._open()
        with memory.lock:
            # As in Redis one whose time is over stays until it is taken over.
            found = next((one for one in candidates if memory.leases.get(one, ("", -math.inf))[1] <= now), None)
            if found is not None:
                memory.leases[found] = owner, math.inf if memory.lasting_leases else now + seconds
            return found

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        memory = self._open()
        with memory.lock:
            if memory.leases.get(leased, ("", 0.0))[0] == owner:
                del memory.leases[leased]

    def leased(self, owner: str | None = None) -> set[Push | Group]:
        """Return what is leased, by one owner or by any."""
        memory = self._open()
        with memory.lock:
            return {one for one, (own, _) in memory.leases.items() if owner in (None, own)}

    def compact(self) -> None:
        """Do nothing: memory is given back by itself."""

    def close(self) -> None:
        """Close; the memory stays for others that share it."""
        self._closed = True
