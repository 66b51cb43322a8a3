"""Reports branches by webhook: `branch.failing` when other jobs keep failing, `branch.recovered` when none does.

Delivery is at least once, as that of pushes (see `reporter`).
"""

from collections.abc import Callable

import httpx
import msgspec
import structlog

from triggerbot.core import event_json
from triggerbot.core.model import Branch
from triggerbot.reports import BranchReport
from triggerbot.reports.reporters import branch_changes
from triggerbot.reports.reporters.webhook.address import Address

log = structlog.get_logger("triggerbot.publish")

#: Streaks and names in a body; beyond that only their number is told.
_LISTED_MAX = 500


class _Sent(msgspec.Struct):
    """What was sent last of a branch, as stored beside it."""

    #: Counts the changes.
    number: int = 0
    #: The jobs that kept failing when it was last said, and those that are being said.
    failing: list[str] = msgspec.field(default_factory=list)
    saying: list[str] | None = None
    #: When that was first sent (seconds since the epoch), as in the body.
    at: float = 0.0
    #: The receiver wants no more.
    stopped: bool = False


class WebhookBranches:
    """Reports branches to one address (a `BranchReporter`)."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        secret: str | None,
        covers: Callable[[Branch], bool],
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float],
    ) -> None:
        self.name = f"{name}:branches"
        self._covers = covers
        self._clock = clock
        self._address = Address(url, secret, clock, transport)

    def covers(self, branch: Branch) -> bool:
        """Return whether this branch is reported there."""
        return self._covers(branch)

    def report_branch(self, report: BranchReport, stored: str, save: Callable[[str], None]) -> None:
        """Send what changed, if anything did; raises `CIUnavailable` and `CIDenied`."""
        sent = msgspec.json.decode(stored, type=_Sent) if stored else _Sent()
        jobs = sorted(report.jobs | ({one.job for one in report.silenced} & set(sent.failing)))
        if sent.stopped or (jobs == sent.failing and sent.saying is None):
            return
        if sent.saying != jobs:
            # Stored first: whatever becomes of this try, other content gets another id.
            sent.number, sent.saying, sent.at = sent.number + 1, jobs, self._clock()
            save(msgspec.json.encode(sent).decode())
        changes = branch_changes.since(sent.failing, report)
        kind = "branch.failing" if jobs else "branch.recovered"
        data = {
            **report.value,
            "failing": report.value["failing"][:_LISTED_MAX],
            "failing_in_all": len(report.value["failing"]),
            "started": [one.job for one in changes.started][:_LISTED_MAX],
            "stopped": list(changes.stopped)[:_LISTED_MAX],
        }
        body = msgspec.json.encode({"type": kind, "timestamp": event_json.format_time(sent.at), "data": data})
        identity = "\0".join((self.name, *report.branch, str(sent.number)))
        gone = self._address.send(identity, body)
        if gone:
            log.warning("webhook.stopped", report=self.name, error="HTTP 410", branch=report.branch.name)
        sent.failing, sent.saying, sent.stopped = jobs, None, gone
        save(msgspec.json.encode(sent).decode())

    def close(self) -> None:
        """Close the connections."""
        self._address.close()
