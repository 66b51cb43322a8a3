"""One push as its page shows it: jobs with the string of their runs, verdicts, decisions in words; purely.

There may be thousands, so these lines are put together here: the templates would take several times as long. Whatever
is foreign goes through `escape`, and addresses through `rows.safe` besides.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import quote, urlencode

from markupsafe import Markup, escape

from triggerbot.core.formatting import capital, moment, plural
from triggerbot.core.model import Cause, Claim, ClaimState, Push, Refusal, Run, RunKey
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import glossary, timeline
from triggerbot.reports.push_json import Before
from triggerbot.store import JobRecord, PushRecord, TimelineEntry, outcomes
from triggerbot.web.statistics_view import percent

#: What needs a look, the worst first; the others are folded.
_OPEN = (Verdict.FAILED, Verdict.INFRA, Verdict.INTERMITTENT, Verdict.PENDING)
_HEADINGS = {
    Verdict.FAILED: ("failed", "failed"),
    Verdict.INFRA: ("met only infrastructure errors", "met only infrastructure errors"),
    Verdict.INTERMITTENT: ("is intermittent", "are intermittent"),
    Verdict.PENDING: ("is pending", "are pending"),
    Verdict.PASSED: ("passed", "passed"),
    None: ("proves nothing", "prove nothing"),
}
#: Of the letters that stand for runs (`sentences.letter`), what they look like.
_KINDS = {"G": "g", "O": "o", "R": "r", "X": "x", ".": "w", "-": "n", "?": "n"}
#: Jobs of a failure in common that are named before the rest is folded.
COMMON_NAMED = 6


class Chip(NamedTuple):
    """One run: its letter, and what it says in words."""

    letter: str
    kind: str
    #: Only what a browser can safely follow.
    url: str | None
    words: str


class Told(NamedTuple):
    """What was decided about a job: as people look for it (`head`), the reason's name, and what it means."""

    kind: str
    head: str
    reason: str
    text: str
    #: What there is to say besides, which is the same for every job of the push: told once.
    more: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A job that needs a look."""

    id: str
    job: str
    verdict: str
    suspected: bool
    was: str
    why: str
    proof: str
    chips: tuple[Chip, ...]
    #: The most telling failure line, unless it is told among the failures in common, of this number.
    line: str
    common: int | None
    told: tuple[Told, ...]


class Group(NamedTuple):
    """Jobs of one verdict."""

    verdict: str
    heading: str
    rows: list[Row]


class Shared(NamedTuple):
    """A failure that several jobs show: one cause, told once."""

    number: int
    line: str
    #: Names with the ids of their rows.
    named: list[tuple[str, str]]
    more: list[tuple[str, str]]


class Spent(NamedTuple):
    """How much of its budget a push has used."""

    spent: int
    most: int
    dry: bool
    rule: str
    #: The same as a length of SVG.
    used: str


class Cost(NamedTuple):
    """What the retriggers of a push came to."""

    #: How many runs are retriggers, and how many there are.
    runs: int
    of: int
    #: Machine time of those retriggers whose length is known, and how many these are.
    seconds: float
    timed: int


def groups(judged: PushVerdict, record: PushRecord, entries: Sequence[TimelineEntry], before: Before) -> list[Group]:
    """Put the jobs that need a look in order, the worst first."""
    by_verdict: dict[Verdict | None, list[JobVerdict]] = {}
    for job in judged.jobs:
        by_verdict.setdefault(job.verdict, []).append(job)
    records = {job.job: job for job in record.jobs}
    explained: set[str] = set()
    stories_of = timeline.by_job(entries)
    shared = {job: number for number, one in enumerate(judged.common, 1) for job in one.jobs}
    found = []
    for verdict in _OPEN:
        jobs = sorted(by_verdict.get(verdict, ()), key=lambda job: (not job.suspected, job.job))
        rows = [row(job, records[job.job], stories_of.get(job.job, ()), before, shared) for job in jobs]
        if rows:
            found.append(Group(str(verdict), heading(verdict, len(rows)), [_brief(row, explained) for row in rows]))
    return found


def _brief(row: Row, explained: set[str]) -> Row:
    """Leave out what was said of another job already."""
    told = tuple(one._replace(more="") if one.reason in explained else one for one in row.told)
    explained.update(one.reason for one in told if one.more)
    return replace(row, told=told)


def row(
    job: JobVerdict, record: JobRecord, entries: Sequence[TimelineEntry], before: Before, shared: Mapping[str, int]
) -> Row:
    """Tell one job."""
    return Row(
        id=row_id(job.job),
        job=job.job,
        verdict=str(job.verdict or "none"),
        suspected=job.suspected,
        was=before.get(job.job, ("", ""))[1],
        # Why it was not retriggered is told beside, at length.
        why=re.sub("; not retriggered: [a-z_]+", "", job.why),
        proof=glossary.proof(job),
        chips=chips(job, {run.key for run in _retriggers(record)}),
        line="" if job.job in shared else _line(job),
        common=shared.get(job.job),
        told=tuple(decisions(record, entries)),
    )


def _line(job: JobVerdict) -> str:
    """Choose the failure line to show: the one that is evidence, or else at least what the last failed run said."""
    if job.failing is None:
        return ""
    said = next((run.failures[0] for run in reversed(job.runs) if run.failed and run.failures), "")
    return job.failing.line or said


def heading(verdict: Verdict | None, number: int) -> str:
    """Count jobs of a verdict in words."""
    one, many = _HEADINGS[verdict]
    return f"{number:,} {f'job {one}' if number == 1 else f'jobs {many}'}"


def shared(judged: PushVerdict) -> list[Shared]:
    """List the failures in common."""
    found = []
    for number, one in enumerate(judged.common, 1):
        jobs = [(job, row_id(job)) for job in one.jobs]
        found.append(Shared(number, one.line, jobs[:COMMON_NAMED], jobs[COMMON_NAMED:]))
    return found


def row_id(*names: str) -> str:
    """Name the row of a job on its page, or that of a push in a list."""
    return "r" + hashlib.blake2b("\0".join(names).encode(), digest_size=8).hexdigest()


# -- runs -------------------------------------------------------------------------------------------------------


def legend() -> list[Chip]:
    """Say what each letter stands for."""
    parts = (part.partition(" ") for part in glossary.LEGEND.split("  "))
    return [Chip(letter, _KINDS[letter], None, words) for letter, _, words in parts]


def chips(job: JobVerdict, again: Collection[RunKey]) -> tuple[Chip, ...]:
    """Tell the runs of a job in order; those in `again` were asked for."""
    number = len(job.runs)
    return tuple(chip(run, position, number, again=run.key in again) for position, run in enumerate(job.runs, 1))


def _retriggers(job: JobRecord) -> list[Run]:
    """Choose the runs that came of what was asked for; those that others started are none."""
    bought = [outcomes.Bought(claim.known_runs, claim.asked, claim.cause) for claim in job.claims if claim.asked]
    return outcomes.retriggers(job.runs, bought) if bought else []


def chip(run: Run, position: int, of: int, *, again: bool) -> Chip:
    """Tell one run, which is so many-th of so many; `again`: it was asked for after the others."""
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


def safe(url: str | None) -> str | None:
    """Let only addresses through that lead to a page: what a CI says is foreign."""
    return url if url is not None and url[:8].lower().startswith(("https://", "http://")) else None


# -- decisions --------------------------------------------------------------------------------------------------


def decisions(job: JobRecord, entries: Sequence[TimelineEntry]) -> Iterable[Told]:
    """Say what was decided about a job, and why: what was not done is as good to know as what was."""
    details = {entry.reason: entry.text for entry in entries if entry.what == "refuse"}
    for claim in job.claims:
        if claim.refusal is not None:
            yield refused(claim.refusal, details.get(claim.refusal, "") or claim.note)
        elif claim.cause is not None:
            yield _decided(claim, claim.cause)
        else:
            last = f" Last: {claim.note}." if claim.note else ""
            if claim.manual:
                runs = plural(claim.wanted, "further run")
                yield Told("open", "Not sent yet", "manual", f"{runs}: {_asked_by(claim)}.{last}")
            else:
                yield Told("open", "Not decided yet", "", f"It waits for its turn.{last}")
    if not job.claims:
        for reason, text in details.items():
            yield refused(Refusal(reason), text)
        if not details and any(run.failed for run in job.runs):
            yield Told("open", "Not retriggered", "", glossary.nothing_to_decide(job.runs[-1]))


def refused(refusal: Refusal, detail: str) -> Told:
    """Say why a job is not retriggered, what that means, and what can be done about it."""
    figures = f"{detail[0].upper()}{detail[1:].rstrip('.')}. " if detail else ""
    advice = glossary.REFUSALS[refusal]
    return Told("refuse", "Not retriggered", str(refusal), advice.means, f"{figures}{advice.remedy}")


def _decided(claim: Claim, cause: Cause) -> Told:
    runs = plural(claim.wanted, "further run")
    why = _asked_by(claim) if cause is Cause.MANUAL else f"because {glossary.CAUSES[cause]}"
    match claim.state:
        case ClaimState.WOULD:
            return Told("would", "Would be retriggered", str(cause), f"{runs}, {why}. Dry run: nothing is sent.")
        case ClaimState.DONE if claim.asked < claim.wanted:
            rest = f"{claim.asked} of {runs} {'was' if claim.asked == 1 else 'were'} asked for, {why}"
            return Told("trigger", "Retriggered", str(cause), f"{rest}; no more were needed.")
        case ClaimState.DONE:
            return Told("trigger", "Retriggered", str(cause), f"{runs}, {why}.")
        case _:
            last = f" Last: {claim.note}." if claim.note else ""
            words = f"{runs}, {why}; {claim.asked} asked for so far. {capital(glossary.CLAIMS[claim.state])}.{last}"
            return Told("open", "Being retriggered", str(cause), words)


#: What the origins of claims begin with, and who asked so.
_ORIGINS = {
    "page": "{} asked for it on this page",
    "wish": "a person asked for it in a comment",
    "author": "the author asked for it in a comment",
}


def origin(name: str, form: str) -> str:
    """Name the origin of a claim that somebody asks for on the page: the same form sent twice asks once."""
    return f"page:{form}:{name}"


def _asked_by(claim: Claim) -> str:
    kind, _, rest = claim.origin.partition(":")
    return _ORIGINS.get(kind, "a person asked for it by command").format(rest.partition(":")[2])


# -- the push ---------------------------------------------------------------------------------------------------


def cost(record: PushRecord) -> Cost:
    """Count the retriggers of a push, and their machine time."""
    again = [run for job in record.jobs for run in _retriggers(job)]
    timed = [run.seconds for run in again if run.seconds is not None]
    return Cost(len(again), sum(len(job.runs) for job in record.jobs), sum(timed), len(timed))


def spent(record: PushRecord, rule: Rule | None, *, dry: bool) -> Spent | None:
    """Work out how many jobs of a push were, and may be, retriggered for failures; `None`: no rule watches it."""
    if rule is None:
        return None
    budget, jobs = rule.budget, len(record.jobs)
    most = budget.most(jobs)
    words = budget.words(f"its {plural(jobs, 'job')}")
    number = record.spent_dry if dry else record.spent
    return Spent(number, most, dry, words, percent(number, most))


class Folded(NamedTuple):
    """Jobs of one verdict that need no look."""

    verdict: str
    heading: str
    folded_lines: Markup


def folded(judged: PushVerdict, push: Push) -> list[Folded]:
    """List them: what passed, and what proves nothing."""
    # The same revision may be that of several pushes.
    page = escape(f"?{urlencode({'system': push.system, 'branch': push.branch})}&job=")
    found = []
    for verdict in (Verdict.PASSED, None):
        jobs = [job for job in judged.jobs if job.verdict is verdict]
        if jobs:
            found.append(Folded(str(verdict or "none"), heading(verdict, len(jobs)), folded_lines(jobs, page)))
    return found


def folded_lines(jobs: Sequence[JobVerdict], page: Markup) -> Markup:
    """Write a line for each job; `page` is the address of a job's page but for its name."""
    return Markup("\n".join([_folded_line(job, page) for job in jobs]))  # noqa: S704 - what goes in is escaped


def _folded_line(job: JobVerdict, page: Markup) -> str:
    runs = "".join([_chip(chip) for chip in chips(job, ())])
    return f'<li>{runs}<a href="{page}{quote(job.job)}">{escape(job.job)}</a></li>'


def _chip(chip: Chip) -> str:
    # The words are ours.
    told = f'class="run {chip.kind}" title="{chip.words}" aria-label="{chip.letter}: {chip.words}"'
    if chip.url is None:
        return f'<span {told} role="img">{chip.letter}</span> '
    return f'<a {told} href="{escape(chip.url)}" target="_blank" rel="noopener noreferrer">{chip.letter}</a> '
