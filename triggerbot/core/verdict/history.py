"""What other pushes show about a failure: whether it is known, new, or neither. Pure.

The unit is the failure of a job, not the job: a job that is often intermittent in one test says little about another
test of it. Chromium's study of its CI found that asking whether a job is flaky lets three quarters of the regressions
through (Haben et al., "The Importance of Discerning Flaky from Fault-triggering Test Failures", 2023).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from triggerbot.core.formatting import plural
from triggerbot.core.model import Push
from triggerbot.core.policy.evidence import NO_PAST, Past
from triggerbot.core.verdict import fingerprint

#: Pushes at which an ordinary intermittent would have shown: one of 5 % is missed in 60 pushes by 0.95 ** 60 = 5 %.
ENOUGH = 60
#: Branches of other authors that have to show a failure for it to be known.
_BRANCHES = 2
#: Jobs of a push from which on, and the share of them above which, failures are an outage, not the push's own.
_OUTAGE_MIN, _OUTAGE_SHARE = 5, 0.8
#: Branches that hold the unlanded changes of many people: none of them is contained in the next.
_UNLANDED = frozenset({"try"})
#: Names that base branches have, by which one is recognised from its first push on; the first that is found counts.
_BASES = ("main", "master", "trunk", "default", "autoland", "mozilla-central", "develop")
#: Pushes from which on the most frequent branch is the base branch whatever its name, and their share of all.
_BASE_MIN, _BASE_SHARE = 10, 0.5


class Novelty(StrEnum):
    """Whether the push may have introduced an intermittent failure, so that retrying must not hide it."""

    #: The base branch, or several branches of other authors, showed the same failure.
    KNOWN = "known"
    #: Too little is known to tell.
    UNKNOWN = "unknown"
    #: It was not seen at enough pushes for an ordinary intermittent failure to show.
    NEW = "new"
    #: It was not seen before, and the push changes the file that it names, or the folder of that.
    TOUCHED = "touched"

    @property
    def suspected(self) -> bool:
        """Whether the push is suspected to have introduced it."""
        return self in (Novelty.NEW, Novelty.TOUCHED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What other pushes show about an intermittent failure of a job."""

    novelty: Novelty = Novelty.UNKNOWN
    #: The base branch; empty if it is not known, and then the figures are those of all other pushes.
    base: str = ""
    #: The past of this failure, and the weaker evidence: that of the job, in whatever way it failed.
    failure: Past = NO_PAST
    job: Past = NO_PAST
    #: Branches of other authors that show the failure.
    branches: int = 0
    #: A run failed without a line that tells what failed.
    silent: bool = False
    #: It failed in an outage, which says nothing about the push.
    outage: bool = False

    @property
    def words(self) -> str:
        """Say what is known of the failure, and what that is worth."""
        base = self.base
        where = f"{plural(self.failure.pushes, 'push', 'pushes')} of {base}" if base else (
            f"{plural(self.failure.pushes, 'other push', 'other pushes')}"
        )  # fmt: skip
        match self.novelty:
            case Novelty.KNOWN if self.failure.intermittent:
                return f"known: it was intermittent in the same way at {self.failure.intermittent} of {where}"
            case Novelty.KNOWN:
                return f"known: {self.branches} branches of other authors show the same failure"
            case Novelty.NEW:
                return f"suspected new: not seen in {where}{self._job()}"
            case Novelty.TOUCHED:
                seen = f"not seen in {where}" if self.failure.pushes else "not seen before"
                return f"suspected new: {seen}, and this push changes its folder{self._job()}"
            case Novelty.UNKNOWN:
                return self._unknown(where)

    def _unknown(self, where: str) -> str:
        if self.outage:
            return "it failed in an outage, which says nothing about the push"
        if not self.failure.pushes and not self.branches:
            return f"nothing is known of the job {f'on {self.base}' if self.base else 'at other pushes'}"
        if self.silent:
            return f"no line tells what failed, so it is not known whether that was seen before{self._job()}"
        if self.branches:
            return f"another author's branch shows it as well, which is too little to call it known{self._job()}"
        worth = "" if self.failure.pushes >= ENOUGH else ": that says little"
        return f"not seen in {where}{worth}{self._job()}"

    def _job(self) -> str:
        """Return the weaker evidence, where there is any."""
        if not self.job.intermittent:
            return ""
        return f"; the job was intermittent at {self.job.intermittent} of {self.job.pushes}"


#: What is known of a failure in an outage.
IN_OUTAGE = Standing(outage=True)


