"""What triggerbot needs of a CI. Each system is one package or file that offers all of this, in the same order.

Inside, a system speaks its CI's own words; at this border it speaks ours.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from triggerbot.core.model import CommentCommand, Event, Heard, Lead, Push, PushFacts, Run
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a push already, so that a look-back need not ask for it, or knows where to ask."""

    #: The push's message and author: they never change.
    facts: bool = False
    #: The batches (see `Event.batch`) of its runs.
    batches: frozenset[str] = frozenset()


NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True)
class LookBack:
    """What a CI says of one push: its facts and every run that it lists."""

    events: tuple[Event, ...]
    facts: PushFacts | None = None
    #: Batches (see `Event.batch`) in which something still runs, so that nothing can be rerun there now.
    busy: frozenset[str] = frozenset()
    #: Whether everything that it listed was understood; else what is missing proves nothing.
    complete: bool = True
    #: The jobs that it lists, where `events` does not repeat all that is known already.
    jobs: Collection[str] | None = None

    def lists(self, job: str) -> bool:
        """Tell whether the CI knows a job of the push."""
        return job in self.jobs if self.jobs is not None else any(event.job == job for event in self.events)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The CI said yes; `runs` are the new runs' ids, where it tells."""

    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The CI said no, and will not change its mind."""

    why: str
    #: It is this run that cannot be retriggered; of the CI that tells nothing.
    healthy: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """The CI surely did not act, but may if asked again, not before `after` seconds (`None`: it did not say)."""

    why: str
    after: float | None = None
    #: The CI is well and has a reason to wait: a rate limit, or a run that still runs.
    healthy: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the CI acted: only a look-back can tell. Never ask again on a guess."""

    why: str


Answer = Accepted | Refused | Later | Unknown


class System(Protocol):
    """One CI service."""

    name: str
    capacity: Capacity
    #: Seconds that this CI may take to list a run that it accepted.
    grace: float
    #: Whether pushes that come from forks may be retriggered.
    forks_allowed: bool
    #: Bytes; a larger webhook is refused unread.
    body_max: int

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Check that a webhook comes from this CI (header names in lower case), and name it.

        The name depends on what is signed alone, so that a copy has it, too, whatever else its headers say; and not
        on a signed time, which another try of the sender changes. Raises `Unauthenticated`.
        """

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Understand a webhook that was verified; purely. Nothing of interest is an empty answer.

        Raises:
            NotUnderstood: it is not of the form that this CI speaks.
        """

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Ask the CI which runs of a push exist.

        Raises:
            NotKnown: it does not know the push (yet).
            CIUnavailable: it gives no usable answer; later it may.
            CIDenied: it does not let us.
        """

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Work out, purely, which requests can be made now for what is owed; `runs` is the whole look-back."""

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Make exactly one request. Never raises for anything that the CI or the network does."""

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Ask what happened since then, for the sweep; `None`: this CI cannot tell. Raises as `look_back` does."""

    def check(self) -> str:
        """Try the credentials with a harmless read and say in words what they give; raises `CIError`."""

    def close(self) -> None:
        """Let go of connections."""


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


@dataclass(frozen=True, slots=True)
class ResolvedLeads:
    """What became of leads: what they turned out to say, and which of them need not be asked about again."""

    heard: tuple[Heard, ...]
    settled: tuple[Lead, ...]
    #: Why the others are not settled.
    why: str = ""


@runtime_checkable
class ReadsMessages(Protocol):
    """A system whose messages arrive over AMQP."""

    name: str

    def parse_message(self, exchange: str, body: bytes) -> Sequence[Heard]:
        """Understand a message; purely. Nothing of interest is an empty answer.

        Raises:
            NotUnderstood: it is not of the form that this CI speaks, or not from an exchange that it may come from.
        """


@runtime_checkable
class ResolvesLeads(Protocol):
    """A system whose messages are leads."""

    def complete(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Ask the CI what leads of one group are about; what is not watched need not be told.

        Raises:
            NotKnown: it knows none of it (yet).
            CIUnavailable: it gives no usable answer; later it may.
            CIDenied: it does not let us.
        """


#: Failure lines of a run that are worth asking for.
FAILURES_MAX = 20


@runtime_checkable
class ListsFailures(Protocol):
    """A system that can be asked what a failed run says is wrong."""

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Ask for the failure lines of a run, the most telling first; for a run that passed, what it says all the same.

        Raises:
            NotKnown: it does not know them (yet).
            CIUnavailable: it gives no usable answer; later it may.
            CIDenied: it does not let us.
        """


@runtime_checkable
class ListsFiles(Protocol):
    """A system that knows which files a push changes."""

    def files(self, push: Push) -> Sequence[str]:
        """Ask which files a push changes; raises as `Explains.failures` does."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something in a comment or by a button."""

    #: May write to the project, so that the CI itself would let them retrigger.
    may_write: bool
    #: Is the author of the pull request that it is about.
    is_author: bool
    #: Who may not write may only ask at this author's pushes (`None`: at any): anybody may open a pull request for a
    #: commit that others have pushed.
    pushes_of: str | None = None


@runtime_checkable
class TakesCommands(Protocol):
    """A system where people can ask triggerbot for something (`model.Wish`)."""

    def asker(self, wish: CommentCommand) -> Asker:
        """Tell who asks; raises as `Explains.failures` does."""

    def revision(self, wish: CommentCommand) -> str:
        """Tell which commit a wish is about: that of its pull request, now; raises as `Explains.failures` does."""

    def react(self, wish: CommentCommand, *, heard: bool) -> None:
        """Show whether a wish was heard, and understood and allowed; repeatable; raises as `Explains.failures` does."""
