"""Claims, and the requests that carry them out."""

from dataclasses import dataclass, field
from enum import StrEnum

from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Push, Run, RunKey
from triggerbot.core.policy.evidence import Weight

#: How the origins of claims begin that measure verdicts; see `policy.calibration`.
CALIBRATION = "calibration:"


class ClaimState(StrEnum):
    """The state of a claim. The last three are final: a claim never leaves them."""

    OPEN = "open"  # not decided yet
    OWED = "owed"  # decided; retriggers remain to be requested
    SENDING = "sending"  # recorded before the first byte leaves; after a crash, look back
    UNKNOWN = "unknown"  # the answer was ambiguous: look back, never guess
    DONE = "done"  # everything decided has been requested
    REFUSED = "refused"
    WOULD = "would"  # dry run: decided, recorded, never to be sent

    @property
    def final(self) -> bool:
        """Whether the claim has reached its end."""
        return self in (ClaimState.DONE, ClaimState.REFUSED, ClaimState.WOULD)


#: How the origin of a claim begins that a push based on this one makes; that push's revision follows.
CONTROL = "control:"
#: How the origin of a claim begins that runs a job at a push so as to find who broke it; the search's id follows. And
#: how it begins if a person asked who did.
BACKFILL, ASKED_BACKFILL = "backfill:", "backfill:asked:"


@dataclass(frozen=True, slots=True)
class Claim:
    """A durable promise to handle one job of a push exactly once: the cause, the number of retriggers, the progress."""

    id: int
    push: Push
    #: The key of its job; see `core.identity`.
    job: str
    state: ClaimState
    #: The run that caused the claim, in its last known state.
    run: Run
    dry: bool
    created: float
    due: float
    #: Empty if the bot made it for the job's sake; begins with `CALIBRATION` if it made it to measure itself; an
    #: operation id if a person asked for it, or see `CONTROL` and `BACKFILL`.
    origin: str = ""
    cause: Cause | None = None
    refusal: Refusal | None = None
    wanted: int = 0
    asked: int = 0
    #: Runs of the job that were known at the decision.
    known_runs: int = 0
    #: Look-ups in which the CI did not know the job yet.
    lookups: int = 0
    #: Consecutive attempts in which the CI gave no usable answer.
    tries: int = 0
    note: str = ""
    #: The request in flight or in doubt.
    operation: "Operation | None" = None
    #: The key of the breaker or cap that it is held behind; empty if it is not held.
    behind: str = ""
    #: If its retriggers go by what they prove, how many it may have in all; `wanted` grows up to that. 0: they do not.
    most: int = 0
    #: What its failures are worth, as far as they were weighed.
    weight: Weight | None = None
    #: The claim of a job that was retriggered before for the same failure; 0: there is none.
    like: int = 0

    @property
    def owed(self) -> int:
        """How many retriggers remain to be requested."""
        return max(0, self.wanted - self.asked)

    @property
    def manual(self) -> bool:
        """Return whether it was asked for, by a person or for the sake of other pushes, whatever its own is like."""
        return self.origin != "" and not self.calibrates

    @property
    def calibrates(self) -> bool:
        """Whether it measures what was said of its job: its runs decide nothing."""
        return self.origin.startswith(CALIBRATION)

    @property
    def by_person(self) -> bool:
        """Whether a person asked for it, who may start what nothing else starts."""
        return self.manual and not self.control and not self.backfills

    @property
    def control(self) -> bool:
        """Whether it is for a push that is based on this one, of whose job nothing is known here."""
        return self.origin.startswith(CONTROL)

    @property
    def backfills(self) -> bool:
        """Return whether it runs a job at a push of a branch so as to find at which one that broke."""
        return self.origin.startswith(BACKFILL)

    @property
    def is_waited_for(self) -> bool:
        """Return whether a person waits for what comes of it, even if the branch has a newer commit."""
        return self.by_person or self.origin.startswith(ASKED_BACKFILL)

    def reopened_by(self, run: RunKey, *, news: bool) -> bool:
        """Return whether a further run, or further news of one, makes a claim anew in its place.

        It does if this one ended because its failure was not its own, but of another job or of the base; or because
        the CI did not list the job for so long, of which something is heard again: the list was only late.
        """
        if self.refusal is Refusal.NOT_FOUND:
            return not self.asked
        return news and self.refusal in (Refusal.DERIVED, Refusal.INHERITED) and self.run.key != run


@dataclass(frozen=True, slots=True)
class Operation:
    """A request to a CI: the id that it carries, the claims that it covers, and the runs that existed before it."""

    id: str
    push: Push
    claims: tuple[int, ...]
    count: int
    started: float
    #: Runs known before the request, by job: any other run came after it.
    baseline: dict[str, tuple[RunKey, ...]] = field(default_factory=dict)
    sends: int = 1
    #: Look-backs, made after the grace time, that found no run of the request.
    misses: int = 0
