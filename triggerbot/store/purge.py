"""Deleting what is older than the retention, and packing what has been quiet for long."""

from collections.abc import Callable

from triggerbot.core.model import Push
from triggerbot.store import (
    actions,
    backfills,
    branches,
    commands,
    failures,
    heads,
    leads,
    limits,
    ran,
    sessions,
    statistics,
)
from triggerbot.store.engine import Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import (
    JUDGED,
    PROJECTS,
    RECENT,
    REVISIONS,
    UNPACKED,
    Queue,
    based_index,
    branch_index,
    held_index,
    join,
    push_of,
    revision_member,
    within,
)
from triggerbot.store.records import DELIVERY_KEPT

#: Pushes that one transaction deletes, or packs, so that it never holds others up for long.
_PURGED, _PACKED = 2, 2
_EVERYTHING = 1_000_000


def purge(run: Callable[[Callable[[Transaction], int]], int], before: float, quiet: float) -> int:
    """Delete pushes without events since then, and whatever else is old; returns how many pushes.

    `quiet`: pushes without events since then are packed.
    """
    statistics.count(run)
    run(lambda transaction: _purge_others(transaction, before))
    while run(lambda transaction: leads.purge(transaction, before, _PURGED)) == _PURGED:
        pass
    deleted = 0
    while (some := run(lambda transaction: _purge_pushes(transaction, before))) > 0:
        deleted += some
    while run(lambda transaction: _pack_pushes(transaction, quiet)) == _PACKED:
        pass
    return deleted


def _pack_pushes(transaction: Transaction, quiet: float) -> int:
    parts = [part for _, part in transaction.first(UNPACKED, _PACKED, most=quiet)]
    book = Book(transaction)
    book.load(map(push_of, parts))
    for part in parts:
        ledger = book.ledger(push_of(part))
        transaction.rank(UNPACKED, part, None)
        if ledger.stored is not None and not ledger.stored.packed:
            ledger.pack(transaction)
    return len(parts)


def _purge_others(transaction: Transaction, before: float) -> int:
    limits.purge_breakers(transaction, before)
    limits.purge_sent(transaction, before)
    heads.purge(transaction, before)
    sessions.purge(transaction, before)
    statistics.purge(transaction, before)
    ran.purge(transaction, [project for _, project in transaction.first(PROJECTS, _EVERYTHING)], before)
    backfills.purge(transaction, before)
    branches.purge(transaction, before)
    actions.purge(transaction, before)
    commands.purge(transaction, before - DELIVERY_KEPT, _EVERYTHING)
    return 0


def _delete(transaction: Transaction, ledger: Ledger) -> None:
    """Delete a push, with everything that belongs to it."""
    push, part = ledger.push, ledger.part
    for index in (RECENT, join(RECENT, push.project.lower()), Queue.PUSHES, Queue.REPORTS, JUDGED, UNPACKED):
        transaction.rank(index, part, None)
    transaction.rank(branch_index(push), part, None)
    transaction.rank(REVISIONS, revision_member(push), None)
    for revision in ledger.head.bases:
        transaction.rank(based_index(push, revision), part, None)
    failures.forget(transaction, push, part)
    ran.forget(transaction, ledger)
    for claim in ledger.load_claims(list(ledger.head.open)):
        if claim.behind:
            transaction.rank(held_index(claim.behind), within(part, str(claim.id)), None)
    transaction.drop(part)


def _purge_pushes(transaction: Transaction, before: float) -> int:
    # More than are deleted, for those that are still due stay, and are the first each time.
    found = transaction.first(RECENT, 500, most=before)
    book, gone = Book(transaction), list[Push]()
    pushes = [push_of(part) for at, part in found if at < before]
    for number, push in enumerate(pushes):
        if number % _PURGED == 0:
            book.load(pushes[number : number + _PURGED])
        ledger = book.ledger(push)
        if ledger.stored is None or ledger.stored.due is not None:
            continue
        statistics.forget(transaction, ledger)
        _delete(transaction, ledger)
        gone.append(push)
        if len(gone) >= _PURGED:
            break
    for project in {push.project for push in gone}:
        if not transaction.first(join(RECENT, project.lower()), 1):
            transaction.rank(PROJECTS, project, None)
    return len(gone)
