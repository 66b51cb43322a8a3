"""Reports branches in a Slack channel: one message a branch while jobs keep failing there, what changed in its thread.

The message is updated in place, and says in the end that all is well again; the next streak gets a new one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import msgspec

from triggerbot.core.formatting import plural
from triggerbot.core.model import Branch
from triggerbot.reports import BranchReport, branch_text
from triggerbot.reports.reporters import branch_changes
from triggerbot.reports.reporters.branch_changes import Changes
from triggerbot.reports.reporters.slack.api import SlackApi
from triggerbot.reports.reporters.slack.markup import (
    LINE_MAX,
    Message,
    code,
    escape,
    linked,
    packed,
    plain,
    section,
    size,
)
from triggerbot.reports.reporters.slack.messages import Channel, Messages, Wanted, digest, says

#: Bytes of the message in the channel, and of a reply.
_ROOM = 3500
#: Lines of a reply.
_LINES_MAX = 20


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
        content = _message(report)
        metadata = _metadata(report.branch, made.number, "message")
        message = self._channel.update(
            messages, Wanted("message", content, says(content), begins=True, metadata=metadata), fields
        )
        changes = branch_changes.since(made.failing, report)
        if changes and not is_first and message.ts and not message.gone:
            part = f"reply {made.replies + 1}"
            reply = _reply(report, changes)
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


def _message(report: BranchReport) -> Message:
    """Render what keeps failing on a branch, at a glance."""
    branch, count = report.branch, len(report.jobs)
    what = f"{plural(count, 'job keeps', 'jobs keep')} failing" if count else "nothing keeps failing any more"
    lines = [f"*{what[0].upper()}{what[1:]}* on {code(branch.name)} of {code(branch.project)}"]
    foot = linked("The branch, push by push", report.link)
    room = _ROOM - size(lines[0]) - size(foot) - 50
    entries = list(_entries(report))
    for number, entry in enumerate(entries):
        room -= size(entry)
        if room < 0:
            lines.append(f"• {linked(f'and {len(entries) - number} more', report.link)}")
            break
        lines.append(entry)
    if report.silenced:
        lines.append(f"{plural(len(report.silenced), 'silenced job')} beside")
    sections = tuple(map(section, [*packed(lines), *([foot] if report.link else [])]))
    return Message(_notice(report, what), sections)


def _entries(report: BranchReport) -> Iterator[str]:
    for many in report.along.beginnings:
        yield f"• {branch_text.beginning(many, _quoted)}"
    for one in report.along.failing:
        name = code(one.job) + (f" {code(one.test)}" if one.test else "")
        line = f": {code(one.line, LINE_MAX)}" if one.line else ""
        author = report.authors.get(one.since)
        by = f"; that push is by {code(author)}" if author else ""
        yield f"• {name} {branch_text.since(one)}{by}{line}"


def _reply(report: BranchReport, changes: Changes) -> Message:
    """Render what changed."""
    lines = []
    for one in changes.started:
        line = f": {code(one.line, LINE_MAX)}" if one.line else ""
        lines.append(f"• {code(one.job)} keeps failing, since {code(branch_text.short(one.since))}{line}")
    lines += [f"• {code(job)} fails no longer" for job in changes.stopped]
    if len(lines) > _LINES_MAX:
        lines = [*lines[:_LINES_MAX], f"• and {len(lines) - _LINES_MAX} more"]
    if not report.along.failing:
        lines.append("Nothing keeps failing any more.")
    return Message(_notice(report, "news"), tuple(map(section, packed(lines))))


def _quoted(foreign: str) -> str:
    return code(foreign, LINE_MAX)


def _notice(report: BranchReport, what: str) -> str:
    """Render the text of a notification, which shows no formatting."""
    place = f"{plain(report.branch.project, 100)} {plain(report.branch.name, 100)}"
    # An invisible character after an @ keeps it from notifying anybody.
    return escape(f"{place}: {what}".replace("@", "@\u2060"))


def _metadata(branch: Branch, number: int, part: str) -> Mapping[str, Any]:
    """Build the metadata by which a message is found; every app in the workspace can read it, so names are hashed."""
    payload = {"branch": digest(*branch), "number": number, "part": part}
    return {"event_type": "triggerbot_branch", "event_payload": payload}
