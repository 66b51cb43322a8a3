"""The check of an entry of GitHub's merge queue, on which the queue decides alone.

It succeeds only once every workflow run of the entry has ended well: between two jobs of a workflow all that is known
has passed, and what is not known yet must not be merged. So GitHub is asked before a success is told.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from triggerbot.core.verdict import merge_queue
from triggerbot.core.verdict.merge_queue import Conclusion
from triggerbot.reports import PushReport
from triggerbot.systems.github import messages
from triggerbot.systems.github.queue_branches import pull_of
from triggerbot.systems.github.reporting import ReportingClient

#: Seconds until GitHub is asked again whether all workflow runs have ended.
_AGAIN = 30.0
#: Conclusions of workflow runs that GitHub itself takes for a success.
_WELL = frozenset({"success", "skipped", "neutral"})


class Waiting(msgspec.Struct):
    """An entry as stored beside its push."""

    #: When it was first reported, in seconds since the epoch; 0: it is no entry.
    began: float = 0.0
    #: Whether all of its workflow runs have ended well.
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What the check of an entry says."""

    conclusion: Conclusion
    why: str
    #: When it has to be decided again without news.
    due: float | None

    def check_run(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the check run of a push as that of an entry; there is no neutral, which GitHub takes for a success."""
        rest = {name: value for name, value in content.items() if name not in ("status", "conclusion")}
        rest["output"] = {**rest["output"], "title": self.why if len(self.why) <= 140 else f"{self.why[:139]}…"}
        if self.conclusion is Conclusion.PENDING:
            return {"status": "in_progress", **rest}
        return {"status": "completed", "conclusion": str(self.conclusion), **rest}


class RequiredCheck:
    """Decides what the check of an entry says. `timeout`: seconds that an entry may be pending."""

    def __init__(self, client: ReportingClient, timeout: float) -> None:
        self._client = client
        self._timeout = timeout

    def decide(self, report: PushReport, waiting: Waiting, now: float) -> Decided | None:
        """Return what the check of a push says; `None` if it is no entry of the queue. Raises `CIError`."""
        if pull_of(report.push.branch) is None:
            return None
        if not 0 < waiting.began <= now:  # later: the clock was set back
            waiting.began = now
        until = waiting.began + self._timeout
        conclusion, why = merge_queue.conclude(report.judged, timed_out=now >= until)
        due = until if conclusion is Conclusion.PENDING else None
        if conclusion is not Conclusion.SUCCESS:
            waiting.ended = False
        elif not waiting.ended:
            open_ones = self._open(report)
            waiting.ended = not open_ones
            if open_ones and now < until:
                conclusion, why, due = Conclusion.PENDING, f"waits for {open_ones}", min(until, now + _AGAIN)
            elif open_ones:
                conclusion, why = Conclusion.FAILURE, f"not proved in the time that a merge may wait: {open_ones}"
        return Decided(conclusion, why, due)

    def _open(self, report: PushReport) -> str:
        """Name what has not ended well among the workflow runs of an entry; empty if all have."""
        runs = self._client.workflow_runs(report.push)
        if not runs:
            return "its first workflow run"
        return next((_named(run) for run in runs if run.status != "completed" or run.conclusion not in _WELL), "")


def _named(run: messages.WorkflowRun) -> str:
    how = run.conclusion if run.status == "completed" else run.status
    return f"the workflow run {run.name or run.id}, which is {how or 'not known'}"
