"""Admission control before each request to a CI: circuit breakers for outages, and the hard caps of an hour.

Claims are never dropped for it: they are held in the store, in order, and released when the reason ends. All state is
in the store, so it holds on every replica and after any restart; see `core.policy.circuit_breaker` for the rules.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from triggerbot.core import identity
from triggerbot.core.claim import Claim
from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.model import Push, Run, State
from triggerbot.core.policy import circuit_breaker, limits
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope, Evidence
from triggerbot.core.policy.limits import Capped, Limits
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.store import Store, Work

log = structlog.get_logger("triggerbot.guard")

#: Seconds after which a held claim becomes due in any case.
_HOLD = 21_600.0
#: Seconds after which a breaker that holds nothing is closed: no claim came that could have been its canary.
_IDLE_BREAKER = 3600.0
#: Seconds between checks whether a canary is due or has a result.
_EVERY = 1.0
#: Attempts to change a breaker that other replicas change at the same time.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Admitted:
    """The result of admission for one push."""

    #: The version of each breaker that its claims passed.
    passes: Mapping[BreakerKey, int]
    #: The breaker of the whole system, if it is open.
    system_breaker: Breaker | None = None
    #: A claim was held, so that less is due than before.
    held: bool = False


class Admission:
    """Admits claims or holds them. Any number of threads may use it."""

    def __init__(
        self, store: Store, bounds: Limits, outages: OutageDetector, *, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        self._store = store
        self._bounds = bounds
        self._outages = outages
        self._clock = clock
        self._metrics = metrics
        #: By cap: the time slice, and the requests sent, when claims were last released for it.
        self._released_at: dict[str, tuple[int, int]] = {}
        #: By system without an answer to this process's last request: since when, and why.
        self.silent: dict[str, tuple[float, str]] = {}

    # -- before a request ---------------------------------------------------------------------------------------

    def admit(self, work: Work) -> Admitted:
        """Hold the claims that an open breaker blocks, of those due or sent along; return what the others passed."""
        now = self._clock()
        breakers = self._breakers_of(work.push.system)
        passes: dict[BreakerKey, int] = {}
        held = False
        due = work.due(now)
        for claim in [*due, *(one for one in work.sendable(now) if one not in due)]:
            if claim.operation is not None:
                continue
            blocking = self._blocking(claim, breakers, now)
            if blocking is not None:
                self._hold(claim, blocking, now)
                held = True
            for key in circuit_breaker.keys_of(claim):
                passes[key] = breakers[key].version if key in breakers else 0
        whole = breakers.get(BreakerKey(BreakerScope.SYSTEM, work.push.system))
        return Admitted(passes, None if whole is None or not whole.open else whole, held)

    def blocking(self, claims: Sequence[Claim]) -> Breaker | None:
        """Return the breaker that blocks sending a request in doubt again, if any.

        The claims share the request, so one of them may be the canary for all.
        """
        now = self._clock()
        for claim in claims:
            breakers = self._breakers_of(claim.push.system)
            breaker = self._blocking(claim, breakers, now, together=claims)
            if breaker is not None:
                return breaker
        return None

    def _blocking(
        self, claim: Claim, breakers: dict[BreakerKey, Breaker], now: float, together: Sequence[Claim] = ()
    ) -> Breaker | None:
        """Return the breaker that blocks a claim, if any. Where a canary may go, the claim becomes it."""
        waiting_for_canary = []
        for key in circuit_breaker.keys_of(claim):
            breaker = self._open_on_outage(breakers.get(key, Breaker(key)), breakers)
            if any(breaker.admits(one) for one in (claim, *together)):
                continue
            if not breaker.free(now):
                return breaker
            waiting_for_canary.append(breaker)
        for breaker in waiting_for_canary:
            changed = circuit_breaker.send_canary(breaker, claim, now)
            if not self._store.limits.save_breaker(changed, now):
                return breaker
            breakers[breaker.place] = changed.next()
            log.info(
                "breaker.canary",
                breaker=str(breaker.place),
                **push_fields(claim.push),
                job=identity.label(claim.job, claim.run.event),
            )
        return None

    def _open_on_outage(self, breaker: Breaker, breakers: dict[BreakerKey, Breaker]) -> Breaker:
        """Open the breaker of a pool or step that has an outage now; return the breaker as it is then."""
        if breaker.open or breaker.place.scope is BreakerScope.SYSTEM:
            return breaker
        outage = self._outages.outage(breaker.place, breaker.since)
        if outage is None:
            return breaker
        now = self._clock()
        opened = circuit_breaker.record_outage(breaker, outage.why, outage.evidence, now, self._bounds.breakers)
        if self._store.limits.save_breaker(opened, now):
            self._log_change(breaker, opened)
            breakers[breaker.place] = opened.next()
        return breakers.get(breaker.place, opened)

    def _hold(self, claim: Claim, blocking: Breaker, now: float) -> None:
        note = f"held: the breaker of {blocking.place} is open, for {blocking.why}"
        self._store.claims.hold(claim, blocking.place.key, now + _HOLD, note, now)

    def caps_for(self, work: Work) -> Mapping[str, int | None]:
        """Return the caps that a request for a push counts against, by name."""
        return self._bounds.caps.over(work.push, work.facts.author)

    def hold_for_cap(self, claims: Iterable[Claim], capped: Capped) -> None:
        """Hold claims until the cap has room again."""
        now = self._clock()
        for claim in claims:
            self._store.claims.hold(claim, limits.behind(capped.name), now + _HOLD, f"held: {capped.why}", now)

    # -- after it -----------------------------------------------------------------------------------------------

    def record_success(self, push: Push, cause: BreakerCause, claims: Sequence[Claim] = ()) -> None:
        """Record that the CI answered as it should."""
        now = self._clock()
        self.silent.pop(push.system, None)
        for key in self._keys(push, claims):
            self._change(key, partial(circuit_breaker.record_success, trouble=cause, now=now))

    def record_failure(self, push: Push, cause: BreakerCause, why: str, claims: Sequence[Claim] = ()) -> None:
        """Record that the CI did not answer, or not as it should."""
        now = self._clock()
        self.silent.setdefault(push.system, (now, why))
        for key in self._keys(push, claims):
            for job in sorted({claim.job for claim in claims}) or [""]:
                evidence = Evidence(now, cause, push, job, why[:300])
                self._change(
                    key, partial(circuit_breaker.record_failure, evidence=evidence, settings=self._bounds.breakers)
                )

    @staticmethod
    def _keys(push: Push, claims: Sequence[Claim]) -> Iterable[BreakerKey]:
        """Return the breakers of system and pools: a request does not depend on the step at which a run failed."""
        keys = {
            key: None
            for claim in claims
            for key in circuit_breaker.keys_of(claim)
            if key.scope is not BreakerScope.STEP
        }
        return keys or {BreakerKey(BreakerScope.SYSTEM, push.system): None}

    def _change(self, key: BreakerKey, change: Callable[[Breaker], Breaker]) -> None:
        """Change a breaker by compare-and-set, again if another process came first; write only what differs."""
        for _ in range(_ATTEMPTS):
            breaker = self._breakers_of(key.system).get(key, Breaker(key))
            changed = change(breaker)
            if changed == breaker:
                return
            if self._store.limits.save_breaker(changed, self._clock()):
                self._log_change(breaker, changed)
                return

    def _log_change(self, before: Breaker, after: Breaker) -> None:
        """Count and log that a breaker was opened or closed."""
        if before.open == after.open:
            return
        self._metrics.breakers.labels(after.place.system, after.place.scope, "opened" if after.open else "closed").inc()
        if after.open:
            evidence = [
                f"{one.push.project} {one.push.revision[:12]} {identity.label(one.job)}".strip()
                for one in after.evidence
            ]
            log.warning("breaker.opened", breaker=str(after.place), reason=after.why, evidence=evidence)
        else:
            log.info("breaker.closed", breaker=str(after.place), open_for=round(after.since - before.since, 1))

    def _breakers_of(self, system: str) -> dict[BreakerKey, Breaker]:
        return {one.place: one for one in self._store.limits.breakers() if one.place.system == system}

    # -- as time passes -----------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Release held claims as they become admissible, until stopped."""
        while not stop.wait(_EVERY):
            try:
                self.tick()
            except (StoreUnavailable, StoreRefused) as error:
                log.warning("guard.store_unavailable", error=str(error))

    def tick(self) -> bool:
        """Update open breakers and release what is admissible now; return whether anything changed."""
        changed = False
        held = self._store.limits.held()
        for breaker in self._store.limits.breakers():
            if breaker.open:
                changed |= self._update_open(breaker, held.get(breaker.place.key, 0))
        return self._release_for_caps(limits.waiting(held)) or changed

    def _release_for_caps(self, waiting: Mapping[str, int]) -> bool:
        """Release as many claims as the caps have room for; try a cap again only once its time or count has changed."""
        now, changed = self._clock(), False
        sent = self._store.limits.sent(now) if waiting else {}
        state = {name: (limits.piece(now), sent.get(name, 0)) for name in waiting}
        for name in waiting:
            limit = self._bounds.caps.limit(name)
            room = -1 if limit is None else max(0, limit - sent.get(name, 0))
            if room and state[name] != self._released_at.get(name):
                changed |= self._store.limits.release_held(limits.behind(name), room, now) > 0
        self._released_at = state
        return changed

    def _update_open(self, breaker: Breaker, waiting: int) -> bool:
        """Close an open breaker, send a canary or record its result; return whether anything changed."""
        now = self._clock()
        if breaker.trouble is not None and not self._bounds.breakers.opens(breaker.trouble):
            # The present configuration would not have opened it, so nothing has to wait for a canary.
            return self._save(breaker, circuit_breaker.closed(breaker, now))
        if breaker.trouble is BreakerCause.RUNS and self._outages.recovered(breaker.place, breaker.since):
            return self._save(breaker, circuit_breaker.closed(breaker, now))
        if breaker.canary is not None:
            after = self._after_canary(breaker, breaker.canary, now)
            return after is not None and self._save(breaker, after)
        if waiting:
            return breaker.free(now) and self._store.limits.release_held(breaker.place.key, 1, now) > 0
        return now > breaker.probe + _IDLE_BREAKER and self._save(breaker, circuit_breaker.closed(breaker, now))

    def _after_canary(self, breaker: Breaker, canary: circuit_breaker.Canary, now: float) -> Breaker | None:
        """Return the breaker changed by the result of its canary; `None` while there is no result."""
        record = self._store.pushes.record(canary.push)
        jobs = (*record.jobs, *record.unrun) if record is not None else ()
        found = [(claim, job.runs[claim.known_runs :]) for job in jobs for claim in job.claims]
        found += [(job.calibration.claim, job.measuring) for job in jobs if job.calibration is not None]
        claim, runs = next((one for one in found if one[0].id == canary.claim), (None, ()))
        if claim is None or (claim.state.final and claim.asked <= canary.asked):
            return circuit_breaker.next_canary(breaker)
        # The answer shows whether a request succeeded; only the run shows whether a pool is healthy again.
        requested = breaker.trouble is BreakerCause.RUNS and claim.asked > canary.asked
        passed = _outcome(runs[canary.asked :]) if requested else None
        if passed:
            return circuit_breaker.closed(breaker, now)
        if passed is False or circuit_breaker.canary_lost(breaker, now):
            return circuit_breaker.record_failed_canary(breaker, now, self._bounds.breakers)
        return None

    def _save(self, before: Breaker, after: Breaker) -> bool:
        saved = self._store.limits.save_breaker(after, self._clock())
        if saved:
            self._log_change(before, after)
        return saved


def _outcome(runs: Sequence[Run]) -> bool | None:
    """Return whether one of the runs passed; `None` while none has and not all are finished."""
    if any(run.passed for run in runs):
        return True
    return False if runs and all(run.state is State.FINISHED for run in runs) else None
