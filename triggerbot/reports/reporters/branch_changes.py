"""What has changed on a branch since its last report."""

from collections.abc import Collection
from dataclasses import dataclass

from triggerbot.core.branch.streaks import Beginning, Streak
from triggerbot.reports import BranchReport


@dataclass(frozen=True, slots=True)
class Changes:
    """The jobs that began to keep failing since then, and those that do so no longer."""

    started: tuple[Streak, ...] = ()
    stopped: tuple[str, ...] = ()
    #: What is one thing to tell of those that began.
    together: tuple[Beginning, ...] = ()

    @property
    def alone(self) -> tuple[Streak, ...]:
        """The jobs that began by themselves."""
        told = {job for one in self.together for job in one.jobs}
        return tuple(one for one in self.started if one.job not in told)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.started or self.stopped)


def since(before: Collection[str], report: BranchReport) -> Changes:
    """Compare with the jobs that kept failing when it was last said; one that is silenced neither began nor ended."""
    known, quiet = set(before), {one.job for one in report.silenced}
    started = tuple(one for one in report.along.failing if one.job not in known and not one.test)
    names = {one.job for one in started}
    together = tuple(one for one in report.along.beginnings if 2 * len(names.intersection(one.jobs)) > len(one.jobs))
    return Changes(started, tuple(sorted(known - report.jobs - quiet)), together)
