"""Judging and reporting: which push is due, its last verdict, and failure records."""

from collections.abc import Sequence
from dataclasses import replace

from triggerbot.core import identity
from triggerbot.core.model import Push
from triggerbot.store import bases, due, ran
from triggerbot.store.documents import StoredPush, dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import FAILURES, JUDGED, PUSH, Queue, apart, join, push_of, within
from triggerbot.store.records import FAILURE_RECORDS_MAX, FailureRecord, Summary
from triggerbot.store.room import Reads, Room, Writes


def take(transaction: Transaction, now: float, seconds: float) -> Push | None:
    """Take the push that has been due longest to be judged and reported, for a number of seconds.

    One that was taken and not given back in time is due since then.
    """
    part = due.first(transaction, Queue.REPORTS, now)
    if part is None:
        return None
    book = Book(transaction)
    ledger = book.ledger(push_of(part))
    if ledger.stored is None:
        transaction.rank(Queue.REPORTS, part, None)
        return None
    ledger.head.report_due, ledger.head.report_lease = None, now + seconds
    book.save(transaction)
    return ledger.push


def end(transaction: Transaction, push: Push, due_at: float | None) -> None:
    """Give a push back; it is due again then (`None`: never), or with its next change, if that comes earlier."""
    book = Book(transaction)
    head = book.ledger(push).stored
    if head is not None:
        head.report_lease = None
        head.report_due = min((at for at in (head.report_due, due_at) if at is not None), default=None)
        book.save(transaction)


def soon(transaction: Transaction, push: Push, now: float) -> None:
    """Make a push due to be judged and reported, as a change of it does."""
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
    """Record the verdict on a push: its summary, its failure records, and the changes for its timeline."""
    book = Book(transaction)
    ledger = book.ledger(summary.push)
    head = ledger.stored
    if head is None:
        return
    if changes or head.counts != dict(summary.counts):
        bases.tell(transaction, summary.push, now)
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


def failure_records(view: Reader, project: str) -> list[FailureRecord]:
    """Read the newest failure records of a project, newest first."""
    index = join(FAILURES, project)
    members = [member for _, member in view.first(index, FAILURE_RECORDS_MAX, descending=True)]
    docs = [Doc(part, FAILURES, job) for part, job in map(apart, members)]
    found = [load(FailureRecord, data) for data in view.get(docs) if data is not None]
    return [replace(one, job=identity.base(one.job)) if identity.is_per_batch(one.job) else one for one in found]


def headers(view: Reader, parts: Sequence[str]) -> list[StoredPush]:
    """Read the documents of pushes, by their parts."""
    found = view.get([Doc(part, PUSH) for part in parts])
    return [load(StoredPush, data) for data in found if data is not None]


class Reports(Room):
    """Judging and reporting."""

    take = Writes(take)
    end = Writes(end)
    soon = Writes(soon)
    judged = Writes(judged)
    failure_records = Reads(failure_records)
    ran = Reads(ran.read)
