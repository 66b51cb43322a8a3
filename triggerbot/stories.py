"""The story of a job in plain sentences, in order: its runs, what was decided and why, requests, answers, waits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from triggerbot import canonical, sentences
from triggerbot.model import Cause, Claim, ClaimState, Refusal, Run, RunKey
from triggerbot.store import Entry, JobRecord, Pause
from triggerbot.trysyntax import EVERY, Asks
from triggerbot.wording import moment, plural

#: Seconds that a due claim may lie about before it is worth a word.
_OVERDUE = 10.0
#: Failure lines of a run that are told.
_FAILURES_MAX = 3

_WORDS = {
    "accepted": "Answer",
    "wait": "Waits",
    "doubt": "In doubt",
    "ended": "Ended",
    "note": "Note",
    "send": "Request",
    "verdict": "Judged",
}
_STYLES = {"trigger": "green", "refuse": "yellow", "doubt": "magenta", "wait": "cyan", "note": "magenta"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story; foreign text in it is not made fit for a terminal yet."""

    at: float | None
    what: str
    text: str

    @property
    def style(self) -> str:
        """How it looks."""
        return _STYLES.get(self.what, "")

    def as_json(self) -> dict[str, str | None]:
        """Put it as JSON."""
        return {"time": canonical.format_time(self.at), "what": self.what, "text": self.text}


def story(job: JobRecord, entries: Sequence[Entry], claims_now: float, paused: Pause | None) -> list[Line]:
    """Tell everything that is known of a job, oldest first; what it waits for comes last."""
    lines = [*_runs(job.runs, entries), *_entries(entries)]
    lines.sort(key=lambda line: line.at or 0.0)
    lines += [told for claim in job.claims if (told := _open(claim, claims_now, paused)) is not None]
    if not entries and not job.claims and job.runs:
        lines.append(Line(None, "nothing", sentences.nothing_to_decide(job.runs[-1])))
    return lines


def of_push(entries: Sequence[Entry]) -> list[Line]:
    """Tell what concerns a push as a whole."""
    return [entry_line(entry) for entry in entries if entry.job is None]


def _runs(runs: Sequence[Run], entries: Sequence[Entry]) -> Iterator[Line]:
    """Tell each run; its CI's clock may differ from ours, but it never comes after what it led to."""
    led_to: dict[RunKey, float] = {}
    for entry in entries:
        if entry.what in ("trigger", "refuse") and entry.reason not in (Cause.REQUESTED, Cause.MANUAL):
            key = RunKey(entry.run_id or "", entry.attempt or 0)
            led_to[key] = min(entry.at, led_to.get(key, entry.at))
    for run in runs:
        known = [at for at in (run.time, led_to.get(run.key) if run.failed else None) if at is not None]
        yield Line(min(known, default=None), "run", _run(run))


def _run(run: Run) -> str:
    parts = [f"Run {run.run_id}", f"(attempt {run.attempt})" if run.attempt > 1 else "", sentences.standing(run)]
    told = " ".join(part for part in parts if part)
    if run.retrigger_of:
        told += ", a retrigger"
    if run.failed and run.step:
        told += f", in the step {run.step!r}"
    told += "." if not run.url else f". {run.url}"
    for failure in run.failures[:_FAILURES_MAX]:
        told += f"\n{failure}"
    more = len(run.failures) - _FAILURES_MAX
    return told + (f"\nand {plural(more, 'further failure line')}" if more > 0 else "")


def _entries(entries: Sequence[Entry]) -> Iterator[Line]:
    """Tell what was decided and done; what a refusal means is said once."""
    explained: set[str] = set()
    for entry in entries:
        if entry.job is not None:
            yield entry_line(entry, brief=entry.reason in explained)
            if entry.what == "refuse":
                explained.add(entry.reason)


def entry_line(entry: Entry, *, brief: bool = False) -> Line:
    """Put one entry of the store's story as a sentence; `brief`: without what the refusal means."""
    match entry.what:
        case "trigger":
            text = _trigger(entry)
        case "refuse":
            text = _refuse(entry, brief=brief)
        case _:
            text = f"{_WORDS.get(entry.what, entry.what)}: {entry.text}."
    return Line(entry.at, entry.what, text)


def _trigger(entry: Entry) -> str:
    cause = Cause(entry.reason)
    # What the push asks for says more than that it asks.
    why = entry.text if cause is Cause.REQUESTED and entry.text else sentences.CAUSES[cause]
    runs = plural(entry.count, "further run")
    based_on = f" ({entry.text})" if cause is Cause.FAILURE and entry.text else ""
    if entry.dry:
        return f"Decided ({entry.reason}): would ask for {runs}, because {why}.{based_on} Dry run: nothing is sent."
    return f"Decided ({entry.reason}): asks for {runs}, because {why}.{based_on}"


def _refuse(entry: Entry, *, brief: bool) -> str:
    run = f" after run {entry.run_id}" if entry.run_id else ""
    facts = f" ({entry.text})" if entry.text else ""
    advice = "." if brief else f": {sentences.REFUSALS[Refusal(entry.reason)]}"
    return f"Not retriggered{run}, {entry.reason}{facts}{advice}"


def _open(claim: Claim, now: float, paused: Pause | None) -> Line | None:
    """Say what an open claim waits for, until when, and how often that was tried."""
    if claim.state.final:
        return None
    parts = [_what_is_open(claim)]
    if claim.note:
        parts.append(f"last: {claim.note}")
    tries = claim.tries + claim.lookups
    if tries:
        parts.append(f"{plural(tries, 'try', 'tries')} so far")
    if paused is not None:
        parts.append(f"everything is paused by {paused.by}")
    elif claim.due > now:
        parts.append(f"looks again at {moment(claim.due)}")
    elif claim.due < now - _OVERDUE:
        parts.append(f"it has been due since {moment(claim.due)}: is the daemon (`triggerbot run`) running?")
    else:
        parts.append("it is due now")
    return Line(None, "open", f"Open: {'; '.join(parts)}.")


def _what_is_open(claim: Claim) -> str:
    words = sentences.CLAIMS[claim.state]
    if claim.state is ClaimState.OPEN:
        return f"{plural(claim.wanted, 'further run')} asked for by a person, {words}" if claim.manual else words
    return f"{words}; {claim.owed} of {claim.wanted} further runs remain"


def asked(asks: Asks | None) -> str:
    """Say what the message of a push asks for; empty if that is nothing."""
    if asks is None:
        return ""
    parts = [
        f"{plural(number, 'further run')} of every {'test job' if group == EVERY else f'job of the group {group}'}"
        for group, number in asks.rebuild.items()
    ]
    for given, words in ((asks.retry, "--retry"), (asks.no_retry, "--no-retry"), (asks.dontbuild, "DONTBUILD")):
        if given:
            parts.append(words)
    return ", ".join(parts)


def by_job(entries: Sequence[Entry]) -> Mapping[str, list[Entry]]:
    """Part a push's story by jobs."""
    parted: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.job is not None:
            parted.setdefault(entry.job, []).append(entry)
    return parted
