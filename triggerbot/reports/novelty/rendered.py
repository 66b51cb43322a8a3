"""What newly fails as JSON, as text, as Markdown, and as files."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from triggerbot.core.branch.novelty import Change, Finding
from triggerbot.core.event_json import encode_tests
from triggerbot.core.formatting import plain, plural
from triggerbot.core.run_tests import RunTests
from triggerbot.reports.novelty import JobReport, Line, NoveltyReport, by_group, by_pool, tests_of
from triggerbot.reports.reporters.markdown import LINE_MAX, code, link

#: What each change is called, in sentences and titles.
WORDS = {
    Change.NEW: "newly failing",
    Change.KNOWN: "failing as before",
    Change.UNKNOWN: "failing, and not known whether before",
    Change.NO_LONGER_FAILING: "no longer failing",
    Change.VANISHED: "vanished",
    Change.NEWLY_SKIPPED: "newly skipped",
}
#: Entries of one change that are shown where people read it; files and JSON have all.
_SHOWN = 50
_SHORT = 12


# -- JSON -------------------------------------------------------------------------------------------------------------


def as_json(report: NoveltyReport) -> dict[str, Any]:
    """Return the whole report as JSON."""
    return {
        "project": report.project or None,
        "branch": report.branch or None,
        "revision": report.revision or None,
        "folder": report.folder or None,
        "against": report.against or None,
        "final": report.final,
        "totals": {str(change): report.count(change) for change in Change},
        "tests": _tests(tests_of(report.jobs)),
        **{str(change): [finding(*one) for one in report.of(change)] for change in Change},
        "groups": [_line("group", one) for one in by_group(report)],
        "pools": [_line("pool", one) for one in by_pool(report)],
        "jobs": [_job(job) for job in report.jobs],
        "problems": list(report.problems),
    }


def finding(job: JobReport, one: Finding) -> dict[str, Any]:
    """Return one change as JSON."""
    return {
        "job": job.job,
        "test": one.test or None,
        "line": one.line,
        "group": job.group,
        "pool": job.pool,
        "url": job.url,
        "against": job.against or None,
    }


def _tests(tests: RunTests) -> dict[str, Any]:
    return {key: value for key, value in (encode_tests(tests) or {}).items() if key != "failing"}


def _line(name: str, one: Line) -> dict[str, Any]:
    return {
        name: one.name,
        "jobs": one.jobs,
        "failed_jobs": one.failed_jobs,
        **_tests(one.tests),
        **{str(change): number for change, number in zip(Change, one.changes, strict=True)},
    }


def _job(job: JobReport) -> dict[str, Any]:
    return {
        "job": job.job,
        "verdict": job.verdict,
        "group": job.group,
        "pool": job.pool,
        "against": job.against or None,
        "url": job.url,
        "tests": encode_tests(job.tests),
        **{str(change): job.count(change) for change in Change},
    }


# -- text and Markdown ------------------------------------------------------------------------------------------------


def headline(report: NoveltyReport, quote: Callable[[str], str] = plain) -> str:
    """Say how many tests and jobs fail, and how many of them newly."""
    counts = ", ".join(f"{report.count(change)} {WORDS[change]}" for change in Change if report.count(change))
    nothing = "nothing that could be read fails" if report.problems else "nothing fails"
    name = quote(report.name[:_SHORT] if report.revision else report.name)
    return f"{name}: {counts or nothing}{_held(report)}"


def _held(report: NoveltyReport) -> str:
    alone = not any(job.against for job in report.jobs)
    parts = ("there is nothing earlier to compare it with" if alone else "", "" if report.final else "more is to come")
    return "".join(f"; {part}" for part in parts if part)


def as_text(
    report: NoveltyReport, *, most: int | None = _SHOWN, changes: Sequence[Change] = tuple(Change)
) -> list[str]:
    """Return the report as lines for people; `most`: entries of one change."""
    lines = [headline(report)]
    for change in changes:
        entries = [f"  {_entry(job, one, plain)}" for job, one in report.of(change)]
        if entries:
            lines += ["", f"{WORDS[change].capitalize()}:", *_fitting(entries, most, "  ")]
    for title, table in (("group", by_group(report)), ("pool", by_pool(report))):
        lines += ["", *_as_columns(title, table)]
    return [*lines, *(["", _LIMITED] if _is_limited(report) else [])]


def as_markdown(report: NoveltyReport) -> str:
    """Return the report as Markdown; what others wrote stands in code spans."""
    lines = [f"**{headline(report, code)}**"]
    for change in Change:
        entries = [f"- {_entry(job, one, _code)}" for job, one in report.of(change)]
        if entries:
            lines += ["", f"### {WORDS[change].capitalize()}", "", *_fitting(entries, _SHOWN, "- ")]
    for title, table in (("group", by_group(report)), ("pool", by_pool(report))):
        head = (title, *_HEAD)
        rows = [(code(one.name), *map(str, _cells(one))) for one in table]
        lines += ["", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    if _is_limited(report):
        lines += ["", _LIMITED]
    return "\n".join(lines)


#: What is not known of the tests of a push.
_LIMITED = (
    "Events list only the tests that fail: whether something vanished or is newly skipped is known of jobs, not of "
    "tests; one that fails no longer may have passed, be skipped, or be gone."
)


def _is_limited(report: NoveltyReport) -> bool:
    return bool(report.revision) and any(job.tests is not None for job in report.jobs)


def _code(text: str) -> str:
    return code(text, LINE_MAX)


def _entry(job: JobReport, one: Finding, quote: Callable[[str], str]) -> str:
    name = link(quote(job.job), job.url) if quote is not plain else plain(job.job)
    parts = [name, *(quote(part) for part in (one.test, one.line) if part)]
    return ": ".join(parts)


def _fitting(entries: Sequence[str], most: int | None, mark: str) -> list[str]:
    more = 0 if most is None else len(entries) - most
    return [*entries[:most], f"{mark}and {more} more"] if more > 0 else list(entries)


_HEAD = ("jobs", "failed", "tests passed", "failed", "errors", "skipped", "new", "no longer failing")


def _cells(one: Line) -> tuple[int, ...]:
    changes = dict(zip(Change, one.changes, strict=True))
    return (
        one.jobs, one.failed_jobs, one.tests.passed, one.tests.failed, one.tests.errors, one.tests.skipped,
        changes[Change.NEW], changes[Change.NO_LONGER_FAILING],
    )  # fmt: skip


def _as_columns(title: str, table: Sequence[Line]) -> Iterator[str]:
    rows = [(title, *_HEAD), *((plain(one.name), *map(str, _cells(one))) for one in table)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells]).rstrip()


# -- files ------------------------------------------------------------------------------------------------------------


def write(report: NoveltyReport, folder: Path) -> list[str]:
    """Write the files of a report into a folder, which is made where it is missing; returns their names.

    Raises `OSError`.
    """
    new = [finding(*one) for one in report.of(Change.NEW)]
    changed = [line for line in as_text(report, most=None, changes=_CHANGED) if line]
    texts = {
        "results.json": _dump(as_json(report)),
        "new_failures.txt": "".join(f"{_entry(job, one, plain)}\n" for job, one in report.of(Change.NEW)),
        "new_failures.json": _dump(new),
        "failures_report.txt": "\n".join(as_text(report, most=None, changes=_FAILING)) + "\n",
        "changed_failures_report.txt": ("\n".join(changed) + "\n") if any(map(report.count, _CHANGED)) else "",
        "job_links.json": _dump({job.job: job.url for job in report.jobs if job.url}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(texts)


_FAILING = tuple(change for change in Change if change.fails)
_CHANGED = tuple(change for change in Change if change is not Change.KNOWN)


def summary(report: NoveltyReport, names: Sequence[str], folder: str) -> str:
    """Say what was written."""
    return f"{headline(report)}. {plural(len(names), 'file')} in {plain(folder)}: {', '.join(names)}."


def _dump(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"
