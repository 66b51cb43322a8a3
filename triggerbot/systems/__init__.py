"""The interface to a CI: what each system offers, and what it answers.

Each system is one package or file that offers all of `System`, in the same order, and as many of the optional
protocols below as its CI allows. Inside, a system uses its CI's own words; at this interface it uses ours.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from triggerbot.core.model import (
    CommentCommand,
    Event,
    Head,
    Heard,
    Lead,
    Push,
    PushFacts,
    Result,
    Run,
    RunKey,
)
from triggerbot.core.policy.classified import Classification, FailureClass
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.core.policy.slots import Rank
from triggerbot.core.run_tests import RunTests
from triggerbot.systems.answers import Answer


@dataclass(frozen=True, slots=True)
class Known:
    """Data about a push that the store already has: a look-back need not fetch it, or knows where to look."""

    #: Whether it has the push's message and author, which never change.
    facts: bool = False
    #: The batches (see `Event.batch`) of its runs.
    batches: frozenset[str] = frozenset()
    #: Those of them that something is owed in, where that is all that the look-back is for: of others that have come to
    #: their end nothing new need be read.
    wanted: frozenset[str] | None = None
    #: The runs that something is owed for: what lists none of these is behind.
    runs: frozenset[RunKey] = frozenset()
    #: Whether a request is in doubt, so that runs which are not listed would be asked for again.
    doubt: bool = False
    #: Nothing is owed there: the look leaves the CI's request limits to what is.
    spare: bool = False


NOTHING_KNOWN = Known()


#: Metadata of a push: `LookBack.unread`, as JSON.
UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class LookBack:
    """A CI's answer about one push: its facts and every run that it lists."""

    events: tuple[Event, ...]
    facts: PushFacts | None = None
    #: Batches (see `Event.batch`) in which something still runs, so that nothing can be rerun there now.
    busy: frozenset[str] = frozenset()
    #: Whether everything listed was understood; if not, a run's absence proves nothing.
    complete: bool = True
    #: All jobs that it lists, where `events` leaves out what is already known; `None`: those of `events`.
    jobs: Collection[str] | None = None
    #: Why it is not known what the jobs of a batch need, by its id; `None`: the CI has that written down nowhere.
    unread: Mapping[str, str] | None = None
    #: Of batches that list no jobs: the names of those that are to run, and whether each has an environment; only where
    #: the CI has that written down.
    planned: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    #: What it tells of the push's branch and the newest commit there.
    heads: tuple[Head, ...] = ()
    #: Batches that were stopped as a whole, by a person or by the CI itself.
    stopped: frozenset[str] = frozenset()
    #: Of batches: whether the CI itself stops one as soon as a newer commit's begins; only where that is known.
    guarded: Mapping[str, bool] = field(default_factory=dict)
    #: How the failures of runs are classified; see `ShowsClassifications`.
    classified: Mapping[RunKey, FailureClass] = field(default_factory=dict)

    def lists(self, job: str) -> bool:
        """Return whether the CI lists a job of the push."""
        return job in self.jobs if self.jobs is not None else any(event.job == job for event in self.events)


