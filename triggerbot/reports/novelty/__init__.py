"""What newly fails at a push, or in a folder of reports: the values, which `stored` and `folders` find."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triggerbot.core.branch.novelty import Change, Finding
from triggerbot.core.run_tests import RunTests

#: The group of jobs that are in none, and the pool of those of which none is known.
OTHER = "other"


@dataclass(frozen=True, slots=True)
class JobReport:
    """A job, what it came to, and what changed."""

    job: str
    #: Its verdict, in one word.
    verdict: str
    group: str = OTHER
    pool: str = OTHER
    #: What it was held against: a revision, or a folder; empty if it never ended before.
    against: str = ""
    url: str | None = None
    tests: RunTests | None = None
    findings: tuple[Finding, ...] = ()

    def count(self, change: Change) -> int:
        """Count what changed in this way."""
        return sum(one.change is change for one in self.findings)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Its failing tests, new ones first; where only the job was compared, nothing tells what failed before."""
        found = tuple(one for one in self.findings if one.change.fails and one.test)
        if found or self.tests is None:
            return found
        return tuple(Finding(Change.UNKNOWN, self.job, one.id, one.line) for one in self.tests.failing)


@dataclass(frozen=True, slots=True)
class NoveltyReport:
    """What newly fails; `project`, `branch` and `revision` are those of a push, `folder` that of reports."""

    jobs: tuple[JobReport, ...]
    project: str = ""
    branch: str = ""
    revision: str = ""
    folder: str = ""
    #: What everything was held against, if that is one revision or folder.
    against: str = ""
    #: Whether nothing more is to come.
    final: bool = True
    #: What was not understood.
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is about, in one word."""
        return self.folder or self.revision

    def of(self, *changes: Change) -> Iterator[tuple[JobReport, Finding]]:
        """Yield what changed in these ways, change by change."""
        for change in changes:
            yield from ((job, one) for job in self.jobs for one in job.findings if one.change is change)

    def count(self, change: Change) -> int:
        """Count what changed in this way."""
        return sum(job.count(change) for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: the jobs of a group or a pool."""

    name: str
    jobs: int
    failed_jobs: int
    #: The tests of those of which they are known.
    tests: RunTests
    #: In the order of `Change`.
    changes: tuple[int, ...]

    def changed(self) -> bool:
        """Whether anything is new, or no longer fails."""
        return any(number for change, number in zip(Change, self.changes, strict=True) if change is not Change.KNOWN)


def tests_of(jobs: Sequence[JobReport]) -> RunTests:
    """Add up the tests of jobs, without listing those that failed."""
    known = [job.tests for job in jobs if job.tests is not None]
    times = [one.seconds for one in known if one.seconds is not None]
    return RunTests(
        sum(one.passed for one in known),
        sum(one.failed for one in known),
        sum(one.errors for one in known),
        sum(one.skipped for one in known),
        round(sum(times), 3) if times else None,
    )


def by_group(report: NoveltyReport) -> list[Line]:
    """Return the table by group."""
    return _table(report.jobs, [job.group for job in report.jobs])


def by_pool(report: NoveltyReport) -> list[Line]:
    """Return the table by pool."""
    return _table(report.jobs, [job.pool for job in report.jobs])


def _table(jobs: Sequence[JobReport], names: Sequence[str]) -> list[Line]:
    lines = []
    for name in sorted(set(names), key=lambda one: (one == OTHER, one)):
        own = [job for job, other in zip(jobs, names, strict=True) if other == name]
        failed = sum(job.verdict == "failed" for job in own)
        changes = tuple(sum(job.count(change) for job in own) for change in Change)
        lines.append(Line(name, len(own), failed, tests_of(own), changes))
    return lines
