"""The life of a claim, step by step; each step is one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.model import Push
from triggerbot.core.policy.causes import Decided
from triggerbot.core.policy.circuit_breaker import BreakerKey
from triggerbot.core.policy.evidence import Weight
from triggerbot.core.policy.limits import Capped
from triggerbot.store import limits, requests, sampled
from triggerbot.store.decisions import UNDECIDED, decide, further, opened, release, spend, wake_followers
from triggerbot.store.documents import StoredClaim, StoredOperation
from triggerbot.store.engine import Reader, Transaction
from triggerbot.store.ledger import Book, Ledger
from triggerbot.store.records import NO_CAPS, NO_PASSES
from triggerbot.store.room import Reads, Room, Writes

#: As much may be asked for as is wanted.
NO_LIMITS: Mapping[int, int] = {}


def read(view: Reader, push: Push, ids: Collection[int]) -> tuple[Claim, ...]:
    """Read claims of a push by id, final or not, oldest first."""
    ledger = Book(view).ledger(push)
    return () if ledger.stored is None else ledger.values(ledger.load_claims(sorted(ids)))


def begin(
    transaction: Transaction,
    operation: Operation,
    push: Push,
    note: str,
    now: float,
    *,
    passes: Mapping[BreakerKey, int] = NO_PASSES,
    caps: Mapping[str, int | None] = NO_CAPS,
    most: Mapping[int, int] = NO_LIMITS,
) -> bool | Capped:
    """Record that a request is about to be sent, before its first byte, and count it against these caps.

    `most`: how much may have been asked for of each claim (by its id) with it, where that is less than what is wanted.
    """
    book, ledger = opened(transaction, push)
    if ledger.stored is None or limits.is_paused(transaction) or limits.is_blocked(transaction, passes):
        return False
    claims = ledger.load_claims(operation.claims)
    # A caller that looked before another process sent may want more than is left.
    owed = [
        one for one in claims
        if one.state is ClaimState.OWED and one.asked + operation.count <= min(one.wanted, most.get(one.id, one.wanted))
    ]  # fmt: skip
    if len(owed) < len(operation.claims):
        return False
    charged = limits.charge(transaction, caps, operation.count * len(claims), now)
    if isinstance(charged, Capped):
        return charged
    ledger.put_operation(StoredOperation(operation, *charged))
    for claim in claims:
        release(transaction, ledger, claim)
        claim.state, claim.note, claim.operation = ClaimState.SENDING, "", operation.id
        ledger.head.waiting.pop(claim.id, None)
        ledger.put_claim(claim)
        ledger.record("send", now, job=claim.job, run=claim.run, text=note, count=operation.count)
    book.save(transaction)
    return True


def retriggered(view: Reader, push: Push) -> tuple[Decided, ...]:
    """Read the claims of a push that were decided because of a failure, with all runs of their jobs."""
    ledger = Book(view).ledger(push)
    if ledger.stored is None:
        return ()
    claims = [one for one in ledger.all_claims() if one.cause is Cause.FAILURE and one.refusal is None]
    jobs = {one.job: ledger.job(one.job) for one in claims}
    runs = {
        key: () if job is None else tuple(run for run in job.oldest_first(key) if not run.calibrates)
        for key, job in jobs.items()
    }
    return tuple(Decided(claim, runs[claim.job]) for claim in ledger.values(claims))


def _of_operation(
    transaction: Transaction,
    operation: Operation,
    now: float,
    step: Callable[[Ledger, list[StoredClaim]], bool | None],
) -> bool:
    """Take a step with the claims whose open operation is still this one: recording an answer twice changes nothing."""
    book, ledger = opened(transaction, operation.push)
    if ledger.stored is None:
        return False
    mine = [claim for claim in ledger.load_claims(operation.claims) if claim.operation == operation.id]
    if not mine or step(ledger, mine) is False:
        return False
    for claim in mine:
        ledger.put_claim(claim)
        wake_followers(ledger, claim, now)
    book.save(transaction)
    return True


def _record_each(
    ledger: Ledger, claims: Iterable[StoredClaim], what: str, text: str, now: float, count: int = 0
) -> None:
    for claim in claims:
        ledger.record(what, now, job=claim.job, run=claim.run, text=text, count=count)


def _record_if_new(ledger: Ledger, claims: Iterable[StoredClaim], what: str, text: str, now: float) -> None:
    """Record the text for claims that do not wait for the same thing already."""
    _record_each(ledger, [claim for claim in claims if claim.note != text], what, text, now)


def resend(transaction: Transaction, operation: Operation, note: str, now: float) -> bool:
    """Record that the same operation is about to be sent again; false while paused.

    False as well if another process settled or repeated it meanwhile.
    """

    def step(ledger: Ledger, claims: list[StoredClaim]) -> bool | None:
        stored = ledger.operation(operation.id)
        if stored is None or stored.operation.sends != operation.sends:
            return False
        known = stored.operation
        stored.operation = replace(known, started=now, sends=known.sends + 1, misses=0)
        ledger.put_operation(stored)
        for claim in claims:
            claim.state, claim.note = ClaimState.SENDING, ""
        _record_each(ledger, claims, "send", note, now, operation.count)
        return None

    return not limits.is_paused(transaction) and _of_operation(transaction, operation, now, step)


def accepted(
    transaction: Transaction,
    operation: Operation,
    note: str,
    now: float,
    *,
    due: float | None = None,
    since: float | None = None,
    listed: float | None = None,
) -> None:
    """Record that the CI accepted it: its claims are done, or the rest is owed when due (`since`: see `wait`).

    `listed`: when the CI must list what came of it, by which is decided on the rest where that goes by what runs prove.
    """

    def step(ledger: Ledger, claims: list[StoredClaim]) -> None:
        for claim in claims:
            claim.asked += operation.count
            weighs = claim.most > 0 and claim.asked >= claim.wanted
            claim.operation, claim.tries, claim.note = "", 0, note
            claim.due = next((one for one in (due, listed if weighs else None) if one is not None), now)
            claim.state = ClaimState.OWED if weighs or claim.asked < claim.wanted else ClaimState.DONE
            ledger.head.waiting.pop(claim.id, None)
            _wait_for_settle(ledger, claim, operation.started if weighs else since, now)
        _record_each(ledger, claims, "accepted", note, now, operation.count)

    _of_operation(transaction, operation, now, step)


def refused(transaction: Transaction, operation: Operation, decision: Decision, now: float) -> None:
    """Record that the CI will never accept it: its claims end, and budget that bought nothing is refunded."""

    def step(ledger: Ledger, claims: list[StoredClaim]) -> None:
        _refund(transaction, ledger, operation)
        for claim in claims:
            claim.operation, claim.note = "", decision.detail
            claim.state = ClaimState.DONE if claim.asked else ClaimState.REFUSED
            if not claim.asked:
                claim.refusal = decision.refusal
                spend(ledger, claim, spent=False)
            ledger.record(
                sampled.refusal(claim), now, job=claim.job, run=claim.run, reason=decision.reason, text=decision.detail,
                origin=claim.origin,
            )  # fmt: skip

    _of_operation(transaction, operation, now, step)


def _refund(transaction: Transaction, ledger: Ledger, operation: Operation) -> None:
    stored = ledger.operation(operation.id)
    if stored is not None:
        if stored.caps:
            limits.refund(transaction, stored.caps, stored.piece, stored.count)
        stored.caps, stored.void = (), True
        ledger.put_operation(stored)


def postponed(transaction: Transaction, operation: Operation, due: float, note: str, now: float) -> None:
    """Record that the CI did not accept it now: its claims are owed again later."""

    def step(ledger: Ledger, claims: list[StoredClaim]) -> None:
        _refund(transaction, ledger, operation)
        _record_if_new(ledger, claims, "wait", note, now)
        for claim in claims:
            claim.state, claim.operation, claim.due, claim.note = ClaimState.OWED, "", due, note
            claim.tries += 1
            ledger.head.waiting.pop(claim.id, None)

    _of_operation(transaction, operation, now, step)


def doubted(
    transaction: Transaction, operation: Operation, due: float, note: str, now: float, *, missed: bool = False
) -> None:
    """Record that it is unknown whether the CI accepted it: look back when due."""

    def step(ledger: Ledger, claims: list[StoredClaim]) -> None:
        stored = ledger.operation(operation.id)
        if missed and stored is not None:
            known = stored.operation
            stored.operation = replace(known, misses=known.misses + 1)
            ledger.put_operation(stored)
        _record_if_new(ledger, claims, "doubt", note, now)
        for claim in claims:
            claim.state, claim.due, claim.note = ClaimState.UNKNOWN, due, note

    _of_operation(transaction, operation, now, step)


def _one(
    transaction: Transaction,
    claim: Claim,
    states: Iterable[ClaimState],
    now: float,
    step: Callable[[Ledger, StoredClaim], None],
) -> None:
    """Take a step with one claim, if it is in one of these states."""
    book, ledger = opened(transaction, claim.push)
    stored = None if ledger.stored is None else ledger.claim(claim.id)
    if stored is not None and stored.state in states:
        step(ledger, stored)
        ledger.put_claim(stored)
        wake_followers(ledger, stored, now)
        book.save(transaction)


_NOT_FINAL = tuple(state for state in ClaimState if not state.final)


def wait(
    transaction: Transaction,
    claim: Claim,
    due: float,
    note: str,
    now: float,
    *,
    since: float | None = None,
    lookup: bool = False,
    of: str = "",
) -> None:
    """Postpone a claim, unless it ended meanwhile.

    `since`: it waits for something of its push to settle, and is due at once if that has happened since then. `of`: the
    job whose it is, if that is another one.
    `lookup`: the CI did not know its job.
    """

    def step(ledger: Ledger, stored: StoredClaim) -> None:
        _record_if_new(ledger, [stored], "wait", note, now)
        stored.due, stored.note = due, note
        stored.lookups += lookup
        stored.tries += since is None and not lookup
        ledger.head.waiting.pop(stored.id, None)
        _wait_for_settle(ledger, stored, since, now, of)

    _one(transaction, claim, _NOT_FINAL, now, step)


def _wait_for_settle(ledger: Ledger, claim: StoredClaim, since: float | None, now: float, of: str = "") -> None:
    """Make a claim wait for something of its push to settle; if that has happened since, it is due now.

    By a clock that is ahead, it may have settled later than now: then it is due at that time by our clock.
    """
    if since is None:
        return
    settled = ledger.head.settled
    if not since < settled <= now and not claim.state.final:
        ledger.head.waiting[claim.id] = of or claim.job
    if settled > since:
        claim.due = min(claim.due, max(now, settled))


def finish(transaction: Transaction, claim: Claim, note: str, now: float, *, weight: Weight | None = None) -> None:
    """End a decided claim that needs nothing more, unless a request for it is in flight.

    `weight`: what its failures are worth.
    """

    def step(ledger: Ledger, stored: StoredClaim) -> None:
        stored.state, stored.note, stored.weight = ClaimState.DONE, note, weight
        if not stored.asked:
            spend(ledger, stored, spent=False)
        release(transaction, ledger, stored)
        _record_each(ledger, [stored], "ended", note, now)

    _one(transaction, claim, UNDECIDED, now, step)


def hold(transaction: Transaction, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
    """Hold a claim behind a breaker or cap (its key) until released, at the latest until a time."""

    def step(ledger: Ledger, stored: StoredClaim) -> None:
        _record_if_new(ledger, [stored], "wait", note, now)
        release(transaction, ledger, stored)
        stored.due, stored.note, stored.behind = until, note, behind
        ledger.head.waiting.pop(stored.id, None)
        limits.hold(transaction, behind, ledger.part, stored)

    _one(transaction, claim, UNDECIDED, now, step)


class Claims(Room):
    """The life of a claim."""

    read = Reads(read)
    retriggered = Reads(retriggered)
    ask = Writes(requests.ask)
    ask_within = Writes(requests.ask_within)
    decide = Writes(decide)
    begin = Writes(begin)
    resend = Writes(resend)
    accepted = Writes(accepted)
    refused = Writes(refused)
    postponed = Writes(postponed)
    doubted = Writes(doubted)
    wait = Writes(wait)
    further = Writes(further)
    finish = Writes(finish)
    hold = Writes(hold)
