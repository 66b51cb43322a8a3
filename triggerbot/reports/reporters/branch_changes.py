"""What has changed on a branch since its last report."""

from collections.abc import Collection
from dataclasses import dataclass

from triggerbot.core.branch.streaks import Streak
from triggerbot.reports import BranchReport


@dataclass(frozen=True, slots=True)
class Changes:
    """The jobs that began to keep failing since then, and those that do so no longer."""

    started: tuple[Streak, ...] = ()
    stopped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.started or self.stopped)


def since(before: Collection[str], report: BranchReport) -> Changes:
    """Compare with the jobs that kept failing when it was last said; one that is silenced neither began nor ended."""
    known, quiet = set(before), {one.job for one in report.silenced}
    started = tuple(one for one in report.along.failing if one.job not in known and not one.test)
    return Changes(started, tuple(sorted(known - report.jobs - quiet)))
