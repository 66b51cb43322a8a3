"""Whether failures are the same one: of the runs of one job, and of the jobs of one push; purely.

A line that any failure may show is no evidence: what says so by its words (`likeness.is_generic`), and what the
failures of other jobs or passing runs elsewhere show, too (`Background`). PyTorch's Dr.CI called real failures flaky
for having a line in common such as "Process completed with exit code 1" (pytorch/test-infra issues 4741, 5063).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from triggerbot.core.model import Run
from triggerbot.core.verdict import fingerprint

#: Comparisons of different failures of one push; beyond, only equal ones are put together.
_COMPARED_MAX = 5_000


class History(Protocol):
    """What other pushes tell about the jobs of this one."""

    def generic(self, job: str, shape: str) -> bool:
        """Tell whether a failure of any job, or a passing run, shows this line, so that it proves nothing for a job."""

    def known(self, job: str, before: float) -> bool:
        """Tell whether a job was intermittent at another push before then (seconds since the epoch)."""

    def clean(self, job: str) -> bool:
        """Tell whether a job ran at several other pushes."""


class _NoHistory:
    """No other push is known."""

    def generic(self, job: str, shape: str) -> bool:
        return False

    def known(self, job: str, before: float) -> bool:
        return False

    def clean(self, job: str) -> bool:
        return False


NO_HISTORY: History = _NoHistory()


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


def of_runs(job: str, runs: Sequence[Run], background: History = NO_HISTORY) -> Failing | None:
    """Compare the failed runs of a job with each other; `None` if none failed."""
    failed = [run for run in runs if run.failed]
    if not failed:
        return None
    evidence = [evident(job, run.failures, background) for run in failed]
    alike = [int(bool(mine)) for mine in evidence]
    for (one, mine), (two, other) in combinations(enumerate(evidence), 2):
        if mine and other and fingerprint.same(mine, other):
            alike[one] += 1
            alike[two] += 1
    best = alike.index(max(alike))
    shapes = evidence[best]
    line = next((line for line in failed[best].failures if shapes and fingerprint.shape(line) == shapes[0]), "")
    return Failing(line, shapes, Sameness(alike[best], len(failed), sum(not one for one in evidence)))


def evident(job: str, lines: Iterable[str], background: History = NO_HISTORY) -> tuple[str, ...]:
    """Choose what lines of a job's run are evidence, as shapes."""
    return tuple(shape for shape in fingerprint.shapes(lines) if not background.generic(job, shape))


def in_common(failing: Mapping[str, Failing]) -> tuple[Common, ...]:
    """Put together the jobs of a push that show the same failure, the largest group first; none of one job."""
    equal: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for job, one in failing.items():
        if one.shapes:
            equal[one.shapes].append(job)
    groups: list[tuple[tuple[str, ...], list[str]]] = []
    left = _COMPARED_MAX
    # The most frequent form of a failure stands for it.
    for shapes, jobs in sorted(equal.items(), key=lambda one: (-len(one[1]), one[0])):
        found = next((at for at, (other, _) in enumerate(groups[:left]) if fingerprint.same(shapes, other)), None)
        if found is None:
            left = max(0, left - len(groups))
            groups.append((shapes, list(jobs)))
        else:
            left = max(0, left - found - 1)
            groups[found][1].extend(jobs)
    several = [jobs for _, jobs in groups if len(jobs) > 1]
    several.sort(key=lambda jobs: (-len(jobs), min(jobs)))
    return tuple(Common(failing[jobs[0]].line, tuple(sorted(jobs))) for jobs in several)


def touched(files: Collection[str], lines: Iterable[str]) -> bool:
    """Tell whether failure lines name one of the files that a push changes."""
    names = {name for file in files if len(name := file.rpartition("/")[2]) >= _NAME_MIN}
    text = "\n".join(lines)
    # Word by word: there may be hundreds of files, and jobs; and `test_login.py` is not `login.py`.
    return not names.isdisjoint(_WORDS.findall(text)) or any(
        name in text for name in names if not _WORDS.fullmatch(name)
    )


#: Characters of a file's name: shorter ones stand in many lines that mean something else.
_NAME_MIN = 6
#: What names of files mostly are.
_WORDS = re.compile(r"[\w+-]+(?:\.[\w+-]+)*")