class Seen(Protocol):
    """A job of which a run failed at some push (see `store.FailureRecord`)."""

    @property
    def push(self) -> Push:
        """The push."""

    @property
    def author(self) -> str | None:
        """Its author, if known."""

    @property
    def fork(self) -> bool:
        """Whether the change comes from a fork, whose branch may have the name of another."""

    @property
    def began(self) -> float:
        """When the job failed first, in seconds since the epoch."""

    @property
    def shapes(self) -> tuple[str, ...]:
        """The shapes of its failed runs."""

    @property
    def intermittent(self) -> bool:
        """Whether it failed and passed, not in an outage."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An intermittent failure of a job that is weighed."""

    #: The evidence of each failed run: the shapes that are not generic.
    runs: tuple[tuple[str, ...], ...]
    #: When it failed first, and when its last run ended (seconds since the epoch); infinity if the CI sends no times.
    began: float = math.inf
    ended: float = math.inf
    #: The push changes a file that it names, or the folder of that.
    touched: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The push at which a failure is weighed."""

    push: Push
    author: str | None
    #: The branch that it is to be merged into, or is on; empty if that is not known.
    base: str = ""
    #: The change comes from a fork.
    fork: bool = False

    @property
    def on_base(self) -> bool:
        """Whether it is on the base branch."""
        return self.push.branch == self.base and not self.fork


def standing(
    failure: Failure,
    here: Place,
    seen: Iterable[Seen],
    pushes: int,
    generic: Callable[[str], bool] = lambda _: False,
) -> Standing:
    """Weigh a failure by what was seen of its job at other pushes.

    `pushes`: at how many others of the base branch the job passed or failed. `generic`: whether a shape proves nothing.
    """
    at_base, elsewhere = _relevant(failure, here, seen)
    known, shown, hits, branches = bool(failure.runs), False, set[Push](), 0
    for part in dict.fromkeys(part for run in failure.runs for part in _apart(run)):
        alike = {one.push for one in at_base if part and fingerprint.same(part, one.shapes)}
        # Several branches, not several pushes of one: a branch that is pushed to again fails again.
        others = {_line(one) for one in elsewhere if part and fingerprint.same(part, one.shapes)}
        hits |= alike
        branches = max(branches, len(others))
        shown = shown or bool(others)
        known = known and (bool(alike) or len(others) >= _BRANCHES)
    job = {one.push for one in at_base}
    total = max(pushes, len(job))
    silent = not all(failure.runs)
    mute = silent or any(all(map(generic, one.shapes)) for one in at_base)
    if known:
        novelty = Novelty.KNOWN
    elif shown or (mute and (job or elsewhere)):
        novelty = Novelty.UNKNOWN
    elif failure.touched:
        novelty = Novelty.TOUCHED
    else:
        novelty = Novelty.NEW if total >= ENOUGH else Novelty.UNKNOWN
    return Standing(
        novelty, here.base, Past(len(hits), total), Past(len(job), total), branches,
        silent=silent and not novelty.suspected,
    )  # fmt: skip


def _apart(run: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return what of a run has to be known by itself: each test that failed, or the run if none is named."""
    return [(shape,) for shape in run if fingerprint.names_test((shape,))] or [run]


def _relevant(failure: Failure, here: Place, seen: Iterable[Seen]) -> tuple[list[Seen], list[Seen]]:
    """Return what the base branch shows, and what branches of other authors do, that this push cannot have caused.

    A later push of its own branch contains it. Any other that failed before this one's verdict was known does not, for
    by then it was not merged.
    """
    at_base, elsewhere = [], []
    own = _line_of(here.push, here.author, fork=here.fork)
    for one in seen:
        if not one.intermittent or one.push == here.push:
            continue
        line = _line(one)
        if here.base and one.push.branch == here.base and not one.fork:
            if one.began < failure.began if line == own else one.began <= failure.ended:
                at_base.append(one)
        elif line != own and one.author is not None and one.author != here.author and one.began <= failure.ended:
            elsewhere.append(one)
    return at_base, elsewhere


def _line(one: Seen) -> tuple[str, str]:
    return _line_of(one.push, one.author, fork=one.fork)


def _line_of(push: Push, author: str | None, *, fork: bool) -> tuple[str, str]:
    """Return what tells lines of development apart: the branch, and of forks and unlanded changes the author, too."""
    return push.branch, (author or push.revision) if fork or push.branch in _UNLANDED else ""


def base_branch(pushes: Mapping[str, int], told: Sequence[str] = ()) -> str:
    """Return the base branch of a project, given how many pushes each branch has; empty if none is certain.

    `told`: branches of which the CI says that they are the default.
    """
    for branch in (*told, *_BASES):
        if branch in pushes and branch not in _UNLANDED:
            return branch
    if not pushes:
        return ""
    most = min(pushes, key=lambda branch: (-pushes[branch], branch))
    enough = pushes[most] >= max(_BASE_MIN, _BASE_SHARE * sum(pushes.values()))
    return most if enough and most not in _UNLANDED else ""


def is_outage(failed: int, ended: int) -> bool:
    """Whether so many of a push's jobs failed, of those that ended, that it hardly is the doing of each of them."""
    return ended >= _OUTAGE_MIN and failed > _OUTAGE_SHARE * ended
