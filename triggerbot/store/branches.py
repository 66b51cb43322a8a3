"""Branches that are reported as a whole: when the next report is due, what reporters keep, and what is silenced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from triggerbot.core.model import Branch
from triggerbot.store import actions, due
from triggerbot.store.actions import Action
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import Queue, branch_of, branch_part
from triggerbot.store.room import Reads, Room, Writes

#: The index of branches, by their last news.
_KNOWN = "branches"
#: Seconds between two looks at a branch: a busy push has news all the time.
REST = 20.0
_EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody wants no more reports of a job until its streak ends."""

    #: The revision since which it failed then.
    since: str
    by: str
    #: In seconds since the epoch.
    at: float


@dataclass(slots=True)
class _Branch:
    """A branch as it is stored."""

    due: float | None = None
    #: Counts its news: what comes while it is being reported makes it due once more.
    news: int = 0
    #: When it was last given back.
    looked: float | None = None
    #: What each reporter keeps of it, by the reporter's name.
    kept: dict[str, str] = field(default_factory=dict)
    #: By job.
    silenced: dict[str, Silence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BranchRecord:
    """What is stored of a branch."""

    branch: Branch
    #: How much news there had been when it was read.
    news: int = 0
    #: What each reporter keeps of it, by the reporter's name.
    kept: Mapping[str, str] = field(default_factory=dict)
    silenced: Mapping[str, Silence] = field(default_factory=dict)


def _doc(branch: Branch) -> Doc:
    return Doc(branch_part(branch), "")


def _load(view: Reader, doc: Doc) -> _Branch | None:
    found = view.get([doc])[0]
    return None if found is None else load(_Branch, found)


def _save(transaction: Transaction, doc: Doc, stored: _Branch) -> None:
    transaction.put(doc, dump(stored))
    transaction.rank(Queue.BRANCHES, doc.part, stored.due)


def news(transaction: Transaction, branch: Branch, now: float) -> None:
    """Make a branch due to be looked at, for something came of one of its pushes."""
    doc = _doc(branch)
    stored = _load(transaction, doc) or _Branch()
    stored.news += 1
    # A clock that was set back must not make it wait for long.
    rests = stored.looked is not None and 0 <= now - stored.looked < REST
    wanted = stored.looked + REST if rests and stored.looked is not None else now
    stored.due = wanted if stored.due is None else min(stored.due, wanted)
    _save(transaction, doc, stored)
    transaction.rank(_KNOWN, doc.part, now)


def take(transaction: Transaction, now: float, seconds: float) -> BranchRecord | None:
    """Take the branch that has been due longest, for a number of seconds."""
    part = due.first(transaction, Queue.BRANCHES, now)
    if part is None:
        return None
    doc = Doc(part, "")
    stored = _load(transaction, doc)
    if stored is None:
        transaction.rank(Queue.BRANCHES, part, None)
        return None
    stored.due = now + seconds
    _save(transaction, doc, stored)
    return _record(branch_of(part), stored)


def end(transaction: Transaction, taken: BranchRecord, due_at: float | None, now: float) -> None:
    """Give a branch back; it is due again then (`None`: with its next news), or soon, if news came meanwhile."""
    doc = _doc(taken.branch)
    stored = _load(transaction, doc)
    if stored is None:
        return
    stored.looked = now
    soon = now + REST if stored.news != taken.news else None
    stored.due = min((at for at in (due_at, soon) if at is not None), default=None)
    _save(transaction, doc, stored)


def read(view: Reader, branch: Branch) -> BranchRecord:
    """Read what is stored of a branch."""
    return _record(branch, _load(view, _doc(branch)) or _Branch())


def _record(branch: Branch, stored: _Branch) -> BranchRecord:
    return BranchRecord(branch, stored.news, stored.kept, stored.silenced)


def keep(transaction: Transaction, branch: Branch, reporter: str, text: str) -> None:
    """Store what a reporter keeps of a branch."""
    doc = _doc(branch)
    stored = _load(transaction, doc) or _Branch()
    stored.kept[reporter] = text
    _save(transaction, doc, stored)


def silence(
    transaction: Transaction, branch: Branch, job: str, wanted: Silence | None, now: float, action: Action | None = None
) -> None:
    """Silence a job of a branch, or (`None`) hear of it again; the branch is due for its reports to follow."""
    actions.add(transaction, action)
    doc = _doc(branch)
    stored = _load(transaction, doc) or _Branch()
    if stored.silenced.get(job) == wanted:
        return
    if wanted is None:
        del stored.silenced[job]
    else:
        stored.silenced[job] = wanted
    stored.news, stored.due = stored.news + 1, now
    _save(transaction, doc, stored)
    transaction.rank(_KNOWN, doc.part, now)


def settle(
    transaction: Transaction, branch: Branch, before: Mapping[str, Silence], after: Mapping[str, Silence]
) -> None:
    """Replace what was silenced by what still is, as streaks went on or ended; what changed meanwhile stays."""
    doc = _doc(branch)
    stored = _load(transaction, doc)
    if stored is None:
        return
    unchanged = {job for job, one in before.items() if stored.silenced.get(job) == one}
    silenced = {job: one for job, one in stored.silenced.items() if job not in unchanged}
    silenced |= {job: one for job, one in after.items() if job in unchanged}
    if silenced != stored.silenced:
        stored.silenced = silenced
        _save(transaction, doc, stored)


def known(view: Reader, limit: int = 1000) -> list[Branch]:
    """List the branches of which there was news, the latest first."""
    return [branch_of(part) for _, part in view.first(_KNOWN, limit, descending=True)]


def purge(transaction: Transaction, before: float) -> None:
    """Forget the branches without news since then."""
    for at, part in transaction.first(_KNOWN, _EVERYTHING, most=before):
        if at < before:
            transaction.drop(part)
            transaction.rank(_KNOWN, part, None)
            transaction.rank(Queue.BRANCHES, part, None)


def shift(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    """Make branches due earlier; see `set_back`."""
    for part in members:
        doc = Doc(part, "")
        stored = _load(transaction, doc)
        if stored is not None and stored.due is not None:
            stored.due = max(now, stored.due - by)
            _save(transaction, doc, stored)
    return len(members)


class Branches(Room):
    """Branches that are reported as a whole."""

    news = Writes(news)
    take = Writes(take)
    end = Writes(end)
    read = Reads(read)
    keep = Writes(keep)
    silence = Writes(silence)
    settle = Writes(settle)
    known = Reads(known)
