"""Circuit breakers: sending stops while the CI itself is unhealthy, and one canary at a time tests for recovery.

There is one per system, per pool of machines and per step of jobs. Pure: each function takes a breaker and what
happened, and returns the breaker's next state. `pipeline.admission` loads, asks and stores them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from triggerbot.core.claim import Claim
from triggerbot.core.model import Push


class BreakerScope(StrEnum):
    """What a breaker protects."""

    SYSTEM = "system"
    POOL = "pool"
    STEP = "step"


class BreakerKey(NamedTuple):
    """The identity of a breaker: its system, and the pool or step there."""

    scope: BreakerScope
    system: str
    name: str = ""

    @property
    def key(self) -> str:
        """The key as one text."""
        return f"{self.scope}/{self.system}/{self.name}"

    def __str__(self) -> str:
        """Render for people."""
        return (
            f"system {self.system}"
            if self.scope is BreakerScope.SYSTEM
            else f"{self.scope} {self.name} of {self.system}"
        )


class BreakerCause(StrEnum):
    """The kind of failure that opens a breaker."""

    #: Requests for retriggers failed, or the CI did not accept them.
    REQUESTS = "requests"
    #: The CI could not be asked which runs exist.
    LOOK_BACKS = "look_backs"
    #: The same pool or step failed in unrelated pushes.
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens, and how canaries test whether it may close; times in seconds."""

    #: Consecutive failed requests (or look-backs) of different jobs that open it.
    failures: int = 5
    #: It opens when a pool or step failed in this many unrelated pushes `within` that time, and in this share of its
    #: runs, in percent.
    pushes: int = 5
    within: float = 600.0
    share: float = 50.0
    #: Delay before the first canary; doubled with each that fails, up to `longest`.
    canary: float = 5.0
    longest: float = 60.0

    def opens(self, trouble: BreakerCause) -> bool:
        """Whether this cause can open a breaker at all."""
        return (self.pushes if trouble is BreakerCause.RUNS else self.failures) < NEVER


#: A threshold that is never reached: it switches a cause off.
NEVER = 1_000_000_000
#: Pieces of evidence stored per breaker, which also bounds `failures`.
_EVIDENCE_MAX = 100
#: Seconds after which a canary is given up: its process died (`LOST`), or its run never ended (`LOST_RUN`).
LOST, LOST_RUN = 600.0, 7200.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One failure that counts towards opening a breaker."""

    at: float
    trouble: BreakerCause
    push: Push
    job: str
    why: str


@dataclass(frozen=True, slots=True)
class Canary:
    """The one claim that an open breaker admits."""

    push: Push
    job: str
    claim: int
    at: float
    #: Runs that the claim had requested before; they prove nothing about recovery.
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one breaker, as stored."""

    place: BreakerKey
    #: Counts changes in the store: a write names the version that it is based on.
    version: int = 0
    #: Why it is open; `None` if it is closed.
    trouble: BreakerCause | None = None
    #: When it last opened or closed.
    since: float = 0.0
    #: The failures in a row so far, or those that opened it; the latest last.
    evidence: tuple[Evidence, ...] = ()
    #: Why it is open, in a sentence.
    why: str = ""
    #: Canaries that failed.
    tries: int = 0
    #: When the next canary may be sent.
    probe: float = 0.0
    canary: Canary | None = None

    @property
    def open(self) -> bool:
        """Whether it holds claims back."""
        return self.trouble is not None

    def next(self) -> "Breaker":
        """Return it with the version that the store gives it on writing."""
        return replace(self, version=self.version + 1)

    def admits(self, claim: Claim) -> bool:
        """Whether a claim may proceed."""
        canary = self.canary
        return not self.open or (canary is not None and (canary.push, canary.claim) == (claim.push, claim.id))

    def free(self, now: float) -> bool:
        """Whether a canary may be chosen now."""
        return self.open and self.canary is None and now >= self.probe


