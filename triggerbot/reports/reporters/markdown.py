"""A push as Markdown: what failed and what that proves, told once, within a limit; purely.

Names, failure lines and whatever else comes from a CI stands in code spans: there GitHub renders neither HTML nor
links, pings nobody for an `@name`, and takes no `#12` for an issue.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import quote

from triggerbot.core.model import Claim, Refusal, Run
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.same_failure import Common
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import PushReport, glossary

#: Characters of a name, and of a failure line or an answer of a CI.
NAME_MAX, LINE_MAX = 150, 300
#: Runs of a job that are shown, the newest.
_RUNS_MAX = 20
#: Characters; a longer address is no link.
_URL_MAX = 500
#: Failures in common that are told by themselves.
_COMMON_MAX = 10

_FRESH, _FAILED, _STALE, _INTERMITTENT, _INFRA, _WAITING = _PARTS = (
    "Failed, and did not at the previous push",
    "Failed",
    "Failed, as at the previous push",
    "Intermittent",
    "Met only errors of the CI itself",
    "Failed, and not judged yet",
)
_TITLES = {Health.GOOD: "Good", Health.FAILING: "Failing", Health.PENDING: "Pending"}


@dataclass(frozen=True, slots=True)
class _Section:
    """A title with entries, of which only so many may be shown."""

    title: str
    entries: Sequence[str]


def code(text: str, most: int = NAME_MAX) -> str:
    """Put foreign text as code on one line, cut to so many characters; nothing in it means anything."""
    plain = "".join(char if char.isprintable() else " " for char in text[: 4 * most])
    plain = " ".join(plain.split()) or "?"
    if len(plain) > most:
        plain = plain[: most - 1] + "…"
    longest = max((len(list(run)) for char, run in groupby(plain) if char == "`"), default=0)
    marks = "`" * (longest + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{marks}{space}{plain}{space}{marks}"


def link(text: str, url: str | None) -> str:
    """Link Markdown to an address of the web; to any other address nothing is linked."""
    if not url or not url.startswith(("https://", "http://")) or len(url) > _URL_MAX:
        return text
    return f"[{text}]({quote(url, _URL_SAFE, errors='replace')})"


#: What may stand in an address as it is; not what could end it.
_URL_SAFE = "/:?#@!$&*+,;=%~-._"


def size(text: str) -> int:
    """Measure a text as its receivers may at worst: in bytes."""
    return len(text.encode("utf-8", "replace"))


def summary(told: PushReport, most: int) -> str:
    """Say what the runs of a push prove, in `most` bytes of Markdown."""
    return _page(told, most, entries=100)


def comment(told: PushReport, most: int, mention: str = "") -> str:
    """Say the same more shortly, for where people talk, and what they can ask for there under that name."""
    return _page(told, most, entries=20, mention=mention)


def troubled(told: PushReport) -> bool:
    """Tell whether any job failed; one that passed after an error of the CI itself did not."""
    return any(_failed(job) for job in told.judged.jobs)


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


def _page(told: PushReport, most: int, entries: int, mention: str = "") -> str:
    head = f"{_head(told)}\n"
    foot = f"\n{_foot(told, mention)}\n"
    room = most - size(head) - size(foot)
    parts = []
    sections = _sections(told, mention)
    for number, section in enumerate(sections):
        # What one section leaves, the others may use.
        part = _fit(section, room // (len(sections) - number), entries, told.link)
        room -= size(part)
        parts.append(part)
    return "".join([head, *parts, foot]).strip() + "\n"


def _fit(section: _Section, room: int, entries: int, address: str) -> str:
    """Put as many entries as there is room for, and say how many there are more."""
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


def _head(told: PushReport) -> str:
    judged = told.judged
    calm = judged.health is Health.GOOD and not troubled(told)
    title = "All is well" if calm else _TITLES[judged.health]
    return f"**{title}**: {judged.sentence}.\n\n{code(told.push.revision[:12])} on {code(told.push.branch)}"


def _foot(told: PushReport, mention: str) -> str:
    everything = link("Everything about this push", told.link)
    legend = f"<sub>{glossary.LEGEND}</sub>" if troubled(told) else ""
    return "\n\n".join(part for part in (everything if told.link else "", _offer(told, mention), legend) if part)


def _offer(told: PushReport, mention: str) -> str:
    """Say what people can ask for: nobody looks for that in a manual."""
    if not mention or not troubled(told):
        return ""
    asked = ", ".join(code(f"@{mention} {what}") for what in ("retry failed", "retry JOB", "why JOB"))
    return f"Comment {asked} to ask for further runs, or for the reason."


def _sections(told: PushReport, mention: str) -> list[_Section]:
    """Part the jobs: each is told once, and one cause of several failures is, too."""
    # What was refused, and then asked for by a person, was retriggered after all; or is refused for another reason.
    by_hand = {job.job: claim for job in told.record.jobs for claim in job.claims if claim.manual}
    failed = {
        job.job: replace(job, claim=by_hand[job.job]) if job.job in by_hand and _refusal(job.claim) else job
        for job in told.judged.jobs
        if _failed(job)
    }
    found, alone = [], dict(failed)
    for one in told.judged.common[:_COMMON_MAX]:
        jobs = [failed[job] for job in one.jobs if job in failed]
        if len(jobs) > 1:
            found.append(_common(one, jobs, told.fresh))
            for name in one.jobs:
                alone.pop(name, None)
    parted: dict[str, list[str]] = {title: [] for title in _PARTS}
    for job in sorted(alone.values(), key=_order):
        parted[_part(job, told.fresh)].append(_entry(job))
    found += [_Section(title, entries) for title, entries in parted.items()]
    found.append(_Section("Answers", [text.strip().replace("\n", "\n  ") for _, text in told.answers]))
    found.append(_Section("Why not retriggered", list(_refusals(failed.values(), mention))))
    return [section for section in found if section.entries]


def _part(job: JobVerdict, fresh: frozenset[str] | None) -> str:
    match job.verdict:
        case Verdict.FAILED if fresh is None:
            return _FAILED
        case Verdict.FAILED:
            return _FRESH if job.job in (fresh or ()) else _STALE
        case Verdict.INTERMITTENT:
            return _INTERMITTENT
        case Verdict.INFRA:
            return _INFRA
        case Verdict.PENDING | Verdict.PASSED | None:
            return _WAITING


def _order(job: JobVerdict) -> tuple[bool, str]:
    return not job.suspected, job.job


def _common(one: Common, jobs: Sequence[JobVerdict], fresh: frozenset[str] | None) -> _Section:
    new = fresh or frozenset()
    ordered = sorted(jobs, key=lambda job: (job.job not in new, *_order(job)))
    number = sum(job.job in new for job in jobs)
    title = f"{len(jobs)} jobs fail alike" + (f", {number} of them new" if number else "")
    if one.line:
        title += f": {code(one.line, LINE_MAX)}"
    return _Section(title, [_entry(job, new=job.job in new, line=False) for job in ordered])


def _entry(job: JobVerdict, *, new: bool = False, line: bool = True) -> str:
    """Tell one job: its runs in a row, what they prove, what they say, why it is not retriggered."""
    mark = "**Suspected new:** " if job.suspected else "**New:** " if new else ""
    text = f"{mark}{code(job.job)} {_letters(job.runs)}"
    why = "; ".join(part for part in (job.why, _refused(job)) if part)
    text += f" {why}" if why else ""
    if line and job.failing is not None and job.failing.line:
        text += f": {code(job.failing.line, LINE_MAX)}"
    return text


def _letters(runs: Sequence[Run]) -> str:
    shown = [link(glossary.letter(run), run.url) for run in runs[-_RUNS_MAX:]]
    return " ".join([*(["…"] if len(runs) > _RUNS_MAX else []), *shown])


def _refused(job: JobVerdict) -> str:
    """Say why a job is not retriggered, unless `why` does; in the CI's own words, where it refuses."""
    refusal = _refusal(job.claim)
    if refusal is None:
        return ""
    told = "" if "not retriggered" in job.why else f"not retriggered: {refusal}"
    if refusal is Refusal.REFUSED_BY_CI and job.claim is not None and job.claim.note:
        told += f" (the CI says {code(job.claim.note, LINE_MAX)})"
    return told.strip()


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
            # Who reads a comment has no command line of ours.
            advice = advice.replace("`triggerbot retrigger`", code(f"@{mention} retry JOB"))
        yield f"{code(str(refusal))} ({number} {'job' if number == 1 else 'jobs'}): {advice}"
