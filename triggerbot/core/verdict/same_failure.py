"""Same failure: which runs of a job, and which jobs of a push, failed for the same reason. Pure.

A line that any failure may show is no evidence: lines that are generic by their words (`fingerprint.shapes` leaves them
out), and lines that failures of other jobs or passing runs elsewhere show as well (`History`). PyTorch's Dr.CI called
real failures flaky for a common line such as "Process completed with exit code 1" (pytorch/test-infra issues 4741,
5063).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple, Protocol

from triggerbot.core.formatting import plural
from triggerbot.core.model import Push, Run
from triggerbot.core.verdict import fingerprint, history
from triggerbot.core.verdict.history import Failure, Place, Standing

#: Comparisons of different failures per push; beyond that, only equal failures are grouped.
_COMPARED_MAX = 5_000


class History(Protocol):
    """What other pushes show about the jobs of this one."""

    def generic(self, job: str, shape: str) -> bool:
        """Whether failures of other jobs, or passing runs, show this shape, so that it is no evidence for this job."""

    def standing(self, job: str, failure: Failure) -> Standing:
        """Weigh an intermittent failure of a job by what other pushes show."""


class _NoHistory:
    """The history if no other push is known."""

    def generic(self, job: str, shape: str) -> bool:
        return False

    def standing(self, job: str, failure: Failure) -> Standing:
        return history.standing(failure, _NOWHERE, (), 0)


_NOWHERE = Place(Push("", "", "", ""), None)
NO_HISTORY: History = _NoHistory()


@dataclass(frozen=True, slots=True)
class Sameness:
    """The agreement among a job's failed runs."""

    #: Failed runs that show the most frequent failure.
    same: int
    #: Failed runs.
    of: int
    #: Failed runs without any line that is evidence.
    silent: int = 0
    #: All of them name a test that is the same; no two of them do, though all name tests.
    one_test: bool = False
    other_tests: bool = False

    @property
    def all(self) -> bool:
        """Whether every failed run shows the same failure."""
        return self.same == self.of

    @property
    def different(self) -> bool:
        """Whether each failed run failed differently, which points to the machine rather than the change.

        One test with several messages, or several tests, do not.
        """
        return self.same == 1 and self.silent == 0 and self.of > 1 and not self.one_test and not self.other_tests


@dataclass(frozen=True, slots=True)
class Told:
    """A failure, by its most characteristic line as the CI sent it, and the shapes that identify it."""

    line: str
    shapes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failing:
    """The failure of a job, from its failed runs."""

    #: The most characteristic line, as the CI sent it; empty if no line is evidence.
    line: str
    #: The shapes that identify the failure.
    shapes: tuple[str, ...]
    sameness: Sameness
    #: The shapes that are evidence, of each failed run.
    runs: tuple[tuple[str, ...], ...] = ()
    #: What its other failed runs show that is not the same failure, each once.
    others: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Alike:
    """The jobs of a push that show one failure: those whose failure it is, and those that show it beside another."""

    line: str
    jobs: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Common:
    """A failure that several jobs of a push share: likely one cause, so it is reported once."""

    line: str
    jobs: tuple[str, ...]


def of_runs(job: str, runs: Sequence[Run], background: History = NO_HISTORY) -> Failing | None:
    """Compare the failed runs of a job with each other; `None` if none failed."""
    failed = [run for run in runs if run.failed]
    if not failed:
        return None
    told = [_told(job, run.evidence, background) for run in failed]
    evidence = [tuple(one.shape for one in mine) for mine in told]
    alike = [int(bool(mine)) for mine in evidence]
    for (one, mine), (two, other) in combinations(enumerate(evidence), 2):
        if mine and other and fingerprint.same(mine, other):
            alike[one] += 1
            alike[two] += 1
    best = alike.index(max(alike))
    lines = [run.lines[mine[0].place] if mine else "" for run, mine in zip(failed, told, strict=True)]
    most = Told(lines[best], evidence[best])
    others = _others(most, map(Told, lines, evidence)) if alike[best] < len(failed) else ()
    return Failing(most.line, most.shapes, _sameness(alike[best], evidence), tuple(evidence), others)


def _others(most: Told, found: Iterable[Told]) -> tuple[Told, ...]:
    """Return what is not the same failure as the most frequent one, nor as one before it; nothing of silent runs."""
    different = [most]
    for one in found:
        if one.shapes and not any(fingerprint.same(one.shapes, other.shapes) for other in different):
            different.append(one)
    return tuple(different[1:])


def evidence_of(job: str, lines: Iterable[str], background: History = NO_HISTORY) -> tuple[str, ...]:
    """Return the shapes of those lines of a job's run that are evidence, without those that prove nothing."""
    return tuple(one.shape for one in _told(job, tuple(lines), background))


