"""The words of triggerbot as frozen values: push, event, run, claim, and what they are made of.

Times are seconds since the epoch (UTC) as floats throughout; text appears only at the borders.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """How far a run is."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"

    @property
    def rank(self) -> int:
        """Order along a run's life: a later message of an earlier state changes nothing."""
        return _RANK[self]


_RANK = {State.PENDING: 0, State.RUNNING: 1, State.FINISHED: 2}


class Result(StrEnum):
    """What a finished run came to."""

    SUCCESS = "success"
    FAILURE = "failure"
    BUSTED = "busted"
    INFRA = "infra"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    RETRY = "retry"
    UNKNOWN = "unknown"

    @property
    def failed(self) -> bool:
        """Whether a rule may retrigger it; never cancelled, skipped, or retried by the CI itself."""
        return self in _FAILED


_FAILED = frozenset({Result.FAILURE, Result.BUSTED, Result.INFRA, Result.TIMED_OUT})


class Kind(StrEnum):
    """What sort of job it is."""

    TEST = "test"
    BUILD = "build"
    OTHER = "other"


class Push(NamedTuple):
    """Where a change went: the thing a developer asks about."""

    system: str
    project: str
    branch: str
    revision: str


class RunKey(NamedTuple):
    """What tells one execution of a job from another."""

    run_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing heard about a run, in our own words, from any intake."""

    push: Push
    job: str
    run_id: str
    state: State
    result: Result | None = None
    attempt: int = 1
    kind: Kind = Kind.TEST
    tier: int = 1
    author: str | None = None
    message: str | None = None
    time: float | None = None
    url: str | None = None
    retrigger_of: str | None = None
    pool: str | None = None
    step: str | None = None
    failures: tuple[str, ...] = ()
    #: What the CI keeps it together with: a GitHub workflow run (rerun as a whole), or a Taskcluster task group.
    batch: str = ""
    #: When the run began, where that is known: `time` is when it came into its state.
    started: float | None = None

    @property
    def key(self) -> RunKey:
        """The run this event is about."""
        return RunKey(self.run_id, self.attempt)

    @property
    def failed(self) -> bool:
        """Whether it says that a run finished and failed."""
        return self.state is State.FINISHED and self.result is not None and self.result.failed


@dataclass(frozen=True, slots=True)
class PushFacts:
    """What a CI says about a push as a whole; `None` is 'not said', the empty string is 'said to be empty'."""

    push: Push
    message: str | None = None
    author: str | None = None
    time: float | None = None
    #: The change comes from a fork of the project.
    fork: bool | None = None
    #: Something of this push has come to rest, so that claims which wait for that should look again now.
    settled: bool = False


class Group(NamedTuple):
    """What a CI keeps together, before anybody knows which push it belongs to (a Taskcluster task group)."""

    system: str
    id: str


@dataclass(frozen=True, slots=True)
class Lead:
    """One thing heard about a run whose message names neither push nor job: the CI has to be asked which it is."""

    group: Group
    run_id: str
    state: State
    result: Result | None = None
    attempt: int = 1
    time: float | None = None

    @property
    def key(self) -> RunKey:
        """The run it is about."""
        return RunKey(self.run_id, self.attempt)

    @property
    def failed(self) -> bool:
        """Whether it says that a run finished and failed."""
        return self.state is State.FINISHED and self.result is not None and self.result.failed


@dataclass(frozen=True, slots=True)
class CommentCommand:
    """What a person asks triggerbot for where they are: in a comment, or by the button of a report."""

    system: str
    #: The CI's own name for it, such as the comment's number: the same wish is heard once.
    id: str
    project: str
    #: Who asks.
    author: str
    #: What is asked, without the mention of triggerbot: `rebuild 3`, `retry PATTERN`, `why JOB`; a line for each.
    text: str
    #: The number of the pull request that it is about; or else the commit.
    pull: int | None = None
    revision: str | None = None


#: What one message of a CI can tell.
Heard = Event | PushFacts | Lead | CommentCommand


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a job as far as it is known, with what triage and verdicts need."""

    job: str
    run_id: str
    attempt: int
    state: State
    result: Result | None
    kind: Kind = Kind.TEST
    tier: int = 1
    pool: str | None = None
    step: str | None = None
    url: str | None = None
    time: float | None = None
    retrigger_of: str | None = None
    batch: str = ""
    failures: tuple[str, ...] = ()
    started: float | None = None

    @property
    def key(self) -> RunKey:
        """What tells it from the job's other runs."""
        return RunKey(self.run_id, self.attempt)

    @property
    def failed(self) -> bool:
        """Whether it finished and failed."""
        return self.state is State.FINISHED and self.result is not None and self.result.failed

    @property
    def passed(self) -> bool:
        """Whether it finished and passed."""
        return self.state is State.FINISHED and self.result is Result.SUCCESS

    @property
    def age(self) -> tuple[float, int]:
        """Order it among the runs of its job, oldest first; one not at its end may have no time yet, and is new."""
        unknown = 0.0 if self.state is State.FINISHED else math.inf
        return unknown if self.time is None else self.time, self.attempt

    @property
    def seconds(self) -> float | None:
        """How long it ran, where both ends are known."""
        if self.state is not State.FINISHED or self.time is None or self.started is None:
            return None
        return max(0.0, self.time - self.started)


