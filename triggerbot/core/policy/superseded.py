"""Superseded: whether anybody still waits for a push, by what is told of its branch. Pure.

A rerun enters its workflow's `concurrency` group as the newest arrival, and so may cancel the CI of the newest commit.
What is told has three sources, and any of them may be late or lost: pushes as they happen, batches of runs with the
time at which the CI began them, and the branch itself, asked in the last moment. A batch of runs is begun some seconds
after its push, and a rerun does not begin one; so of a commit whose push was not told the first batch counts, and a
later batch only where it is later by more than `SLACK`: then the branch was moved back to that commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from triggerbot.core.claim import Claim
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.heads import Told
from triggerbot.core.model import Batch, Event, Head, HeadKind, Push, PushFacts
from triggerbot.core.patterns import Globs

#: Seconds by which the CI may begin runs later than it was told of their push.
SLACK = 60.0
#: Seconds between the beginning of the runs of a commit and the end of those that its concurrency group cancels.
_CANCELS_WITHIN = 120.0
#: What made the CI run it where it does so for a pull request, as far as the CI says.
_OF_PULLS = ("pull_request", "pull_request_target")


@dataclass(frozen=True, slots=True)
class Superseded:
    """The rule key `superseded`: on which branches superseded pushes are left alone, and on which not."""

    skip: Globs = Globs([])
    retrigger: Globs = Globs([])

    def skips(self, branch: str) -> bool | None:
        """Return whether superseded pushes of a branch are left alone; `None` if the rule does not say."""
        if self.retrigger.match(branch):
            return False
        return True if self.skip.match(branch) else None


class Newer(NamedTuple):
    """What took the place of a push."""

    #: The newest commit of its branch; empty if there is none.
    revision: str
    #: In words.
    why: str


def forks_of(push: Push, told: Iterable[Told]) -> list[str]:
    """Return the forks whose branch of this name had the commit of a push."""
    return sorted({one.fork for one in told if one.fork and one.revision == push.revision})


def newer(push: Push, told: Sequence[Told], batch: Batch | None = None) -> Newer | None:
    """Return what took the place of a push, as far as is known; `batch`: whose runs it is asked for."""
    found = _closed(push, told, batch)
    if found is not None:
        return found
    forks = forks_of(push, told) if batch is not None and batch.fork else [""]
    places = [_newer_at(push, [one for one in told if one.fork == fork]) for fork in forks]
    return places[0] if places and all(places) else None


def _closed(push: Push, told: Sequence[Told], batch: Batch | None) -> Newer | None:
    """Return that all pull requests of the branch are closed, if the runs are for pull requests."""
    if batch is None or batch.event not in _OF_PULLS:
        return None
    forks = {*forks_of(push, told)} if batch.fork else {""}
    state: dict[str, Told] = {}
    for one in told:
        if one.kind in (HeadKind.CLOSED, HeadKind.OPENED) and one.fork in forks:
            known = state.get(one.detail)
            if known is None or one.at > known.at:
                state[one.detail] = one
    if not state or any(one.kind is HeadKind.OPENED for one in state.values()):
        return None
    last = max(state.values(), key=lambda one: one.at)
    return Newer("", f"its pull request #{last.detail} was closed")


def _newer_at(push: Push, told: Sequence[Told]) -> Newer | None:
    times = _times(told)
    mine = times.get(push.revision)
    gone = max((one.at for one in told if one.kind is HeadKind.GONE and not one.revision), default=None)
    if gone is not None and gone >= max(times.values(), default=gone):
        return Newer("", "its branch was deleted")
    taken = max((one.at for one in told if _is_taken(one, push.revision)), default=None)
    if taken is not None and (mine is None or taken >= mine):
        return Newer("", "it was taken from its branch")
    if mine is None:
        return None
    newest = max(times, key=lambda revision: times[revision])
    if times[newest] <= mine:
        return None
    return Newer(newest, f"the newest commit of {push.branch} is {newest[:12]}")


def _is_taken(one: Told, revision: str) -> bool:
    return one.kind is HeadKind.GONE and one.revision == revision


def _times(told: Iterable[Told]) -> dict[str, float]:
    """Return when the branch came to be at each commit, as far as is known."""
    pushed: dict[str, float] = {}
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for one in told:
        if one.kind is HeadKind.PUSHED:
            pushed[one.revision] = one.at
        elif one.kind in (HeadKind.RAN, HeadKind.SEEN):
            (last if one.last else first)[one.revision] = one.at
    known = first | pushed
    return {revision: max(at, last.get(revision, at) - SLACK) for revision, at in known.items()}


def guarded(told: Sequence[Told], batch: Batch | None) -> bool:
    """Return whether a workflow's concurrency was seen to cancel the runs of an older commit on this branch.

    That is: such runs were cancelled at about the time at which those of a newer commit began.
    """
    source = None if batch is None else batch.source
    times = _times(one for one in told if not one.fork)
    for one in told:
        if one.kind is not HeadKind.CANCELLED or (source is not None and one.detail != source):
            continue
        own = times.get(one.revision)
        began = (at for revision, at in times.items() if own is not None and revision != one.revision and at > own)
        if any(-SLACK <= one.at - at <= _CANCELS_WITHIN for at in began):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Branch:
    """What decides whether superseded pushes of a branch are left alone."""

    #: What the rule says; `None`: nothing.
    rule: bool | None
    #: The system has pull requests; on others try pushes share one branch, and none supersedes another.
    pulls: bool
    #: It is the default branch, where every commit counts.
    default: bool
    #: The workflow's concurrency cancels older runs there, too; `None`: not known.
    guarded: bool | None = None

    @property
    def skips(self) -> bool:
        """Whether superseded pushes are left alone."""
        if self.rule is not None:
            return self.rule
        return self.pulls and (not self.default or bool(self.guarded))


def of_heard(said: Superseded, heard: Event | PushFacts) -> Head | None:
    """Return what is told of a branch by an event or the facts of a push, where the CI tells nothing of branches.

    Only where the rule wants superseded pushes skipped: there the newest push by its time is the newest commit.
    """
    push = heard.push
    if said.skips(push.branch) is not True or (isinstance(heard, Event) and heard.per_batch):
        return None
    if isinstance(heard, PushFacts):
        if heard.time is None or heard.batches:
            return None
        return Head(push.system, push.project, push.branch, HeadKind.PUSHED, push.revision, heard.time)
    at = heard.time if heard.started is None else heard.started
    # A run that waited long for a machine may be the newest of all: it does not move the branch back.
    return None if at is None else Head(push.system, push.project, push.branch, HeadKind.SEEN, push.revision, at)


def ending(
    claim: Claim, newest: Newer | None, *, skips: bool, replaced: str = "", stopped: bool = False
) -> Decision | None:
    """Return the refusal that ends a claim for which nobody waits any more; `None` if somebody does.

    `replaced`: the newer workflow run of the same workflow, event and commit. `stopped`: its own was cancelled as a
    whole. What a person asks for is carried out.
    """
    if claim.is_waited_for:
        return None
    if newest is not None and skips:
        return Decision.refuse(Refusal.SUPERSEDED, newest.why)
    if replaced:
        return Decision.refuse(Refusal.SUPERSEDED, f"the newer workflow run {replaced} of the same commit counts")
    if stopped:
        return Decision.refuse(Refusal.CANCELLED, "its workflow run was cancelled, so only a person starts it again")
    return None


def warning(newest: Newer | None) -> str:
    """Return what a person is told who asks for a superseded push; empty if there is nothing to say."""
    if newest is None:
        return ""
    harm = " and a rerun may cancel its CI where workflows have a concurrency group" if newest.revision else ""
    return f"this push is superseded: {newest.why}{',' if harm else ''}{harm}"
