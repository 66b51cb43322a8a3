"""From claim to retrigger: lease a due push, look back, decide, record, send once, settle. See `Dispatcher.handle`.

A request is recorded before its first byte leaves, and sent once. An ambiguous answer is settled by what the CI lists
afterwards, never by sending again on a guess: two look-backs search for its runs, after the time that this CI may take
to list a run. Only if neither finds them is it sent again, under the same operation id and after ever longer delays.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from triggerbot.core import identity
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown, StoreRefused, StoreUnavailable
from triggerbot.core.model import Group, Push
from triggerbot.core.policy import backoff, calibration, elsewhere, planning, rules, waiting
from triggerbot.core.policy.causes import Causes, Outcome
from triggerbot.core.policy.circuit_breaker import BreakerCause, BreakerKey
from triggerbot.core.policy.elsewhere import NO_RUNS, Further
from triggerbot.core.policy.evidence import NO_HISTORY, Background
from triggerbot.core.policy.neighbours import Neighbours
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.reconcile import GIVE_UP
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.base import NOTHING_KNOWN
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.admission import Admission
from triggerbot.pipeline.bases import Bases
from triggerbot.pipeline.doubts import Doubts
from triggerbot.pipeline.facts import ANY_RULE, facts_of
from triggerbot.pipeline.leads import LeadResolver
from triggerbot.pipeline.listing import Listing, known
from triggerbot.pipeline.losses import Losses
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.sender import DispatchSettings, Sender
from triggerbot.pipeline.superseding import Superseding
from triggerbot.pipeline.turns import Turns
from triggerbot.store import Store, Work
from triggerbot.systems import LookBack, System

log = structlog.get_logger("triggerbot.dispatch")

#: Failed tries to learn a push's facts, up to a quarter of an hour apart: about a day.
_FACTS_TRIES = 100
#: Seconds between polls of the store when nothing is due: other processes pause, resume and retrigger through it.
_IDLE = 0.5


class Dispatcher:
    """Handles what is due: pushes, and groups of leads. Any number of threads may run it."""

    def __init__(
        self,
        store: Store,
        systems: Mapping[str, System],
        observer: Observer,
        settings: DispatchSettings,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._systems = systems
        self._listing = Listing(store, observer)
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._resolver = LeadResolver(store, systems, observer, settings.rules, clock=clock, metrics=metrics)
        self.admission = Admission(store, settings.bounds, observer.outages, clock=clock, metrics=metrics)
        self._turns = Turns(store, clock, sleep)
        self._superseding = Superseding(store, observer, settings.rules, clock=clock, metrics=metrics)
        self._bases = Bases(store, observer, clock, settings.telling)
        self._losses = Losses(store, clock)
        self._sender = Sender(
            store, settings, self.admission, self._turns, self._superseding, self._bases, self._losses, clock=clock,
            metrics=metrics,
        )  # fmt: skip
        self._doubts = Doubts(
            store, settings, self.admission, self._turns, self._superseding, self._losses, self._sender, clock=clock,
            metrics=metrics,
        )  # fmt: skip
        self._owner = uuid.uuid4().hex
        self._due = threading.Condition()
        self._woken = False

    def wake(self) -> None:
        """Wake a thread that waits, because something has become due."""
        with self._due:
            self._woken = True
            self._due.notify()

    def run(self, stop: threading.Event) -> None:
        """Handle what is due until stopped; no failure of a CI or of the store ends it."""
        while not stop.is_set():
            try:
                if not self.step():
                    self._wait()
            except (StoreUnavailable, StoreRefused) as error:
                log.error("store.unavailable", error=str(error))
                stop.wait(1.0)

    def _wait(self) -> None:
        due = self._store.due.next()
        wait = _IDLE if due is None else min(_IDLE, max(0.0, due - self._clock()))
        with self._due:
            if not self._woken:
                self._due.wait(wait)
            self._woken = False

    def step(self) -> bool:
        """Handle one due push, or one due group of leads; return false if nothing is due."""
        due = self._store.due.lease(self._clock(), self._owner, backoff.LEASE)
        if due is None:
            return False
        try:
            with self._metrics.dispatch_seconds.labels(due.system).time():
                match due:
                    case Push():
                        self._handle(due)
                    case Group():
                        self._resolver.resolve(due)
        finally:
            self._store.due.release(due, self._owner)
        return True

    def _handle(self, push: Push) -> None:
        """Handle one push; an error of triggerbot itself postpones the push and does not end the thread."""
        try:
            self.handle(push)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("dispatch.failed", **push_fields(push))
            self._put_off(
                self._store.pushes.work(push), f"an error of triggerbot itself: {type(error).__name__}: {error}"
            )

    def handle(self, push: Push) -> None:
        """Handle everything that is due for one push: admission, look-back, settling, deciding, sending."""
        system = self._systems.get(push.system)
        if system is None:
            return self._put_off(self._store.pushes.work(push), f"the config names no system {push.system!r}")
        before, looked = self._superseding.end(system, self._store.pushes.work(push)), self._clock()
        if before.asks is not None and not before.due(looked):
            return None
        admitted = self.admission.admit(before)
        if admitted.held:
            before = self._store.pushes.work(push)
        if admitted.system_breaker is not None and not before.due(looked):
            # The breaker of the system blocks a request for the push's facts, too.
            return None if before.asks is not None else self._put_off_facts(before, admitted.system_breaker.probe)
        work = self._await_batches(system, before, looked)
        if (before.due(looked) and not work.due(looked)) or self._await_turn(system, work, looked):
            return None
        try:
            self._look_and_act(system, push, looked, admitted.passes)
        finally:
            self._turns.leave(system, push, used=False)
        return None

    def _await_batches(self, system: System, work: Work, now: float) -> Work:
        """Postpone, without a look, what has to wait for its batch to end; return the work as it is then.

        The batch's end is told by an event; where that gets lost, one look is made after a while.
        """
        due = work.due(now)
        by_batch = any(identity.is_per_batch(claim.job) for claim in due)
        if system.capacity is not Capacity.SERIAL or work.asks is None or not by_batch:
            return work
        batches = planning.open_batches(
            (job, state) for (job, _, _), state in self._store.pushes.known(work.push).items()
        )
        held = planning.going_on(due, batches)
        # Those of a batch are looked at together, so that they can be rerun together.
        looks = (claim.due for claim in work.claims if claim.note == planning.GOES_ON and claim.due > now)
        until = min(looks, default=now + backoff.RUNNING)
        for claim in held:
            self._store.claims.wait(claim, until, planning.GOES_ON, now, since=now)
        for claim in planning.ended_meanwhile(work.claims, batches, now) if len(held) < len(due) else ():
            self._store.claims.wait(claim, now, planning.GOES_ON, now, since=now)
        return self._store.pushes.work(work.push)

    def _await_turn(self, system: System, work: Work, now: float) -> bool:
        """Postpone what may be sent until the push's turn; return whether nothing else is due.

        Nothing was tried, so nothing is counted. Requests in doubt only need a look.
        """
        due = work.due(now)
        claims = [claim for claim in due if claim.operation is None and not claim.dry and not self._settings.dry]
        wait = self._turns.ask(system, work.push) if claims else 0.0
        if wait <= 0:
            return False
        for claim in claims:
            self._store.claims.wait(claim, now + wait, waiting.until_turn(claim), now, since=now)
        return len(claims) == len(due) and work.asks is not None

    def _look_and_act(self, system: System, push: Push, looked: float, passes: Mapping[BreakerKey, int]) -> None:
        """Look back at a push; settle, decide and send what is due."""
        before = self._store.pushes.work(push)
        asked = known(before, all_batches=self._losses.concern(before))
        try:
            view = system.look_back(push, asked)
        except NotKnown as error:
            self.admission.record_success(push, BreakerCause.LOOK_BACKS)
            return self._not_known(self._store.pushes.work(push), str(error))
        except (CIUnavailable, CIDenied) as error:
            if not (isinstance(error, CIUnavailable) and error.healthy):
                self.admission.record_failure(push, BreakerCause.LOOK_BACKS, str(error))
            return self._no_answer(self._store.pushes.work(push), error)
        self.admission.record_success(push, BreakerCause.LOOK_BACKS)
        self._metrics.look_backs.labels(push.system, "answered").inc()
        # A push that only a control run made known is an old one: what failed there is not ours to retrigger.
        quiet = before.asks is None and bool(before.claims) and all(claim.control for claim in before.claims)
        self._listing.observe(push, view, quiet=quiet)
        self._listing.note_unread(push, view)
        work, view = (
            self._superseding.learn(system, self._store.pushes.work(push), view),
            self._listing.told_apart(push, view),
        )
        if work.asks is None:
            # The CI does not know the message; an event may bring it later.
            self._store.facts.put_off(push, None)
        self._doubts.settle(system, work, view)
        if self._waits_for_list(system, work, view, whole=asked.wanted is None):
            return None
        self._decide(system, work, view, looked)
        self._sender.send_owed(system, self._store.pushes.work(push), view, looked, passes)

    # -- what the CI lists --------------------------------------------------------------------------------------

    def _not_known(self, work: Work, why: str) -> None:
        self._metrics.look_backs.labels(work.push.system, "not_known").inc()
        rule = rules.rule_for(self._settings.rules, work.push) or ANY_RULE
        now = self._clock()
        for claim in work.due(self._clock()):
            self._retry_lookup(claim, rule, why or "the CI does not know the push yet", now)
        over = work.facts_tries >= rule.lookup_attempts
        self._store.facts.put_off(work.push, None if over or work.asks is not None else now + rule.lookup_delay)

    def _retry_lookup(self, claim: Claim, rule: Rule, why: str, now: float) -> None:
        """Look for a claim's job again after the rule's delay, or refuse the claim after the last attempt."""
        if claim.operation is not None and now - claim.created > GIVE_UP:
            self._sender.refuse(claim.operation, f"nobody knows whether it was accepted: {why}", [claim], now)
        elif claim.operation is not None:
            self._store.claims.doubted(claim.operation, now + rule.lookup_delay, why, now)
        elif claim.lookups < rule.lookup_attempts:
            self._store.claims.wait(claim, now + rule.lookup_delay, waiting.until_known(why), now, lookup=True)
        else:
            decision = Decision.refuse(Refusal.NOT_FOUND, f"{why}, {claim.lookups + 1} times")
            self._record_decision(claim, decision, None)

    def _no_answer(self, work: Work, error: CIError) -> None:
        self._metrics.look_backs.labels(work.push.system, "no_answer").inc()
        log.warning("look_back.no_answer", **push_fields(work.push), error=str(error))
        self._put_off(work, str(error), error.after if isinstance(error, CIUnavailable) else None)

    def _put_off(self, work: Work, why: str, after: float | None = None) -> None:
        """Postpone every due claim of a push."""
        now = self._clock()
        for claim in work.due(self._clock()):
            self._postpone(claim, why, now, after)
        if work.asks is None:
            self._put_off_facts(work, now + backoff.exponential(work.facts_tries + 2))

    def _postpone(
        self, claim: Claim, why: str, now: float, after: float | None = None, *, since: float = 0.0
    ) -> None:  # fmt: skip
        """Postpone a claim, longer each time; after a day refuse one that has no request in doubt.

        `since`: what it waits for began then, if that is later than the claim.
        """
        if claim.operation is None and now - max(claim.created, since) > GIVE_UP:
            decision = Decision.refuse(Refusal.REFUSED_BY_CI, f"no usable answer for a day: {why}")
            self._record_decision(claim, decision, None)
        else:
            self._store.claims.wait(claim, now + backoff.delay(claim.tries, after), why, now)

    def _put_off_facts(self, work: Work, due: float) -> None:
        """Postpone learning the push's facts; its options must not be lost in an outage of hours."""
        over = work.facts_tries >= _FACTS_TRIES
        self._store.facts.put_off(work.push, None if over else max(due, self._clock() + backoff.exponential(3)))

    def _waits_for_list(self, system: System, work: Work, view: LookBack, *, whole: bool) -> bool:
        """Postpone all new requests, and return true, while the store may lack some that the look-back does not show.

        Once it must show everything requested before the loss, the look-back before each request makes up for it.
        """
        missing = self._losses.missing(system, work, view, whole=whole)
        if missing is None:
            return False
        now = self._clock()
        for claim in work.due(now):
            if claim.operation is not None:
                continue
            if missing.until is not None:
                self._store.claims.wait(claim, missing.until, missing.why, now)
            else:
                self._postpone(claim, missing.why, now, since=self._losses.last() or 0.0)
        return True

    # -- deciding -----------------------------------------------------------------------------------------------

    def _decide(self, system: System, work: Work, view: LookBack, looked: float) -> None:
        now = self._clock()
        rule = rules.rule_for(self._settings.rules, work.push)
        others = Neighbours(view.events, work.claims, view.planned)
        lost = self._losses.last()
        further = elsewhere.further_runs(view.events, (rule or ANY_RULE).proving, lost)
        work = self._superseding.without_requests(system, work)
        causes = self._causes(work, rule, now)
        undecided = [claim for claim in work.due(self._clock()) if claim.state is ClaimState.OPEN]
        against = self._bases.standing(system, work, undecided, rule or ANY_RULE)
        for claim in undecided:
            if self._sender.blocked_by_dry_run(claim):
                self._store.claims.wait(claim, now + backoff.HELD, waiting.until_dry_run_ends("claimed"), now)
            elif not (view.lists(claim.job) or claim.backfills):
                self._retry_lookup(claim, rule or ANY_RULE, "the CI does not list the job yet", now)
            else:
                decided = replace(claim, run=rules.decisive_run(claim, work.runs.get(claim.job, ())))
                ending = self._superseding.ending(system, work, claim, view)
                try:
                    facts = facts_of(system, work, view, decided, rule or ANY_RULE, others, lost)
                except CIError as error:
                    self._postpone(claim, waiting.until_classification_is_known(error), now)
                    continue
                facts = replace(
                    facts, ending=ending, background=self._background(decided, rule),
                    base=against.get(claim.job, NOTHING_KNOWN),
                )  # fmt: skip
                decide = calibration.decide if claim.calibrates else rules.decide
                decision = decide(decided, rule, facts)
                self._decide_by_cause(decided, decision, rule, further, causes, work, looked)

    def _causes(self, work: Work, rule: Rule | None, now: float) -> Causes | None:
        """Read for which failures jobs of a push were retriggered, where another job may have failed alike."""
        undecided = sum(one.state is ClaimState.OPEN for one in work.due(now))
        if rule is None or not undecided or undecided + work.spent + work.spent_dry < 2:
            return None
        return Causes(self._store.claims.retriggered(work.push), rule.proving, now, self._settings.telling)

    def _decide_by_cause(
        self, claim: Claim, decision: Decision | None, rule: Rule | None, further: Further, causes: Causes | None,
        work: Work, looked: float,
    ) -> None:  # fmt: skip
        """Record a decision about a claim, unless a job that fails alike decides for it, now or later."""
        runs = work.runs.get(claim.job, ())
        inherits, like = None, 0
        if rule is not None and causes is not None and decision is not None and decision.cause is Cause.FAILURE:
            inherits = causes.inherits(claim, runs) if rule.first_of_cause else None
            spent = (work.spent_dry if claim.dry else work.spent) + causes.added
            # What the budget refuses is not compared: there may be thousands.
            like = causes.like(claim, runs) if inherits is None and rule.budget.allows(spent, work.total) else 0
        now = self._clock()
        if inherits is None:
            recorded = self._record_decision(claim, decision, rule, further, like)
            if causes is not None and recorded is not None:
                causes.add(claim, runs, recorded)
        elif inherits.outcome is Outcome.FAILED_ON:
            self._record_decision(claim, inherits.decision, rule, further, inherits.first.id)
        else:
            due = now + max(backoff.RUNNING, backoff.slower(now - claim.created))
            self._store.claims.wait(claim, due, inherits.note, now, since=looked, of=inherits.first.job)

    def _background(self, claim: Claim, rule: Rule | None) -> Background:
        if rule is None or rule.until_proved is None or not claim.run.failed:
            return NO_HISTORY
        shapes = self._settings.telling(claim.push, claim.job, claim.run.evidence)
        return self._settings.background(claim.push, claim.job, shapes)

    def _record_decision(
        self, claim: Claim, decision: Decision | None, rule: Rule | None, further: Further = NO_RUNS, like: int = 0
    ) -> Decision | None:
        """Store a decision within the rule's budget; count, log and return what the store made of it."""
        budget = None if rule is None else rule.budget
        decision = self._store.claims.decide(
            claim, decision, budget, self._clock(), further=further, like=like, lost=self._losses.last()
        )
        if decision is None:
            return None
        mode = "dry" if claim.dry else "real"
        self._metrics.decisions.labels(decision.action, decision.reason, mode).inc()
        log.info(
            "decision", action=decision.action, reason=decision.reason, count=decision.count, **push_fields(claim.push),
            job=_label(claim), run_id=claim.run.run_id, attempt=claim.run.attempt, dry_run=claim.dry,
            detail=decision.detail,
        )  # fmt: skip
        return decision


def _label(claim: Claim) -> str:
    return identity.label(claim.job, claim.run.event)
