"""Ends what is owed and nobody waits for any more: superseded pushes, and what somebody stopped.

What the store knows decides as soon as a push is due, before the CI is asked anything; news of a branch makes its
pushes due. In the last moment before a request the store is read again, for a push may have come while the request
waited for its turn, and a CI that knows its branches is asked for this one. If it does not answer, the request waits,
but for `_PATIENCE` at most: then what is known by then decides, so that nothing is owed for ever.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from triggerbot.core import identity
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Decision
from triggerbot.core.errors import CIError, CIUnavailable
from triggerbot.core.model import Batch, Head, HeadKind, Push
from triggerbot.core.policy import backoff, rules, superseded
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.superseded import Branch
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Store, Work
from triggerbot.systems import KnowsHeads, LookBack, System

log = structlog.get_logger("triggerbot.superseded")

#: Seconds for which a request waits until the CI says what its branch is at.
_PATIENCE = 600.0
#: Pushes whose CI did not say that, at most.
_UNANSWERED_MAX = 1000
#: States of claims that have no request under way.
_PLAIN = (ClaimState.OPEN, ClaimState.OWED)


class Superseding:
    """Looks whether anybody still waits for what is owed. Any number of threads may use it."""

    def __init__(
        self,
        store: Store,
        observer: Observer,
        rules: Sequence[Rule],
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._observer = observer
        self._rules = rules
        self._clock = clock
        self._metrics = metrics
        #: Since when the CI does not say what the branch of a push is at.
        self._unanswered: OrderedDict[Push, float] = OrderedDict()

    def end(self, system: System, work: Work) -> Work:
        """End what is known to be superseded, due or not; return the push's work as it is then."""
        return self._store.pushes.work(work.push) if self._end_all(system, work, work.claims) else work

    def ending(self, system: System, work: Work, claim: Claim, view: LookBack | None = None) -> Decision | None:
        """Return the refusal that ends a claim, as far as is known; `view`: a look-back made just now."""
        if claim.is_waited_for:
            return None
        batch = work.told.get(claim.run.batch)
        newest = superseded.newer(work.push, work.heads, batch)
        return superseded.ending(
            claim,
            newest,
            skips=newest is not None and self._branch(system, work, batch, view).skips,
            replaced=self._replaced_by(work, claim),
            stopped=view is not None and claim.run.batch in view.stopped,
        )

    def asked(self, system: System, work: Work, claims: Sequence[Claim], view: LookBack) -> bool:
        """Ask the CI for the branch, and return whether any of the claims is to be ended by what is known then.

        Without an answer what was known before decides.
        """
        self._ask_anyway(system, work, claims, view)
        work = self._store.pushes.work(work.push)
        return any(self.ending(system, work, claim, view) is not None for claim in claims)

    def may_send(self, system: System, work: Work, claims: Sequence[Claim], view: LookBack) -> bool:
        """Look for the last time before a request for these claims; if it may not be sent, they are ended or wait."""
        if any(claim.is_waited_for for claim in claims) or not self._matters(system, work.push):
            return True
        try:
            self._ask(system, work, claims, view)
            self._unanswered.pop(work.push, None)
        except CIError as error:
            if self._waits(work.push, claims, error):
                return False
        return not self._end_all(system, self._store.pushes.work(work.push), claims, view)

    def learn(self, system: System, work: Work, view: LookBack) -> Work:
        """Ask the CI for the branch of what was stopped: a newer commit may be why; return the push's work then."""
        stopped = [claim for claim in work.claims if claim.run.batch in view.stopped and not claim.is_waited_for]
        if not stopped:
            return work
        self._ask_anyway(system, work, stopped, view)
        return self._store.pushes.work(work.push)

    def _matters(self, system: System, push: Push) -> bool:
        """Return whether anything can be superseded there."""
        said = self._said(push)
        return isinstance(system, KnowsHeads) if said is None else said

    def _said(self, push: Push) -> bool | None:
        """Return what the rule says: whether superseded pushes of the branch are left alone."""
        rule = rules.rule_for(self._rules, push)
        return None if rule is None else rule.superseded.skips(push.branch)

    def _branch(self, system: System, work: Work, batch: Batch | None, view: LookBack | None) -> Branch:
        said = self._said(work.push)
        if said is not None or not isinstance(system, KnowsHeads):
            return Branch(said, pulls=isinstance(system, KnowsHeads), default=False)
        if view is None:
            # What was seen of a default branch may be a person's doing: what its workflow says comes first.
            guarded: bool | None = None
        else:
            told = None if batch is None else view.guarded.get(batch.id)
            guarded = superseded.guarded(work.heads, batch) if told is None else told
        return Branch(said, pulls=True, default=self._is_default(system, work) is not False, guarded=guarded)

    def without_requests(self, system: System, work: Work) -> Work:
        """Return a push as it is without what its message asks for, where that does not count.

        On a default branch messages are often those of others, whose commits somebody merged or squashed.
        """
        rule, asks = rules.rule_for(self._rules, work.push), work.asks
        if rule is None or rule.requested_default or asks is None or not asks.rebuild:
            return work
        if not isinstance(system, KnowsHeads) or self._is_default(system, work) is False:
            return work
        return replace(work, asks=replace(asks, rebuild={}))

    def _is_default(self, system: KnowsHeads, work: Work) -> bool | None:
        """Return whether a push is of the default branch; `None`, by which nothing ends, if the CI does not say."""
        if any(one.kind is HeadKind.DEFAULT for one in work.heads):
            return True
        push = work.push
        name = system.default_branch(push.project)
        if name == push.branch:
            self._observer.observe([Head(push.system, push.project, push.branch, HeadKind.DEFAULT)])
        return None if name is None else name == push.branch

    def _ask_anyway(self, system: System, work: Work, claims: Sequence[Claim], view: LookBack) -> None:
        """Ask like `_ask`; without an answer what is known decides."""
        try:
            self._ask(system, work, claims, view)
        except CIError as error:
            log.warning("branch.no_answer", **push_fields(work.push), error=str(error))

    def _ask(self, system: System, work: Work, claims: Sequence[Claim], view: LookBack) -> None:
        """Ask the CI for what is news of the branch, where that could end a claim; raises `CIError`."""
        if not isinstance(system, KnowsHeads):
            return
        if self._is_default(system, work) is None and self._said(work.push) is None:
            raise CIUnavailable("the CI does not say which branch is the default one")
        batches = {claim.run.batch: work.told.get(claim.run.batch) for claim in claims}
        places = {
            fork
            for batch in batches.values()
            if self._branch(system, work, batch, view).skips
            for fork in (superseded.forks_of(work.push, work.heads) if batch is not None and batch.fork else [""])
        }
        heads = [head for fork in sorted(places) for head in system.heads(work.push, fork)]
        if heads:
            self._observer.observe(heads)

    def _waits(self, push: Push, claims: Sequence[Claim], error: CIError) -> bool:
        """Postpone claims until the CI says what their branch is at; return false if that has taken too long."""
        now = self._clock()
        since = self._unanswered.setdefault(push, now)
        while len(self._unanswered) > _UNANSWERED_MAX:
            self._unanswered.popitem(last=False)
        log.warning("branch.no_answer", **push_fields(push), error=str(error))
        if now - since >= _PATIENCE:
            return False
        after = error.after if isinstance(error, CIUnavailable) else None
        due = now + backoff.delay(1, after)
        for claim in claims:
            self._store.claims.wait(claim, due, f"waits until the CI says what the newest commit is: {error}", now)
        return True

    def _replaced_by(self, work: Work, claim: Claim) -> str:
        """Return the workflow run that has replaced that of a claim: of the same workflow, event and commit; or ''."""
        batch = work.told.get(claim.run.batch)
        if batch is None or batch.source is None or not identity.is_newer_batch(batch, work.told.values()):
            return ""
        record = self._store.pushes.record(work.push)
        jobs = {} if record is None else {job.key: job.runs for job in record.jobs}
        return identity.replaced_by(claim.job, jobs, work.told)

    def _end_all(self, system: System, work: Work, claims: Sequence[Claim], view: LookBack | None = None) -> bool:
        """End those of the claims that nobody waits for any more; return whether there was one."""
        mine, ended = {claim.id for claim in claims}, False
        for claim in work.claims:
            if claim.id in mine and claim.state in _PLAIN and claim.operation is None:
                decision = self.ending(system, work, claim, view)
                if decision is not None:
                    self.record(claim, decision)
                    ended = True
        return ended

    def record(self, claim: Claim, decision: Decision) -> None:
        """Record that a claim ends, count and log it."""
        if self._store.claims.decide(claim, decision, None, self._clock()) is None:
            return
        self._metrics.decisions.labels("refuse", decision.reason, "dry" if claim.dry else "real").inc()
        log.info(
            "decision", action="refuse", reason=decision.reason, **push_fields(claim.push),
            job=identity.label(claim.job, claim.run.event), detail=decision.detail,
        )  # fmt: skip
