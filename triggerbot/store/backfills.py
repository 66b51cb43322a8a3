"""Backfills: searches for the push of a branch that broke a job, from when they begin until long after they end.

A search remembers at which pushes it had the job run, each by a claim of that push. Both are written at once, so that
no crash makes it run a push twice.
"""

import math
import uuid
from collections.abc import Iterable, Sequence

import msgspec

from triggerbot.core import identity
from triggerbot.core.branch.backfill import Conclusion
from triggerbot.core.claim import ASKED_BACKFILL, BACKFILL
from triggerbot.core.model import NO_RUN, Kind, Push, Run
from triggerbot.store import due, observe, rows
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import Queue, join
from triggerbot.store.room import Reads, Room, Writes

#: The indexes of searches that have ended, by when, and of those of a branch and of a job there, by their beginning.
_ENDED, _OF_BRANCH, _OF_JOB = "backfills ended", "backfills of", "backfills of job"
#: Searches of a branch that are listed.
_LISTED_MAX = 50
#: Searches that one purge deletes.
_PURGED_MAX = 500


class BackfillSearch(msgspec.Struct, omit_defaults=True):
    """A search for the push that broke a job."""

    id: str
    system: str
    project: str
    branch: str
    #: The name of the job, the same at every push.
    job: str
    #: The revisions where it begins: the last at which the job passed (empty: none is known), and the first that fails.
    good: str
    bad: str
    since: float
    #: At how many pushes it may have the job run, and at how many it has: their revisions, with their claims.
    most: int
    asked: dict[str, int] = {}
    #: Who asked for it; empty: triggerbot itself, by the rule.
    by: str = ""
    dry: bool = False
    due: float | None = None
    #: In words, what it waits for.
    note: str = ""
    conclusion: Conclusion | None = None
    ended: float = 0.0
    #: The author of the push that the conclusion names.
    author: str = ""

    @property
    def is_open(self) -> bool:
        """Return whether it goes on."""
        return self.conclusion is None

    @property
    def origin(self) -> str:
        """The origin of its claims."""
        return f"{ASKED_BACKFILL if self.by else BACKFILL}{self.id}"

    def concerns(self, revision: str) -> bool:
        """Return whether it begins or ends with a push, or has the job run there."""
        named = self.conclusion is not None and revision in (self.conclusion.first, self.conclusion.last)
        return named or revision in (self.bad, self.good) or revision in self.asked

    def push(self, revision: str) -> Push:
        """Return a push of its branch."""
        return Push(self.system, self.project, self.branch, revision)

    @property
    def words(self) -> str:
        """Say in one sentence how it stands."""
        if self.conclusion is not None:
            return self.conclusion.words(self.author)
        return self.note or "begins"


def _doc(number: str) -> Doc:
    return Doc(join("backfill", number), "")


def _branch_index(system: str, project: str, branch: str) -> str:
    return join(_OF_BRANCH, system, project, branch)


def _job_index(one: BackfillSearch) -> str:
    return join(_OF_JOB, one.system, one.project, one.branch, one.job)


def _load(view: Reader, parts: Sequence[str]) -> list[BackfillSearch]:
    found = view.get([Doc(part, "") for part in parts]) if parts else ()
    return [load(BackfillSearch, data) for data in found if data is not None]


def begin(
    transaction: Transaction, place: tuple[str, str, str], job: str, good: str, bad: str, now: float, *, most: int,
    by: str = "", dry: bool = False,
) -> tuple[BackfillSearch, bool]:  # fmt: skip
    """Begin a search; return it, and whether it is new: of a job of a branch one goes on at a time.

    `place`: system, project and branch.
    """
    one = BackfillSearch(uuid.uuid4().hex, *place, job, good, bad, now, most, {}, by, dry, now)
    newest = next(iter(_load(transaction, [part for _, part in _newest(transaction, one)])), None)
    if newest is not None and newest.is_open:
        return newest, False
    doc = _doc(one.id)
    transaction.put(doc, dump(one))
    transaction.rank(Queue.BACKFILLS, doc.part, now)
    transaction.rank(_branch_index(*place), doc.part, now)
    transaction.rank(_job_index(one), doc.part, now)
    return one, True


def _newest(view: Reader, one: BackfillSearch) -> list[tuple[float, str]]:
    return view.first(_job_index(one), 1, descending=True)


def latest(view: Reader, place: tuple[str, str, str], job: str) -> BackfillSearch | None:
    """Return the latest search for who broke a job of a branch."""
    found = view.first(join(_OF_JOB, *place, job), 1, descending=True)
    return next(iter(_load(view, [part for _, part in found])), None)


def of_branch(view: Reader, place: tuple[str, str, str]) -> tuple[BackfillSearch, ...]:
    """Return the latest searches of a branch, the newest first."""
    found = view.first(_branch_index(*place), _LISTED_MAX, descending=True)
    return tuple(_load(view, [part for _, part in found]))