class Cause(StrEnum):
    """Why a job is retriggered."""

    FAILURE = "failure"
    REQUESTED = "requested"
    MANUAL = "manual"


class Refusal(StrEnum):
    """Why a job is not retriggered; the first that applies, in this order, is the one told."""

    NOT_WATCHED = "not_watched"
    JOB_EXCLUDED = "job_excluded"
    KIND_EXCLUDED = "kind_excluded"
    RESULT_EXCLUDED = "result_excluded"
    AUTHOR_EXCLUDED = "author_excluded"
    POOL_EXCLUDED = "pool_excluded"
    STEP_EXCLUDED = "step_excluded"
    HIDDEN = "hidden"
    DONTBUILD = "dontbuild"
    NO_RETRY = "no_retry"
    NOT_OPTED_IN = "not_opted_in"
    REBUILD_REQUESTED = "rebuild_requested"
    ALREADY_CLAIMED = "already_claimed"
    ENOUGH_RUNS = "enough_runs"
    OVER_BUDGET = "over_budget"
    NOT_FOUND = "not_found"
    REFUSED_BY_CI = "refused_by_ci"


class ClaimState(StrEnum):
    """How far a claim is. The last three are final: a claim never leaves them."""

    OPEN = "open"  # nothing decided yet
    OWED = "owed"  # decided; retriggers remain to be asked for
    SENDING = "sending"  # written before the first byte leaves; after a crash it means: look back
    UNKNOWN = "unknown"  # the answer was ambiguous: look back, never guess
    DONE = "done"  # all that was decided has been asked for
    REFUSED = "refused"
    WOULD = "would"  # dry run: decided, recorded, never to be sent

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the claim."""
        return self in (ClaimState.DONE, ClaimState.REFUSED, ClaimState.WOULD)


@dataclass(frozen=True, slots=True)
class Claim:
    """Our durable promise to deal with one (push, job) once: why, how many, how far."""

    id: int
    push: Push
    job: str
    state: ClaimState
    #: The run that made us claim, as it was last heard of.
    run: Run
    dry: bool
    created: float
    due: float
    #: Who made it: empty for the bot itself, an operation id for what a person asked for.
    origin: str = ""
    cause: Cause | None = None
    refusal: Refusal | None = None
    wanted: int = 0
    asked: int = 0
    #: Runs of the job that were known when it was decided.
    known_runs: int = 0
    #: How often the CI did not know the job yet.
    lookups: int = 0
    #: How often in a row the CI gave no usable answer.
    tries: int = 0
    note: str = ""
    #: The request under way or in doubt.
    operation: "Operation | None" = None
    #: The breaker or cap that it is held behind, by its key; empty if it is free to go on.
    behind: str = ""

    @property
    def owed(self) -> int:
        """How many retriggers remain to be asked for."""
        return max(0, self.wanted - self.asked)

    @property
    def manual(self) -> bool:
        """Whether a person asked for it."""
        return self.origin != ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One request to a CI: the id it carries, what it covers, and which runs there were before it."""

    id: str
    claims: tuple[int, ...]
    count: int
    started: float
    #: Runs known before the request, per job: whatever else shows up later came after it.
    baseline: dict[str, tuple[RunKey, ...]] = field(default_factory=dict)
    sends: int = 1
    #: Look-backs, made after the grace time, that did not find what was asked for.
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a job, and why; every decision has a reason."""

    cause: Cause | None
    refusal: Refusal | None
    count: int = 0
    detail: str = ""
    #: Runs of the job that existed when this was decided.
    runs: int = 0

    @property
    def action(self) -> str:
        """`trigger` or `refuse`."""
        return "trigger" if self.cause is not None else "refuse"

    @property
    def reason(self) -> str:
        """The reason, as logs, metrics, store and pages name it."""
        if self.cause is not None:
            return str(self.cause)
        return str(self.refusal) if self.refusal is not None else ""

    @staticmethod
    def trigger(cause: Cause, count: int, detail: str = "") -> "Decision":
        """Decide to ask for `count` further runs."""
        return Decision(cause, None, count, detail)

    @staticmethod
    def refuse(refusal: Refusal, detail: str = "") -> "Decision":
        """Decide not to."""
        return Decision(None, refusal, 0, detail)
