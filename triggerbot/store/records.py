"""What a store takes and gives: values, and how long or how many of them it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from triggerbot.core.model import Claim, CommentCommand, Event, Group, Lead, Push, PushFacts, Run
from triggerbot.core.policy.circuit_breaker import BreakerKey
from triggerbot.core.policy.rules import Triage
from triggerbot.core.policy.try_syntax import PushOptions


@dataclass(frozen=True, slots=True)
class Observation:
    """An event with what triage made of it; `asks` is what its push asks for, where the event says so."""

    event: Event
    seen: Triage
    asks: PushOptions | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Facts about a push, with what they ask for where the message is among them."""

    facts: PushFacts
    asks: PushOptions | None = None


NO_PASSES: Mapping[BreakerKey, int] = {}
NO_CAPS: Mapping[str, int | None] = {}
#: What the store is told in a batch.
Item = Observation | Notice | Lead | CommentCommand

#: Pushes and groups of one system that are worked on at the same time: a CI that hangs must not hold up the others.
LEASES_PER_SYSTEM = 4
#: So many crashes of workers are kept.
CRASHES_MAX = 100
#: So many dead letters are kept, the last ones: a CI that speaks otherwise from some day on must not fill the disk.
LETTERS_MAX = 10_000
#: Seconds for which a webhook is known again: GitHub delivers again for three days (its documentation, 2026).
DELIVERY_KEPT = 3 * 86_400.0
#: Seconds from the first news of a push until it is judged anew: what follows at once is judged with it.
REPORT_DELAY = 1.0
#: Sightings that are kept of a project, the newest; and those of them that are read.
SIGHTINGS_MAX = 5000
#: Seconds until a lead that tells of no failure is asked about: together with what else is heard by then.
LEAD_DELAY = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What observing came to: whether it made a claim, and which claim there was before."""

    claimed: bool = False
    earlier: Claim | None = None
    asks: PushOptions | None = None
    #: Claims that became due through it: new ones, or those that waited for it.
    due: bool = False
    #: It told of a run something that was not known before.
    news: bool = True
    #: It came with a webhook that was stored before, so that it was not observed again.
    repeated: bool = False


REPEATED = Outcome(news=False, repeated=True)


@dataclass(frozen=True, slots=True)
class Work:
    """A push with what is open about it, as the store knows it."""

    push: Push
    facts: PushFacts
    #: `None` until the push's message is known.
    asks: PushOptions | None
    #: The claims that are not final, oldest first.
    claims: tuple[Claim, ...]
    #: Every known run of those claims' jobs, oldest first.
    runs: Mapping[str, tuple[Run, ...]]
    #: Different jobs of the push.
    total: int
    #: Jobs retriggered for failures: really, and in dry run.
    spent: int
    spent_dry: int
    #: How often its facts were asked for in vain.
    facts_tries: int = 0
    #: Every operation of the push so far, whatever came of it.
    operations: frozenset[str] = frozenset()
    #: The batches of its runs (see `Event.batch`).
    batches: frozenset[str] = frozenset()

    def due(self, now: float) -> list[Claim]:
        """Choose the claims that are due."""
        return [claim for claim in self.claims if claim.due <= now]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a push's story: a decision, a request, an answer, a wait."""

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
class JobRecord:
    """A job of a push, with all its runs and claims."""

    job: str
    runs: tuple[Run, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class PushRecord:
    """A push as it is remembered."""

    push: Push
    facts: PushFacts
    asks: PushOptions | None
    jobs: tuple[JobRecord, ...]
    spent: int
    spent_dry: int
    last_heard: float


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A job of which a run failed at some push.

    For what only many pushes can tell: which failure lines are generic, and which jobs are known to be intermittent.
    """

    push: Push
    job: str
    #: When its last run finished, or was heard of.
    at: float
    failed: int
    passed: int
    #: What its failed runs say (see `likeness.shapes`), and what its passing runs say all the same.
    shapes: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """At how many pushes of a project jobs passed or failed."""

    #: By job.
    at: Mapping[str, int]
    #: Pushes that were heard of last before this were not counted (seconds since the epoch; 0: all were).
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A push in one line, as it was judged last."""

    push: Push
    #: Empty if it was not judged yet.
    health: str
    sentence: str
    author: str | None
    #: The beginning of its message.
    title: str
    #: When it was pushed, where that is known.
    time: float | None
    last_heard: float
    judged: float
    #: Jobs, by verdict.
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """Which pushes are wanted; what is empty does not matter. Upper and lower case are the same."""

    project: str = ""
    branch: str = ""
    #: A part of the author's name.
    author: str = ""
    #: A part of the message, or the beginning of the revision.
    text: str = ""
    #: How it was judged last (`good`, `failing`, `pending`); what was not judged yet is none of them.
    health: str = ""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A person's wish that is not settled yet."""

    wish: CommentCommand
    since: float
    #: How often in a row it could not be settled.
    tries: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled, kept with the reason."""

    id: int
    at: float
    system: str
    intake: str
    reason: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leads:
    """What was heard of a group and not asked about yet."""

    group: Group
    leads: tuple[Lead, ...]
    #: How often in a row it was asked about in vain.
    tries: int = 0
    #: When the first of it was heard.
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Distrust:
    """The store may have forgotten something that it once promised to keep."""

    #: When that was noticed; what was asked of a CI before may be missing here.
    since: float
    why: str


@dataclass(frozen=True, slots=True)
class Crash:
    """The end of a worker that nobody asked for."""

    at: float
    #: Which one, such as `host/2`.
    worker: str
    #: An exit code, or the name of a signal.
    ended: str
    #: The exception and where it came from, where the worker could still tell.
    error: str = ""
    trace: str = ""
    #: Its place among those that died together, from 1: the first is likely the cause.
    order: int = 1


def in_order(newest: Sequence[Crash]) -> list[Crash]:
    """Leave crashes newest first, but put those that died together in the order in which they did."""
    groups: list[list[Crash]] = []
    for crash in newest:
        if groups and groups[-1][-1].order == crash.order + 1:
            groups[-1].append(crash)
        else:
            groups.append([crash])
    return [crash for group in groups for crash in reversed(group)]


@dataclass(frozen=True, slots=True)
class Pause:
    """Who stopped all sending, when, and what for."""

    at: float
    by: str
    note: str = ""
