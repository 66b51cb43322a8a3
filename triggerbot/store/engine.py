"""What stores differ in: documents, indexes, logs and sums in one transaction. Everything above is written once.

- A *document* is a value under (part, kind, name). Parts are the unit of conflicts: of two transactions that read one
  part and change it, one is run again. All documents of a push are one part.
- An *index* sorts members, which are texts, by a number.
- The *log* of a part is a list that only grows.
- A *sum* is a number under a key and a field, to which transactions add.

A transaction is a function that may be run several times, until nothing came between: so it does nothing but read and
change what it is given. It sees its own changes to documents and indexes; logs and sums are read before or after.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol, TypeVar

from triggerbot.core.model import Group, Push
from triggerbot.store.records import Distrust

T = TypeVar("T")


class Doc(NamedTuple):
    """The place of a document."""

    part: str
    kind: str
    name: str = ""


class Conflict(Exception):
    """Another transaction changed a part that this one has read: it is run again."""

    def __init__(self, part: str = "") -> None:
        super().__init__(part)
        self.part = part


class Reader(Protocol):
    """One consistent view. All methods raise `StoreUnavailable`."""

    def get(self, docs: Sequence[Doc]) -> list[bytes | None]:
        """Read documents; `None` for one that does not exist."""

    def all(self, part: str, kind: str) -> dict[str, bytes]:
        """Read all documents of one kind in a part, by name."""

    def log(self, part: str) -> list[bytes]:
        """Read the log of a part, oldest first."""

    def first(
        self, index: str, limit: int, *, least: float = -math.inf, most: float = math.inf, descending: bool = False
    ) -> list[tuple[float, str]]:
        """List members with numbers from `least` to `most`, both included, by number and then by member."""

    def ranks(self, index: str, members: Sequence[str]) -> list[float | None]:
        """Read the numbers of members; `None` for one that is not in the index."""

    def absent(self, index: str, members: Sequence[str], least: float) -> list[bool]:
        """Tell of each member whether it is not in the index at `least` or more.

        Of two transactions that were told so of one member and put it in, one is run again.
        """

    def starting(self, index: str, prefix: str, limit: int) -> list[str]:
        """List members that start with a prefix, sorted."""

    def size(self, index: str) -> int:
        """Count the members of an index."""

    def sums(self, keys: Sequence[str], fields: Sequence[str] | None = None) -> list[dict[str, float]]:
        """Read sums, by field: all, or some of them; none that are 0."""


class Changes(NamedTuple):
    """What a transaction changes, in the order in which it is applied."""

    dropped: set[str]
    documents: dict[Doc, bytes | None]
    logs: list[tuple[str, bytes]]
    #: By index: members below a number are taken out, so many at most.
    trimmed: dict[str, tuple[float, int]]
    #: By index and member; `None` takes the member out.
    ranks: dict[tuple[str, str], float | None]
    sums: dict[tuple[str, str], float]

    def __bool__(self) -> bool:
        return any(self)


class Transaction:
    """A view with changes of its own on top, which the engine applies if nothing came between."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.changes = Changes(set(), {}, [], {}, {}, {})

    def get(self, docs: Sequence[Doc]) -> list[bytes | None]:
        """Read documents, with the changes so far."""
        own = self.changes.documents
        if not own and not self.changes.dropped:
            return self._reader.get(docs) if docs else []
        missing = [doc for doc in docs if doc not in own and doc.part not in self.changes.dropped]
        found = dict(zip(missing, self._reader.get(missing), strict=True)) if missing else {}
        return [own[doc] if doc in own else found.get(doc) for doc in docs]

    def all(self, part: str, kind: str) -> dict[str, bytes]:
        """Read all documents of one kind in a part, with the changes so far."""
        found = {} if part in self.changes.dropped else dict(self._reader.all(part, kind))
        for doc, value in self.changes.documents.items():
            if doc.part == part and doc.kind == kind:
                found.pop(doc.name, None)
                if value is not None:
                    found[doc.name] = value
        return found

    def log(self, part: str) -> list[bytes]:
        """Read the log of a part without the changes of this transaction."""
        return self._reader.log(part)

    def first(
        self, index: str, limit: int, *, least: float = -math.inf, most: float = math.inf, descending: bool = False
    ) -> list[tuple[float, str]]:
        """List members by their number, with the changes so far."""
        own = {member: rank for (name, member), rank in self.changes.ranks.items() if name == index}
        found = self._reader.first(index, limit + len(own), least=least, most=most, descending=descending)
        if own:
            found = [one for one in found if one[1] not in own]
            found += [(rank, member) for member, rank in own.items() if rank is not None and least <= rank <= most]
            found.sort(reverse=descending)
        return found[:limit]

    def ranks(self, index: str, members: Sequence[str]) -> list[float | None]:
        """Read the numbers of members, with the changes so far."""
        own = self.changes.ranks
        return [
            own.get((index, member), found)
            for member, found in zip(members, self._reader.ranks(index, members), strict=True)
        ]

    def absent(self, index: str, members: Sequence[str], least: float) -> list[bool]:
        """Tell which members are not in an index at `least` or more, without the changes of this transaction."""
        return self._reader.absent(index, members, least)

    def starting(self, index: str, prefix: str, limit: int) -> list[str]:
        """List members by their prefix, without the changes of this transaction."""
        return self._reader.starting(index, prefix, limit)

    def size(self, index: str) -> int:
        """Count the members of an index, without the changes of this transaction."""
        return self._reader.size(index)

    def sums(self, keys: Sequence[str], fields: Sequence[str] | None = None) -> list[dict[str, float]]:
        """Read sums without the changes of this transaction."""
        return self._reader.sums(keys, fields)

    # -- changing -----------------------------------------------------------------------------------------------

    def put(self, doc: Doc, value: bytes | None) -> None:
        """Write a document; `None` deletes it."""
        self.changes.documents[doc] = value

    def append(self, part: str, value: bytes) -> None:
        """Append to the log of a part."""
        self.changes.logs.append((part, value))

    def rank(self, index: str, member: str, number: float | None) -> None:
        """Put a member into an index, at this number; `None` takes it out."""
        self.changes.ranks[index, member] = number

    def trim(self, index: str, below: float, limit: int) -> None:
        """Take the first members out of an index that are below a number, before any other change of it."""
        self.changes.trimmed[index] = below, limit

    def add(self, key: str, amounts: Mapping[str, float]) -> None:
        """Add to sums."""
        for field, amount in amounts.items():
            if amount:
                self.changes.sums[key, field] = self.changes.sums.get((key, field), 0) + amount

    def drop(self, part: str) -> None:
        """Delete a part, with all its documents and logs."""
        self.changes.dropped.add(part)
        for doc in [doc for doc in self.changes.documents if doc.part == part]:
            del self.changes.documents[doc]
        self.changes.logs[:] = [one for one in self.changes.logs if one[0] != part]


