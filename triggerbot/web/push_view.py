"""The view of one push for its page: jobs with the letters of their runs, verdicts, and decisions in words; pure.

The lines of jobs that need no attention are assembled here, not in a template: there may be thousands, and the
templates would take several times as long. Foreign text goes through `escape`, addresses through `safe` as well.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.formatting import capital, moment, plural
from triggerbot.core.model import Run, RunKey
from triggerbot.core.policy import waiting
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import calibration, glossary, timeline
from triggerbot.reports.push_json import Before
from triggerbot.store import JobRecord, PushRecord, TimelineEntry
from triggerbot.web import push_tests
from triggerbot.web.layout import job_path
from triggerbot.web.push_cost import retriggers

#: Jobs of a common failure that are listed before the rest is folded.
COMMON_NAMED = 6
#: Verdicts that need attention, the worst first; jobs of the others are folded.
_OPEN = (Verdict.FAILED, Verdict.INFRA, Verdict.INTERMITTENT, Verdict.PENDING)
_HEADINGS = {
    Verdict.FAILED: ("failed", "failed"),
    Verdict.INFRA: ("met only infrastructure errors", "met only infrastructure errors"),
    Verdict.INTERMITTENT: ("is intermittent", "are intermittent"),
    Verdict.PENDING: ("is pending", "are pending"),
    Verdict.PASSED: ("passed", "passed"),
    None: ("proves nothing", "prove nothing"),
}
#: The CSS class of each letter that stands for a run (`glossary.letter`).
_KINDS = {"G": "g", "O": "o", "R": "r", "X": "x", ".": "w", "-": "n", "?": "n"}
#: The note of a claim that ended with fewer runs than were decided because those that came were enough.
_ENOUGH = "no more runs are needed"
#: Who made a request, by the prefix of its claim's origin.
_ORIGINS = {
    "page": "{} asked for it on this page",
    "wish": "a person asked for it in a comment",
    "author": "the author asked for it in a comment",
    "control": "a push that is based on this one fails there: {}",
}


class Chip(NamedTuple):
    """One run: its letter, and its description in words."""

    letter: str
    kind: str
    #: Only an http or https address (see `safe`).
    url: str | None
    words: str


class DecisionText(NamedTuple):
    """A decision about a job: a headline (`head`), the name of its reason, and what it means."""

    kind: str
    head: str
    reason: str
    text: str
    #: Further advice, which is the same for every job of the push and shown only once.
    more: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A job that needs attention."""

    id: str
    job: str
    #: The name that it has at every push.
    name: str
    verdict: str
    suspected: bool
    was: str
    why: str
    proof: str
    chips: tuple[Chip, ...]
    #: The most significant failure line; empty if the failure is a common one, whose number is `common`.
    line: str
    common: int | None
    decisions: tuple[DecisionText, ...]


class Alike(NamedTuple):
    """A job, and those of the same verdict that fail alike, which are folded."""

    first: Row
    more: list[Row]


class Group(NamedTuple):
    """Jobs of one verdict."""

    verdict: str
    heading: str
    together: list[Alike]


class Shared(NamedTuple):
    """A failure that several jobs have in common: likely one cause, shown once."""

    number: int
    line: str
    #: Job names with the ids of their rows.
    named: list[tuple[str, str]]
    more: list[tuple[str, str]]


class Folded(NamedTuple):
    """Jobs of one verdict that need no attention."""

    verdict: str
    heading: str
    lines: Markup


def groups(judged: PushVerdict, record: PushRecord, entries: Sequence[TimelineEntry], before: Before) -> list[Group]:
    """Group the jobs that need attention by verdict, the worst first."""
    by_verdict: dict[Verdict | None, list[JobVerdict]] = {}
    for job in judged.jobs:
        if not job.inherited:
            by_verdict.setdefault(job.verdict, []).append(job)
    records = {job.job: job for job in record.jobs}
    explained: set[str] = set()
    entries_of = timeline.by_job(entries)
    shared = {job: number for number, one in enumerate(judged.common, 1) for job in one.jobs}
    found = []
    for verdict in _OPEN:
        jobs = sorted(by_verdict.get(verdict, ()), key=lambda job: (not job.suspected, job.job))
        rows = [row(job, records[job.job], entries_of.get(job.job, ()), before, shared) for job in jobs]
        if rows:
            found.append(Group(str(verdict), _heading(verdict, len(rows)), _together(rows, explained)))
    following = [job for job in judged.jobs if job.follows and job.verdict is None]
    inherited = [job for job in judged.jobs if job.inherited]
    for kind, jobs, one, many in (
        ("failed", inherited, "fails on the base too", "fail on the base too"),
        ("none", following, "follows from another", "follow from others"),
    ):
        rows = [row(job, records[job.job], entries_of.get(job.job, ()), before, shared) for job in jobs]
        if rows:
            found.append(Group(kind, plural(len(rows), one, many), _together(rows, explained)))
    return found


