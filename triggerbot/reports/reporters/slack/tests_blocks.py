"""Renders the tests of a push as Slack blocks, within Slack's limits; purely.

Beside what `blocks` shows of jobs: how many tests newly fail, and a reply for each job with those that fail.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from triggerbot.core.branch.novelty import Change, Finding
from triggerbot.core.formatting import plural
from triggerbot.core.model import Push
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.reports.novelty import OTHER, JobReport, Line, NoveltyReport, by_group, by_pool, tests_of
from triggerbot.reports.reporters.slack.markup import (
    LINE_MAX,
    NAME_MAX,
    Message,
    code,
    escape,
    linked,
    packed,
    plain,
    section,
)

#: Characters of JSON of the texts of a reply: Slack takes about 12,000 in all blocks of a message (see `blocks`).
_ROOM = 11_000
#: Characters of a test's id.
_ID_MAX = 200
#: Lines of a table, and characters of a name in it: narrower than a channel on a telephone it cannot be.
_ROWS_MAX, _CELL_MAX = 12, 24
_HEAD = ("jobs", "failed", "tests failed", "new")
_SHORT = 12
_MARKS = {Change.NEW: "*new* ", Change.KNOWN: "known "}


# -- the message ------------------------------------------------------------------------------------------------------


def summary(report: NoveltyReport) -> list[str]:
    """Return the texts of sections: how many tests newly fail and passed, and the tables by group and pool."""
    texts = [_headline(report)]
    for title, table in (("group", by_group(report)), ("pool", by_pool(report))):
        if any(line.name != OTHER for line in table) and any(job.failing for job in report.jobs):
            texts.append(_table(title, table))
    return texts


def _headline(report: NoveltyReport) -> str:
    known = [job for job in report.jobs if job.tests is not None and job.verdict in ("passed", "failed")]
    failing = [job for job in known if job.verdict == "failed"]
    tests = tests_of(known)
    counted = [plural(tests.passed, "test") + " passed", *([f"{tests.skipped} skipped"] if tests.skipped else [])]
    jobs = sum(job.verdict in ("passed", "failed") for job in report.jobs)
    where = f" (known of {len(known)} of {jobs} jobs)" if len(known) < jobs else ""
    if not any(job.failing for job in failing):
        return ", ".join(counted) + where
    changes = [one.change for job in failing for one in job.failing]
    new = changes.count(Change.NEW)
    head = f"*{plural(new, 'test newly fails', 'tests newly fail')}*" if new else "No test newly fails"
    rest = [
        plural(number, one, many) for number, one, many in (
            (changes.count(Change.KNOWN), "fails as before", "fail as before"),
            (changes.count(Change.UNKNOWN), "fails, and nothing tells whether it did before",
             "fail, and nothing tells whether they did before"),
            (_no_longer(report), "fails no longer", "fail no longer"),
        ) if number
    ]  # fmt: skip
    return ", ".join([f"{head}{_against(failing)}", *rest]) + f"; {', '.join(counted)}{where}"


def _no_longer(report: NoveltyReport) -> int:
    return sum(bool(one.test) for _, one in report.of(Change.NO_LONGER_FAILING))


def _against(jobs: Iterable[JobReport]) -> str:
    revisions = {job.against for job in jobs if job.failing}
    match sorted(revisions):
        case [""]:
            return ""
        case [one]:
            return f" against {_revision(one)}"
        case _:
            return ", each job against the last earlier push at which it ended"


def _revision(revision: str) -> str:
    return code(revision[:_SHORT])


def _table(title: str, table: Sequence[Line]) -> str:
    """Render a table in the only way in which Slack aligns columns; a name is no markup there, and cannot end it."""
    rows = [(title, *_HEAD), *(_cells(line) for line in table[:_ROWS_MAX])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        numbers = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *numbers]))
    if len(table) > _ROWS_MAX:
        lines.append(f"and {len(table) - _ROWS_MAX} more")
    return "```\n" + escape("\n".join(lines)) + "\n```"


def _cells(line: Line) -> tuple[str, ...]:
    new = dict(zip(Change, line.changes, strict=True))[Change.NEW]
    name = plain(line.name, _CELL_MAX).replace("`", "'")
    return name, str(line.jobs), str(line.failed_jobs), str(line.tests.failed + line.tests.errors), str(new)


# -- the replies ------------------------------------------------------------------------------------------------------


def of_job(push: Push, job: JobReport, link: str) -> Message:
    """Render the failing tests of a job as far as they fit, new ones first."""
    failing = job.failing
    unlisted = 0 if job.tests is None else job.tests.unlisted
    head = f"{linked('Run', job.url)} of {code(job.job)}: {_counted(job)}"
    lines = _fitted(head, [_entry(one) for one in failing], unlisted, link)
    new = sum(one.change is Change.NEW for one in failing)
    what = plural(len(failing) + unlisted, "test fails", "tests fail") + (f", {new} newly" if new else "")
    return Message(_notice(push, job.job, what), tuple(map(section, packed(lines))))


def ended(push: Push, job: JobVerdict) -> Message:
    """Render a job that had a reply of its own and does not count as failing any more."""
    why = job.explained(lambda foreign: code(foreign, LINE_MAX)) or str(job.verdict or "")
    what = "does not count as failing any more"
    return Message(_notice(push, job.job, what), (section(f"{code(job.job)} {what}" + (f": {why}" if why else "")),))


def rest(push: Push, jobs: Sequence[JobReport], link: str) -> Message:
    """Name the failing jobs that have no reply of their own."""
    if not jobs:
        what = "no further job fails"
        return Message(_notice(push, "", what), (section(f"{what.capitalize()}."),))
    what = plural(len(jobs), "further job fails", "further jobs fail")
    lines = _fitted(f"*{what.capitalize()}*", [_named(job) for job in jobs], 0, link)
    return Message(_notice(push, "", what), tuple(map(section, packed(lines))))


def _named(job: JobReport) -> str:
    new = sum(one.change is Change.NEW for one in job.failing)
    newly = f", {new} newly" if new else ""
    return f"• {code(job.job)}: {plural(len(job.failing), 'test fails', 'tests fail')}{newly}"


def _counted(job: JobReport) -> str:
    new = sum(one.change is Change.NEW for one in job.failing)
    if all(one.change is Change.UNKNOWN for one in job.failing):
        held = "nothing tells which of them failed before"
    elif job.against:
        held = f"{new} of them newly, against {_revision(job.against)}"
    else:
        held = "it never ended before on this branch"
    return f"{'' if job.tests is None else f'{job.tests.words}; '}{held}"


def _entry(one: Finding) -> str:
    line = f": {code(one.line, LINE_MAX)}" if one.line else ""
    return f"• {_MARKS.get(one.change, '')}{code(one.test, _ID_MAX)}{line}"


def _fitted(head: str, entries: Sequence[str], unlisted: int, link: str) -> list[str]:
    """Return the lines that fit, and the number of what does not."""
    return list(_fitting(head, entries, unlisted, link))


def _fitting(head: str, entries: Sequence[str], unlisted: int, link: str) -> Iterator[str]:
    left = len(entries) + unlisted
    room = _ROOM - _size(head) - _size(_more(left, link))
    yield head
    for entry in entries:
        room -= _size(entry)
        if room < 0:
            break
        left -= 1
        yield entry
    if left:
        yield _more(left, link)


def _more(number: int, link: str) -> str:
    return f"• {linked(f'and {number} more', link)}"


def _size(line: str) -> int:
    """Return the bytes of a line as JSON: quotes and the end of a line are escaped there."""
    return len(json.dumps(line, ensure_ascii=False).encode())


def _notice(push: Push, job: str, what: str) -> str:
    """Render the text of a notification, which shows no formatting."""
    names = (plain(push.project, NAME_MAX), plain(push.revision[:_SHORT], _SHORT))
    where = " ".join(names) + (f": {plain(job, NAME_MAX)}" if job else "")
    # An invisible character after an @ keeps it from notifying anybody.
    return escape(f"{where}: {what}".replace("@", "@\u2060"))
