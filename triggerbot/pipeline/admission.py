"""What holds claims back before a request: breakers, while a CI is ill, and the hard caps of an hour.

Claims are never dropped for it: they are held in the store, in order, and let go when the reason ends. Everything is
shared through the store, so that it holds on every replica and after any restart; see `breaker` for the rules.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.model import Claim, Push, Run, State
from triggerbot.core.policy import circuit_breaker, limits
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope, Evidence
from triggerbot.core.policy.limits import Capped, Limits
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.store import Store, Work

log = structlog.get_logger("triggerbot.guard")

#: Seconds after which a held claim is looked at in any case.
_HOLD = 21_600.0
#: Seconds after which a breaker that holds nothing is closed: nobody came who could have been its canary.
_FORGET = 3600.0
#: Seconds between looks whether a canary is due, or came back.
_EVERY = 1.0
#: So often a change is tried again that another replica came before with.
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Admitted:
    """What was let pass."""

    #: The versions of the breakers that were passed.
    passes: Mapping[BreakerKey, int]
    #: The breaker of the whole system, if it is open.
    ill: Breaker | None = None
    #: Something was held, so that less is due than before.
    held: bool = False


class Admission:
    """Lets claims pass, or holds them. Any number of threads may use it."""

    def __init__(
        self, store: Store, bounds: Limits, outages: OutageDetector, *, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        self._store = store
        self._bounds = bounds
        self._outages = outages
        self._clock = clock
        self._metrics = metrics
        #: The piece of time, and what had been sent, when claims were last let go for a cap.
        self._tried: dict[str, tuple[int, int]] = {}
        #: The systems that did not answer this process when it asked last: since when, and why.
        self.silent: dict[str, tuple[float, str]] = {}

    # -- before a request ---------------------------------------------------------------------------------------

    def admit(self, work: Work) -> Admitted:
        """Hold what may not go on now."""
        now = self._clock()
        kept = self._of(work.push.system)
        passes: dict[BreakerKey, int] = {}
        held = False
        for claim in work.due(now):
            if claim.operation is not None:
                continue
            against = self._against(claim, kept, now)
            if against is not None:
                self._hold(claim, against, now)
                held = True
            for place in circuit_breaker.keys_of(claim):
                passes[place] = kept[place].version if place in kept else 0
        whole = kept.get(BreakerKey(BreakerScope.SYSTEM, work.push.system))
        return Admitted(passes, None if whole is None or not whole.open else whole, held)

    def lets(self, claims: Sequence[Claim]) -> Breaker | None:
        """Name the breaker that keeps a request in doubt from being sent again, if one does.

        Its claims go together, so one of them may be the canary for all.
        """
        now = self._clock()
        for claim in claims:
            kept = self._of(claim.push.system)
            against = self._against(claim, kept, now, along=claims)
            if against is not None:
                return against
        return None

    def _against(
        self, claim: Claim, kept: dict[BreakerKey, Breaker], now: float, along: Sequence[Claim] = ()
    ) -> Breaker | None:
        """Name the breaker that a claim does not pass. Where a canary may go, this claim becomes it."""
        on_the_way = []
        for place in circuit_breaker.keys_of(claim):
            one = self._look_at_outages(kept.get(place, Breaker(place)), kept)
            if any(one.admits(other) for other in (claim, *along)):
                continue
            if not one.free(now):
                return one
            on_the_way.append(one)
        for one in on_the_way:
            ahead = circuit_breaker.send_canary(one, claim, now)
            if not self._store.save_breaker(ahead, now):
                return one
            kept[one.place] = ahead.next()
            log.info("breaker.canary", breaker=str(one.place), **push_fields(claim.push), job=claim.job)
        return None

    def _look_at_outages(self, one: Breaker, kept: dict[BreakerKey, Breaker]) -> Breaker:
        """Open a breaker if what it is for fails everywhere just now."""
        if one.open or one.place.scope is BreakerScope.SYSTEM:
            return one
        illness = self._outages.outage(one.place, one.since)
        if illness is None:
            return one
        now = self._clock()
        ill = circuit_breaker.record_outage(one, illness.why, illness.evidence, now, self._bounds.breakers)
        if self._store.save_breaker(ill, now):
            self._tell(one, ill)
            kept[one.place] = ill.next()
        return kept.get(one.place, ill)

    def _hold(self, claim: Claim, against: Breaker, now: float) -> None:
        note = f"held: the breaker of {against.place} is open, for {against.why}"
        self._store.hold(claim, against.place.key, now + _HOLD, note, now)

    def over(self, work: Work) -> Mapping[str, int | None]:
        """Name the caps that a request for a push counts against."""
        return self._bounds.caps.over(work.push, work.facts.author)

    def capped(self, claims: Iterable[Claim], capped: Capped) -> None:
        """Hold claims until a cap has room again."""
        now = self._clock()
        for claim in claims:
            self._store.hold(claim, limits.behind(capped.name), now + _HOLD, f"held: {capped.why}", now)

    # -- after it -----------------------------------------------------------------------------------------------

    def record_success(self, push: Push, trouble: BreakerCause, claims: Sequence[Claim] = ()) -> None:
        """The CI answered as it should."""
        now = self._clock()
        self.silent.pop(push.system, None)
        for place in self._places(push, claims):
            self._change(place, partial(circuit_breaker.record_success, trouble=trouble, now=now))

    def record_failure(self, push: Push, trouble: BreakerCause, why: str, claims: Sequence[Claim] = ()) -> None:
        """The CI did not answer, or not as it should."""
        now = self._clock()
        self.silent.setdefault(push.system, (now, why))
        for place in self._places(push, claims):
            for job in sorted({claim.job for claim in claims}) or [""]:
                evidence = Evidence(now, trouble, push, job, why[:300])
                self._change(
                    place, partial(circuit_breaker.record_failure, evidence=evidence, settings=self._bounds.breakers)
                )

    @staticmethod
    def _places(push: Push, claims: Sequence[Claim]) -> Iterable[BreakerKey]:
        """Requests concern the system and the pools; at which step a run failed has nothing to do with them."""
        found = {
            place: None
            for claim in claims
            for place in circuit_breaker.keys_of(claim)
            if place.scope is not BreakerScope.STEP
        }
        return found or {BreakerKey(BreakerScope.SYSTEM, push.system): None}

    def _change(self, place: BreakerKey, change: Callable[[Breaker], Breaker]) -> None:
        """Change a breaker, whoever else does at the same time; what changes nothing is not written."""
        for _ in range(_TRIES):
            one = self._of(place.system).get(place, Breaker(place))
            changed = change(one)
            if changed == one:
                return
            if self._store.save_breaker(changed, self._clock()):
                self._tell(one, changed)
                return

    def _tell(self, before: Breaker, after: Breaker) -> None:
        if before.open == after.open:
            return
        self._metrics.breakers.labels(after.place.system, after.place.scope, "opened" if after.open else "closed").inc()
        if after.open:
            seen = [f"{one.push.project} {one.push.revision[:12]} {one.job}".strip() for one in after.evidence]
            log.warning("breaker.opened", breaker=str(after.place), reason=after.why, evidence=seen)
        else:
            log.info("breaker.closed", breaker=str(after.place), open_for=round(after.since - before.since, 1))

    def _of(self, system: str) -> dict[BreakerKey, Breaker]:
        return {one.place: one for one in self._store.breakers() if one.place.system == system}

    # -- as time passes -----------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Look after what is held until told to stop."""
        while not stop.wait(_EVERY):
            try:
                self.tick()
            except (StoreUnavailable, StoreRefused) as error:
                log.warning("guard.store_unavailable", error=str(error))

    def tick(self) -> bool:
        """Let go of what may go on; tells whether anything changed."""
        changed = False
        held = self._store.held()
        for one in self._store.breakers():
            if one.open:
                changed |= self._look_after(one, held.get(one.place.key, 0))
        return self._make_room(limits.waiting(held)) or changed

    def _make_room(self, waiting: Mapping[str, int]) -> bool:
        """Let go of as many claims as caps have room for; what found too little waits until that changes."""
        now, changed = self._clock(), False
        sent = self._store.sent(now) if waiting else {}
        seen = {name: (limits.piece(now), sent.get(name, 0)) for name in waiting}
        for name in waiting:
            limit = self._bounds.caps.limit(name)
            room = -1 if limit is None else max(0, limit - sent.get(name, 0))
            if room and seen[name] != self._tried.get(name):
                changed |= self._store.release_held(limits.behind(name), room, now) > 0
        self._tried = seen
        return changed

    def _look_after(self, one: Breaker, waiting: int) -> bool:
        now = self._clock()
        if one.trouble is not None and not self._bounds.breakers.opens(one.trouble):
            # By this configuration it would never have been opened, so nothing it holds need wait for a canary.
            return self._write(one, circuit_breaker.closed(one, now))
        if one.trouble is BreakerCause.RUNS and self._outages.recovered(one.place, one.since):
            return self._write(one, circuit_breaker.closed(one, now))
        if one.canary is not None:
            after = self._after_canary(one, one.canary, now)
            return after is not None and self._write(one, after)
        if waiting:
            return one.free(now) and self._store.release_held(one.place.key, 1, now) > 0
        return now > one.probe + _FORGET and self._write(one, circuit_breaker.closed(one, now))

    def _after_canary(self, one: Breaker, canary: circuit_breaker.Canary, now: float) -> Breaker | None:
        """Tell what a canary came back with, if it did."""
        record = self._store.record(canary.push)
        jobs = record.jobs if record is not None else ()
        found = [(job, claim) for job in jobs for claim in job.claims if claim.id == canary.claim]
        if not found or (found[0][1].state.final and found[0][1].asked <= canary.asked):
            return circuit_breaker.next_canary(one)
        job, claim = found[0]
        # Whether a request went well tells its answer; whether a pool is well again, only the run that came of it.
        asked = one.trouble is BreakerCause.RUNS and claim.asked > canary.asked
        proved = _proved(job.runs[claim.known_runs + canary.asked :]) if asked else None
        if proved:
            return circuit_breaker.closed(one, now)
        if proved is False or circuit_breaker.canary_lost(one, now):
            return circuit_breaker.record_failed_canary(one, now, self._bounds.breakers)
        return None

    def _write(self, before: Breaker, after: Breaker) -> bool:
        kept = self._store.save_breaker(after, self._clock())
        if kept:
            self._tell(before, after)
        return kept


def _proved(runs: Sequence[Run]) -> bool | None:
    if any(run.passed for run in runs):
        return True
    return False if runs and all(run.state is State.FINISHED for run in runs) else None