class System(Protocol):
    """One CI service."""

    name: str
    capacity: Capacity
    #: Seconds that this CI may take to list a run that it has accepted.
    grace: float
    #: Whether pushes from forks may be retriggered.
    forks_allowed: bool
    #: Bytes; a larger webhook is rejected unread.
    body_max: int

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Authenticate a webhook (header names in lower case) and return a name for this delivery.

        The name depends only on what is signed, so that a copy with other headers gets the same one, and not on a
        signed time, which changes when the sender retries. Raises `Unauthenticated`.
        """

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Parse a verified webhook, purely; empty if it holds nothing of interest.

        Raises:
            NotUnderstood: it is not in this CI's format.
        """

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Ask the CI which runs of a push exist.

        Raises:
            NotKnown: it does not know the push (yet).
            CIUnavailable: no usable answer for now.
            CIDenied: it denies us access.
        """

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Choose, purely, which requests to make now for what is owed; `runs` is the whole look-back."""

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Send exactly one request. Never raises for anything that the CI or the network does."""

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Ask what happened since `since` (seconds since the epoch), for the sweep; raises as `look_back` does.

        `None`: this CI cannot say.
        """

    def check(self) -> str:
        """Try the credentials with a harmless read and describe what they allow.

        Raises `CIError`; `ReadOnly` if everything can be read and nothing retriggered.
        """

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a system's `build(name, settings, context)` is given besides its own settings."""

    #: The systems that its settings refer to, by name, and others.
    systems: Mapping[str, System]
    #: Builds a system of another kind that works for this one alone: `companion(kind, name, **keys of its section)`.
    companion: Callable[..., System]
    #: The name by which people address triggerbot in comments there; empty where they cannot.
    mention: str
    user_agent: str
    #: What is wanted of its merge queue (`required_check`, `requeue`).
    merge_queue: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResolvedLeads:
    """Resolved leads: the events that they stood for, and which leads need not be asked about again."""

    heard: tuple[Heard, ...]
    settled: tuple[Lead, ...]
    #: Why the others are not settled.
    why: str = ""


class Slots(Protocol):
    """Where writers wait for their turn to write; see `core.policy.slots`."""

    def ask(self, queue: str, caller: str, rank: Rank) -> float:
        """Return the seconds until a writer may write, 0 if it may now; asking again changes nothing."""

    def leave(self, queue: str, caller: str, *, used: bool) -> None:
        """Leave the queue; `used`: it has written, or may have."""

    def close(self, queue: str, seconds: float) -> None:
        """Let nobody write for so long: the CI said so to one of us. Never raises."""


@runtime_checkable
class LimitsWrites(Protocol):
    """A system whose CI limits how often one account may write: all writers of an account wait in one queue."""

    def share(self, slots: Slots) -> None:
        """Wait here before writing anything but retriggers, whose caller does that itself; close it at a rate limit."""

    def queue(self, project: str) -> str:
        """Name the queue of what is written about a project; may ask the CI, and never raises."""


@runtime_checkable
class KnowsHeads(Protocol):
    """A system with pull requests: of a branch only the newest commit counts there, and it says which that is."""

    def default_branch(self, project: str) -> str | None:
        """Return the default branch of a project; `None` if the CI does not say. Never raises."""

    def heads(self, push: Push, fork: str) -> Sequence[Head]:
        """Ask what is news of a push's branch at this moment; `fork`: whose branch it is, empty for the project's own.

        Raises:
            NotKnown: it does not know the branch.
            CIUnavailable: no usable answer for now.
            CIDenied: it denies us access.
        """


@runtime_checkable
class KnowsBase(Protocol):
    """A system that can be asked what a push is based on, where it does not tell that by itself."""

    def base(self, push: Push) -> PushFacts:
        """Ask for `base` and `parents` of a push, with one request.

        Raises:
            NotKnown: it does not know the push, or what it is based on.
            CIUnavailable: no usable answer for now.
            CIDenied: it denies us access.
        """


@runtime_checkable
class RunsJobs(Protocol):
    """A system that can run a job at a push which has no run of it (a backfill)."""

    def runs_no_jobs(self) -> str:
        """Return why that is not possible as it is configured, in words; empty if it may be. Purely."""

    def run_job(self, operation: str, push: Push, call: Call) -> Answer:
        """Send exactly one request for a job of which `call.target` has no run id. Never raises, like `retrigger`."""


@runtime_checkable
class NamesRequests(Protocol):
    """A system whose CI has words of its own for what is asked of it."""

    def in_words(self, call: Call) -> str:
        """Describe a request as the CI's users would, for the story: `reruns the failed jobs of ...`; purely."""


@runtime_checkable
class ReadsMessages(Protocol):
    """A system whose messages arrive over AMQP."""

    name: str

    def parse_message(self, exchange: str, body: bytes) -> Sequence[Heard]:
        """Parse a message, purely; empty if it holds nothing of interest.

        Raises:
            NotUnderstood: it is not in this CI's format, or comes from an exchange that it may not come from.
        """


