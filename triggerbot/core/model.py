"""The values of the domain that a CI reports, frozen: push, event, run, and their parts.

Times are floats throughout, in seconds since the epoch (UTC); they become text only at the edges of the program.
"""

import hashlib
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from triggerbot.core.run_tests import RunTests


class State(StrEnum):
    """The state of a run."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"

    @property
    def rank(self) -> int:
        """Position in a run's life cycle: a message with a lower rank than the known state changes nothing."""
        return _RANK[self]


_RANK = {State.PENDING: 0, State.RUNNING: 1, State.FINISHED: 2}


class Result(StrEnum):
    """The outcome of a finished run."""

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
        """Whether a rule may retrigger it: never cancelled, skipped, or retried by the CI itself."""
        return self in _FAILED


_FAILED = frozenset({Result.FAILURE, Result.BUSTED, Result.INFRA, Result.TIMED_OUT})
#: Results that prove something about a job, whatever the rules say.
PROVING = frozenset({Result.SUCCESS, Result.FAILURE, Result.BUSTED})


class Kind(StrEnum):
    """The kind of a job."""

    TEST = "test"
    BUILD = "build"
    OTHER = "other"
    #: No job, but what the CI groups jobs by, where that itself did not come to an end (a GitHub workflow).
    WORKFLOW = "workflow"


class Push(NamedTuple):
    """A pushed revision, identified: what a developer asks about."""

    system: str
    project: str
    branch: str
    revision: str

    @property
    def along(self) -> "Branch":
        """The branch that it is on."""
        return Branch(self.system, self.project, self.branch)


class Branch(NamedTuple):
    """A branch of a project at a CI, identified."""

    system: str
    project: str
    name: str

    @property
    def mark(self) -> str:
        """A short digest by which it is recognised where its name cannot stand."""
        return hashlib.sha256("\0".join(self).encode("utf-8", "replace")).hexdigest()[:16]


class RunKey(NamedTuple):
    """The identity of a run within its job."""

    run_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Event:
    """A change in a run's state, in the same form from every intake."""

    push: Push
    #: Its name, the same at every push and in every batch.
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
    #: Our operation that it came of, where runs carry that; with `per_batch` the id of the run that it repeats.
    retrigger_of: str | None = None
    pool: str | None = None
    step: str | None = None
    failures: tuple[str, ...] = ()
    #: The unit that the CI groups runs by: a GitHub workflow run (rerun as a whole), or a Taskcluster task group.
    batch: str = ""
    #: When the run began, if known; `time` is when it entered its state.
    started: float | None = None
    #: What made the CI run it, in the CI's words (`push`, `pull_request`, `schedule`); `None`: it does not say.
    event: str | None = None
    #: Only runs of the same batch are further runs of this job: another batch has jobs of the same names.
    per_batch: bool = False
    #: The CI does not count its failures.
    allowed_to_fail: bool = False
    #: The names of the jobs of its push, or of its batch, that it needs.
    needs: tuple[str, ...] = ()
    #: The CI says that it deploys.
    environment: bool = False
    #: What its push is based on; see `PushFacts`.
    base: str | None = None
    parents: tuple[str, ...] = ()
    #: The tests that it ran, where that is known.
    tests: RunTests | None = None

    @property
    def key(self) -> RunKey:
        """The run that this event is about."""
        return RunKey(self.run_id, self.attempt)

    @property
    def failed(self) -> bool:
        """Whether the run finished and failed."""
        return self.result in _FAILED and self.state is State.FINISHED

    @property
    def follows_up(self) -> bool:
        """Whether it only matters where its `run_id` is known: a group of jobs that is well is no entry of its own."""
        return self.kind is Kind.WORKFLOW and self.result is Result.SUCCESS


@dataclass(frozen=True, slots=True)
class Batch:
    """What a CI tells of a batch of runs as a whole (see `Event.batch`); `None`: it does not say."""

    id: str
    #: What made the CI run it; see `Event.event`.
    event: str | None = None
    #: The file that defines it, such as a workflow's path.
    source: str | None = None
    #: Whether the change that it runs comes from a fork of the project.
    fork: bool | None = None