def _together(rows: Sequence[Row], explained: set[str]) -> list[Alike]:
    """Put jobs that fail alike together, first one that was retriggered for all, and shorten advice given before."""
    found: dict[int | str, list[Row]] = {}
    for one in rows:
        found.setdefault(one.common or one.id, []).append(one)
    ordered = (
        sorted(alike, key=lambda one: all(said.kind == "refuse" for said in one.decisions)) for alike in found.values()
    )
    brief = ([_brief(one, explained) for one in alike] for alike in ordered)
    return [Alike(first, more) for first, *more in brief]


def _brief(row: Row, explained: set[str]) -> Row:
    """Drop the advice on reasons that were explained at another job already."""
    decisions = tuple(one._replace(more="") if one.reason in explained else one for one in row.decisions)
    explained.update(one.reason for one in decisions if one.more)
    return replace(row, decisions=decisions)


def row(
    job: JobVerdict, record: JobRecord, entries: Sequence[TimelineEntry], before: Before, shared: Mapping[str, int]
) -> Row:
    """Build the row of one job; `shared` maps jobs to the number of their common failure."""
    return Row(
        id=row_id(job.job),
        job=job.job,
        name=record.name,
        verdict=str(job.verdict or "none"),
        suspected=job.suspected,
        was=before.get(record.key, ("", ""))[1],
        # The reason for not retriggering is shown at length among the decisions.
        why=re.sub("; not retriggered: [a-z_]+", "", job.why),
        proof=glossary.proof(job),
        chips=_chips(job, {run.key for run in retriggers(record)}),
        line="" if job.job in shared else _line(job),
        common=shared.get(job.job),
        decisions=tuple(_decisions(record, entries)),
    )


def _line(job: JobVerdict) -> str:
    """Return the failure line to show: the evidence for the verdict, or else the first of the last failed run."""
    if job.failing is None:
        return ""
    last = next((run.lines[0] for run in reversed(job.runs) if run.failed and run.lines), "")
    return job.failing.line or last


def shared(judged: PushVerdict) -> list[Shared]:
    """Return the failures that several jobs have in common, numbered from 1."""
    found = []
    for number, one in enumerate(judged.common, 1):
        jobs = [(job, row_id(job)) for job in one.jobs]
        found.append(Shared(number, one.line, jobs[:COMMON_NAMED], jobs[COMMON_NAMED:]))
    return found


def row_id(*names: str) -> str:
    """Return the HTML id of a job's row on its page, or of a push in a list."""
    return "r" + hashlib.blake2b("\0".join(names).encode(), digest_size=8).hexdigest()


def _heading(verdict: Verdict | None, number: int) -> str:
    """Format the number of jobs of a verdict in words."""
    one, many = _HEADINGS[verdict]
    return f"{number:,} {f'job {one}' if number == 1 else f'jobs {many}'}"


# -- runs -------------------------------------------------------------------------------------------------------


def legend() -> list[Chip]:
    """Return each letter with what it stands for."""
    parts = (part.partition(" ") for part in glossary.LEGEND.split("  "))
    return [Chip(letter, _KINDS[letter], None, words) for letter, _, words in parts]


def safe(url: str | None) -> str | None:
    """Return an address only if it is http or https: what a CI sends is untrusted."""
    return url if url is not None and url[:8].lower().startswith(("https://", "http://")) else None


def _chips(job: JobVerdict, again: Collection[RunKey]) -> tuple[Chip, ...]:
    """Return the runs of a job in order; those in `again` are retriggers."""
    number = len(job.runs)
    return tuple(_chip(run, position, number, again=run.key in again) for position, run in enumerate(job.runs, 1))


def _chip(run: Run, position: int, of: int, *, again: bool) -> Chip:
    """Describe one run, number `position` of `of`; `again`: it is a retrigger."""
    letter = glossary.letter(run)
    words = glossary.standing(run)
    if of > 1:
        words = f"run {position} of {of} {words}"
    if again or run.retrigger_of:
        words += ", a retrigger"
    if run.attempt > 1:
        words += f", attempt {run.attempt}"
    if run.time is not None:
        words += f", {moment(run.time)}"
    return Chip(letter, _KINDS[letter], safe(run.url), words)


# -- decisions --------------------------------------------------------------------------------------------------


def origin(name: str, form: str) -> str:
    """Return the origin of a claim made on the page; the form's id in it makes a form sent twice request once."""
    return f"page:{form}:{name}"


def _decisions(job: JobRecord, entries: Sequence[TimelineEntry]) -> Iterable[DecisionText]:
    """Yield what was decided about a job and why, refusals as well as retriggers."""
    details = {entry.reason: entry.text for entry in entries if entry.what == "refuse"}
    for claim in job.claims:
        if claim.refusal is not None:
            yield _refused(claim.refusal, details.get(claim.refusal, "") or claim.note)
        elif claim.cause is not None:
            yield _decided(claim, claim.cause)
        else:
            last = f" Last: {claim.note}." if claim.note else ""
            if claim.manual:
                runs = plural(claim.wanted, "further run")
                yield DecisionText(
                    "open",
                    "Not sent yet",
                    str(_cause_to_be(claim)),
                    f"{runs}: {_asked_by(claim)}.{last}",
                )
            else:
                known = waiting.what(claim.note)
                text = f"It waits {known}." if known else f"It waits for its turn.{last}"
                yield DecisionText("open", "Not decided yet", "", text)
    if job.calibration is not None:
        yield DecisionText("open", "Measured", "calibration", f"{capital(calibration.words(job.calibration))}.")
    if not job.claims:
        for reason, text in details.items():
            yield _refused(Refusal(reason), text)
        if not details and any(run.failed for run in job.runs):
            yield DecisionText("open", "Not retriggered", "", glossary.nothing_to_decide(job.runs[-1]))


