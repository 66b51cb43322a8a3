"""Claims, and the requests that carry them out."""

from dataclasses import dataclass, field
from enum import StrEnum

from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Push, Run, RunKey


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
    #: Empty if the bot made it of its own accord; an operation id if a person asked for it, or see `CONTROL`.
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

    @property
    def owed(self) -> int:
        """How many retriggers remain to be requested."""
        return max(0, self.wanted - self.asked)

    @property
    def manual(self) -> bool:
        """Whether it was asked for, by a person or for a control run, whatever its own push is like."""
        return self.origin != ""

    @property
    def by_person(self) -> bool:
        """Whether a person asked for it, who may start what nothing else starts."""
        return self.manual and not self.control

    @property
    def control(self) -> bool:
        """Whether it is for a push that is based on this one, of whose job nothing is known here."""
        return self.origin.startswith(CONTROL)


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
