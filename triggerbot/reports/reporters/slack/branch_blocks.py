"""Renders a branch as Slack blocks: what keeps failing there, and what changed; purely."""

from collections.abc import Iterator

from triggerbot.core.formatting import capital, plural
from triggerbot.reports import BranchReport
from triggerbot.reports.branches import branch_text
from triggerbot.reports.reporters.branch_changes import Changes
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

#: Bytes of the message in the channel, and of a reply.
_ROOM = 3500
#: Lines of a reply.
_LINES_MAX = 20


def message(report: BranchReport) -> Message:
    """Render what keeps failing on a branch, at a glance."""
    branch, count = report.branch, len(report.jobs)
    what = f"{plural(count, 'job keeps', 'jobs keep')} failing" if count else _well(report)
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
        yield f"• {name} {branch_text.since(one, code)}{by}{line}"


def reply(report: BranchReport, changes: Changes) -> Message:
    """Render what changed."""
    lines = [f"• {branch_text.beginning(one, _quoted)}" for one in changes.together]
    for one in changes.alone:
        line = f": {code(one.line, LINE_MAX)}" if one.line else ""
        lines.append(f"• {code(one.job)} keeps failing, since {code(branch_text.short(one.since))}{line}")
    lines += [f"• {code(job)} fails no longer" for job in changes.stopped]
    if len(lines) > _LINES_MAX:
        lines = [*lines[:_LINES_MAX], f"• and {len(lines) - _LINES_MAX} more"]
    if not report.along.failing:
        lines.append(f"{capital(_well(report))}.")
    return Message(_notice(report, "news"), tuple(map(section, packed(lines))))


def _well(report: BranchReport) -> str:
    return "nothing but what is silenced keeps failing" if report.silenced else "nothing keeps failing any more"


def _quoted(foreign: str) -> str:
    return code(foreign, LINE_MAX)


def _notice(report: BranchReport, what: str) -> str:
    """Render the text of a notification, which shows no formatting."""
    place = f"{plain(report.branch.project, 100)} {plain(report.branch.name, 100)}"
    # An invisible character after an @ keeps it from notifying anybody.
    return escape(f"{place}: {what}".replace("@", "@\u2060"))
