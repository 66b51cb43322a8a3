"""Whether failures are the same one: of the runs of one job, and of the jobs of one push; purely.

A line that any failure may show is no evidence: what says so by its words (`likeness.is_generic`), and what the
failures of other jobs or passing runs elsewhere show, too (`Background`). PyTorch's Dr.CI called real failures flaky
for having a line in common such as "Process completed with exit code 1" (pytorch/test-infra issues 4741, 5063).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from triggerbot import likeness
from triggerbot.model import Run

#: Different failures of one push that are compared with each other; beyond, only equal ones are put together.
_COMPARED_MAX = 200


class Background(Protocol):
    """What other pushes tell about the jobs of this one."""

    def generic(self, job: str, shape: str) -> bool:
        """Tell whether a failure of any job, or a passing run, shows this line, so that it proves nothing for a job."""

    def known(self, job: str) -> bool:
        """Tell whether a job was intermittent at another push."""

    def clean(self, job: str) -> bool:
        """Tell whether a job ran at several other pushes and was never intermittent."""


class _Nothing:
    """No other push is known."""

    def generic(self, job: str, shape: str) -> bool:
        return False

    def known(self, job: str) -> bool:
        return False

    def clean(self, job: str) -> bool:
        return False


NOTHING: Background = _Nothing()


@dataclass(frozen=True, slots=True)
class Sameness:
    """How many of a job's failed runs show the same failure."""

    #: Failed runs with the failure that most of them show.
    same: int
    #: Failed runs.
    of: int
    #: Failed runs of which no line says anything of use.
    silent: int = 0

    @property
    def all(self) -> bool:
        """Whether every failed run shows the same failure."""
        return self.same == self.of

    @property
    def different(self) -> bool:
        """Whether each failed run failed in its own way, which looks like the machine rather than the change."""
        return self.same == 1 and self.silent == 0 and self.of > 1


@dataclass(frozen=True, slots=True)
class Failing:
    """What the failed runs of a job say."""

    #: The most telling line, as the CI gave it; empty if none says anything of use.
    line: str
    #: What the failure is recognised by.
    shapes: tuple[str, ...]
    sameness: Sameness


@dataclass(frozen=True, slots=True)
class Common:
    """A failure that several jobs of a push show: likely one cause, so it is told once."""

    line: str
    jobs: tuple[str, ...]


def of_runs(job: str, runs: Sequence[Run], background: Background = NOTHING) -> Failing | None:
    """Compare the failed runs of a job with each other; `None` if none failed."""
    failed = [run for run in runs if run.failed]
    if not failed:
        return None
    evidence = [evident(job, run.failures, background) for run in failed]
    best, same = 0, 0
    for number, mine in enumerate(evidence):
        alike = sum(likeness.same(mine, other) for other in evidence) if mine else 0
        if alike > same:
            best, same = number, alike
    shapes = evidence[best]
    line = next((line for line in failed[best].failures if shapes and likeness.shape(line) == shapes[0]), "")
    return Failing(line, shapes, Sameness(same, len(failed), sum(not one for one in evidence)))


def evident(job: str, lines: Iterable[str], background: Background = NOTHING) -> tuple[str, ...]:
    """Choose what lines of a job's run are evidence, as shapes."""
    return tuple(shape for shape in likeness.shapes(lines) if not background.generic(job, shape))


def in_common(failing: Mapping[str, Failing]) -> tuple[Common, ...]:
    """Put together the jobs of a push that show the same failure, the largest group first; none of one job."""
    equal: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for job, one in failing.items():
        if one.shapes:
            equal[one.shapes].append(job)
    groups: list[tuple[tuple[str, ...], list[str]]] = []
    # The most frequent form of a failure stands for it.
    for shapes, jobs in sorted(equal.items(), key=lambda one: (-len(one[1]), one[0])):
        known = _find(shapes, groups) if len(groups) <= _COMPARED_MAX else None
        if known is None:
            groups.append((shapes, list(jobs)))
        else:
            known.extend(jobs)
    several = [jobs for _, jobs in groups if len(jobs) > 1]
    several.sort(key=lambda jobs: (-len(jobs), min(jobs)))
    return tuple(Common(failing[jobs[0]].line, tuple(sorted(jobs))) for jobs in several)


def _find(shapes: Collection[str], groups: Sequence[tuple[tuple[str, ...], list[str]]]) -> list[str] | None:
    return next((jobs for others, jobs in groups if likeness.same(shapes, others)), None)


def touched(files: Collection[str], lines: Iterable[str]) -> bool:
    """Tell whether failure lines name one of the files that a push changes."""
    text = "\n".join(lines)
    return any(file in text or _name(file) in text for file in files if len(_name(file)) >= _NAME_MIN)


#: Characters of a file's name: shorter ones stand in many lines that mean something else.
_NAME_MIN = 6


def _name(file: str) -> str:
    return file.rpartition("/")[2]