def take(transaction: Transaction, now: float, seconds: float) -> BackfillSearch | None:
    """Take the search that has been due longest, if any; it is due again after some seconds."""
    part = due.first(transaction, Queue.BACKFILLS, now)
    if part is None:
        return None
    found = next(iter(_load(transaction, [part])), None)
    if found is None or not found.is_open:
        transaction.rank(Queue.BACKFILLS, part, None)
        return None
    found.due = now + seconds
    _put(transaction, found)
    return found


def _put(transaction: Transaction, one: BackfillSearch) -> None:
    doc = _doc(one.id)
    transaction.put(doc, dump(one))
    transaction.rank(Queue.BACKFILLS, doc.part, one.due)


def _open(transaction: Transaction, number: str) -> BackfillSearch | None:
    found = next(iter(_load(transaction, [_doc(number).part])), None)
    return found if found is not None and found.is_open else None


def run_at(
    transaction: Transaction, number: str, revisions: Sequence[str], note: str, now: float, due_at: float
) -> tuple[str, ...]:
    """Claim one run of the job at these pushes, and record that in the search; return where that is new.

    Where it has run without proving anything, that run is run again, or else the workflow that ended before it could
    begin; else it is to run there for the first time.
    """
    one = _open(transaction, number)
    if one is None:
        return ()
    wanted = [revision for revision in revisions if revision not in one.asked][: max(0, one.most - len(one.asked))]
    pushes = {revision: one.push(revision) for revision in wanted}
    book = Book(transaction)
    book.load(pushes.values(), {push: [one.job] for push in pushes.values()})
    for revision, push in pushes.items():
        ledger = book.ledger(push)
        if ledger.stored is None:
            continue
        newest = _newest_run(ledger, ledger.family(one.job)) or _newest_run(ledger, _workflows(ledger, one.job))
        key, run = (one.job, NO_RUN) if newest is None else (newest.job, newest.key)
        one.asked[revision] = observe.make_claim(ledger, key, run, one.origin, one.dry, now, wanted=1).id
    one.note, one.due = note, due_at
    _put(transaction, one)
    book.save(transaction)
    return tuple(revision for revision in wanted if revision in one.asked)


def _newest_run(ledger: Ledger, jobs: Iterable[str]) -> Run | None:
    """Return the newest run of jobs, by their keys."""
    found = (job.oldest_first(key)[-1] for key in jobs if (job := ledger.job(key)) is not None and job.runs)
    return max(found, key=lambda run: (run.time or 0.0, run.job), default=None)


def _workflows(ledger: Ledger, job: str) -> list[str]:
    """Return the workflows, entries of their own, that a job is of: they ended before it could begin."""
    return [
        key for key, one in ledger.jobs().items() if identity.is_of_workflow(job, identity.base(key))
        and any(run.kind is Kind.WORKFLOW for run in one.all_runs(key))
    ]  # fmt: skip


def wait(transaction: Transaction, number: str, note: str, due_at: float) -> None:
    """Have a search looked at again later."""
    one = _open(transaction, number)
    if one is not None:
        one.note, one.due = note, due_at
        _put(transaction, one)


def conclude(transaction: Transaction, number: str, conclusion: Conclusion, author: str | None, now: float) -> bool:
    """End a search, and tell that in the story of the job at the push that it is about; false if it has ended."""
    one = _open(transaction, number)
    if one is None:
        return False
    one.conclusion, one.author, one.ended, one.due = conclusion, author or "", now, None
    _put(transaction, one)
    transaction.rank(_ENDED, _doc(number).part, now)
    book = Book(transaction)
    for revision in dict.fromkeys((one.bad, conclusion.last)):
        ledger = book.ledger(one.push(revision))
        if revision and ledger.stored is not None:
            jobs = ledger.family(one.job)
            ledger.record("note", now, job=max(jobs) if jobs else one.job, text=f"who broke it: {one.words}")
    book.save(transaction)
    return True


def shift(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    """Make searches due earlier; see `set_back`."""
    for one in _load(transaction, members):
        if one.due is not None:
            one.due, one.since = max(now, one.due - by), min(one.since, now)
            _put(transaction, one)
    return len(members)


def purge(transaction: Transaction, before: float) -> None:
    """Delete searches that ended before that."""
    old = transaction.first(_ENDED, _PURGED_MAX, most=math.nextafter(before, -math.inf))
    for one in _load(transaction, [part for _, part in old]):
        part = _doc(one.id).part
        transaction.rank(_branch_index(one.system, one.project, one.branch), part, None)
        transaction.rank(_job_index(one), part, None)
    for _, part in old:
        transaction.drop(part)
        transaction.rank(_ENDED, part, None)


class Backfills(Room):
    """Searches for who broke a job."""

    begin = Writes(begin)
    take = Writes(take)
    run_at = Writes(run_at)
    wait = Writes(wait)
    conclude = Writes(conclude)
    latest = Reads(latest)
    of_branch = Reads(of_branch)
    #: The row that they go by.
    row = Reads(rows.of_job)
