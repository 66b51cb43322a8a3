"""The life of a claim in the tables in memory, verb by verb."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from tests.fakes.memory_store.tables import ClaimRow, PushRow, Tables
from triggerbot.core import proof
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.core.policy import limits as capping
from triggerbot.core.policy import rules
from triggerbot.core.policy.circuit_breaker import BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
from triggerbot.store import NO_CAPS, NO_PASSES, TimelineEntry

UNDECIDED = (ClaimState.OPEN, ClaimState.OWED)


class Claiming:
    """The part of the store that changes claims."""

    def __init__(self, tables: Tables | None = None) -> None:
        self._tables = tables or Tables()
        self._closed = False

    def _open(self) -> Tables:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return self._tables

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget."""
        with self._open() as tables:
            row = tables.claim(claim.push, claim.id)
            if row is None or row.state not in UNDECIDED or row.state is not claim.state:
                return None
            if decision is None:
                row.push.mark(now)
                del row.job.claims[row.origin]
                return None
            decision = rules.with_runs(decision, proof.count(row.job.runs.values(), decision.proving))
            spent, total = row.push.spent(dry=row.dry), len(row.push.jobs)
            decision = rules.within_budget(decision, budget, spent, total, dry=row.dry)
            row.due, row.note, row.tries = now, decision.detail, 0
            if decision.cause is None and row.asked:
                row.state = ClaimState.DONE
            else:
                row.state = ClaimState.WOULD if row.dry else ClaimState.OWED
                row.state = ClaimState.REFUSED if decision.cause is None else row.state
                row.cause, row.refusal, row.wanted = decision.cause, decision.refusal, decision.count
                row.spent, row.known_runs = decision.cause is Cause.FAILURE, len(row.job.runs)
            what = "trigger" if decision.cause is not None else "refuse"
            _tell(row, what, decision.detail, now, decision.count, reason=decision.reason, dry=row.dry)
            return decision

    def begin(
        self,
        operation: Operation,
        push: Push,
        note: str,
        now: float,
        *,
        passes: Mapping[BreakerKey, int] = NO_PASSES,
        caps: Mapping[str, int | None] = NO_CAPS,
    ) -> bool | Capped:
        """Write down that a request is about to leave."""
        with self._open() as tables:
            kept = {place: tables.breakers.get(place.key) for place in passes}
            shut = any(one is not None and one.open and one.version != passes[place] for place, one in kept.items())
            row = tables.pushes.get(push)
            if row is None or tables.pause is not None or shut:
                return False
            claims = [claim for claim in row.claims() if claim.id in operation.claims]
            fitting = [
                claim for claim in claims
                if claim.state is ClaimState.OWED and claim.asked + operation.count <= claim.wanted
            ]  # fmt: skip
            if len(fitting) < len(operation.claims):
                return False
            count, before = operation.count * len(claims), sent_within(tables, now)
            for name, limit in caps.items():
                if limit is not None and before[name] + count > limit:
                    return Capped(name, limit, before[name])
            piece = capping.piece(now)
            for name in caps:
                tables.sent[name, piece] = tables.sent.get((name, piece), 0) + count
            row.charged[operation.id] = (tuple(caps), piece, count)
            row.operations[operation.id] = operation
            for claim in claims:
                claim.state, claim.operation, claim.held, claim.behind = ClaimState.SENDING, operation.id, False, ""
                claim.note = ""
                _tell(claim, "send", note, now, operation.count)
            return True

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Write down that the same operation is about to leave once more; false while paused."""
        with self._open() as tables:
            claims = tables.of(operation)
            if tables.pause is not None or not claims:
                return False
            operations = claims[0].push.operations
            if operations[operation.id].sends != operation.sends:
                return False
            again = replace(operations[operation.id], started=now, sends=operation.sends + 1, misses=0)
            operations[operation.id] = again
            for claim in claims:
                claim.state, claim.note = ClaimState.SENDING, ""
                _tell(claim, "send", note, now, operation.count)
            return True

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """The CI took it: what remains of its claims is owed when due, or they are done."""
        with self._open() as tables:
            for claim in tables.of(operation):
                claim.asked += operation.count
                claim.state = ClaimState.DONE if claim.asked >= claim.wanted else ClaimState.OWED
                claim.operation, claim.tries, claim.note, claim.held = "", 0, note, False
                claim.due = now if due is None else due
                _hold(claim, since, now)
                _tell(claim, "accepted", note, now, operation.count)

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """The CI will never take it: its claims end; budget that bought nothing is given back."""
        with self._open() as tables:
            for claim in tables.of(operation):
                _give_back(tables, claim.push, operation)
                claim.operation, claim.note = "", decision.detail
                claim.state = ClaimState.DONE if claim.asked else ClaimState.REFUSED
                claim.refusal = claim.refusal if claim.asked else decision.refusal
                claim.spent = claim.spent and claim.asked > 0
                _tell(claim, "refuse", decision.detail, now, reason=decision.reason)

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """The CI did not take it now: its claims are owed again later."""
        with self._open() as tables:
            for claim in tables.of(operation):
                _give_back(tables, claim.push, operation)
                tell_if_new(claim, note, now)
                claim.state, claim.operation, claim.held = ClaimState.OWED, "", False
                claim.tries, claim.due, claim.note = claim.tries + 1, due, note

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Nobody knows whether the CI took it: look again when due."""
        with self._open() as tables:
            claims = tables.of(operation)
            if missed and claims:
                operations = claims[0].push.operations
                known = operations[operation.id]
                operations[operation.id] = replace(known, misses=known.misses + 1)
            for claim in claims:
                tell_if_new(claim, note, now, "doubt")
                claim.state, claim.due, claim.note = ClaimState.UNKNOWN, due, note

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Put a claim off."""
        with self._open() as tables:
            row = tables.claim(claim.push, claim.id)
            if row is not None and not row.state.final:
                tell_if_new(row, note, now)
                row.due, row.note, row.held = due, note, False
                row.lookups += lookup
                row.tries += since is None and not lookup
                _hold(row, since, now)

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim: nothing more is needed."""
        with self._open() as tables:
            row = tables.claim(claim.push, claim.id)
            if row is not None and row.state in UNDECIDED:
                row.state, row.note, row.spent = ClaimState.DONE, note, row.spent and row.asked > 0
                _tell(row, "ended", note, now)


