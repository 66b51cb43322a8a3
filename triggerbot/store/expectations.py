"""Branches of which something is expected regularly: when each was heard of last, and what has to be reported of it.

What is heard is read from the index of pushes, beside the hot path. A branch is in the queue at the time at which it
will have been silent for too long, or while a change of it has to be reported; whoever takes it then notices that,
once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from triggerbot.core.policy.expectation import Expected, key
from triggerbot.store import due, reports
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import EXPECTED, RECENT, Queue, join, push_of
from triggerbot.store.room import Reads, Room, Writes

_EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True)
class BranchChange:
    """A branch has become silent, or is heard of again."""

    #: Counts the changes of a branch.
    number: int
    silent: bool
    #: When that was noticed, and since when nothing had been heard.
    at: float
    since: float
    every: float
    #: Whether something had been heard of it before.
    known: bool = True


@dataclass(slots=True)
class Expectation:
    """A branch of which something is expected, as it is stored."""

    project: str
    branch: str
    every: float
    #: When it began to be expected, and when something was heard last; 0: nothing so far.
    began: float
    heard: float = 0.0
    #: Since when nothing had been heard when it was found silent; `None`: it is not.
    silent_since: float | None = None
    number: int = 0
    #: What has to be reported, oldest first, and the reporters that have reported the first of it.
    changes: list[BranchChange] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    #: What each reporter keeps.
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def since(self) -> float:
        """Since when nothing has been heard."""
        return max(self.began, self.heard)

    def silent_for(self, now: float) -> float:
        """Return the seconds for which nothing has been heard, if that is too long; else 0."""
        return now - self.since if now - self.since >= self.every else 0.0

    def notice(self, now: float) -> None:
        """Notice that it has become silent, or is heard of again."""
        if self.silent_since is None and self.silent_for(now):
            self._change(now, silent=True, since=self.since)
            self.silent_since = self.since
        elif self.silent_since is not None and self.since > self.silent_since:
            self._change(now, silent=False, since=self.silent_since)
            self.silent_since = None

    def _change(self, now: float, *, silent: bool, since: float) -> None:
        self.number += 1
        known = not silent or self.heard > 0
        self.changes.append(BranchChange(self.number, silent, now, since, self.every, known))

    @property
    def due(self) -> float | None:
        """When it has to be looked at, if nothing is heard meanwhile; `None`: never."""
        if self.changes:
            return self.changes[0].at
        return self.since + self.every if self.silent_since is None else None


def _doc(project: str, branch: str) -> Doc:
    return Doc(join("expected", *key(project, branch)), "")


def _read(view: Reader, docs: Sequence[Doc]) -> list[Expectation | None]:
    return [None if data is None else load(Expectation, data) for data in view.get(docs)]


def _save(transaction: Transaction, doc: Doc, stored: Expectation, due_at: float | None) -> None:
    transaction.put(doc, dump(stored))
    transaction.rank(EXPECTED, doc.part, stored.began)
    transaction.rank(Queue.EXPECTATIONS, doc.part, due_at)


def heard(view: Reader, wanted: Collection[tuple[str, str]], least: float) -> dict[tuple[str, str], float]:
    """Return when something was heard last of branches, by `expectation.key`, as far as it was heard since `least`.

    What is heard of a fork is nothing of the project's branch of that name.
    """
    found: dict[tuple[str, str], float] = {}
    parts = [
        part
        for _, part in view.first(RECENT, _EVERYTHING, least=least)
        if key((push := push_of(part)).project, push.branch) in wanted
    ]
    for stored in reports.headers(view, parts):
        if not stored.fork:
            place = key(stored.push.project, stored.push.branch)
            found[place] = max(stored.last, found.get(place, 0.0))
    return found


def follow(
    transaction: Transaction, expected: Sequence[Expected], heard: Mapping[tuple[str, str], float], now: float
) -> None:
    """Expect these branches and no others, and record when something was heard of them.

    One that is new has a whole period before it counts as silent.
    """
    docs = {_doc(one.project, one.branch): one for one in expected}
    gone = {part for _, part in transaction.first(EXPECTED, _EVERYTHING)} - {doc.part for doc in docs}
    for part in gone:
        transaction.drop(part)
        transaction.rank(EXPECTED, part, None)
        transaction.rank(Queue.EXPECTATIONS, part, None)
    for (doc, one), stored in zip(docs.items(), _read(transaction, list(docs)), strict=True):
        at = heard.get(one.key, 0.0)
        if stored is None:
            fresh = Expectation(one.project, one.branch, one.every, now, at)
            _save(transaction, doc, fresh, fresh.due)
        elif at > stored.heard or stored.every != one.every:
            stored.heard, stored.every = max(stored.heard, at), one.every
            # What is being reported keeps its turn.
            turn = transaction.ranks(Queue.EXPECTATIONS, [doc.part])[0] if stored.changes else stored.due
            back = stored.silent_since is not None and stored.since > stored.silent_since
            _save(transaction, doc, stored, now if back and not stored.changes else turn)


def is_due(view: Reader, now: float) -> bool:
    """Return whether a branch is due."""
    return due.first(view, Queue.EXPECTATIONS, now) is not None


def take(transaction: Transaction, now: float, seconds: float) -> Expectation | None:
    """Take the branch that is due, for a number of seconds, and notice what has become of it."""
    part = due.first(transaction, Queue.EXPECTATIONS, now)
    if part is None:
        return None
    doc = Doc(part, "")
    stored = _read(transaction, [doc])[0]
    if stored is None:
        transaction.rank(Queue.EXPECTATIONS, part, None)
        return None
    stored.notice(now)
    _save(transaction, doc, stored, now + seconds if stored.changes else stored.due)
    return stored


def keep(transaction: Transaction, project: str, branch: str, reporter: str, value: str) -> None:
    """Store what a reporter keeps of a branch."""
    doc = _doc(project, branch)
    stored = _read(transaction, [doc])[0]
    if stored is not None:
        stored.kept[reporter] = value
        transaction.put(doc, dump(stored))


def told(transaction: Transaction, project: str, branch: str, number: int, reporter: str) -> None:
    """Record that a reporter has reported a change."""
    doc = _doc(project, branch)
    stored = _read(transaction, [doc])[0]
    if stored is not None and stored.changes and stored.changes[0].number == number and reporter not in stored.told:
        stored.told.append(reporter)
        transaction.put(doc, dump(stored))


def end(
    transaction: Transaction, project: str, branch: str, number: int, due_at: float | None, names: Collection[str]
) -> None:
    """Finish reporting a change (`None`), or make it due again; `names`: the reporters that there are."""
    doc = _doc(project, branch)
    stored = _read(transaction, [doc])[0]
    if stored is None or not stored.changes or stored.changes[0].number != number:
        return
    if due_at is None:
        del stored.changes[0]
        stored.told = []
        stored.kept = {name: value for name, value in stored.kept.items() if name in names}
    back = stored.silent_since is not None and stored.since > stored.silent_since
    again = stored.since if back and not stored.changes else stored.due
    _save(transaction, doc, stored, again if due_at is None else due_at)


def every(view: Reader) -> list[Expectation]:
    """Read all branches of which something is expected, by project and branch."""
    docs = [Doc(part, "") for part in sorted(part for _, part in view.first(EXPECTED, _EVERYTHING))]
    return [one for one in _read(view, docs) if one is not None]


def shift(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:  # noqa: ARG001 - as others
    """Expect branches as much earlier; see `set_back`."""
    docs = [Doc(part, "") for part in members]
    for doc, stored in zip(docs, _read(transaction, docs), strict=True):
        if stored is not None:
            stored.began, stored.heard = min(stored.began, now), min(stored.heard, now)
            _save(transaction, doc, stored, stored.due)
    return len(docs)


class Expectations(Room):
    """Branches of which something is expected, for the publisher."""

    heard = Reads(heard)
    follow = Writes(follow)
    is_due = Reads(is_due)
    take = Writes(take)
    keep = Writes(keep)
    told = Writes(told)
    end = Writes(end)
    every = Reads(every)
