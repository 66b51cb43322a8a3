"""The timeline of a job in plain sentences: its runs, decisions and their reasons, requests, answers, waits."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from triggerbot.core import event_json
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.formatting import moment, plural
from triggerbot.core.model import HeadKind, Run, RunKey
from triggerbot.core.policy import backoff
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.reports import calibration, glossary, waits
from triggerbot.reports.waits import Waited
from triggerbot.store import JobRecord, Pause, PushRecord, TimelineEntry
from triggerbot.systems import UNREAD

#: Seconds after which a due claim that nothing was done about is reported as overdue.
_OVERDUE = 10.0
#: Failure lines shown per run.
_FAILURES_MAX = 3

_WORDS = {
    "accepted": "Answer",
    "doubt": "In doubt",
    "ended": "Ended",
    "note": "Note",
    "send": "Request",
    "verdict": "Judged",
}
#: Causes of decisions to which no run led.
_NOT_OF_A_RUN = (Cause.REQUESTED, Cause.MANUAL, Cause.CALIBRATION, Cause.BACKFILL)
_STYLES = {"trigger": "green", "refuse": "yellow", "doubt": "magenta", "wait": "cyan", "note": "magenta"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline; untrusted text in it is not yet escaped for a terminal."""

    at: float | None
    what: str
    text: str
    #: The reason of a decision, by its name.
    reason: str = ""

    @property
    def style(self) -> str:
        """The style of the line in a terminal."""
        return _STYLES.get(self.what, "")

    def as_json(self) -> dict[str, str | None]:
        """Return the line as JSON-able values."""
        value = {"time": event_json.format_time(self.at), "what": self.what, "text": self.text}
        return {**value, "reason": self.reason} if self.reason else value


@dataclass(frozen=True, slots=True)
class Standing:
    """The state at the time of rendering: the time, the pause and the breakers."""

    now: float
    paused: Pause | None
    breakers: Collection[Breaker]


def of_job(job: JobRecord, entries: Sequence[TimelineEntry], standing: Standing) -> list[Line]:
    """Render everything known of a job, oldest first; what it waits for comes last."""
    measures = () if job.calibration is None else (job.calibration.claim,)
    claims = (*job.claims, *measures)
    goes_on = any(not claim.state.final for claim in claims)
    lines = [*_runs((*job.runs, *job.measuring), entries), *_entries(entries, standing.now if goes_on else None)]
    lines.sort(key=lambda line: line.at or 0.0)
    lines += [line for claim in claims if (line := _open(claim, standing)) is not None]
    if not entries and not claims and job.runs:
        lines.append(Line(None, "nothing", glossary.nothing_to_decide(job.runs[-1])))
    return lines


def of_push(entries: Sequence[TimelineEntry]) -> list[Line]:
    """Render the entries that concern a push as a whole."""
    return [entry_line(entry) for entry in entries if entry.job is None]


def unread(metadata: Mapping[str, str]) -> Iterator[Line]:
    """Yield a line per batch of which it is not known what its jobs need, from a push's metadata."""
    for batch, why in json.loads(metadata.get(UNREAD, "{}")).items():
        text = f"What the jobs of workflow run {batch} need is not known, so each counts by itself: {why}."
        yield Line(None, "note", text)


def _runs(runs: Sequence[Run], entries: Sequence[TimelineEntry]) -> Iterator[Line]:
    """Yield a line per run; whatever the CI's clock says, it never comes after the decision that it led to."""
    led_to: dict[RunKey, float] = {}
    for entry in entries:
        if entry.what in ("trigger", "refuse") and entry.reason not in _NOT_OF_A_RUN:
            key = RunKey(entry.run_id or "", entry.attempt or 0)
            led_to[key] = min(entry.at, led_to.get(key, entry.at))
    for run in runs:
        known = [at for at in (run.time, led_to.get(run.key) if run.failed else None) if at is not None]
        yield Line(min(known, default=None), "run", _run(run))


def _run(run: Run) -> str:
    parts = [f"Run {run.run_id}", f"(attempt {run.attempt})" if run.attempt > 1 else "", glossary.standing(run)]
    text = " ".join(part for part in parts if part)
    if run.calibrates:
        text += f", {calibration.PURPOSE}"
    elif run.retrigger_of:
        text += ", a retrigger"
    if run.failed and run.step:
        text += f", in the step {run.step!r}"
    text += "." if not run.url else f". {run.url}"
    for failure in run.lines[:_FAILURES_MAX]:
        text += f"\n{failure}"
    more = len(run.lines) - _FAILURES_MAX
    return text + (f"\nand {plural(more, 'further failure line')}" if more > 0 else "")


def _entries(entries: Sequence[TimelineEntry], now: float | None) -> Iterator[Line]:
    """Yield the lines of the entries about jobs: one for each wait, and each kind of refusal is explained once."""
    explained: set[str] = set()
    for entry in waits.fold([one for one in entries if one.job is not None]):
        if isinstance(entry, Waited):
            yield Line(entry.at, "wait", entry.sentence(now))
            continue
        yield entry_line(entry, brief=entry.reason in explained)
        if entry.what == "refuse":
            explained.add(entry.reason)