def sent_within(tables: Tables, now: float) -> Counter[str]:
    """Count the retriggers that left within the last hour, by the names of caps."""
    found: Counter[str] = Counter()
    for (name, piece), count in tables.sent.items():
        if piece > capping.piece(now) - capping.PIECES:
            found[name] += count
    return +found


def _give_back(tables: Tables, push: PushRow, operation: Operation) -> None:
    """What the CI surely did not take counts against no cap."""
    names, piece, count = push.charged.pop(operation.id, ((), 0, 0))
    for name in names:
        tables.sent[name, piece] -= count


def _hold(claim: ClaimRow, since: float | None, now: float) -> None:
    """Let a claim wait for something of its push to settle; if that happened since, it is due now.

    By a clock that is ahead it may happen later than now: then it is due when it is that late here.
    """
    if since is not None:
        settled = claim.push.settled
        claim.held = not since < settled <= now
        claim.due = min(claim.due, max(now, settled)) if settled > since else claim.due


def _tell(
    claim: ClaimRow, what: str, text: str, now: float, count: int = 0, *, reason: Refusal | str = "", dry: bool = False
) -> None:
    claim.push.tell(
        TimelineEntry(now, what, claim.job.name, text, str(reason), count, dry, claim.run.run_id, claim.run.attempt),
        claim.origin,
    )


def tell_if_new(claim: ClaimRow, note: str, now: float, what: str = "wait") -> None:
    """Waiting again for the same thing is no news."""
    if claim.note != note:
        _tell(claim, what, note, now)
