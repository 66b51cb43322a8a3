"""The values that a store accepts and returns, and the limits on what it stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from triggerbot.core import identity
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.heads import Told
from triggerbot.core.model import Batch, CommentCommand, Event, Group, Head, Lead, Push, PushFacts, Run
from triggerbot.core.policy import calibration
from triggerbot.core.policy.calibration import Answer, Measured
from triggerbot.core.policy.circuit_breaker import BreakerKey
from triggerbot.core.policy.rules import Triage
from triggerbot.core.policy.try_syntax import PushOptions


@dataclass(frozen=True, slots=True)
class Observation:
    """An event with its triage; `asks`: the options of its push, if the event contains the push's message."""

    event: Event
    seen: Triage
    asks: PushOptions | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Facts about a push; `asks`: its options, if the message is among the facts."""

    facts: PushFacts
    asks: PushOptions | None = None


NO_PASSES: Mapping[BreakerKey, int] = {}
NO_CAPS: Mapping[str, int | None] = {}
#: One element of a batch to observe.
Item = Observation | Notice | Lead | CommentCommand | Head

#: Pushes and groups of one system leased at the same time by one process: a CI that hangs must not block the others.
LEASES_PER_SYSTEM = 4
#: Seconds for which a webhook is recognised: GitHub redelivers for three days (its documentation, 2026).
DELIVERY_KEPT = 3 * 86_400.0
#: Seconds from the first change of a push until it is judged again, together with the changes until then.
REPORT_DELAY = 1.0
#: Failure records listed per project, the newest, and read at once.
FAILURE_RECORDS_MAX = 5000
#: Seconds until a lead that is no failure is resolved, together with the leads that arrive until then.
LEAD_DELAY = 10.0


class Outcome(NamedTuple):
    """The outcome of observing one item."""

    claimed: bool = False
    earlier: Claim | None = None
    asks: PushOptions | None = None
    #: Whether claims became due: new ones, or those that waited for this.
    due: bool = False
    #: Whether the item contained something new.
    news: bool = True
    #: It came with a known webhook, so it was not observed again.
    repeated: bool = False


REPEATED = Outcome(news=False, repeated=True)


@dataclass(frozen=True, slots=True)
class Work:
    """A push with its open claims and everything needed to decide them."""

    push: Push
    facts: PushFacts
    #: `None` until the push's message is known.
    asks: PushOptions | None
    #: The claims that are not final, oldest first.
    claims: tuple[Claim, ...]
    #: All known runs of those claims' jobs, oldest first, by job.
    runs: Mapping[str, tuple[Run, ...]]
    #: The number of different jobs of the push.
    total: int
    #: Jobs retriggered for failures: for real, and in dry runs.
    spent: int
    spent_dry: int
    #: Failed attempts to fetch its facts.
    facts_tries: int = 0
    #: The ids of all operations of the push so far.
    operations: frozenset[str] = frozenset()
    #: The batches of its runs; see `Event.batch`.
    batches: frozenset[str] = frozenset()
    #: What the CI told of batches, by their ids.
    told: Mapping[str, Batch] = field(default_factory=dict)
    #: What was told of its branch and the newest commit there; see `core.heads`.
    heads: tuple[Told, ...] = ()
    #: The runs of the claims' jobs in the order in which they came, and the requests of the push except those that the
    #: CI did not take.
    arrived: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    requests: tuple[Operation, ...] = ()

    def due(self, now: float) -> list[Claim]:
        """Return the claims that are due."""
        return [claim for claim in self.claims if claim.due <= now]

    def sendable(self, now: float) -> list[Claim]:
        """Return the decided claims that may be sent together now: those due, and those that only wait for a turn."""
        owed = [claim for claim in self.claims if claim.state is ClaimState.OWED and claim.operation is None]
        if not any(claim.due <= now for claim in owed):
            return []
        return [claim for claim in owed if claim.due <= now or not (claim.tries or claim.behind)]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One entry in a push's timeline: a decision, a request, an answer, a wait, a verdict."""

    at: float
    what: str
    job: str | None
    text: str
    reason: str = ""
    count: int = 0
    dry: bool = False
    run_id: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is measured of a job: its claim, and the runs that came of it, oldest first."""

    claim: Claim
    runs: tuple[Run, ...] = ()

    @property
    def measured(self) -> Measured | None:
        """What was said of the job when it was sampled; `None`: a newer version measured what this one does not."""
        return calibration.measured(self.claim.origin)

    @property
    def answer(self) -> Answer | None:
        """What the runs say of it, if they say something."""
        return None if self.measured is None else calibration.answer(self.measured, self.runs, self.claim.wanted)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job of a push, with all its runs and claims but those that only measure what was said of it."""

    #: What people call it.
    job: str
    runs: tuple[Run, ...]
    claims: tuple[Claim, ...]
    #: What it is kept under, if that is another; see `core.identity`.
    kept_as: str = ""
    #: Why the push is judged without it, in a few words; empty if it is not.
    aside: str = ""
    #: Another job has its name, and its further runs may be that one's; or they are of different events.
    mixed: bool = False
    #: What measures it, if anything does.
    calibration: Calibration | None = None

    @property
    def key(self) -> str:
        """What it is kept under."""
        return self.kept_as or self.job

    @property
    def measuring(self) -> tuple[Run, ...]:
        """The runs that only measure what was said of it, oldest first."""
        return () if self.calibration is None else self.calibration.runs

    @property
    def name(self) -> str:
        """The name that it has at every push: by it goes its history."""
        return identity.base(self.key)


