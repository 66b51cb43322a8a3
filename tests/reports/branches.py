"""Branches that are reported as a whole: rows of letters stand for what is known of the jobs."""

from collections.abc import Mapping, Sequence

from tests.core.branch.rows import revisions, row
from tests.fakes.clock import Clock
from triggerbot.core.branch.alerts import Alerts
from triggerbot.core.branch.grid import grid
from triggerbot.core.model import Branch
from triggerbot.metrics import Metrics
from triggerbot.reports import BranchReporter
from triggerbot.reports.branches.look import Looked
from triggerbot.reports.branches.publisher import BranchReports
from triggerbot.store import Store
from triggerbot.store.branches import REST
from triggerbot.store.factory import open_memory

MAIN = Branch("gh", "octo/app", "main")
LINK = "https://triggerbot.example/branches/octo/app/main"


class Board:
    """A branch whose jobs a test sets, and what reports it."""

    def __init__(self, reporters: Sequence[BranchReporter], clock: Clock, *, dry: bool = False) -> None:
        self.clock = clock
        self.store: Store = open_memory()
        self.shown = Looked(grid([], [], Alerts()), 5)
        self._worker = BranchReports(
            self.store, lambda _: self.shown, reporters, link=lambda _: LINK, dry=dry, clock=clock, metrics=Metrics()
        )

    def show(self, jobs: Mapping[str, str], *lines: str) -> None:
        """Set what the jobs did at the pushes, newest first; each failure shows the next of the lines."""
        rows = [row(letters, *lines, job=job) for job, letters in jobs.items()]
        names = revisions(next(iter(jobs.values())))
        self.shown = Looked(grid(rows, names, Alerts()), 5, {name: f"author-of-{name}" for name in names})

    def report(self, jobs: Mapping[str, str] | None = None, *lines: str, branch: Branch = MAIN) -> None:
        """Let news come of the branch, and everything that is due be done."""
        if jobs is not None:
            self.show(jobs, *lines)
        self._worker.news(branch)
        self.settle()

    def settle(self, seconds: float = REST) -> None:
        """Do what falls due within a while."""
        self.clock.move(seconds)
        while self._worker.step():
            pass
