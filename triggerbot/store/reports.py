"""Judging and reporting: which push is due, its last verdict, and failure records."""

from collections.abc import Collection, Sequence

from triggerbot.core import identity
from triggerbot.core.branch.cells import Shown
from triggerbot.core.model import Push
from triggerbot.store import bases, due, failures, grid, order, ran
from triggerbot.store.documents import StoredPush, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import JUDGED, PUSH, Queue, push_of
from triggerbot.store.records import FailureRecord, Summary
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
    *,
    unsettled: Collection[str] = (),
    outage: bool = False,
    shown: Sequence[Shown] = (),
) -> None:
    """Record the verdict on a push: its summary, its failure records, and the changes for its timeline.

    `unsettled`: the jobs whose intermittent failure is not known from other pushes: what those prove later makes the
    push due again. `outage`: the push was part of one, so its runs count for nothing. `shown`: its jobs, as they are
    shown along its branch.
    """
    book = Book(transaction)
    ledger = book.ledger(summary.push)
    head = ledger.stored
    if head is None:
        return
    if changes or head.counts != dict(summary.counts):
        bases.tell(transaction, summary.push, now)
    head.health, head.sentence, head.counts, head.judged = summary.health, summary.sentence, dict(summary.counts), now
    head.to_look_at = summary.to_look_at
    transaction.rank(JUDGED, ledger.part, now)
    order.settle(transaction, book, ledger, now)
    if shown:
        grid.put(transaction, ledger.part, shown)
    named = [one.job for one in records] + [job for job, _ in changes]
    book.load([summary.push], {summary.push: {identity.base(job) for job in named}})
    ran.weigh(transaction, ledger, outage=outage)
    known = [one for one in records if ledger.job(one.job) is not None]
    told = failures.put(transaction, ledger.part, known, unsettled)
    for job, text in changes:
        if ledger.job(job) is not None:
            ledger.add_verdict(now, job, text)
    book.load(told)
    for push in told:
        if book.ledger(push).stored is not None:
            book.ledger(push).mark(now)
    book.save(transaction)


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
    failure_records = Reads(failures.newest)
    windows = Reads(failures.windows)
    ran = Reads(ran.read)