def job_records(
    jobs: Sequence[tuple[str, tuple[Run, ...], tuple[Claim, ...]]], told: Mapping[str, Batch]
) -> tuple[JobRecord, ...]:
    """Name the jobs of a push, given by their keys, and sort them by name; `told`: its batches, by their ids."""
    if not any(identity.is_per_batch(job) for job, _, _ in jobs):
        return tuple(JobRecord(*job, mixed=len(job[1]) > 1 and identity.differ(job[1])) for job in jobs)
    runs = {job: own for job, own, _ in jobs}
    names, mixed = identity.names(runs, told), identity.mixed(runs)
    aside = dict.fromkeys(identity.of_others(runs, told), "of a fork")
    aside |= dict.fromkeys(identity.replaced(runs, told), "a newer workflow run counts")
    found = [
        JobRecord(
            names.get(job, job),
            _with_event(job, own, told),
            claims,
            job,
            aside.get(job, ""),
            mixed=job in mixed or identity.differ(own),
        )
        for job, own, claims in jobs
    ]
    return tuple(sorted(found, key=lambda one: one.job))


def _with_event(job: str, runs: tuple[Run, ...], told: Mapping[str, Batch]) -> tuple[Run, ...]:
    batch = told.get(identity.batch_of(job))
    if batch is None or batch.event is None:
        return runs
    return tuple(run if run.event is not None else replace(run, event=batch.event) for run in runs)


