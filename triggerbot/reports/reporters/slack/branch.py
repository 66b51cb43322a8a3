"""Reports branches in a Slack channel: one message a branch while jobs keep failing there, what changed in its thread.

The message is updated in place, and says in the end that all is well again; the next streak gets a new one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from triggerbot.core.model import Branch
from triggerbot.reports import BranchReport
from triggerbot.reports.reporters import branch_changes
from triggerbot.reports.reporters.slack import branch_blocks
from triggerbot.reports.reporters.slack.api import SlackApi
from triggerbot.reports.reporters.slack.messages import Channel, Messages, Wanted, digest, says


class _Stored(msgspec.Struct):
    """The message of a branch and its replies, as stored beside it."""

    #: Counts the messages: each has an identity of its own.
    number: int = 0
    #: The state of message and replies (see `messages`).
    parts: str = ""
    #: The jobs that kept failing when it was last said, and how many replies there are.
    failing: list[str] = msgspec.field(default_factory=list)
    replies: int = 0
    #: There is a message, and it does not say yet that all is well.
    open: bool = False


class SlackBranches:
    """Reports branches in one channel (a `BranchReporter`)."""

    def __init__(
        self,
        channel_id: str,
        token: str,
        *,
        covers: Callable[[Branch], bool],
        url: str = "https://slack.com/api",
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float],
    ) -> None:
        self.name = f"slack:{channel_id}:branches"
        self._covers = covers
        self._channel = Channel(self.name, SlackApi(url, token, transport), channel_id, clock)

    def covers(self, branch: Branch) -> bool:
        """Return whether this branch is reported in the channel."""
        return self._covers(branch)

    def report_branch(self, report: BranchReport, stored: str, save: Callable[[str], None]) -> None:
        """Update the message and reply to it; raises `CIUnavailable` and `CIDenied`."""
        made = msgspec.json.decode(stored, type=_Stored) if stored else _Stored()
        jobs = sorted(report.jobs)
        if not jobs and not made.open:
            return
        if not made.open:
            made = _Stored(made.number + 1, open=True)

        def keep(parts: str) -> None:
            made.parts = parts
            save(msgspec.json.encode(made).decode())

        messages = Messages(made.parts, keep)
        fields = {"system": report.branch.system, "project": report.branch.project, "branch": report.branch.name}
        is_first = messages.get("message").said == ""
        content = branch_blocks.message(report)
        metadata = _metadata(report.branch, made.number, "message")
        message = self._channel.update(
            messages, Wanted("message", content, says(content), begins=True, metadata=metadata), fields
        )
        changes = branch_changes.since(made.failing, report)
        if changes and not is_first and message.ts and not message.gone:
            part = f"reply {made.replies + 1}"
            reply = branch_blocks.reply(report, changes)
            there = self._channel.update(
                messages,
                Wanted(part, reply, says(reply), begins=True, thread=message.ts,
                       metadata=_metadata(report.branch, made.number, part)),
                fields,
            )  # fmt: skip
            if there.ts or there.gone:
                made.replies += 1
        made.failing = sorted({*jobs, *({one.job for one in report.silenced} & set(made.failing))})
        made.open = bool(jobs or report.silenced)
        save(msgspec.json.encode(made).decode())

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()


def _metadata(branch: Branch, number: int, part: str) -> Mapping[str, Any]:
    """Build the metadata by which a message is found; every app in the workspace can read it, so names are hashed."""
    payload = {"branch": digest(*branch), "number": number, "part": part}
    return {"event_type": "triggerbot_branch", "event_payload": payload}
