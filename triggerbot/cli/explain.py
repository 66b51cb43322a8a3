"""`triggerbot explain`: the whole story of a push or of one of its jobs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from triggerbot import report, sentences, stories
from triggerbot.cli.finding import NothingKnown, find, headline, near, short
from triggerbot.cli.opening import branch_option, config_option, json_option, load_config, opened, system_option
from triggerbot.cli.printing import moment, plain, plural, say, say_json
from triggerbot.config import Config
from triggerbot.errors import UsageError
from triggerbot.health import PushVerdict
from triggerbot.judging import Judge
from triggerbot.store import Entry, JobRecord, PushRecord, Store
from triggerbot.stories import Line, Standing

_NO_TIME = " " * len(moment(0.0))


@dataclass(frozen=True, slots=True)
class _Told:
    """A push with its story."""

    record: PushRecord
    judged: PushVerdict
    before: report.Before
    jobs: tuple[JobRecord, ...]
    notes: Sequence[Line]
    entries: Mapping[str, Sequence[Entry]]
    standing: Standing

    def lines(self, job: JobRecord) -> list[Line]:
        """Tell one job."""
        return stories.story(job, self.entries.get(job.job, ()), self.standing)


@click.command()
@config_option
@click.argument("project")
@click.argument("revision")
@click.argument("job", required=False)
@branch_option
@system_option
@json_option
def explain(
    config_path: str | None,
    project: str,
    revision: str,
    job: str | None,
    branch: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Tell the story of a push, or of one job of it: runs, decisions and why, requests, answers, what it waits for.

    REVISION may be cut. Exit code 2 if nothing is known of it.

    With --json: pushes, each as GET /api/v1/pushes has it, with notes (of the push) and for each job a story: a list
    of time, what (run, trigger, refuse, send, accepted, wait, doubt, ended, open, nothing), text, and the reason of a
    decision.
    """
    config = load_config(config_path)
    with opened(config) as store:
        try:
            records = find(store, config, project, revision, branch=branch, system=system)
        except NothingKnown:
            if as_json:
                say_json({"pushes": []})
            raise
        told = _chosen(store, config, records, job)
    if as_json:
        say_json({"pushes": [_as_json(one) for one in told]})
    else:
        for one in told:
            _show(one, all_jobs=job is not None)
    return 0


def _chosen(store: Store, config: Config, records: list[PushRecord], job: str | None) -> list[_Told]:
    """Read the stories of what is asked for; raises `UsageError` if there is no such job."""
    standing, told = Standing(time.time(), store.paused(), store.breakers()), []
    judge = Judge(store, rules=config.rules)
    for record in records:
        jobs = tuple(one for one in record.jobs if job in (None, one.job))
        if jobs or job is None:
            entries = store.story(record.push, job)
            judged, before = judge.judge(record), report.before(store.kept(record.push))
            notes, parted = stories.of_push(entries), stories.by_job(entries)
            told.append(_Told(record, judged, before, jobs, notes, parted, standing))
    if not told and job is not None:
        known = {one.job for record in records for one in record.jobs}
        like = near(job, known)
        listed = f"; perhaps one of these:{like}" if like else f"; {plural(len(known), 'job')} of it are known"
        raise UsageError(f"no job {job!r} is known of {short(records[0].push)}{listed}")
    return told


def _as_json(one: _Told) -> dict[str, object]:
    entries = [entry for listed in one.entries.values() for entry in listed]
    told = report.push(one.record, one.judged, one.before, entries)
    stories = {job.job: [line.as_json() for line in one.lines(job)] for job in one.jobs}
    return {
        **told,
        "notes": [line.as_json() for line in one.notes],
        "jobs": [{**job, "story": stories[job["job"]]} for job in told["jobs"] if job["job"] in stories],
    }


def _show(one: _Told, *, all_jobs: bool) -> None:
    record = one.record
    say(plain(headline(record)), "bold")
    asked = stories.asked(record.asks)
    if asked:
        say(plain(f"Its message asks: {asked}."))
    for line in one.notes:
        _print(line)
    quiet = 0
    for job in one.jobs:
        if all_jobs or job.claims or one.entries.get(job.job) or any(run.failed for run in job.runs):
            _show_job(one, job)
        else:
            quiet += 1
    if quiet:
        say(f"\n{plural(quiet, 'further job')} without a failure, about which nothing was decided.")
    if not all_jobs:
        for common in one.judged.common:
            say()
            say(plain(f"{len(common.jobs)} jobs show the same failure: {common.line}"))
        say(f"\nThe push is {sentences.HEALTHS[one.judged.health]}: {one.judged.sentence}.", "bold")


def _show_job(one: _Told, job: JobRecord) -> None:
    say(f"\n{plain(job.job)}", "bold")
    for line in one.lines(job):
        _print(line)
    judged = next(found for found in one.judged.jobs if found.job == job.job)
    why = f" ({judged.why})" if judged.why else ""
    say(plain(f"{_NO_TIME}  Verdict: {judged.verdict or 'none'}{why}. {sentences.proof(judged)}"))


def _print(line: Line) -> None:
    """Print a line under its time; what belongs to it is indented further."""
    first, *rest = line.text.splitlines() or [""]
    say(f"{_NO_TIME if line.at is None else moment(line.at)}  {plain(first)}", line.style)
    for further in rest:
        say(f"{_NO_TIME}    {plain(further)}", "dim")
