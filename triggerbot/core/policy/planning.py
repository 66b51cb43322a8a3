"""Request planning: which requests a CI needs for the retriggers that are owed.

"N times" means something different on each CI: `batch` CIs accept several copies at once, `serial` ones can only run
one copy after another. A system whose CI needs more than `plan_batch` plans for itself.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core import identity
from triggerbot.core.claim import Claim
from triggerbot.core.model import NO_RUN, Run, State
from triggerbot.core.policy.never_start import BY_DEFAULT, NeverStart


class Capacity(StrEnum):
    """How a CI can run a job N times."""

    BATCH = "batch"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Owed:
    """A claim, the retriggers still owed for it, and the runs of its job, oldest first; none if it has not run yet."""

    claim: Claim
    owed: int
    runs: tuple[Run, ...]
    #: What a request for it must not start along.
    never_start: NeverStart = BY_DEFAULT

    @property
    def target(self) -> Run:
        """The run to retrigger: the newest, because some CIs accept no other; without runs, one of no id."""
        return self.runs[-1] if self.runs else self.claim.run


@dataclass(frozen=True, slots=True)
class Call:
    """One request to make: the claims that it covers, the number of copies, and the run to copy."""

    wants: tuple[Owed, ...]
    count: int
    target: Run
    #: Request all failed jobs of the target's batch together rather than the target alone.
    together: bool = False
    #: Request the target's batch as a whole.
    whole: bool = False
    #: All failed jobs of the target's batch are no more than the target: asking for them starts nothing else.
    may_widen: bool = False

    @property
    def is_new(self) -> bool:
        """Return whether the job has no run at the push yet, so that there is nothing to copy."""
        return self.target.key == NO_RUN


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests that can be made now, and the claims that have to wait or end, each with the reason in words."""

    calls: tuple[Call, ...] = ()
    held: tuple[tuple[Owed, str], ...] = ()
    #: Claims for which nothing will ever be requested any more.
    ended: tuple[tuple[Owed, str], ...] = ()


def by_round(wants: Sequence[Owed]) -> list[Owed]:
    """Sort what can only be requested one after another: no job's second run before the first of another.

    Within a round the job that failed first comes first: others may have failed because of it.
    """
    return sorted(wants, key=lambda want: (want.claim.asked, want.claim.run.time or want.claim.created, want.claim.id))


#: Why a claim waits where its batch cannot be rerun yet.
GOES_ON = "waits for the workflow run to complete"


def open_batches(states: Iterable[tuple[str, State]]) -> frozenset[str]:
    """Return the batches of which a run is not known to have ended; `states`: of runs, by the keys of their jobs."""
    return frozenset(identity.batch_of(job) for job, state in states if state is not State.FINISHED) - {""}


def going_on(claims: Iterable[Claim], batches: Collection[str]) -> list[Claim]:
    """Return the claims for which a look-back would be in vain: their batches are among these, which go on.

    A serial CI reruns nothing in a batch until all of it has ended. Whoever has waited for that once is not kept
    waiting: what is known may lack an end that nobody told.
    """
    return [
        claim
        for claim in claims
        if claim.operation is None and claim.note != GOES_ON and identity.batch_of(claim.job) in batches
    ]


def ended_meanwhile(claims: Iterable[Claim], batches: Collection[str], now: float) -> list[Claim]:
    """Return the claims that still wait for their batches, none of which is among these, which go on."""
    return [
        claim
        for claim in claims
        if claim.note == GOES_ON and claim.due > now and identity.batch_of(claim.job) not in {"", *batches}
    ]


def plan_batch(wants: Sequence[Owed]) -> Plan:
    """Plan one request per job, which carries the number of copies."""
    return Plan(tuple(Call((want,), want.owed, want.target) for want in wants))
