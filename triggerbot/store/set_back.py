"""After a clock was set back: what waits is due as much earlier, or it would stand still for as long."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from triggerbot.store import backfills, branches, commands, expectations, leads, limits
from triggerbot.store.engine import Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.names import Queue, push_of

#: Members of an index that are looked at, and that one transaction changes.
_EVERYTHING, _AT_ONCE = 1_000_000, 20


def shift(run: Callable[[Callable[[Transaction], int]], int], by: float, now: float) -> int:
    """Make everything that is due later than now due earlier by some seconds, now at the earliest; return how much.

    Some at a time; nothing is due earlier than now, so what is shifted twice after a crash is due now.
    """
    steps: list[Callable[[Transaction], int]] = []
    for indexes, change in (
        # A push is in both, and is shifted once.
        ((Queue.PUSHES, Queue.REPORTS), _pushes),
        ((Queue.LEADS,), leads.shift),
        ((Queue.COMMANDS,), commands.shift),
        ((Queue.BACKFILLS,), backfills.shift),
        ((Queue.BRANCHES,), branches.shift),
        ((Queue.EXPECTATIONS,), expectations.shift),
    ):
        members = _late(run, indexes, now)
        pieces = [members[at : at + _AT_ONCE] for at in range(0, len(members), _AT_ONCE)]
        steps += [partial(change, members=piece, by=by, now=now) for piece in pieces]
    steps.append(partial(limits.shift, by=by, now=now))
    return sum(map(run, steps))


def _late(run: Callable[[Callable[[Transaction], int]], int], indexes: Sequence[str], now: float) -> list[str]:
    found: set[str] = set()

    def look(transaction: Transaction) -> int:
        for index in indexes:
            found.update(member for due, member in transaction.first(index, _EVERYTHING, least=now) if due > now)
        return 0

    run(look)
    return sorted(found)


def _pushes(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    book = Book(transaction)
    book.load(map(push_of, members))
    changed = sum(_push(book.ledger(push_of(part)), by, now) for part in members)
    book.save(transaction)
    return changed


def _push(ledger: Ledger, by: float, now: float) -> bool:
    if ledger.stored is None:
        return False
    head = ledger.head
    late = [number for number, due in head.open.items() if due > now]
    for claim in ledger.load_claims(late):
        claim.due, claim.created = earlier(claim.due, by, now), earlier(claim.created, by, now)
        ledger.put_claim(claim)
        sent = ledger.operation(claim.operation) if claim.operation else None
        if sent is not None and sent.operation.started > now:
            # By the clock of the CI, too, it was sent as much earlier: its runs are looked for since then.
            sent.operation = replace(sent.operation, started=sent.operation.started - by)
            ledger.put_operation(sent)
    head.settled = min(head.settled, now)
    for name in ("facts_due", "report_due", "report_lease"):
        due = getattr(head, name)
        if due is not None:
            setattr(head, name, earlier(due, by, now))
    return True


def earlier(due: float, by: float, now: float) -> float:
    """Return a due time after the clock was set back."""
    return max(now, due - by) if due > now else due
