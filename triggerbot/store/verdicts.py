"""Judging and reporting: which push is due, its last verdict, failure records and metadata."""

from collections.abc import Iterator, Sequence

from triggerbot.core import identity
from triggerbot.core.model import PROVING, Push, State
from triggerbot.store.documents import StoredJob, StoredPush, dump, encode, load, load_jobs, unpack
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import (
    FAILURES,
    JOBS,
    JUDGED,
    METADATA,
    PACK,
    PUSH,
    RECENT,
    REPORTS,
    apart,
    join,
    part_of,
    push_of,
    within,
)
from triggerbot.store.records import FAILURE_RECORDS_MAX, FailureRecord, Ran, Summary

View = Reader | Transaction
#: The number of newest pushes of a project at which runs are counted, and of those whose jobs are read at once.
_RAN_AT, _READ_AT_ONCE = 2000, 100


def take(transaction: Transaction, now: float, seconds: float) -> Push | None:
    """Take the push that has been due longest; one whose lease has expired is due since then."""
    for _, part in transaction.first(REPORTS, 1, most=now):
        book = Book(transaction)
        ledger = book.ledger(push_of(part))
        if ledger.stored is None:
            transaction.rank(REPORTS, part, None)
            return None
        ledger.head.report_due, ledger.head.report_lease = None, now + seconds
        book.save(transaction)
        return ledger.push
    return None


def end(transaction: Transaction, push: Push, due: float | None) -> None:
    """Give a push back; it is due again then (`None`: never), or earlier if it has changed."""
    book = Book(transaction)
    head = book.ledger(push).stored
    if head is not None:
        head.report_lease = None
        head.report_due = min((at for at in (head.report_due, due) if at is not None), default=None)
        book.save(transaction)


def soon(transaction: Transaction, push: Push, now: float) -> None:
    """Make a push due, as a change of it does."""
    book = Book(transaction)
    ledger = book.ledger(push)
    if ledger.stored is not None:
        ledger.mark(now)
        book.save(transaction)


def judged(
    transaction: Transaction,
    summary: Summary,
    records: Sequence[FailureRecord],
    changes: Sequence[tuple[str, str]],
    now: float,
) -> None:
    """Record the verdict on a push, unless it was deleted."""
    book = Book(transaction)
    ledger = book.ledger(summary.push)
    head = ledger.stored
    if head is None:
        return
    head.health, head.sentence, head.counts, head.judged = summary.health, summary.sentence, dict(summary.counts), now
    transaction.rank(JUDGED, ledger.part, now)
    named = [one.job for one in records] + [job for job, _ in changes]
    book.load([summary.push], [(summary.push, identity.base(job)) for job in named])
    index = join(FAILURES, summary.push.project)
    for one in records:
        if ledger.job(one.job) is not None:
            transaction.put(Doc(ledger.part, FAILURES, one.job), dump(one))
            transaction.rank(index, within(ledger.part, one.job), one.at)
    for job, text in changes:
        if ledger.job(job) is not None:
            ledger.add_verdict(now, job, text)
    if records:
        _bound(transaction, index)
    book.save(transaction)


def _bound(transaction: Transaction, index: str) -> None:
    """Delete the oldest failure records beyond those that are stored."""
    over = transaction.size(index) - FAILURE_RECORDS_MAX
    for _, member in transaction.first(index, over) if over > 0 else ():
        part, job = apart(member)
        transaction.put(Doc(part, FAILURES, job), None)
        transaction.rank(index, member, None)


def failure_records(view: View, project: str) -> list[FailureRecord]:
    """Read the newest failure records of a project, newest first."""
    index = join(FAILURES, project)
    members = [member for _, member in view.first(index, FAILURE_RECORDS_MAX, descending=True)]
    docs = [Doc(part, FAILURES, job) for part, job in map(apart, members)]
    found = [load(FailureRecord, data) for data in view.get(docs) if data is not None]
    return [
        FailureRecord(one.push, identity.base(one.job), one.at, one.failed, one.passed, one.shapes, one.passing)
        for one in found
    ]


def ran(view: View, project: str, jobs: Sequence[str], since: float) -> Ran:
    """Count, by job, the newest pushes of a project at which a run of the job passed or failed."""
    newest = view.first(join(RECENT, project.lower()), _RAN_AT + 1, least=since, descending=True)
    if len(newest) > _RAN_AT:
        newest = newest[:_RAN_AT]
        since = max(since, newest[-1][0])
    parts = [part for _, part in newest if push_of(part).project == project]
    counted = dict.fromkeys(jobs, 0)
    if jobs:
        for documents in _packed(view, parts):
            for job in jobs:
                counted[job] += job in documents and _ran(documents[job])
    for job in jobs:
        found = view.get([Doc(part, JOBS, job) for part in parts])
        counted[job] += sum(data is not None and _ran(data) for data in found)
    return Ran(counted, since)


def _packed(view: View, parts: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """Yield the jobs of the pushes that are packed."""
    for start in range(0, len(parts), _READ_AT_ONCE):
        for data in view.get([Doc(part, PACK) for part in parts[start : start + _READ_AT_ONCE]]):
            if data is not None:
                yield unpack(data)


def _ran(data: bytes) -> bool:
    return any(_proves(job) for job in load_jobs(data).values())


def _proves(job: StoredJob) -> bool:
    return any(run["state"] == State.FINISHED and run.get("result") in PROVING for run in job.runs)


def metadata(view: View, push: Push) -> dict[str, str]:
    """Read the metadata of a push."""
    return {name: load(str, data) for name, data in view.all(part_of(push), METADATA).items()}


def set_metadata(transaction: Transaction, push: Push, name: str, value: str) -> None:
    """Set one entry of a push's metadata, unless the push was deleted."""
    part = part_of(push)
    if transaction.get([Doc(part, PUSH)])[0] is not None:
        transaction.put(Doc(part, METADATA, name), encode(value))


def headers(view: View, parts: Sequence[str]) -> list[StoredPush]:
    """Read the documents of pushes, by their parts."""
    found = view.get([Doc(part, PUSH) for part in parts])
    return [load(StoredPush, data) for data in found if data is not None]