@dataclass(frozen=True, slots=True)
class PushFacts:
    """What a CI reports about a push as a whole; `None` means not reported, the empty string reported as empty."""

    push: Push
    message: str | None = None
    author: str | None = None
    time: float | None = None
    #: Whether the change, or any batch of it, comes from a fork of the project.
    fork: bool | None = None
    #: Something of this push has settled, so claims that wait for that are due now.
    settled: bool = False
    #: What is known of its batches, where jobs are told apart by them (see `Event.per_batch`).
    batches: tuple[Batch, ...] = ()
    #: The revision that the whole change starts from: a pull request's merge base, or what the branch was at before.
    base: str | None = None
    #: The parents of the commit, the first one being that on its own branch.
    parents: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether they tell of a batch that is certainly the project's own, so that its author is the push's."""
        return any(batch.fork is False for batch in self.batches)


class Group(NamedTuple):
    """A group of runs whose push is not known yet (a Taskcluster task group)."""

    system: str
    id: str


@dataclass(frozen=True, slots=True)
class Lead:
    """An unresolved event: its message names neither push nor job, so the CI has to be asked for them."""

    group: Group
    run_id: str
    state: State
    result: Result | None = None
    attempt: int = 1
    time: float | None = None
    #: Its push, where the message names that: only to tell whether it is watched.
    push: Push | None = None

    @property
    def key(self) -> RunKey:
        """The run that this lead is about."""
        return RunKey(self.run_id, self.attempt)

    @property
    def failed(self) -> bool:
        """Whether the run finished and failed."""
        return self.result in _FAILED and self.state is State.FINISHED


@dataclass(frozen=True, slots=True)
class CommentCommand:
    """A request that a person makes in a comment, or with a button of a report."""

    system: str
    #: The CI's own id of it, such as the comment's number: each command is accepted once.
    id: str
    project: str
    #: The person who asks.
    author: str
    #: The commands without the mention of triggerbot, one per line: `rebuild 3`, `retry PATTERN`, `why JOB`.
    text: str
    #: The number of the pull request that it is about; if `None`, `revision` names the commit.
    pull: int | None = None
    revision: str | None = None
    #: The mark of the branch that it is about as a whole; then it is about neither of those.
    about: str | None = None


class HeadKind(StrEnum):
    """What is told of a branch; `at` is when."""

    PUSHED = "pushed"  # it came to be at this commit
    RAN = "ran"  # the CI began a batch of runs for this commit, the newest of the branch by then
    SEEN = "seen"  # a run of this commit began; of all of them only the first tells anything
    GONE = "gone"  # it was deleted; with a revision: that commit was taken from it
    CLOSED = "closed"  # the pull request was closed whose number is in `detail`
    OPENED = "opened"  # ... or opened, or opened again
    CANCELLED = "cancelled"  # a batch of runs of this commit was cancelled; what defines it is in `detail`
    DEFAULT = "default"  # it is the default branch of its project


@dataclass(frozen=True, slots=True)
class Head:
    """One thing that a CI tells of a branch and its newest commit; see `core.policy.superseded`."""

    system: str
    project: str
    branch: str
    kind: HeadKind
    #: Empty where it is about the branch alone.
    revision: str = ""
    #: `None`: when it is heard of.
    at: float | None = None
    #: The fork whose branch it is; empty for a branch of the project itself.
    fork: str = ""
    detail: str = ""

    @property
    def push(self) -> Push:
        """The push that it is about, by which its rule is found."""
        return Push(self.system, self.project, self.branch, self.revision)


#: What a message of a CI can contain.
Heard = Event | PushFacts | Lead | CommentCommand | Head


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a job as far as it is known, with everything that triage and verdicts need."""

    #: The key of its job; see `core.identity`.
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
    #: What made the CI run it; see `Event.event`.
    event: str | None = None
    allowed_to_fail: bool = False
    #: The jobs that it needs; see `Event.needs`.
    needs: tuple[str, ...] = ()
    #: The tests that it ran; see `Event.tests`.
    tests: RunTests | None = None
    #: It was asked for to measure a verdict, and so decides nothing; see `policy.calibration`.
    calibrates: bool = False

    @property
    def key(self) -> RunKey:
        """Its identity among the runs of its job."""
        return RunKey(self.run_id, self.attempt)

    @property
    def failed(self) -> bool:
        """Whether it finished and failed."""
        return self.result in _FAILED and self.state is State.FINISHED

    @property
    def passed(self) -> bool:
        """Whether it finished and passed."""
        return self.state is State.FINISHED and self.result is Result.SUCCESS

    @property
    def age(self) -> tuple[float, int]:
        """Sort key among the runs of its job, oldest first; an unfinished run without a time counts as the newest."""
        unknown = 0.0 if self.state is State.FINISHED else math.inf
        return unknown if self.time is None else self.time, self.attempt

    @property
    def evidence(self) -> tuple[str, ...]:
        """The lines by which its failure is compared with others: its failing tests where they are known."""
        named = () if self.tests is None else tuple(one.named for one in self.tests.compared)
        return named or self.failures

    @property
    def lines(self) -> tuple[str, ...]:
        """The same lines as people read them, in the same order."""
        named = () if self.tests is None else tuple(str(one) for one in self.tests.compared)
        return named or self.failures

    @property
    def seconds(self) -> float | None:
        """How long it ran, in seconds; `None` unless both its start and its end are known."""
        if self.state is not State.FINISHED or self.time is None or self.started is None:
            return None
        return max(0.0, self.time - self.started)


#: The key of the run of a job that has none yet at a push.
NO_RUN = RunKey("", 0)


def no_run(job: str) -> Run:
    """Return what stands for the run of a job that has none yet at a push; `job`: its key."""
    return Run(job, *NO_RUN, State.PENDING, None)