def keys_of(claim: Claim) -> tuple[BreakerKey, ...]:
    """Return the keys of the breakers that a claim has to pass."""
    system, run = claim.push.system, claim.run
    keys = [BreakerKey(BreakerScope.SYSTEM, system)]
    if claim.dry:
        # Nothing is sent for it, so it could never return as a canary.
        return tuple(keys)
    if run.pool:
        keys.append(BreakerKey(BreakerScope.POOL, system, run.pool))
    if run.step:
        keys.append(BreakerKey(BreakerScope.STEP, system, run.step))
    return tuple(keys)


def record_failure(breaker: Breaker, evidence: Evidence, settings: BreakerSettings) -> Breaker:
    """Record a failure: `failures` of different jobs in a row open the breaker; a failed canary delays the next."""
    repeated = (evidence.trouble, evidence.push, evidence.job)
    others = [one for one in breaker.evidence if (one.trouble, one.push, one.job) != repeated]
    updated = replace(breaker, evidence=(*others, evidence)[-min(settings.failures, _EVIDENCE_MAX) :])
    if updated.open:
        canary = updated.canary
        is_canary = canary is not None and canary.push == evidence.push and evidence.job in ("", canary.job)
        return record_failed_canary(updated, evidence.at, settings) if is_canary else updated
    row = [one for one in updated.evidence if one.trouble is evidence.trouble]
    if len(row) < settings.failures:
        return updated
    what = "requests" if evidence.trouble is BreakerCause.REQUESTS else "look-backs"
    why = f"{len(row)} {what} in a row failed, the last with: {evidence.why}"
    return _opened(updated, evidence.trouble, why, tuple(row), evidence.at, settings)


def record_success(breaker: Breaker, trouble: BreakerCause, now: float) -> Breaker:
    """Record a success: a breaker that is open for this cause closes, otherwise the row of its failures ends."""
    if breaker.trouble is trouble:
        return closed(breaker, now)
    return replace(breaker, evidence=tuple(one for one in breaker.evidence if one.trouble is not trouble))


def closed(breaker: Breaker, now: float) -> Breaker:
    """Return the breaker closed, whatever it was open for; earlier evidence does not open it again."""
    return Breaker(breaker.place, breaker.version, since=now)


def record_outage(
    breaker: Breaker, why: str, evidence: tuple[Evidence, ...], now: float, settings: BreakerSettings
) -> Breaker:
    """Open the breaker, because its pool or step fails in unrelated pushes."""
    return breaker if breaker.open else _opened(breaker, BreakerCause.RUNS, why, evidence, now, settings)


def _opened(
    breaker: Breaker,
    trouble: BreakerCause,
    why: str,
    evidence: tuple[Evidence, ...],
    now: float,
    settings: BreakerSettings,
) -> Breaker:
    return Breaker(
        breaker.place, breaker.version, trouble, now, evidence, why, tries=0, probe=now + settings.canary, canary=None
    )


def record_failed_canary(breaker: Breaker, now: float, settings: BreakerSettings) -> Breaker:
    """Record that the canary failed: the next one is delayed for longer."""
    tries = breaker.tries + 1
    wait = min(settings.longest, settings.canary * 2.0 ** min(tries, 20))
    return replace(breaker, tries=tries, canary=None, probe=now + wait)


def next_canary(breaker: Breaker) -> Breaker:
    """Make room for another canary at once: nothing was requested for this one, so it proved nothing."""
    return replace(breaker, canary=None)


def send_canary(breaker: Breaker, claim: Claim, now: float) -> Breaker:
    """Make this claim the canary."""
    return replace(breaker, canary=Canary(claim.push, claim.job, claim.id, now, claim.asked))


def canary_lost(breaker: Breaker, now: float) -> bool:
    """Whether the canary has been away for too long."""
    most = LOST_RUN if breaker.trouble is BreakerCause.RUNS else LOST
    return breaker.canary is not None and now - breaker.canary.at > most
