"""Renders a push as Slack blocks, one message and the details for its thread, within Slack's limits; purely."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from triggerbot.core.formatting import plural
from triggerbot.core.model import Run
from triggerbot.core.verdict.base import NEW, Relation
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.same_failure import Common
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import PushReport, glossary
from triggerbot.reports.branches.expectation_text import sentence
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
    size,
)
from triggerbot.store.expectations import BranchChange

#: Bytes of text. Slack takes about 12,000 characters in all the blocks of a message together, which its documentation
#: does not say (github.com/slackapi/bolt-js, issue 2509).
_DETAILS_ROOM, _MESSAGE_ROOM = 8000, 3500
#: Entries in each part of the message in the channel, which has to be read at a glance.
_GLANCE = 5
#: Jobs named of those with one common failure.
_NAMED_MAX = 3
#: Common failures that get a part of their own.
_COMMON_MAX = 10
#: Bytes of a job's runs with their links.
_RUNS_ROOM = 700

_HEALTHS = {
    Health.GOOD: "Good", Health.FAILING: "Failing", Health.PENDING: "Pending", Health.INCOMPLETE: "Incomplete",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Part:
    """A title with entries, each with the number of its jobs; they may not all fit."""

    title: str
    jobs: int
    entries: Iterator[tuple[str, int]]


def message(report: PushReport, tests: Sequence[str] = ()) -> Message:
    """Render a push at a glance: its health and why, new failures apart from known ones.

    `tests`: the texts of sections about its tests.
    """
    body = _fitted(_glance(report), _MESSAGE_ROOM, _GLANCE, report.link)
    foot = linked("Everything about this push", report.link)
    return Message(
        _notice(report), tuple(map(section, [_head(report), *tests, *body, *([foot] if report.link else [])]))
    )


def details(report: PushReport) -> Message:
    """Render each failing and each intermittent job: its runs, what they prove, its failure line."""
    body = _fitted(_all(report), _DETAILS_ROOM, None, report.link) or ["No job fails."]
    legend = section(f"Runs, oldest first: {glossary.LEGEND}")
    return Message(f"Details: {_notice(report)}", (*map(section, body), legend))


def of_expectation(project: str, branch: str, change: BranchChange) -> Message:
    """Render what has become of a branch of which something is expected."""
    notice = sentence(project, branch, change, lambda name: plain(name, NAME_MAX))
    head = "Silent" if change.silent else "Heard again"
    # An invisible character after an @ keeps it from notifying anybody.
    return Message(
        escape(notice.replace("@", "@\u2060")), (section(f"*{head}*: {sentence(project, branch, change, code)}"),)
    )


def _notice(report: PushReport) -> str:
    """Render the text of a notification, which shows no formatting."""
    place = f"{plain(report.push.project, NAME_MAX)} {plain(report.push.revision[:12], 12)}"
    # An invisible character after an @ keeps it from notifying anybody.
    return escape(
        f"{place}: {_HEALTHS[report.judged.health].lower()}: {report.judged.sentence}".replace("@", "@\u2060")
    )


def _head(report: PushReport) -> str:
    push, facts = report.push, report.record.facts
    title = (facts.message or "").strip().partition("\n")[0]
    revision = linked(escape(plain(push.revision[:12], 12)), report.link)
    where = f"{revision} of {code(push.project)}, {code(push.branch)}"
    author = f" by {code(facts.author)}" if facts.author else ""
    title_part = f": {code(title, LINE_MAX)}" if title else ""
    return f"*{_HEALTHS[report.judged.health]}*: {report.judged.sentence}\n{where}{author}{title_part}"


def _glance(report: PushReport) -> list[_Part]:
    """Return the parts of the message in the channel."""
    failed = _of(report.judged.jobs, Verdict.FAILED)
    parts = [_Part(title, len(jobs), map(_together, _by_cause(report, jobs))) for title, jobs in _by_base(failed)]
    for title, verdict in _OTHERS:
        jobs = _of(report.judged.jobs, verdict)
        parts.append(_Part(title, len(jobs), ((_brief(job), 1) for job in jobs)))
    return [part for part in parts if part.jobs]


def _all(report: PushReport) -> list[_Part]:
    """Return the parts of the thread: each common failure appears once, with those of its jobs that count."""
    fresh = report.fresh
    by_name = {job.job: job for job in report.judged.jobs if not job.hidden}
    counted = ((one, [by_name[job] for job in one.jobs if job in by_name]) for one in report.judged.common)
    several = [(one, jobs) for one, jobs in counted if len(jobs) > 1]
    shared = sorted(several, key=lambda found: fresh.isdisjoint(found[0].jobs))[:_COMMON_MAX]
    grouped = {job.job for _, jobs in shared for job in jobs}
    parts = [_common(one, jobs, fresh) for one, jobs in shared]
    alone = [job for job in report.judged.jobs if job.job not in grouped]
    parts += [_entries(title, jobs) for title, jobs in _by_base(_of(alone, Verdict.FAILED))]
    parts += [_entries(title, _of(alone, verdict)) for title, verdict in _OTHERS]
    parts.append(_entries("*Fail on the base too*", [job for job in alone if job.inherited and job.aside]))
    parts.append(_entries("*Follow from others*", [job for job in alone if job.follows and job.hidden]))
    return [part for part in parts if part.jobs]


_NEW, _FAILED, _UNKNOWN = "*New failures*, not so on the base", "*Failed*", "*Failed*; nothing is known of the base"
_OTHERS = (("*Intermittent*", Verdict.INTERMITTENT), ("*Met only errors of the CI itself*", Verdict.INFRA))


def _of(jobs: Iterable[JobVerdict], verdict: Verdict) -> list[JobVerdict]:
    """Return the jobs with a verdict, those first that the push is suspected to have broken."""
    return sorted((job for job in jobs if job.verdict is verdict and not job.hidden), key=lambda job: not job.suspected)


def _by_base(failed: Sequence[JobVerdict]) -> list[tuple[str, Sequence[JobVerdict]]]:
    """Separate the failures that came with the push from those of which nothing is known on its base."""
    groups: dict[str, list[JobVerdict]] = {title: [] for title in (_NEW, _FAILED, _UNKNOWN)}
    for job in failed:
        relation = job.base.relation
        groups[_NEW if relation in NEW else _UNKNOWN if relation is Relation.UNKNOWN else _FAILED].append(job)
    return list(groups.items())


def _by_cause(report: PushReport, jobs: Iterable[JobVerdict]) -> list[list[JobVerdict]]:
    """Group the jobs with the same failure, the largest group first."""
    causes = {job: number for number, one in enumerate(report.judged.common) for job in one.jobs}
    groups: dict[int | str, list[JobVerdict]] = defaultdict(list)
    for job in jobs:
        groups[causes.get(job.job, job.job)].append(job)
    return sorted(groups.values(), key=len, reverse=True)


def _together(jobs: Sequence[JobVerdict]) -> tuple[str, int]:
    """Render jobs with one failure in one line; returns it and their number."""
    if len(jobs) == 1:
        return _brief(jobs[0]), 1
    names = ", ".join(code(job.job) for job in jobs[:_NAMED_MAX])
    more = f" and {plural(len(jobs) - _NAMED_MAX, 'other')}" if len(jobs) > _NAMED_MAX else ""
    return f"• {names}{more} fail alike{_line(jobs[0])}", len(jobs)


def _brief(job: JobVerdict) -> str:
    mark = " (suspected new)" if job.suspected else ""
    return f"• {code(job.job)}{mark}{_line(job)}"


def _line(job: JobVerdict) -> str:
    return "" if job.failing is None or not job.failing.line else f": {code(job.failing.line, LINE_MAX)}"


def _common(one: Common, jobs: Sequence[JobVerdict], fresh: Collection[str]) -> _Part:
    number = sum(job in fresh for job in one.jobs)
    new = ", newly" if number == len(jobs) else f", {number} of them newly" if number else ""
    line = f": {code(one.line, LINE_MAX)}" if one.line else ""
    ordered = sorted(jobs, key=lambda job: job.job not in fresh)
    entries = ((_entry(job, new=job.job in fresh, line=False), 1) for job in ordered)
    return _Part(f"*{plural(len(jobs), 'job')} fail alike{new}*{line}", len(jobs), entries)


def _entries(title: str, jobs: Sequence[JobVerdict]) -> _Part:
    return _Part(title, len(jobs), ((_entry(job), 1) for job in jobs))


def _entry(job: JobVerdict, *, new: bool = False, line: bool = True) -> str:
    """Render one job: its runs, what they prove, its failure line."""
    mark = "*suspected new* " if job.suspected else "*new* " if new else ""
    why = job.explained(lambda foreign: code(foreign, LINE_MAX))
    text = f"• {mark}{code(job.job)} {_letters(job.runs)}" + (f" {why}" if why else "")
    return text + (_line(job) if line else "")


def _letters(runs: Sequence[Run]) -> str:
    """Render runs as linked letters, oldest first; if they do not fit, the newest."""
    shown: list[str] = []
    room = _RUNS_ROOM
    for run in reversed(runs):
        letter = linked(glossary.letter(run), run.url)
        room -= len(letter) + 1
        if room < 0:
            shown.append("…")
            break
        shown.append(letter)
    return " ".join(reversed(shown))


def _fitted(parts: Sequence[_Part], room: int, entries: int | None, address: str) -> list[str]:
    """Return the texts of sections, each within Slack's limit, all of them together within `room` bytes."""
    texts = []
    for number, part in enumerate(parts):
        # What one part leaves, the others may use.
        lines = _fit(part, room // (len(parts) - number), entries, address)
        room -= sum(map(size, lines))
        texts += packed(lines)
    return texts


def _fit(part: _Part, room: int, entries: int | None, address: str) -> list[str]:
    lines = [part.title]
    left = part.jobs
    room -= size(part.title) + size(_more(left, address))
    for number, (entry, jobs) in enumerate(part.entries):
        room -= size(entry)
        if room < 0 or number == entries:
            return [*lines, _more(left, address)]
        left -= jobs
        lines.append(entry)
    return lines


def _more(number: int, address: str) -> str:
    return f"• {linked(f'and {number} more', address)}"
