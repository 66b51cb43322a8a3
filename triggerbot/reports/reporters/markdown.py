"""Renders a push as Markdown within a limit of size: what failed, and what that proves; purely.

Names, failure lines and all else that comes from a CI stand in code spans: there GitHub renders neither HTML nor links,
notifies nobody for an `@name`, and links no issue for a `#12`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import quote

from triggerbot.core.claim import Claim
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Run
from triggerbot.core.verdict import same_failure
from triggerbot.core.verdict.base import NEW, Relation
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.same_failure import Common
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import PushReport, glossary

#: Characters of a name, and of a failure line or an answer of a CI.
NAME_MAX, LINE_MAX = 150, 300
#: Runs shown per job, the newest.
_RUNS_MAX = 20
#: Characters; a longer URL is not linked.
_URL_MAX = 500
#: Failing tests of a job that are named; a single one is named by the failure line.
_TESTS_MIN, _TESTS_MAX = 2, 10
#: Common failures that get a section of their own.
_COMMON_MAX = 10

_FRESH, _FAILED, _UNKNOWN, _INTERMITTENT, _INFRA, _WAITING = _PARTS = (
    "Failed, and not so on the base",
    "Failed",
    "Failed; nothing is known of the base",
    "Intermittent",
    "Met only errors of the CI itself",
    "Failed, and not judged yet",
)
_UNFINISHED = "Did not finish"
_INHERITED = "Fail on the base too"
_FOLLOWING = "Follow from others"
_TITLES = {
    Health.GOOD: "Good", Health.FAILING: "Failing", Health.PENDING: "Pending", Health.INCOMPLETE: "Incomplete",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Section:
    """A title with entries, which may not all fit."""

    title: str
    entries: Sequence[str]


def code(text: str, most: int = NAME_MAX) -> str:
    """Return untrusted text as a code span on one line, cut to `most` characters, with no effect as Markdown."""
    plain = "".join(char if char.isprintable() else " " for char in text[: 4 * most])
    plain = " ".join(plain.split()) or "?"
    if len(plain) > most:
        plain = plain[: most - 1] + "…"
    longest = max((len(list(run)) for char, run in groupby(plain) if char == "`"), default=0)
    marks = "`" * (longest + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{marks}{space}{plain}{space}{marks}"


def link(text: str, url: str | None) -> str:
    """Link Markdown to a URL of the web; any other URL is not linked."""
    if not url or not url.startswith(("https://", "http://")) or len(url) > _URL_MAX:
        return text
    return f"[{text}]({quote(url, _URL_SAFE, errors='replace')})"


#: Characters that need no escaping in a URL, without those that could end it.
_URL_SAFE = "/:?#@!$&*+,;=%~-._"


def size(text: str) -> int:
    """Return the size of a text in bytes, the most that a receiver may count."""
    return len(text.encode("utf-8", "replace"))


def summary(report: PushReport, most: int) -> str:
    """Render what the runs of a push prove, in at most `most` bytes."""
    return _page(report, most, entries=100)


def comment(report: PushReport, most: int, mention: str = "") -> str:
    """Render the same more briefly for a comment, with the commands that can be given there to `mention`."""
    return _page(report, most, entries=20, mention=mention)


def troubled(report: PushReport) -> bool:
    """Return whether any job failed; one that passed after an error of the CI itself did not."""
    return any(_failed(job) for job in report.judged.jobs)


def _failed(job: JobVerdict) -> bool:
    match job.verdict:
        case _ if job.hidden:
            return False
        case Verdict.FAILED | Verdict.INTERMITTENT | Verdict.INFRA:
            return True
        case Verdict.PENDING:
            return any(run.failed for run in job.runs)
        case Verdict.PASSED | None:
            return False


def _is_unfinished(job: JobVerdict) -> bool:
    return job.verdict is None and job.unproved and not job.hidden


def _page(report: PushReport, most: int, entries: int, mention: str = "") -> str:
    head = f"{_head(report)}\n"
    foot = f"\n{_foot(report, mention)}\n"
    room = most - size(head) - size(foot)
    parts = []
    sections = _sections(report, mention)
    for number, section in enumerate(sections):
        # What one section leaves, the others may use.
        part = _fit(section, room // (len(sections) - number), entries, report.link)
        room -= size(part)
        parts.append(part)
    return "".join([head, *parts, foot]).strip() + "\n"


def _fit(section: _Section, room: int, entries: int, address: str) -> str:
    """Render as many entries as there is room for, and the number of the rest."""
    lines = [f"\n#### {section.title}\n\n"]
    room -= size(lines[0]) + size(_more(len(section.entries), address))
    if room < 0:
        return ""
    for number, entry in enumerate(section.entries):
        line = f"- {entry}\n"
        room -= size(line)
        if room < 0 or number == entries:
            lines.append(_more(len(section.entries) - number, address))
            break
        lines.append(line)
    return "".join(lines)


def _more(number: int, address: str) -> str:
    return f"- and {link(f'{number} more', address)}\n"


def _head(report: PushReport) -> str:
    judged = report.judged
    calm = judged.health is Health.GOOD and not troubled(report)
    title = "All is well" if calm else _TITLES[judged.health]
    return f"**{title}**: {judged.sentence}.\n\n{code(report.push.revision[:12])} on {code(report.push.branch)}"


def _foot(report: PushReport, mention: str) -> str:
    everything = link("Everything about this push", report.link)
    legend = f"<sub>{glossary.LEGEND}</sub>" if troubled(report) else ""
    return "\n\n".join(part for part in (everything if report.link else "", _offer(report, mention), legend) if part)


def _offer(report: PushReport, mention: str) -> str:
    """Render the commands that people can give: nobody looks for them in a manual."""
    if not mention or not troubled(report):
        return ""
    commands = ", ".join(code(f"@{mention} {what}") for what in ("retry failed", "retry JOB", "why JOB"))
    return f"Comment {commands} to ask for further runs, or for the reason."


def _sections(report: PushReport, mention: str) -> list[_Section]:
    """Divide the jobs into sections: each job appears once, and so does the common cause of several failures."""
    # A claim by a person supersedes a refusal: the job was retriggered after all, or refused for another reason.
    by_hand = {job.job: claim for job in report.record.jobs for claim in job.claims if claim.by_person}
    failed = {
        job.job: replace(job, claim=by_hand[job.job]) if job.job in by_hand and _refusal(job.claim) else job
        for job in report.judged.jobs
        if _failed(job)
    }
    found, alone = [], dict(failed)
    for one in report.judged.common[:_COMMON_MAX]:
        jobs = [failed[job] for job in one.jobs if job in failed]
        if len(jobs) > 1:
            found.append(_common(one, jobs, report.fresh))
            for name in one.jobs:
                alone.pop(name, None)
    by_part: dict[str, list[str]] = {title: [] for title in _PARTS}
    for job in sorted(alone.values(), key=_order):
        by_part[_part(job)].append(_entry(job))
    found += [_Section(title, entries) for title, entries in by_part.items()]
    if report.judged.health is Health.INCOMPLETE:
        found.append(_Section(_UNFINISHED, [_entry(job) for job in report.judged.jobs if _is_unfinished(job)]))
    found.append(_Section(_INHERITED, [_entry(job) for job in report.judged.jobs if job.inherited and job.aside]))
    found.append(_Section(_FOLLOWING, [_entry(job) for job in report.judged.jobs if job.follows and job.hidden]))
    found.append(_Section("Answers", [text.strip().replace("\n", "\n  ") for _, text in report.answers]))
    found.append(_Section("Why not retriggered", list(_refusals(failed.values(), mention))))
    return [section for section in found if section.entries]


def _part(job: JobVerdict) -> str:
    match job.verdict:
        case Verdict.FAILED if job.base.relation is Relation.UNKNOWN:
            return _UNKNOWN
        case Verdict.FAILED:
            return _FRESH if job.base.relation in NEW else _FAILED
        case Verdict.INTERMITTENT:
            return _INTERMITTENT
        case Verdict.INFRA:
            return _INFRA
        case Verdict.PENDING | Verdict.PASSED | None:
            return _WAITING


def _order(job: JobVerdict) -> tuple[bool, str]:
    return not job.suspected, job.job


def _common(one: Common, jobs: Sequence[JobVerdict], new: frozenset[str]) -> _Section:
    ordered = sorted(jobs, key=lambda job: (job.job not in new, *_order(job)))
    number = sum(job.job in new for job in jobs)
    title = f"{len(jobs)} jobs fail alike" + (f", {number} of them new" if number else "")
    if all(_part(job) is _UNKNOWN for job in jobs):
        title += "; nothing is known of the base"
    if one.line:
        title += f": {code(one.line, LINE_MAX)}"
    told = [_tests(job) for job in ordered]
    # Jobs that fail alike mostly fail in the same tests, which are named once.
    entries = [
        _entry(job, new=job.job in new, line=False) + (tests if tests not in told[:number] else "")
        for number, (job, tests) in enumerate(zip(ordered, told, strict=True))
    ]
    return _Section(title, entries)


def _entry(job: JobVerdict, *, new: bool = False, line: bool = True) -> str:
    """Render one job: its runs, what they prove, its failure line, and why it is not retriggered."""
    mark = "**Suspected new:** " if job.suspected else "**New:** " if new else ""
    text = f"{mark}{code(job.job)} {_letters(job.runs)}"
    why = "; ".join(part for part in (job.explained(_quoted), _refused(job)) if part)
    text += f" {why}" if why else ""
    if line and job.failing is not None and job.failing.line:
        text += f": {code(job.failing.line, LINE_MAX)}"
    return text + (_tests(job) if line else "")


def _tests(job: JobVerdict) -> str:
    """Return the failing tests of a job, of those failed runs of which they are known, if they are more than one."""
    failing, _ = same_failure.failing_tests(run for run in job.runs if run.failed and run.key not in job.derived)
    if len(failing) < _TESTS_MIN:
        return ""
    named = ", ".join(code(test, LINE_MAX) for test in list(failing)[:_TESTS_MAX])
    more = f" and {len(failing) - _TESTS_MAX} more" if len(failing) > _TESTS_MAX else ""
    return f"; {len(failing)} tests fail: {named}{more}"


def _quoted(foreign: str) -> str:
    return code(foreign, LINE_MAX)


def _letters(runs: Sequence[Run]) -> str:
    shown = [link(glossary.letter(run), run.url) for run in runs[-_RUNS_MAX:]]
    return " ".join([*(["…"] if len(runs) > _RUNS_MAX else []), *shown])


def _refused(job: JobVerdict) -> str:
    """Return why a job is not retriggered, unless `why` says it; with the CI's own words, where it refuses."""
    refusal = _refusal(job.claim)
    if refusal is None:
        return ""
    text = "" if "not retriggered" in job.explained(lambda _: "") else f"not retriggered: {refusal}"
    if refusal is Refusal.REFUSED_BY_CI and job.claim is not None and job.claim.note:
        text += f" (the CI says {code(job.claim.note, LINE_MAX)})"
    return text.strip()


def _refusal(claim: Claim | None) -> Refusal | None:
    if claim is None or claim.refusal is Refusal.ALREADY_CLAIMED:
        return None
    return claim.refusal


def _refusals(jobs: Iterable[JobVerdict], mention: str) -> Iterable[str]:
    """Explain each refusal once, the most frequent first."""
    found = Counter(refusal for job in jobs if (refusal := _refusal(job.claim)) is not None)
    for refusal, number in found.most_common():
        advice = str(glossary.REFUSALS[refusal])
        if mention:
            # Readers of a comment have no command line of ours.
            advice = advice.replace("`triggerbot retrigger`", code(f"@{mention} retry JOB"))
        yield f"{code(str(refusal))} ({number} {'job' if number == 1 else 'jobs'}): {advice}"
