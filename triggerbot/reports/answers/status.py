"""Whether a push is good, and what its runs prove."""

from collections.abc import Collection, Iterator, Mapping

from triggerbot.core.formatting import plain
from triggerbot.core.verdict.base import NOTHING_KNOWN
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import glossary, push_json
from triggerbot.reports.answers import Answer, Asked, Line, Question, line
from triggerbot.reports.judge import Judge
from triggerbot.reports.lookup import NothingKnown, describe, find, headline
from triggerbot.store import PushRecord, Store

_EXITS = {Health.GOOD: 0, Health.FAILING: 1, Health.PENDING: 2, Health.INCOMPLETE: 2}
#: The worst of several pushes decides.
_WORST_FIRST = (Health.FAILING, Health.PENDING, Health.INCOMPLETE, Health.GOOD)
_STYLES = {
    Verdict.FAILED: "red",
    Verdict.INFRA: "magenta",
    Verdict.PENDING: "cyan",
    Verdict.INTERMITTENT: "yellow",
    Verdict.PASSED: "green",
    None: "dim",
}
#: The most columns to which runs and names are padded; longer ones shift the rest of their line.
_WIDEST = 60
_HEALTHS = {
    Health.GOOD: "bold green", Health.FAILING: "bold red", Health.PENDING: "bold cyan",
    Health.INCOMPLETE: "bold magenta",
}  # fmt: skip


def answer(asked: Asked, question: Question) -> Answer:
    """Answer about the pushes of a revision: `project`, `revision`, and optionally `branch` and `system`."""
    store = asked.store
    try:
        records = find(
            store, asked.config, question["project"], question["revision"], branch=question.get("branch"),
            system=question.get("system"),
        )  # fmt: skip
    except NothingKnown as error:
        return Answer(2, {"health": "unknown", "pushes": []}, error=str(error))
    judge = Judge(store, rules=asked.config.rules)
    judged = [judge.judge(record) for record in records]
    rendered = [_as_json(store, *pair) for pair in zip(records, judged, strict=True)]
    health = next(one for one in _WORST_FIRST if one in {push.health for push in judged})
    said = [
        *(
            part
            for record, push in zip(records, judged, strict=True)
            for part in _show(record, push, _refusals(store, record))
        ),
        *(line(blocker, "yellow") for blocker in _blockers(store, {record.push.system for record in records})),
        line(glossary.LEGEND, "dim"),
    ]
    return Answer(_EXITS[health], {"health": str(health), "pushes": rendered}, said)


def letters(job: JobVerdict) -> str:
    """Return the letters of a job's runs, oldest first."""
    return "".join(map(glossary.letter, job.runs))


def _as_json(store: Store, record: PushRecord, judged: PushVerdict) -> dict[str, object]:
    push = push_json.push(
        record, judged, push_json.before(store.facts.metadata(record.push)), store.pushes.timeline(record.push)
    )
    letters_of = {job.job: letters(job) for job in judged.jobs}
    return {**push, "jobs": [{**job, "letters": letters_of[job["job"]]} for job in push["jobs"]]}


def _refusals(store: Store, record: PushRecord) -> dict[str, str]:
    """Return the last reason for not retriggering each job whose failures no claim was made for."""
    return {job: found[-1]["reason"] for job, found in push_json.refusals(store.pushes.timeline(record.push)).items()}


def _blockers(store: Store, systems: Collection[str]) -> Iterator[str]:
    """Yield what stops all sending: a pause, and the open breakers of these systems."""
    paused = store.limits.paused()
    if paused is not None:
        yield f"Everything is {describe(paused)}: nothing is sent before `triggerbot resume`."
    for one in store.limits.breakers():
        if one.open and one.place.system in systems:
            yield f"The breaker of {one.place} is open: {one.why}. What it holds goes on when that is over."


def _show(record: PushRecord, push: PushVerdict, reasons: Mapping[str, str]) -> Iterator[Line]:
    yield line(headline(record), "bold")
    jobs = sorted(push.jobs, key=_worst_first)
    runs = min(_WIDEST, max((len(job.runs) for job in jobs), default=0))
    names = min(_WIDEST, max((len(plain(job.job)) for job in jobs), default=0))
    # Not a table, which would truncate names to fit the terminal.
    for job in jobs:
        reason = reasons.get(job.job) if job.claim is None and job.failing_runs and not job.hidden else None
        why = f"{job.why}; not retriggered: {reason}" if reason else job.why
        verdict = (f"{job.verdict or 'none':<12}", _STYLES[job.verdict])
        yield Line([(f"{letters(job):<{runs}}  {plain(job.job):<{names}}  ", ""), verdict, (f"  {why}", "")])
    if any(job.verdict is Verdict.FAILED and not job.hidden and job.base == NOTHING_KNOWN for job in jobs):
        yield line("Nothing is known of the base of what fails: it may have failed before.")
    for common in push.common:
        yield line(f"{len(common.jobs)} jobs show the same failure: {common.line}")
    yield line(f"{glossary.HEALTHS[push.health]}: {push.sentence}", _HEALTHS[push.health])


def _worst_first(job: JobVerdict) -> tuple[int, str]:
    return list(_STYLES).index(job.verdict), job.job