def entry_line(entry: TimelineEntry, *, brief: bool = False) -> Line:
    """Render one entry as a sentence; `brief`: without the explanation of a refusal."""
    match entry.what:
        case "unmeasured":
            text = f"Sampled, and not run again, {entry.reason}" + (f": {entry.text}." if entry.text else ".")
        case "trigger":
            text = _trigger(entry)
        case "refuse":
            text = _refuse(entry, brief=brief)
        case "wait":
            text = Waited(entry.text, entry.at).sentence()
        case _:
            text = f"{_WORDS.get(entry.what, entry.what)}: {entry.text}."
    return Line(entry.at, entry.what, text, entry.reason)


def _trigger(entry: TimelineEntry) -> str:
    cause = Cause(entry.reason)
    # What the push asks for is more specific than that it asks.
    why = entry.text if cause is Cause.REQUESTED and entry.text else glossary.CAUSES[cause]
    runs = plural(entry.count, "further run")
    based_on = f" ({entry.text})" if cause in (Cause.FAILURE, Cause.CONTROL, Cause.BACKFILL) and entry.text else ""
    if entry.dry:
        return f"Decided ({entry.reason}): would ask for {runs}, because {why}.{based_on} Dry run: nothing is sent."
    return f"Decided ({entry.reason}): asks for {runs}, because {why}.{based_on}"


def _refuse(entry: TimelineEntry, *, brief: bool) -> str:
    run = f" after run {entry.run_id}" if entry.run_id else ""
    facts = f" ({entry.text})" if entry.text else ""
    advice = "." if brief else f": {glossary.REFUSALS[Refusal(entry.reason)]}"
    return f"Not retriggered{run}, {entry.reason}{facts}{advice}"


def _open(claim: Claim, standing: Standing) -> Line | None:
    """Render what an open claim waits for, until when, and how often it was tried; `None` for a closed one."""
    if claim.state.final:
        return None
    parts = [_what_is_open(claim)]
    if claim.note:
        parts.append(f"last: {claim.note}")
    tries = claim.tries + claim.lookups
    if tries:
        parts.append(f"{plural(tries, 'try', 'tries')} so far")
    text = f"Open: {'; '.join(parts)}; {_goes_on(claim, standing)}"
    return Line(None, "open", text if text.endswith("?") else f"{text}.")


def _goes_on(claim: Claim, standing: Standing) -> str:
    """Describe when an open claim goes on."""
    now, operation = standing.now, claim.operation
    if claim.state is ClaimState.SENDING and operation is not None and now < operation.started + backoff.LEASE:
        return f"the CI has been asked since {moment(operation.started)} and has not answered yet"
    if standing.paused is not None:
        return f"everything is paused by {standing.paused.by}"
    if claim.behind and claim.due > now:
        return _behind(claim.behind, standing)
    if claim.due > now:
        return f"looks again at {moment(claim.due)}"
    if claim.due < now - _OVERDUE:
        return f"it has been due since {moment(claim.due)}: is the daemon (`triggerbot run`) running?"
    return "it is due now"


def _behind(behind: str, standing: Standing) -> str:
    """Describe what a held claim waits for; the time until which it is held at most is not what it waits for."""
    breaker = next((one for one in standing.breakers if one.open and one.place.key == behind), None)
    if breaker is None:
        return "goes on as soon as there is room again within the hour"
    if breaker.canary is not None:
        canary = f"its canary was sent ahead at {moment(breaker.canary.at)}"
    elif breaker.probe > standing.now:
        canary = f"the next canary may go at {moment(breaker.probe)}"
    else:
        canary = "the next canary may go now"
    return f"goes on when the breaker closes; {canary}"


def _what_is_open(claim: Claim) -> str:
    words = glossary.CLAIMS[claim.state]
    if claim.state is ClaimState.OPEN:
        if claim.calibrates:
            return f"{plural(claim.wanted, 'further run')} {calibration.PURPOSE}, {words}"
        if claim.backfills:
            return f"{plural(claim.wanted, 'run')} to find who broke the job, {words}"
        return f"{plural(claim.wanted, 'further run')} asked for by a person, {words}" if claim.by_person else words
    return f"{words}; {claim.owed} of {claim.wanted} further runs remain"


def options_text(record: PushRecord, rule: Rule | None) -> str:
    """Describe what the message of a push asks for, and whether that counts; empty if it asks for nothing."""
    text = _options(record.asks) if record.asks is not None else ""
    on_default = any(one.kind is HeadKind.DEFAULT for one in record.heads)
    if record.asks is None or not record.asks.rebuild or not on_default or rule is None or rule.requested_default:
        return text
    return f"{text} (further runs do not count on the default branch)"


def _options(asks: PushOptions) -> str:
    parts = [
        f"{plural(number, 'further run')} of every {'test job' if group == EVERY else f'job of the group {group}'}"
        for group, number in asks.rebuild.items()
    ]
    for given, words in ((asks.retry, "--retry"), (asks.no_retry, "--no-retry"), (asks.dontbuild, "DONTBUILD")):
        if given:
            parts.append(words)
    return ", ".join(parts)


def by_job(entries: Sequence[TimelineEntry]) -> Mapping[str, list[TimelineEntry]]:
    """Group a push's timeline by job."""
    grouped: dict[str, list[TimelineEntry]] = {}
    for entry in entries:
        if entry.job is not None:
            grouped.setdefault(entry.job, []).append(entry)
    return grouped