def _refused(refusal: Refusal, detail: str) -> DecisionText:
    """Describe a refusal: the reason, what it means, and the remedy."""
    figures = f"{detail[0].upper()}{detail[1:].rstrip('.')}. " if detail else ""
    advice = glossary.REFUSALS[refusal]
    return DecisionText("refuse", "Not retriggered", str(refusal), advice.means, f"{figures}{advice.remedy}")


def _decided(claim: Claim, cause: Cause) -> DecisionText:
    runs = plural(claim.wanted, "further run")
    why = _asked_by(claim) if cause is Cause.MANUAL else f"because {glossary.CAUSES[cause]}"
    # With what evidence came to, where that is what ended it.
    enough = claim.note.replace(_ENOUGH, "no more were needed", 1) if claim.note.startswith(_ENOUGH) else ""
    match claim.state:
        case ClaimState.WOULD:
            words = f"{runs}, {why}. Dry run: nothing is sent."
            return DecisionText("would", "Would be retriggered", str(cause), words)
        case ClaimState.DONE if claim.asked < claim.wanted:
            rest = f"{claim.asked} of {runs} {'was' if claim.asked == 1 else 'were'} asked for, {why}"
            end = enough or ("no more were needed" if not claim.note else f"then no more: {claim.note}")
            return DecisionText("trigger", "Retriggered", str(cause), f"{rest}; {end}.")
        case ClaimState.DONE:
            end = f"; {enough}" if enough and claim.most else ""
            return DecisionText("trigger", "Retriggered", str(cause), f"{runs}, {why}{end}.")
        case _:
            last = f" Last: {claim.note}." if claim.note else ""
            words = f"{runs}, {why}; {claim.asked} asked for so far. {capital(glossary.CLAIMS[claim.state])}.{last}"
            return DecisionText("open", "Being retriggered", str(cause), words)


def _cause_to_be(claim: Claim) -> Cause:
    """Return the cause that a claim will have, which was not made because its job failed."""
    if claim.backfills:
        return Cause.BACKFILL
    return Cause.CONTROL if claim.control else Cause.MANUAL


def _asked_by(claim: Claim) -> str:
    kind, _, rest = claim.origin.partition(":")
    return _ORIGINS.get(kind, "a person asked for it by command").format(rest.partition(":")[2])


# -- folded jobs ------------------------------------------------------------------------------------------------


def folded(judged: PushVerdict, record: PushRecord, base: str) -> list[Folded]:
    """Return the jobs that passed and those that prove nothing, as lines of HTML; `base`: begins our addresses."""
    push, names = record.push, {job.job: job.name for job in record.jobs}
    # System and branch are needed: several pushes may have the same revision.
    page = escape(f"?{urlencode({'system': push.system, 'branch': push.branch})}&job=")
    over_time = escape(f"{base}{job_path(push.project, '')}")
    found = []
    for verdict in (Verdict.PASSED, None):
        jobs = [job for job in judged.jobs if job.verdict is verdict and not (job.follows and verdict is None)]
        if jobs:
            lines = _folded_lines(jobs, names, page, over_time)
            found.append(Folded(str(verdict or "none"), _heading(verdict, len(jobs)), lines))
    return found


def _folded_lines(jobs: Sequence[JobVerdict], names: Mapping[str, str], page: Markup, over_time: Markup) -> Markup:
    """Render a line for each job; `page` and `over_time` begin the addresses of a job's pages, without its name."""
    lines = [_folded_line(job, names[job.job], page, over_time) for job in jobs]
    return Markup("\n".join(lines))  # noqa: S704 - what goes in is escaped


def _folded_line(job: JobVerdict, name: str, page: Markup, over_time: Markup) -> str:
    runs = "".join([_chip_html(chip) for chip in _chips(job, ())])
    tests = push_tests.latest(job)
    counted = "" if tests is None else f' <span class="hint">tests: {tests.words}</span>'
    quoted = quote(job.job)
    own = quoted if name == job.job else quote(name)
    return (
        f'<li>{runs}<a href="{page}{quoted}" class="name">{escape(job.job)}</a>{counted} '
        f'<a class="way" href="{over_time}{own}">over time</a></li>'
    )


def _chip_html(chip: Chip) -> str:
    # The words are our own, so they need no escaping.
    attributes = f'class="run {chip.kind}" title="{chip.words}" aria-label="{chip.letter}: {chip.words}"'
    if chip.url is None:
        return f'<span {attributes} role="img">{chip.letter}</span> '
    return f'<a {attributes} href="{escape(chip.url)}" target="_blank" rel="noopener noreferrer">{chip.letter}</a> '
