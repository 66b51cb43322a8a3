"""Requests in doubt: settled by what the CI lists, never by a guess; see `core.policy.reconcile` for the rules."""

from collections.abc import Callable

import structlog

from triggerbot.core import identity
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.formatting import some
from triggerbot.core.policy import reconcile, rules, waiting
from triggerbot.core.policy.circuit_breaker import BreakerCause
from triggerbot.core.policy.reconcile import Appeared, Findings, GiveUp, LookAgain, SendAgain
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.admission import Admission
from triggerbot.pipeline.losses import Losses
from triggerbot.pipeline.sender import FORGOT, DispatchSettings, Sender
from triggerbot.pipeline.superseding import Superseding
from triggerbot.pipeline.turns import Turns
from triggerbot.store import Store, Work
from triggerbot.systems import LookBack, System

log = structlog.get_logger("triggerbot.dispatch")


class Doubts:
    """Reconciles requests of which nobody knows whether the CI accepted them."""

    def __init__(
        self,
        store: Store,
        settings: DispatchSettings,
        admission: Admission,
        turns: Turns,
        superseding: Superseding,
        losses: Losses,
        sender: Sender,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._settings = settings
        self._admission = admission
        self._turns = turns
        self._superseding = superseding
        self._losses = losses
        self._sender = sender
        self._clock = clock
        self._metrics = metrics

    def settle(self, system: System, work: Work, view: LookBack) -> None:
        """Reconcile every due request in doubt with what the CI lists."""
        doubtful: dict[str, list[Claim]] = {}
        for claim in work.due(self._clock()):
            if claim.operation is not None:
                doubtful.setdefault(claim.operation.id, []).append(claim)
        for claims in doubtful.values():
            operation = claims[0].operation
            if operation is not None:
                self._reconcile(system, work, view, operation, claims)

    def _reconcile(self, system: System, work: Work, view: LookBack, operation: Operation, claims: list[Claim]) -> None:
        now = self._clock()
        match reconcile.reconcile(operation, claims, self._findings(system, work, view, claims), now):
            case Appeared(run_ids):
                self._admission.record_success(work.push, BreakerCause.REQUESTS, claims)
                self._metrics.recovered.labels(work.push.system, "yes").inc()
                note = f"the answer was lost, but the CI lists what came of it: {some(run_ids)}"
                log.info(
                    "recovered",
                    **push_fields(work.push),
                    jobs=[identity.label(claim.job, claim.run.event) for claim in claims],
                    operation=operation.id,
                )
                self._sender.accept(system, operation, note)
            case LookAgain(due, why, missed):
                self._store.claims.doubted(operation, due, why, now, missed=missed)
            case GiveUp(why):
                self._sender.refuse(operation, why, claims, now)
            case SendAgain() if (blocking := self._admission.blocking(claims)) is not None:
                note = f"held: the breaker of {blocking.place} is open, for {blocking.why}"
                self._store.claims.doubted(operation, max(blocking.probe, now + system.grace), note, now)
            case SendAgain() if self._superseding.asked(system, work, claims, view):
                self._store.claims.postponed(
                    operation, now, "the CI did not take it, and nobody waits for it any more", now
                )
            case SendAgain() if (until := self._losses.listed_from(system)) > now:
                # The store may have forgotten that it was sent again already.
                self._store.claims.doubted(operation, until, FORGOT, now)
            case SendAgain() if (wait := self._turns.ask(system, work.push)) > 0:
                self._store.claims.doubted(operation, now + wait, claims[0].note or waiting.TURN, now)
            case SendAgain(why):
                self._metrics.recovered.labels(work.push.system, "no").inc()
                self._sender.send_again(system, work, view, operation, claims, why)

    def _findings(self, system: System, work: Work, view: LookBack, claims: list[Claim]) -> Findings:
        jobs = {claim.job for claim in claims}
        watched = rules.rule_for(self._settings.rules, work.push) is not None
        return Findings(
            runs={job: [*work.runs.get(job, ()), *(one for one in view.events if one.job == job)] for job in jobs},
            operations=work.operations,
            # A job that was to run for the first time is not listed before it does.
            whole=view.complete and all(view.lists(claim.job) or claim.backfills for claim in claims),
            grace=system.grace,
            may_send=watched and not self._sender.blocked_by_dry_run(claims[0]),
        )