#: Returns the shapes of those failure lines of a job, by its key, at a push that prove something.
TellingOf = Callable[[Push, str, Iterable[str]], tuple[str, ...]]


def told_alone(_push: Push, _job: str, lines: Iterable[str]) -> tuple[str, ...]:
    """Return what lines tell if no history says which of them are generic."""
    return fingerprint.shapes(lines)


def _told(job: str, lines: tuple[str, ...], background: History) -> tuple[fingerprint.Telling, ...]:
    """Return those lines of a job's run that are evidence."""
    return tuple(one for one in fingerprint.telling(lines) if not background.generic(job, one.shape))


def _sameness(alike: int, evidence: Sequence[tuple[str, ...]]) -> Sameness:
    same = Sameness(alike, len(evidence), sum(not one for one in evidence))
    if alike == same.of or same.of < 2 or not all(map(fingerprint.names_test, evidence)):
        return same
    shared = [fingerprint.same_test(one, other) for one, other in combinations(evidence, 2)]
    return replace(same, one_test=all(shared), other_tests=not any(shared))


def failing_tests(runs: Iterable[Run]) -> tuple[dict[str, str], bool]:
    """Return the tests that failed in each of these runs, or in any if none did in each, with a line each.

    And whether those are all: the tests of every run are known, and it listed all that failed.
    """
    told = [run.tests for run in runs]
    known = [tests for tests in told if tests is not None]
    lines: dict[str, str] = {}
    for tests in known:
        for one in tests.failing:
            lines.setdefault(one.id, one.line)
    ids = [tests.ids for tests in known]
    always = frozenset[str]().union(*ids).intersection(*ids)
    is_all = bool(told) and len(known) == len(told) and not any(tests.unlisted for tests in known)
    return {test: line for test, line in lines.items() if not always or test in always}, is_all


def ran_fewer(runs: Iterable[Run]) -> tuple[int, int] | None:
    """Return how many tests ran in the passing run with most, and in the failed one with fewest, if those are more.

    Where tests move between shards, a run that passed need not have run the test that failed.
    """
    listed = list(runs)
    passed = [run.tests.ran for run in listed if run.passed and run.tests is not None]
    failed = [run.tests.ran for run in listed if run.failed and run.tests is not None and run.tests.failing]
    if not passed or not failed or max(passed) >= min(failed):
        return None
    return max(passed), min(failed)


def fewer_words(numbers: tuple[int, int] | None) -> str:
    """Say it, where it is so."""
    if numbers is None:
        return ""
    ran = f"the run that passed ran {plural(numbers[0], 'test')} and the one that failed {numbers[1]}"
    return f"; {ran}, so it may not have run what failed"


def grouped(failing: Mapping[str, Failing]) -> list[Alike]:
    """Group the jobs of a push by failure, the most jobs first; those of which nothing telling is known are in none."""
    equal: dict[tuple[str, ...], list[_Shown]] = defaultdict(list)
    for job, one in failing.items():
        if one.shapes:
            equal[one.shapes].append(_Shown(job, one.line, other=False))
        for told in one.others:
            equal[told.shapes].append(_Shown(job, told.line, other=True))
    groups: list[tuple[tuple[str, ...], list[_Shown]]] = []
    left = _COMPARED_MAX
    # The most frequent form of a failure represents its group.
    for shapes, shown in sorted(equal.items(), key=lambda one: (-len(one[1]), one[0])):
        found = next((at for at, (other, _) in enumerate(groups[:left]) if fingerprint.same(shapes, other)), None)
        if found is None:
            left = max(0, left - len(groups))
            groups.append((shapes, list(shown)))
        else:
            left = max(0, left - found - 1)
            groups[found][1].extend(shown)
    alike = [_alike(shown) for _, shown in groups]
    return sorted(alike, key=lambda one: (-len(one.jobs), one.jobs[:1] or one.also))


class _Shown(NamedTuple):
    """A job that shows a failure, in a line of its own; `other`: beside a more frequent one."""

    job: str
    line: str
    other: bool


def _alike(shown: Sequence[_Shown]) -> Alike:
    jobs = {one.job for one in shown if not one.other}
    also = {one.job for one in shown} - jobs
    line = next((one.line for one in shown if not one.other), shown[0].line)
    return Alike(line, tuple(sorted(jobs)), tuple(sorted(also)))


def in_common(groups: Iterable[Alike]) -> tuple[Common, ...]:
    """Return the failures that several jobs have, in the given order."""
    return tuple(Common(one.line, one.jobs) for one in groups if len(one.jobs) > 1)