@dataclass(frozen=True, slots=True)
class PushRecord:
    """Everything known about a push."""

    push: Push
    facts: PushFacts
    asks: PushOptions | None
    jobs: tuple[JobRecord, ...]
    spent: int
    spent_dry: int
    last_heard: float
    #: What the CI told of batches, by their ids.
    told: Mapping[str, Batch] = field(default_factory=dict)
    #: What was told of its branch and the newest commit there.
    heads: tuple[Told, ...] = ()
    #: Jobs that have not run at the push, and that are or were to be: with claims, and without runs.
    unrun: tuple[JobRecord, ...] = ()

    @property
    def keys(self) -> dict[str, str]:
        """What each job is kept under, by what people call it."""
        return {job.job: job.key for job in self.jobs}

    def unrun_job(self, name: str) -> JobRecord | None:
        """Return the job of this name that has not run, and is or was to be."""
        return next((job for job in self.unrun if job.job == name), None)

    def named(self, name: str) -> tuple[JobRecord, ...]:
        """Return the job that people call so, or else all jobs of which that is the name without more."""
        exact = tuple(job for job in self.jobs if name in (job.job, job.key))
        return exact or tuple(job for job in self.jobs if job.name == name)


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """The failure of a job at one push.

    Many of them show which failure lines are generic and which failures are known to be intermittent.
    """

    push: Push
    #: What it is kept under when it is written; its name, the same at every push, when it is read.
    job: str
    #: When its last run finished, or was last observed.
    at: float
    failed: int
    passed: int
    #: The shapes of its failed runs (see `fingerprint.shapes`), and those that its passing runs show nevertheless.
    shapes: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    author: str | None = None
    #: The change comes from a fork, whose branch may have the name of another.
    fork: bool = False
    #: When it failed first, and when it had both failed and passed (0: not known, or not yet).
    first: float = 0.0
    proved: float = 0.0
    #: It says nothing about the job: most jobs of its push failed, or the pool or step in which it ran was ill.
    outage: bool = False
    ill: bool = False
    #: Further jobs of its push that failed alike and never passed, for which it stands, too.
    others: int = 0

    @property
    def began(self) -> float:
        """When it failed first, as far as that is known."""
        return self.first or self.at

    @property
    def intermittent(self) -> bool:
        """Whether it failed and passed, and that says something about the job."""
        return bool(self.failed and self.passed) and not (self.outage or self.ill)

    @property
    def broken(self) -> bool:
        """Whether it failed every time it ran, more than once, and that says something about the job."""
        return self.failed > 1 and not (self.passed or self.outage or self.ill)


@dataclass(frozen=True, slots=True)
class Window:
    """What is kept of a job's failures, newest first."""

    records: tuple[FailureRecord, ...] = ()
    #: Since when they are all (seconds since the epoch; 0: none was deleted but with its push).
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Ran:
    """The number of pushes of a project at which jobs passed or failed."""

    #: By job.
    at: Mapping[str, int]
    #: Pushes whose first event is older were not counted (seconds since the epoch; 0: all were counted).
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A push in one line, with its last verdict."""

    push: Push
    #: Empty if it has not been judged yet.
    health: str
    sentence: str
    author: str | None
    #: The beginning of its message.
    title: str
    #: When it was pushed, if known.
    time: float | None
    last_heard: float
    judged: float
    #: The number of jobs, by verdict.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: When it was pushed, or else the first start of a run: where it stands in its branch.
    pushed_at: float | None = None
    #: The number of failures to look at; `None`: an earlier version judged it, or nobody has yet.
    to_look_at: int | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Criteria for pushes; empty ones match everything. Case-insensitive."""

    project: str = ""
    branch: str = ""
    #: A part of the author's name.
    author: str = ""
    #: A part of the message, author, branch or project, or the beginning of the revision.
    text: str = ""
    #: The last verdict (`good`, `failing`, `pending`); pushes not judged yet match none of them.
    health: str = ""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A comment command that is not settled yet."""

    wish: CommentCommand
    since: float
    #: Consecutive failed attempts to settle it.
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Leads:
    """The unresolved leads of a group."""

    group: Group
    leads: tuple[Lead, ...]
    #: Consecutive failed attempts to resolve them.
    tries: int = 0
    #: When the first lead arrived.
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Distrust:
    """A reason to believe that the store lost data that it had acknowledged."""

    #: When it was noticed; requests made before may be missing in the store.
    since: float
    why: str


@dataclass(frozen=True, slots=True)
class Cap:
    """The most further runs that some people may ask for at one commit, over all of its pushes."""

    most: int
    pushes: tuple[Push, ...]
    #: The prefix of the origins of their claims.
    origins: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of all sending: who, when, and why."""

    at: float
    by: str
    note: str = ""