class Engine(Protocol):
    """One kind of memory. All methods are thread-safe; all raise `StoreUnavailable`."""

    def read(self, view: Callable[[Reader], T]) -> T:
        """Run a view, which may be run again."""

    def run(self, body: Callable[[Transaction], T]) -> T:
        """Run a transaction until nothing came between; its changes are durable when this returns."""

    def submit(self, body: Callable[[Transaction], T], *, here: bool = False) -> "Future[T]":
        """Run a transaction, perhaps later, in order; its future is done when it is durable.

        `here`: the caller will wait for it, so it may run at once in the caller's thread.
        """

    def lease(self, candidates: Iterable[Push | Group], owner: str, now: float, seconds: float) -> Push | Group | None:
        """Lease the first candidate that no other lease holds, so that no other thread or process works on it."""

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""

    def leased(self, owner: str | None = None) -> set[Push | Group]:
        """Return what is leased, by one owner or by any."""

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that it lost data since it was opened, if any."""

    def compact(self) -> None:
        """Give the space of what was deleted back, where the engine does not do that by itself."""

    def close(self) -> None:
        """Close."""


def at_once(run: Callable[[Callable[[Transaction], T]], T], body: Callable[[Transaction], T]) -> "Future[T]":
    """Run a transaction at once, and return a future that is done."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()
    settle(future, lambda: run(body))()
    return future


def settle(future: "Future[T]", act: Callable[[], T]) -> Callable[[], None]:
    """Run something, and return what gives its result or its error to a future."""
    try:
        result = act()
    except BaseException as failed:  # noqa: BLE001 - it belongs to whoever waits for the future
        error = failed
        return lambda: future.set_exception(error)
    return lambda: future.set_result(result)
