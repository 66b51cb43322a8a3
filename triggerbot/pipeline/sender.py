"""Sending retrigger requests to a CI: recorded before the first byte leaves, sent once, settled in one place."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from triggerbot.core import identity
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.errors import CIError
from triggerbot.core.formatting import some
from triggerbot.core.model import PROVING, Push, Run
from triggerbot.core.policy import (
    backoff,
    circuit_breaker,
    classified,
    elsewhere,
    reconcile,
    rules,
    waiting,
    waves,
)
from triggerbot.core.policy.circuit_breaker import BreakerCause, BreakerKey
from triggerbot.core.policy.evidence import BackgroundOf, without_history
from triggerbot.core.policy.limits import Capped, Limits
from triggerbot.core.policy.neighbours import Neighbours
from triggerbot.core.policy.never_start import BY_DEFAULT
from triggerbot.core.policy.owed import still_owed
from triggerbot.core.policy.planning import Call, Capacity, Owed
from triggerbot.core.policy.reconcile import GIVE_UP
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.base import NOTHING_KNOWN
from triggerbot.core.verdict.same_failure import TellingOf, told_alone
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline import first_runs
from triggerbot.pipeline.admission import Admission
from triggerbot.pipeline.bases import Bases
from triggerbot.pipeline.facts import classification_of
from triggerbot.pipeline.losses import Losses
from triggerbot.pipeline.superseding import Superseding
from triggerbot.pipeline.turns import Turns
from triggerbot.store import Store, Work
from triggerbot.systems import LookBack, NamesRequests, System
from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown

log = structlog.get_logger("triggerbot.send")

#: Why something waits that was about to be sent.
FORGOT = "the store may have forgotten something since the look-back: waits until the CI lists what was asked before"
LATE = "not sent: since it was recorded so much time has passed that another replica may have sent it"


def _label(claim: Claim) -> str:
    return identity.label(claim.job, claim.run.event)


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """The settings of dispatcher and sender."""

    rules: Sequence[Rule]
    dry: bool = False
    bounds: Limits = field(default_factory=Limits)
    #: Returns what is known of a job and its failure, where retriggers go by what they prove.
    background: BackgroundOf = without_history
    #: Returns what of its failure lines proves something.
    telling: TellingOf = told_alone


class Sender:
    """Sends the requests of the dispatcher, and records the answers."""

    def __init__(
        self,
        store: Store,
        settings: DispatchSettings,
        admission: Admission,
        turns: Turns,
        superseding: Superseding,
        bases: Bases,
        losses: Losses,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._settings = settings
        self._admission = admission
        self._turns = turns
        self._superseding = superseding
        self._bases = bases
        self._losses = losses
        self._clock = clock
        self._metrics = metrics

    def send_owed(
        self, system: System, work: Work, view: LookBack, looked: float, passes: Mapping[BreakerKey, int]
    ) -> None:
        """Request the runs that are owed and due, as far as the CI can take them now.

        Of what is not due, that which only waits for a turn goes along: failed jobs may go together.

        `looked`: when the look-back was made (Unix, s); `passes`: the breaker versions that admission returned.
        """
        now = self._clock()
        owed = self._all_owed(system, work, view, looked)
        if not any(one.claim.due <= now for one in owed):
            return
        plan = first_runs.plan(system, owed, view)
        now = self._clock()
        for one, why in plan.held:
            if one.claim.due <= now:
                self._store.claims.wait(one.claim, now + backoff.RUNNING, why, now, since=looked)
        for one, why in plan.ended:
            self._give_up([one.claim], why, now)
        for call in plan.calls:
            wait = self._turns.take(system, work.push, looked)
            if wait > 0:
                now = self._clock()
                for want in call.wants:
                    self._store.claims.wait(want.claim, now + wait, waiting.until_turn(want.claim), now, since=looked)
            elif self._superseding.may_send(system, work, [want.claim for want in call.wants], view):
                self._record_and_send(system, work, call, passes)

    def _all_owed(self, system: System, work: Work, view: LookBack, looked: float) -> list[Owed]:
        """Return what is owed and may be sent now; end what nobody waits for any more."""
        now, found = self._clock(), []
        others = Neighbours(view.events, work.claims, view.planned)
        for claim in work.sendable(now):
            if claim.due > now and not self._may_go_along(system, work, claim):
                continue
            ending = self._superseding.ending(system, work, claim, view)
            if ending is not None:
                self._superseding.record(claim, ending)
                continue
            if self._is_explained(system, work, view, claim):
                continue
            one = self._owed(system, work, claim, others, looked)
            if one is not None:
                found.append(one)
        return found

    def _is_explained(self, system: System, work: Work, view: LookBack, claim: Claim) -> bool:
        """Refuse or postpone a claim for a failure that somebody has classified since it was decided."""
        rule, now = rules.rule_for(self._settings.rules, work.push), self._clock()
        if claim.cause is not Cause.FAILURE or rule is None:
            return False
        try:
            known = classification_of(system, work, view, claim, rule)
        except CIError as error:
            why = waiting.until_classification_is_known(error)
            if now - claim.created > GIVE_UP:
                self._give_up([claim], why, now)
            else:
                self._store.claims.wait(claim, now + backoff.delay(claim.tries, None), why, now)
            return True
        explained = classified.refusal(known, rule.classified)
        if explained is not None:
            self._store.claims.decide(claim, explained, None, now)
            self._log_refused([claim], explained)
        return explained is not None

    def _may_go_along(self, system: System, work: Work, claim: Claim) -> bool:
        """Return whether a claim that is not due may be sent with others: if only its batch hinders it."""
        all_came = len(work.runs.get(claim.job, ())) - claim.known_runs >= claim.asked
        return system.capacity is Capacity.SERIAL and all_came and not self.blocked_by_dry_run(claim)

    def _owed(self, system: System, work: Work, claim: Claim, others: Neighbours, looked: float) -> Owed | None:
        """Return the runs that a decided claim still needs; `None` if it has to wait or needs no more."""
        now = self._clock()
        runs = work.runs.get(claim.job, ())
        serial = system.capacity is Capacity.SERIAL
        rule = rules.rule_for(self._settings.rules, work.push)
        proving, never = (PROVING, BY_DEFAULT) if rule is None else (rule.proving, rule.never_start)
        came = elsewhere.since_asked(claim, work.arrived[claim.job], work.requests) if claim.manual else 0
        ours = elsewhere.forgotten(claim.job, work.arrived[claim.job], work.requests, self._losses.last())
        decided = {run.key for run in runs[: claim.known_runs]}
        lost_runs = sum(run.key not in decided for run in ours)
        own = runs if claim.calibrates else others.own(runs)
        count = still_owed(claim, own, one_at_a_time=serial, proving=proving, elsewhere=came, forgotten=lost_runs)
        standing = others.standing(claim, runs, never, asked=claim.cause is Cause.REQUESTED)
        # What waited for long may have been decided before anything was known of the base.
        late = rule is not None and (claim.asked or claim.tries)
        against = self._bases.known(work, claim, rule) if late and rule is not None else NOTHING_KNOWN
        withdrawn = rules.withdrawn(claim, rule, standing.follows, standing.starts, against)
        if withdrawn is not None:
            self._store.claims.decide(claim, withdrawn, None, now)
            self._log_refused([claim], withdrawn)
        elif claim.most and rule is not None and rule.until_proved is not None:
            return self._next_wave(system, claim, others.own(runs), rule, lost_runs, looked)
        elif not count:
            since = f": of those since it was asked for, {came} came of no request known here" if came else ""
            self._store.claims.finish(claim, f"no more runs are needed{since}", now)
        elif self.blocked_by_dry_run(claim):
            self._store.claims.wait(claim, now + backoff.HELD, waiting.until_dry_run_ends("decided"), now)
        elif serial and len(runs) - claim.known_runs < claim.asked:
            self._await_run(system, claim, now, looked)
        else:
            return Owed(claim, count, runs, never)
        return None

    def _next_wave(
        self, system: System, claim: Claim, runs: Sequence[Run], rule: Rule, forgotten: int, looked: float
    ) -> Owed | None:
        """Return the runs that a claim needs next by what its runs prove; `None` if it has to wait or needs no more."""
        now, until = self._clock(), rule.until_proved
        assert until is not None
        shapes = self._settings.telling(claim.push, claim.job, claim.run.evidence)
        background = self._settings.background(claim.push, claim.job, shapes)
        match waves.step(
            claim, runs, until, background, several=system.capacity is Capacity.BATCH, proving=rule.proving,
            forgotten=forgotten,
        ):  # fmt: skip
            case waves.Enough(why, weight):
                self._store.claims.finish(claim, why, now, weight=weight)
            case _ if self.blocked_by_dry_run(claim):
                self._store.claims.wait(claim, now + backoff.HELD, waiting.until_dry_run_ends("decided"), now)
            case waves.Await(listed):
                self._await_run(system, claim, now, looked, listed=listed)
            case waves.Ask(count) if count <= claim.owed:
                return Owed(claim, count, tuple(runs), rule.never_start)
            case waves.Ask(count, weight, why):
                again = self._store.claims.further(claim, count, weight, why, now)
                if again is not None:
                    self._metrics.decisions.labels("trigger", Cause.FAILURE, "real").inc()
                    log.info(
                        "decision", action="trigger", reason=Cause.FAILURE, count=count, **push_fields(claim.push),
                        job=_label(claim), detail=why,
                    )  # fmt: skip
                    return Owed(again, again.owed, tuple(runs), rule.never_start)
        return None

    def _await_run(self, system: System, claim: Claim, now: float, looked: float, *, listed: bool = False) -> None:
        """Wait for a requested run, but not for ever: somebody else's run may have been counted in its place.

        `listed`: the CI lists it, so there will be news of its end.
        """
        waited = now - claim.created
        if waited > GIVE_UP:
            why = "has not ended within a day" if listed else "never showed up"
            return self._give_up([claim], f"the run that was asked for {why}", now)
        due = now + max(backoff.RUNNING if listed else system.grace, backoff.slower(waited))
        self._store.claims.wait(claim, due, waiting.RUN, now, since=looked)

    def _record_and_send(self, system: System, work: Work, call: Call, passes: Mapping[BreakerKey, int]) -> None:
        """Record a request; send it if no cap and no change of a breaker or claim prevents that."""
        now = self._clock()
        claims = [want.claim for want in call.wants]
        operation = Operation(
            id=uuid.uuid4().hex,
            push=work.push,
            claims=tuple(want.claim.id for want in call.wants),
            count=call.count,
            started=now,
            baseline={want.claim.job: tuple(run.key for run in want.runs) for want in call.wants},
        )
        if call.is_new:
            note = f"asks for {call.count} of the job, which has no run at this push"
        elif isinstance(system, NamesRequests):
            note = system.in_words(call)
        else:
            note = f"asks for {call.count} of run {call.target.run_id}"
        keys = {key for claim in claims for key in circuit_breaker.keys_of(claim)}
        begun = self._store.claims.begin(
            operation, work.push, note, now,
            passes={key: version for key, version in passes.items() if key in keys},
            caps=self._admission.caps_for(work),
            most={want.claim.id: want.claim.asked + want.owed for want in call.wants},
        )  # fmt: skip
        if isinstance(begun, Capped):
            self._hold_for_cap(claims, begun, now)
        elif begun and not self._keeps_back(system, operation, now, self._store.claims.postponed):
            self._post(system, work.push, operation, call, claims[0].tries)

    def _keeps_back(
        self,
        system: System,
        operation: Operation,
        recorded: float,
        settle: Callable[[Operation, float, str, float], None],
    ) -> bool:
        """Return whether a request that is recorded must not leave after all; the last thing before its first byte.

        `settle`: records that it waits, where the store forgot something since the look-back.
        """
        until, now = self._losses.listed_from(system), self._clock()
        if not reconcile.leaves_in_time(recorded, system.grace, now):
            # Another replica may have found meanwhile that nothing came of it, and sent it.
            log.warning(
                "request.late", **push_fields(operation.push), operation=operation.id, seconds=round(now - recorded, 1)
            )
            self._store.claims.doubted(operation, max(until, now + system.grace), LATE, now)
        elif until > now:
            settle(operation, until, FORGOT, now)
        else:
            return False
        return True

    def _hold_for_cap(self, claims: Sequence[Claim], capped: Capped, now: float) -> None:
        if now - claims[0].created > GIVE_UP:
            return self._give_up(claims, f"not possible for a day: {capped.why}", now)
        log.warning(
            "capped", **push_fields(claims[0].push), jobs=[_label(claim) for claim in claims], reason=capped.why
        )
        self._admission.hold_for_cap(claims, capped)

    def _post(self, system: System, push: Push, operation: Operation, call: Call, tries: int) -> None:
        answer = first_runs.send(system, operation.id, push, call)
        self._turns.leave(system, push, used=True)
        name = type(answer).__name__.lower()
        self._metrics.requests.labels(push.system, name).inc()
        jobs = [_label(want.claim) for want in call.wants]
        log.info("request", **push_fields(push), jobs=jobs, count=call.count, operation=operation.id, answer=name,
                 detail="" if isinstance(answer, Accepted) else answer.why)  # fmt: skip
        self._settle(system, operation, answer, [want.claim for want in call.wants], tries)

    def _settle(
        self, system: System, operation: Operation, answer: Answer, claims: Sequence[Claim], tries: int
    ) -> None:
        """Record an answer of the CI: the only place where one becomes state."""
        now = self._clock()
        push = claims[0].push
        match answer:
            case Accepted():
                self._admission.record_success(push, BreakerCause.REQUESTS, claims)
            case Later(healthy=True) | Refused(healthy=True):
                pass
            case Refused(why) | Later(why) | Unknown(why):
                self._admission.record_failure(push, BreakerCause.REQUESTS, why, claims)
        match answer:
            case Accepted(runs):
                self.accept(system, operation, "the CI accepted it" + (f": {some(runs)}" if runs else ""))
            case Refused(why):
                self.refuse(operation, why, claims, now)
            case Later(why) if now - claims[0].created > GIVE_UP:
                self.refuse(operation, f"not possible for a day: {why}", claims, now)
            case Later(why, after):
                self._store.claims.postponed(operation, now + backoff.delay(tries, after), why, now)
            case Unknown(why):
                self._store.claims.doubted(operation, now + system.grace, f"no clear answer: {why}", now)

    def accept(self, system: System, operation: Operation, note: str) -> None:
        """Record that the CI accepted a request; further runs that are owed become due later."""
        now = self._clock()
        self._metrics.retriggers.labels(system.name).inc(operation.count * len(operation.claims))
        serial = system.capacity is Capacity.SERIAL
        since = operation.started if serial else None
        # A serial CI takes the next request once this run has ended, which an event reports or a look-back finds.
        listed = now + system.grace
        self._store.claims.accepted(operation, note, now, due=listed if serial else None, since=since, listed=listed)

    def refuse(self, operation: Operation, why: str, claims: Sequence[Claim], now: float) -> None:
        """Record that a request was refused for good, or that its outcome will never be known."""
        decision = Decision.refuse(Refusal.REFUSED_BY_CI, why)
        self._store.claims.refused(operation, decision, now)
        self._log_refused(claims, decision)

    def _give_up(self, claims: Sequence[Claim], why: str, now: float) -> None:
        """Refuse claims that have no request under way."""
        decision = Decision.refuse(Refusal.REFUSED_BY_CI, why)
        for claim in claims:
            self._store.claims.decide(claim, decision, None, now)
        self._log_refused(claims, decision)

    def _log_refused(self, claims: Sequence[Claim], decision: Decision) -> None:
        for claim in claims:
            self._metrics.decisions.labels("refuse", decision.reason, "real").inc()
            log.info(
                "decision", action="refuse", reason=decision.reason, **push_fields(claim.push), job=_label(claim),
                detail=decision.detail,
            )  # fmt: skip

    def send_again(
        self, system: System, work: Work, view: LookBack, operation: Operation, claims: list[Claim], why: str
    ) -> None:
        """Send the same request once more, under the same operation id."""
        now = self._clock()
        if not self._store.claims.resend(operation, why, now):
            return
        owed = tuple(Owed(claim, operation.count, work.runs[claim.job]) for claim in claims)
        planned = first_runs.plan(system, owed, view).calls
        call = Call(owed, operation.count, owed[0].target, together=len(owed) > 1)
        if len(planned) == 1 and len(planned[0].wants) == len(owed):
            call = replace(planned[0], count=operation.count)
        if not self._keeps_back(system, operation, now, self._store.claims.doubted):
            self._post(system, work.push, operation, call, claims[0].tries)

    def blocked_by_dry_run(self, claim: Claim) -> bool:
        """Return whether dry run blocks a claim, even one that was decided before dry run was switched on."""
        return self._settings.dry and not claim.dry
