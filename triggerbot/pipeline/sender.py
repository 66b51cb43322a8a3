"""Asking a CI for runs: written down before the first byte leaves, made once, and settled in one place."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from triggerbot.core.formatting import some
from triggerbot.core.model import Claim, ClaimState, Decision, Operation, Push, Refusal
from triggerbot.core.policy import backoff, circuit_breaker, rules
from triggerbot.core.policy.circuit_breaker import BreakerCause, BreakerKey
from triggerbot.core.policy.limits import Capped, Limits
from triggerbot.core.policy.planning import Call, Capacity, Owed
from triggerbot.core.policy.reconcile import GIVE_UP
from triggerbot.core.policy.rules import Rule
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.admission import Admission
from triggerbot.store import Store, Work
from triggerbot.systems import Accepted, Answer, Later, LookBack, Refused, System, Unknown

log = structlog.get_logger("triggerbot.send")


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """What the dispatcher goes by."""

    rules: Sequence[Rule]
    dry: bool = False
    bounds: Limits = field(default_factory=Limits)


class Sender:
    """Makes the requests of the dispatcher."""

    def __init__(
        self,
        store: Store,
        setting: DispatchSettings,
        admission: Admission,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._setting = setting
        self._admission = admission
        self._clock = clock
        self._metrics = metrics

    def send_owed(
        self, system: System, work: Work, view: LookBack, looked: float, passes: Mapping[BreakerKey, int]
    ) -> None:
        """Ask for what is owed and due, as far as the CI can take it now; `looked`: when it was looked at."""
        wants = []
        for claim in work.due(self._clock()):
            if claim.state is ClaimState.OWED:
                want = self._want(system, work, claim, looked)
                if want is not None:
                    wants.append(want)
        if not wants:
            return
        plan = system.plan(wants, view.busy, view.events)
        now = self._clock()
        for want, why in plan.held:
            self._store.wait(want.claim, now + backoff.HELD, why, now, since=looked)
        for call in plan.calls:
            self._call(system, work, call, passes)

    def _want(self, system: System, work: Work, claim: Claim, looked: float) -> Owed | None:
        """Work out what a decided claim still needs; nothing if it has to wait or is at its end."""
        now = self._clock()
        runs = work.runs.get(claim.job, ())
        serial = system.capacity is Capacity.SERIAL
        owed = rules.still_owed(claim, runs, one_at_a_time=serial)
        if not owed:
            self._store.finish(claim, "no more runs are needed", now)
        elif self.holding(claim):
            self._store.wait(claim, now + backoff.HELD, "dry run is on; this was decided before", now)
        elif serial and len(runs) - claim.known_runs < claim.asked:
            self._await_run(system, claim, now, looked)
        else:
            return Owed(claim, owed, runs)
        return None

    def _await_run(self, system: System, claim: Claim, now: float, looked: float) -> None:
        """Wait for a run that was asked for; a stranger's may have been taken for it, so not for ever."""
        waited = now - claim.created
        if waited > GIVE_UP:
            return self._give_up([claim], "the run that was asked for never showed up", now)
        due = now + max(system.grace, backoff.slower(waited))
        self._store.wait(claim, due, "waits for the run that was asked for", now, since=looked)

    def _call(self, system: System, work: Work, call: Call, passes: Mapping[BreakerKey, int]) -> None:
        now = self._clock()
        claims = [want.claim for want in call.wants]
        operation = Operation(
            id=uuid.uuid4().hex,
            claims=tuple(want.claim.id for want in call.wants),
            count=call.count,
            started=now,
            baseline={want.claim.job: tuple(run.key for run in want.runs) for want in call.wants},
        )
        note = f"asks for {call.count} of run {call.target.run_id}" + (" and the other failed jobs" * call.together)
        mine = {place for claim in claims for place in circuit_breaker.keys_of(claim)}
        begun = self._store.begin(
            operation, work.push, note, now,
            passes={place: version for place, version in passes.items() if place in mine},
            caps=self._admission.over(work),
        )  # fmt: skip
        if isinstance(begun, Capped):
            self._capped(claims, begun, now)
        elif begun:
            self._post(system, work.push, operation, call, claims[0].tries)

    def _capped(self, claims: Sequence[Claim], capped: Capped, now: float) -> None:
        if now - claims[0].created > GIVE_UP:
            return self._give_up(claims, f"not possible for a day: {capped.why}", now)
        log.warning("capped", **push_fields(claims[0].push), jobs=[claim.job for claim in claims], reason=capped.why)
        self._admission.capped(claims, capped)

    def _post(self, system: System, push: Push, operation: Operation, call: Call, tries: int) -> None:
        answer = system.retrigger(operation.id, push, call)
        name = type(answer).__name__.lower()
        self._metrics.requests.labels(push.system, name).inc()
        jobs = [want.claim.job for want in call.wants]
        log.info("request", **push_fields(push), jobs=jobs, count=call.count, operation=operation.id, answer=name,
                 detail="" if isinstance(answer, Accepted) else answer.why)  # fmt: skip
        self._settle(system, operation, answer, [want.claim for want in call.wants], tries)

    def _settle(
        self, system: System, operation: Operation, answer: Answer, claims: Sequence[Claim], tries: int
    ) -> None:
        """The one place where an answer becomes state."""
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
                self.took(system, operation, "the CI accepted it" + (f": {some(runs)}" if runs else ""))
            case Refused(why):
                self.refuse(operation, why, claims, now)
            case Later(why) if now - claims[0].created > GIVE_UP:
                self.refuse(operation, f"not possible for a day: {why}", claims, now)
            case Later(why, after):
                self._store.postponed(operation, now + backoff.delay(tries, after), why, now)
            case Unknown(why):
                self._store.doubted(operation, now + system.grace, f"no clear answer: {why}", now)

    def took(self, system: System, operation: Operation, note: str) -> None:
        """The CI took an operation; what is owed further is due later."""
        now = self._clock()
        self._metrics.retriggers.labels(system.name).inc(operation.count * len(operation.claims))
        serial = system.capacity is Capacity.SERIAL
        since = operation.started if serial else None
        # What is owed further on a serial CI waits for the end of this run; an event tells it, or a look does.
        self._store.accepted(operation, note, now, due=now + (system.grace if serial else 0.0), since=since)

    def refuse(self, operation: Operation, why: str, claims: Sequence[Claim], now: float) -> None:
        """The CI will never take it, or nobody will ever know."""
        decision = Decision.refuse(Refusal.REFUSED_BY_CI, why)
        self._store.refused(operation, decision, now)
        self._tell_refused(claims, decision)

    def _give_up(self, claims: Sequence[Claim], why: str, now: float) -> None:
        """Ask for no more, where no request is under way."""
        decision = Decision.refuse(Refusal.REFUSED_BY_CI, why)
        for claim in claims:
            self._store.decide(claim, decision, None, now)
        self._tell_refused(claims, decision)

    def _tell_refused(self, claims: Sequence[Claim], decision: Decision) -> None:
        for claim in claims:
            self._metrics.decisions.labels("refuse", decision.reason, "real").inc()
            log.info(
                "decision", action="refuse", reason=decision.reason, **push_fields(claim.push), job=claim.job,
                detail=decision.detail,
            )  # fmt: skip

    def send_again(self, system: System, work: Work, operation: Operation, claims: list[Claim], why: str) -> None:
        """Make the same request once more, under the same operation id."""
        if self._store.resend(operation, why, self._clock()):
            wants = tuple(Owed(claim, operation.count, work.runs[claim.job]) for claim in claims)
            call = Call(wants, operation.count, wants[0].target, together=len(wants) > 1)
            self._post(system, work.push, operation, call, claims[0].tries)

    def holding(self, claim: Claim) -> bool:
        """Dry run sends nothing, not even what was decided before it was switched on."""
        return self._setting.dry and not claim.dry
