"""Renders a branch as Markdown: what keeps failing there, since when, and what changed; purely."""

from collections.abc import Iterator, Sequence

from triggerbot.core.branch.streaks import Beginning, Streak
from triggerbot.core.formatting import plural
from triggerbot.reports import BranchReport
from triggerbot.reports.branches import branch_text
from triggerbot.reports.reporters.branch_changes import Changes
from triggerbot.reports.reporters.markdown import LINE_MAX, code, link, size

#: Characters of a title; GitHub takes 256.
_TITLE_MAX = 200
#: Jobs that a comment tells of in a line each, and that it names in one line.
_CHANGES_MAX, _NAMED_MAX = 30, 20


def title(report: BranchReport) -> str:
    """Return the title of a branch's issue."""
    count = len(report.jobs)
    name = " ".join("".join(char if char.isprintable() else " " for char in report.branch.name).split())
    well = "nothing else keeps failing" if report.silenced else "nothing keeps failing"
    says = f"{plural(count, 'job keeps', 'jobs keep')} failing" if count else well
    return f"{name[: _TITLE_MAX - len(says)]}: {says}"


def body(report: BranchReport, most: int, mention: str = "") -> str:
    """Render what keeps failing on a branch, in at most `most` bytes; `mention`: who is given commands there."""
    foot = f"\n{link('The branch, push by push', report.link)}\n" if report.link else ""
    if mention and report.along.failing:
        silence, backfill = (code(f"@{mention} {verb} JOB") for verb in ("silence", "backfill"))
        foot += f"\nComment {silence} to hear no more of a job until it passes, {backfill} to find out who broke it.\n"
    parts = [f"{_head(report)}\n"]
    room = most - size(parts[0]) - size(foot)
    entries = list(_entries(report))
    for number, entry in enumerate(entries):
        line = f"{entry}\n"
        room -= size(line)
        if room < 100:
            parts.append(f"\nand {len(entries) - number} more\n")
            break
        parts.append(line)
    return "".join([*parts, foot]).strip() + "\n"


def change(report: BranchReport, changes: Changes) -> str:
    """Render what changed, as one short comment."""
    lines = [f"- {_beginning(report, one).strip()}: {_named(one.jobs)}" for one in changes.together]
    lines += [f"- keeps failing: {_streak(report, one)}" for one in changes.alone]
    if len(lines) > _CHANGES_MAX:
        lines = [*lines[:_CHANGES_MAX], f"- and {len(lines) - _CHANGES_MAX} more that keep failing"]
    if changes.stopped:
        lines.append(f"- fails no longer: {_named(changes.stopped)}")
    if not report.along.failing:
        quiet = f" but what is silenced: {_named([one.job for one in report.silenced])}" if report.silenced else ""
        lines.append(f"\nNothing keeps failing on {code(report.branch.name)}{quiet}.")
    return "\n".join(lines)


def _named(jobs: Sequence[str]) -> str:
    more = f" and {len(jobs) - _NAMED_MAX} more" if len(jobs) > _NAMED_MAX else ""
    return ", ".join(map(code, jobs[:_NAMED_MAX])) + more


def _head(report: BranchReport) -> str:
    branch = report.branch
    count = len(report.jobs)
    none = "No other job keeps" if report.silenced else "No job keeps"
    says = plural(count, "job keeps", "jobs keep") if count else none
    return f"**{says} failing** on {code(branch.name)} of {code(branch.project)}.\n"


def _entries(report: BranchReport) -> Iterator[str]:
    for many in report.along.beginnings:
        yield _beginning(report, many)
    for one in report.along.failing:
        yield f"- {_streak(report, one)}"
    for fresh in report.along.newest_only:
        yield f"- {code(fresh.job)} fails at the newest push only, {code(branch_text.short(fresh.revision))}"
    if report.silenced:
        yield f"\nSilenced until they pass: {', '.join(code(one.job) for one in report.silenced)}"


def _beginning(report: BranchReport, many: Beginning) -> str:
    return f"{branch_text.beginning(many, lambda text: code(text, LINE_MAX))}{_by(report, many.since)}\n"


def _streak(report: BranchReport, one: Streak) -> str:
    name = code(one.job) + (f" {code(one.test)}" if one.test else "")
    text = f"{name} {branch_text.since(one, code)}{_by(report, one.since)}"
    return f"{text}: {code(one.line, LINE_MAX)}" if one.line else text


def _by(report: BranchReport, revision: str) -> str:
    """Name who pushed the first that failed, which is no blame: the cause may be older where pushes did not run it."""
    author = report.authors.get(revision)
    return f"; that push is by {code(author)}" if author else ""
