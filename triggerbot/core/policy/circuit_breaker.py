"""Breakers: when the CI is ill, and not the pushes, sending stops, and one canary at a time tries whether it is over.

There is one for each system, for each pool of machines and for each step of jobs. Purely: what happened goes in, the
breaker as it is then comes out. `guard` keeps them in the store and asks them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from triggerbot.core.model import Claim, Push


class BreakerScope(StrEnum):
    """What a breaker is for."""

    SYSTEM = "system"
    POOL = "pool"
    STEP = "step"


class BreakerKey(NamedTuple):
    """Which breaker: of which system, and of which pool or step there."""

    scope: BreakerScope
    system: str
    name: str = ""

    @property
    def key(self) -> str:
        """Write it as one text."""
        return f"{self.scope}/{self.system}/{self.name}"

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"system {self.system}"
            if self.scope is BreakerScope.SYSTEM
            else f"{self.scope} {self.name} of {self.system}"
        )


class BreakerCause(StrEnum):
    """What opens a breaker."""

    #: Requests for retriggers failed, or the CI would not take them.
    REQUESTS = "requests"
    #: It could not be asked which runs exist.
    LOOK_BACKS = "look_backs"
    #: The same thing failed in unrelated pushes.
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """What opens a breaker, and how it is tried whether it may be closed; times in seconds."""

    #: Requests (or look-backs) of different jobs that failed in a row.
    failures: int = 5
    #: Unrelated pushes in which the same pool or step failed within that time, and its share of the runs, in percent.
    pushes: int = 5
    within: float = 600.0
    share: float = 50.0
    #: Until the first canary; doubled with each that fails, up to the longest.
    canary: float = 5.0
    longest: float = 60.0

    def opens(self, trouble: BreakerCause) -> bool:
        """Tell whether this sort of trouble opens any breaker at all."""
        return (self.pushes if trouble is BreakerCause.RUNS else self.failures) < NEVER


#: More than ever happens.
NEVER = 1_000_000_000
#: Evidence that is kept of each; no more is asked for in a row.
_MOST = 100
#: Seconds after which nobody waits for a canary any more: its process died, or its run never ended.
LOST, LOST_RUN = 600.0, 7200.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that went wrong."""

    at: float
    trouble: BreakerCause
    push: Push
    job: str
    why: str


@dataclass(frozen=True, slots=True)
class Canary:
    """The one claim that may go through an open breaker."""

    push: Push
    job: str
    claim: int
    at: float
    #: Runs that had been asked for by that claim before: they tell nothing.
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Breaker:
    """One breaker as it is kept."""

    place: BreakerKey
    #: Counts its changes in the store: whoever changes it names the one that it saw.
    version: int = 0
    #: What it is open for; `None`: it is closed.
    trouble: BreakerCause | None = None
    #: When it was opened or closed.
    since: float = 0.0
    #: What went wrong in a row, or opened it; the latest last.
    evidence: tuple[Evidence, ...] = ()
    #: In a sentence, why it is open.
    why: str = ""
    #: Canaries in vain.
    tries: int = 0
    #: No canary before that.
    probe: float = 0.0
    canary: Canary | None = None

    @property
    def open(self) -> bool:
        """Whether it holds what would be sent."""
        return self.trouble is not None

    def next(self) -> "Breaker":
        """Count a change, as the store does when it is written."""
        return replace(self, version=self.version + 1)

    def admits(self, claim: Claim) -> bool:
        """Tell whether a claim may go on."""
        return not self.open or (self.canary is not None and self.canary.claim == claim.id)

    def free(self, now: float) -> bool:
        """Tell whether a canary may be chosen."""
        return self.open and self.canary is None and now >= self.probe


def keys_of(claim: Claim) -> tuple[BreakerKey, ...]:
    """Name the breakers that a claim has to pass."""
    system, run = claim.push.system, claim.run
    found = [BreakerKey(BreakerScope.SYSTEM, system)]
    if claim.dry:
        # Nothing is sent for it: no canary of it could ever come back.
        return tuple(found)
    if run.pool:
        found.append(BreakerKey(BreakerScope.POOL, system, run.pool))
    if run.step:
        found.append(BreakerKey(BreakerScope.STEP, system, run.step))
    return tuple(found)


def record_failure(breaker: Breaker, evidence: Evidence, settings: BreakerSettings) -> Breaker:
    """Take note that something went wrong: so many in a row, of different jobs, open it; a canary was in vain."""
    again = (evidence.trouble, evidence.push, evidence.job)
    kept = [one for one in breaker.evidence if (one.trouble, one.push, one.job) != again]
    seen = replace(breaker, evidence=(*kept, evidence)[-min(settings.failures, _MOST) :])
    if seen.open:
        came = seen.canary is not None and seen.canary.push == evidence.push and evidence.job in ("", seen.canary.job)
        return record_failed_canary(seen, evidence.at, settings) if came else seen
    row = [one for one in seen.evidence if one.trouble is evidence.trouble]
    if len(row) < settings.failures:
        return seen
    what = "requests" if evidence.trouble is BreakerCause.REQUESTS else "look-backs"
    why = f"{len(row)} {what} in a row failed, the last with: {evidence.why}"
    return _opened(seen, evidence.trouble, why, tuple(row), evidence.at, settings)


def record_success(breaker: Breaker, trouble: BreakerCause, now: float) -> Breaker:
    """Take note that something of a sort went well: the row ends, and what was open for that closes."""
    if breaker.trouble is trouble:
        return closed(breaker, now)
    return replace(breaker, evidence=tuple(one for one in breaker.evidence if one.trouble is not trouble))


def closed(breaker: Breaker, now: float) -> Breaker:
    """Close it, whatever it was open for; what was heard before now is no reason to open it again."""
    return Breaker(breaker.place, breaker.version, since=now)


def record_outage(
    breaker: Breaker, why: str, evidence: tuple[Evidence, ...], now: float, settings: BreakerSettings
) -> Breaker:
    """Open it, for the same thing fails in unrelated pushes."""
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
    """Wait for the next canary, longer than for the last."""
    tries = breaker.tries + 1
    wait = min(settings.longest, settings.canary * 2.0 ** min(tries, 20))
    return replace(breaker, tries=tries, canary=None, probe=now + wait)


def next_canary(breaker: Breaker) -> Breaker:
    """Take another canary at once: nothing was asked for that one, so it told nothing."""
    return replace(breaker, canary=None)


def send_canary(breaker: Breaker, claim: Claim, now: float) -> Breaker:
    """Let this claim be the canary."""
    return replace(breaker, canary=Canary(claim.push, claim.job, claim.id, now, claim.asked))


def canary_lost(breaker: Breaker, now: float) -> bool:
    """Tell whether a canary has been away for too long."""
    most = LOST_RUN if breaker.trouble is BreakerCause.RUNS else LOST
    return breaker.canary is not None and now - breaker.canary.at > most
