"""Reports branches as a whole: which jobs keep failing there, and since when.

A branch is due after news of any of its pushes, and is leased while it is looked at, as pushes are (see `publisher`).
Only branches that some reporter covers are ever due.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from triggerbot.core.branch import silence
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Branch
from triggerbot.metrics import Metrics
from triggerbot.reports import BranchReport, BranchReporter, delivery
from triggerbot.reports.branches import branch_json, branch_text
from triggerbot.reports.branches.look import Look, Looked
from triggerbot.store import Store
from triggerbot.store.branches import BranchRecord

log = structlog.get_logger("triggerbot.publish")

#: Seconds of the lease on a branch.
_LEASE = 180.0
#: Seconds until a reporter that failed is tried again, at least.
_LATER = 30.0


class BranchReports:
    """The worker that reports branches that are due. Any number of threads may run it."""

    def __init__(
        self,
        store: Store,
        look: Look,
        reporters: Sequence[BranchReporter],
        *,
        link: Callable[[Branch], str] = lambda _: "",
        dry: bool = False,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._look = look
        self._reporters = reporters
        self._link = link
        self._dry = dry
        self._clock = clock
        self._metrics = metrics

    def covers(self, branch: Branch) -> bool:
        """Return whether any reporter wants to hear of a branch."""
        return any(one.covers(branch) for one in self._reporters)

    def news(self, branch: Branch) -> None:
        """Have a branch looked at, for something came of one of its pushes. Raises `StoreUnavailable`."""
        if self.covers(branch):
            self._store.branches.news(branch, self._clock())

    def close(self) -> None:
        """Close the reporters' connections."""
        for one in self._reporters:
            one.close()

    def step(self) -> bool:
        """Report a branch, if one is due; return whether one was. Raises `StoreUnavailable`."""
        record = self._store.branches.take(self._clock(), _LEASE)
        if record is None:
            return False
        try:
            due = self._report(record)
        except StoreUnavailable:
            raise
        except Exception:
            # It stays due, since a newer version may fix the error; other branches go on.
            log.exception("branch.failed", **_fields(record.branch))
            due = self._clock() + delivery.DENIED
        self._store.branches.end(record, due, self._clock())
        return True

    def _report(self, record: BranchRecord) -> float | None:
        """Report a branch everywhere; return when to do so again without any news, if ever."""
        looked = self._look(record.branch)
        if looked is None:
            return None
        silenced = silence.still({job: one.since for job, one in record.silenced.items()}, looked.grid)
        after = {job: replace(record.silenced[job], since=since) for job, since in silenced.items()}
        if after != dict(record.silenced):
            self._store.branches.settle(record.branch, record.silenced, after)
        report = self._made(record.branch, looked, silenced)
        dues = [self._update(one, report, record) for one in self._reporters if one.covers(record.branch)]
        return min((due for due in (*dues, looked.until) if due is not None), default=None)

    def _made(self, branch: Branch, looked: Looked, silenced: Mapping[str, str]) -> BranchReport:
        along, quiet = silence.without(looked.grid.along, silenced, looked.many)
        link = self._link(branch)
        value: dict[str, Any] = {
            "system": branch.system,
            "project": branch.project,
            **branch_json.failing(replace(looked.grid, along=along), branch.name),
            "silenced": sorted({one.job for one in quiet}),
            "url": link or None,
        }
        return BranchReport(branch, along, quiet, looked.authors, link, value)

    def _update(self, reporter: BranchReporter, report: BranchReport, record: BranchRecord) -> float | None:
        """Update one report; return when to do so again, if it failed or was held back."""
        if self._dry:
            log.info("report.branch", **_fields(report.branch), report=reporter.name, dry_run=True,
                     says=list(branch_text.streaks(report.along)))  # fmt: skip
            return None
        save = partial(self._store.branches.keep, report.branch, reporter.name)
        stored = record.kept.get(reporter.name, "")
        tried = delivery.attempt(
            reporter.name, _fields(report.branch), partial(reporter.report_branch, report, stored, save), self._metrics
        )
        if tried.wait is None:
            return None
        return self._clock() + max(_LATER, tried.wait)


def _fields(branch: Branch) -> dict[str, str]:
    """Return the log fields of a branch."""
    return {"system": branch.system, "project": branch.project, "branch": branch.name}