@runtime_checkable
class ResolvesLeads(Protocol):
    """A system whose messages do not name their job: they are leads, to be resolved."""

    def complete(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Resolve the leads of one group by asking the CI; events of pushes that are not `watched` may be left out.

        Raises:
            NotKnown: it knows none of it (yet).
            CIUnavailable: no usable answer for now.
            CIDenied: it denies us access.
        """


#: Failure lines asked for per run, at most.
FAILURES_MAX = 20


@runtime_checkable
class ListsFailures(Protocol):
    """A system that lists the failure lines of runs."""

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return the failure lines of a run, the most significant first; a run that passed may have some, too.

        Raises:
            NotKnown: it does not know them (yet).
            CIUnavailable: no usable answer for now.
            CIDenied: it denies us access.
        """


@runtime_checkable
class ListsManyFailures(ListsFailures, Protocol):
    """A system that lists the failure lines of many runs with one request."""

    def failures_of(self, push: Push, runs: Sequence[Run]) -> Mapping[RunKey, Sequence[str]]:
        """Return the failure lines of runs; those that have to be asked about one by one are left out. Never raises."""


@runtime_checkable
class ReadsTests(Protocol):
    """A system that finds reports of tests beside runs."""

    #: Whether it is told to.
    reads_tests: bool

    def tests(self, push: Push, run: Run) -> RunTests | None:
        """Return the tests of a run; `None` if it left no report. Raises as `ListsFailures.failures` does."""


@runtime_checkable
class ShowsClassifications(Protocol):
    """A system at which people classify failures; its look-backs list how."""

    def classification(self, push: Push, run: RunKey) -> Classification | None:
        """Return how a failure is classified, and by whom; `None` if it is not, or by us.

        Raises as `ListsFailures.failures` does.
        """


@runtime_checkable
class KnowsInfra(Protocol):
    """A system whose failure lines may tell that a run ended otherwise than its result says."""

    def result_of(self, result: Result, lines: Sequence[str]) -> Result:
        """Return how a run with this result ended by its failure lines; purely."""


@runtime_checkable
class ListsFiles(Protocol):
    """A system that knows which files a push changes."""

    def files(self, push: Push) -> Sequence[str]:
        """Return the files that a push changes; raises as `ListsFailures.failures` does."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """A change that a merge queue has removed from it, as it is now."""

    #: The prefix of the ids of commands that stand for the removal of one for its checks.
    PREFIX: ClassVar[str] = "evicted:"

    id: str
    #: The commit that was to be merged.
    head: str
    is_open: bool
    #: Whether it is in the queue again.
    is_back: bool


@runtime_checkable
class HasMergeQueue(Protocol):
    """A system with a merge queue into which what was evicted can be put back."""

    #: Whether that is wanted.
    requeues: bool

    def pull_of(self, branch: str) -> int | None:
        """Return the number of the change that a branch of the queue is for; `None` if it is no such branch. Purely."""

    def evicted(self, project: str, number: int) -> Evicted:
        """Read how a change stands; raises as `ListsFailures.failures` does."""

    def put_back(self, project: str, one: Evicted) -> str:
        """Put it back with one request; return why the CI refuses that, or ''.

        Raises `CIUnavailable`, with `acted` false where that had certainly no effect.
        """


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who wrote a comment command or pressed a button."""

    #: Has write permission for the project, so that the CI itself would let them retrigger.
    may_write: bool
    #: Is the author of the pull request that it is about.
    is_author: bool
    #: Without write permission, only this author's pushes may be retriggered (`None`: any): anybody may open a pull
    #: request for a commit that somebody else has pushed.
    pushes_of: str | None = None


@runtime_checkable
class TakesCommands(Protocol):
    """A system where people can give triggerbot commands (`model.CommentCommand`)."""

    def asker(self, command: CommentCommand) -> Asker:
        """Look up what the author of a command may do; raises as `ListsFailures.failures` does."""

    def revision(self, command: CommentCommand) -> str:
        """Return the commit of a command: its pull request's head, now; raises as `ListsFailures.failures` does."""

    def react(self, command: CommentCommand, *, heard: bool) -> None:
        """Show whether a command was understood and allowed; idempotent; raises as `ListsFailures.failures` does."""
