"""Taking over what an earlier version stored: the values that its tables or keys were read into become documents.

What is written twice is the same, except for a push: its timeline would be there twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from triggerbot.core import identity
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import CommentCommand
from triggerbot.core.policy.circuit_breaker import Breaker, Canary
from triggerbot.core.policy.limits import PIECES
from triggerbot.core.policy.slots import SlotQueue
from triggerbot.store import commands, failures, leads, letters, limits, observe
from triggerbot.store.documents import (
    StoredClaim,
    StoredEntry,
    StoredJob,
    StoredOperation,
    StoredPush,
    dump,
    encode,
)
from triggerbot.store.engine import Doc, Transaction
from triggerbot.store.ledger import Ledger
from triggerbot.store.names import JUDGED, METADATA
from triggerbot.store.records import FailureRecord, Leads, Pause
from triggerbot.store.troubles import Crash, DeadLetter

#: The states in which a claim can be held behind a breaker or cap.
_UNDECIDED = (ClaimState.OPEN, ClaimState.OWED)


@dataclass(slots=True)
class OlderPush:
    """A push of an earlier version; its claims have the ids that they had there, among those of all pushes."""

    head: StoredPush
    #: By their keys, in the order in which they came.
    jobs: dict[str, StoredJob] = field(default_factory=dict)
    claims: list[StoredClaim] = field(default_factory=list)
    #: The claims that wait for something to settle.
    waiting: set[int] = field(default_factory=set)
    operations: list[StoredOperation] = field(default_factory=list)
    timeline: list[StoredEntry] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    failures: list[FailureRecord] = field(default_factory=list)


@dataclass(slots=True)
class OlderRest:
    """What an earlier version stored once: all of it is small."""

    pause: Pause | None = None
    #: With when each changed last.
    breakers: list[tuple[Breaker, float]] = field(default_factory=list)
    #: What counts against caps, by their names and by pieces of time.
    sent: limits.Sent = field(default_factory=dict)
    slots: dict[str, SlotQueue] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    #: Oldest first.
    crashes: list[Crash] = field(default_factory=list)
    #: The number of the last dead letter ever.
    last_letter: int = 0


@dataclass(slots=True)
class OlderLeads:
    """A group of leads of an earlier version, and when it is due."""

    leads: Leads
    due: float


@dataclass(slots=True)
class OlderDelivery:
    """A webhook that an earlier version stored, and when it came."""

    name: str
    at: float


@dataclass(slots=True)
class OlderCommand:
    """A comment command of an earlier version; settled, it has no content."""

    system: str
    id: str
    since: float
    command: CommentCommand | None = None
    due: float | None = None
    tries: int = 0


Older = OlderPush | OlderRest | OlderLeads | OlderDelivery | OlderCommand | DeadLetter


def numbers(ids: Iterable[int]) -> dict[int, int]:
    """Return the numbers that the claims of a push get, by their old ids."""
    return {old: number for number, old in enumerate(sorted(ids), 1)}


def with_canary(breaker: Breaker, ids: Iterable[int]) -> Breaker:
    """Return a breaker whose canary has the number that its claim gets; `ids`: those of the claims of its push.

    A canary whose claim is gone stays one, until it is given up as lost.
    """
    canary = breaker.canary
    if canary is None:
        return breaker
    number = numbers(ids).get(canary.claim, 0)
    return replace(breaker, canary=Canary(canary.push, canary.job, number, canary.at, canary.asked))


def write(transaction: Transaction, values: Iterable[Older]) -> None:
    """Write what was read."""
    for one in values:
        match one:
            case OlderPush():
                _write_push(transaction, one)
            case OlderRest():
                _write_rest(transaction, one)
            case OlderLeads():
                leads.restore(transaction, one.leads, one.due)
            case OlderDelivery():
                observe.restore_delivery(transaction, one.name, one.at)
            case OlderCommand():
                place = one.system, one.id
                commands.restore(transaction, place, one.command, one.since, one.due, one.tries)
            case DeadLetter():
                letters.restore_letter(transaction, one)


def _write_push(transaction: Transaction, older: OlderPush) -> None:
    """Write a push, with everything that belongs to it."""
    head = older.head
    head.by_branch = True
    ledger = Ledger(transaction, head.push)
    ledger.stored = head
    for key, job in older.jobs.items():
        # Nothing of it is there yet, so nothing has to be read.
        ledger.fill([identity.base(key)], [None])
        job.claims = {}
    for key, job in older.jobs.items():
        # Before it is there: what had run before a change is counted already.
        ledger.change_job(key)
        ledger.family(identity.base(key))[key] = job
    head.jobs = len(older.jobs)
    _write_claims(transaction, ledger, older)
    for entry in older.timeline:
        transaction.append(ledger.part, dump(entry))
    ledger.save(transaction)
    if head.judged:
        transaction.rank(JUDGED, ledger.part, head.judged)
    for name, value in older.metadata.items():
        transaction.put(Doc(ledger.part, METADATA, name), encode(value))
    for record in older.failures:
        failures.restore(transaction, ledger.part, record)


def _write_claims(transaction: Transaction, ledger: Ledger, older: OlderPush) -> None:
    head, number_of = ledger.head, numbers(claim.id for claim in older.claims)
    head.claims = len(number_of)
    for claim in sorted(older.claims, key=lambda claim: claim.id):
        job = older.jobs.get(claim.job)
        if job is None or job.place(claim.run) is None:
            # Its job expired in a Redis: nobody could read it there either.
            continue
        waits = claim.id in older.waiting and not claim.state.final
        claim.id = number_of[claim.id]
        job.claims[claim.origin] = claim.id
        if claim.spent and claim.dry:
            head.spent_dry, head.causes_dry = head.spent_dry + 1, head.causes_dry + 1
        elif claim.spent:
            head.spent, head.causes = head.spent + 1, head.causes + 1
        if claim.state not in _UNDECIDED:
            claim.behind = ""
        if claim.behind:
            limits.hold(transaction, claim.behind, ledger.part, claim)
        ledger.put_claim(claim)
        if waits:
            head.waiting[claim.id] = claim.job
    for stored in older.operations:
        own = tuple(number_of[one] for one in stored.operation.claims if one in number_of)
        stored.operation = replace(stored.operation, claims=own)
        ledger.put_operation(stored)


def _write_rest(transaction: Transaction, rest: OlderRest) -> None:
    limits.pause(transaction, rest.pause)
    for breaker, changed in rest.breakers:
        limits.restore_breaker(transaction, breaker, changed)
    limits.restore_sent(transaction, {name: _last_hours(pieces) for name, pieces in rest.sent.items()})
    for name, queue in rest.slots.items():
        limits.restore_slots(transaction, name, queue)
    for name, value in rest.cursors.items():
        observe.put_cursor(transaction, name, value)
    letters.restore_crashes(transaction, rest.crashes)
    letters.restore_last_letter(transaction, rest.last_letter)


def _last_hours(pieces: dict[int, int]) -> dict[int, int]:
    """Leave out what no cap counts any more: a file may have kept it for months."""
    newest = max(pieces, default=0)
    return {piece: count for piece, count in pieces.items() if piece > newest - 2 * PIECES}
