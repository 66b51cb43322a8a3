"""`triggerbot status`: report whether a push is good, in words for people and as an exit code for scripts."""

from collections.abc import Collection, Iterator, Mapping

import click

from triggerbot.cli import clone
from triggerbot.cli.lookup import NothingKnown, describe, find, headline
from triggerbot.cli.options import branch_option, config_option, json_option, load_config, opened, system_option
from triggerbot.cli.output import plain, say, say_json, styled
from triggerbot.core.verdict.base import NOTHING_KNOWN
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports import glossary, push_json
from triggerbot.reports.judge import Judge
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


@click.command()
@config_option
@click.argument("project", required=False)
@click.argument("revision", required=False)
@branch_option
@system_option
@json_option
def status(
    config_path: str | None,
    project: str | None,
    revision: str | None,
    branch: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Tell whether a push is good, and what its runs prove. REVISION may be cut; inside a clone both may be left out.

    Exit code: 0 good, 1 failing, 2 pending, incomplete or not known. Only a good push exits with 0: every job that was
    to run came to an end that proves something, or was skipped by the CI.

    With --json: health (good, failing, pending, incomplete, unknown) and pushes, each as GET /api/v1/pushes has it,
    with the letters of each job's runs.
    """
    config = load_config(config_path)
    project, revision = clone.named(project, revision)
    with opened(config) as store:
        try:
            records = find(store, config, project, revision, branch=branch, system=system)
        except NothingKnown:
            if as_json:
                say_json({"health": "unknown", "pushes": []})
            raise
        judge = Judge(store, rules=config.rules)
        judged = [judge.judge(record) for record in records]
        rendered = [_as_json(store, *pair) for pair in zip(records, judged, strict=True)] if as_json else []
        refusals = [] if as_json else [_refusals(store, record) for record in records]
        blockers = [] if as_json else list(_blockers(store, {record.push.system for record in records}))
    health = next(one for one in _WORST_FIRST if one in {push.health for push in judged})
    if as_json:
        say_json({"health": str(health), "pushes": rendered})
    else:
        for record, push, reasons in zip(records, judged, refusals, strict=True):
            _show(record, push, reasons)
        for blocker in blockers:
            say(plain(blocker), "yellow")
        say(glossary.LEGEND, "dim")
    return _EXITS[health]


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


def _show(record: PushRecord, push: PushVerdict, reasons: Mapping[str, str]) -> None:
    say(plain(headline(record)), "bold")
    jobs = sorted(push.jobs, key=_worst_first)
    runs = min(_WIDEST, max((len(job.runs) for job in jobs), default=0))
    names = min(_WIDEST, max((len(plain(job.job)) for job in jobs), default=0))
    # Not a table, which would truncate names to fit the terminal.
    for job in jobs:
        reason = reasons.get(job.job) if job.claim is None and job.failing_runs and not job.hidden else None
        why = f"{job.why}; not retriggered: {reason}" if reason else job.why
        verdict = styled(f"{job.verdict or 'none':<12}", _STYLES[job.verdict])
        say(f"{letters(job):<{runs}}  {plain(job.job):<{names}}  {verdict}  {plain(why)}")
    if any(job.verdict is Verdict.FAILED and not job.hidden and job.base == NOTHING_KNOWN for job in jobs):
        say("Nothing is known of the base of what fails: it may have failed before.")
    for common in push.common:
        say(plain(f"{len(common.jobs)} jobs show the same failure: {common.line}"))
    say(f"{glossary.HEALTHS[push.health]}: {plain(push.sentence)}", _HEALTHS[push.health])


def _worst_first(job: JobVerdict) -> tuple[int, str]:
    return list(_STYLES).index(job.verdict), job.job
