"""`triggerbot explain`: print the timeline of a push or of one of its jobs, and what they wait for."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from triggerbot.cli import clone
from triggerbot.cli.lookup import NothingKnown, find, headline, near, short
from triggerbot.cli.options import branch_option, config_option, json_option, load_config, opened, system_option
from triggerbot.cli.output import moment, plain, plural, say, say_json
from triggerbot.config import Config
from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import capital
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.reports import backfills, glossary, push_json, superseded, timeline
from triggerbot.reports.judge import Judge
from triggerbot.reports.timeline import Line, Standing
from triggerbot.store import BackfillSearch, JobRecord, PushRecord, Store, TimelineEntry

_NO_TIME = " " * len(moment(0.0))


@dataclass(frozen=True, slots=True)
class _Explanation:
    """A push with its timeline."""

    record: PushRecord
    judged: PushVerdict
    before: push_json.Before
    jobs: tuple[JobRecord, ...]
    notes: Sequence[Line]
    entries: Mapping[str, Sequence[TimelineEntry]]
    standing: Standing
    rule: Rule | None
    searches: Sequence[BackfillSearch]

    def lines(self, job: JobRecord) -> list[Line]:
        """Return the timeline of one job."""
        return timeline.of_job(job, self.entries.get(job.job, ()), self.standing)


@click.command()
@config_option
@click.argument("project", required=False)
@click.argument("revision", required=False)
@click.argument("job", required=False)
@branch_option
@system_option
@json_option
def explain(
    config_path: str | None,
    project: str | None,
    revision: str | None,
    job: str | None,
    branch: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Tell the story of a push, or of one job of it: runs, decisions and why, requests, answers, what it waits for.

    REVISION may be cut; inside a clone both may be left out. Exit code 2 if nothing is known of it.

    With --json: pushes, each as GET /api/v1/pushes has it, with notes (of the push) and for each job a story: a list
    of time, what (run, trigger, refuse, send, accepted, wait, doubt, ended, open, nothing), text, and the reason of a
    decision.
    """
    config = load_config(config_path)
    project, revision = clone.named(project, revision)
    with opened(config) as store:
        try:
            records = find(store, config, project, revision, branch=branch, system=system)
        except NothingKnown:
            if as_json:
                say_json({"pushes": []})
            raise
        found = _explanations(store, config, records, job)
    if as_json:
        say_json({"pushes": [_as_json(one) for one in found]})
    else:
        for one in found:
            _show(one, all_jobs=job is not None)
    return 0


def _explanations(store: Store, config: Config, records: list[PushRecord], job: str | None) -> list[_Explanation]:
    """Read the timelines of pushes, or of one job of each. Raises `UsageError` if no push has that job."""
    standing, found = Standing(time.time(), store.limits.paused(), store.limits.breakers()), []
    judge = Judge(store, rules=config.rules)
    for record in records:
        all_jobs = (*record.jobs, *record.unrun)
        unrun = None if job is None else record.unrun_job(job)
        jobs = all_jobs if job is None else record.named(job) or (() if unrun is None else (unrun,))
        if jobs or job is None:
            entries = store.pushes.timeline(record.push, jobs[0].job if job is not None and len(jobs) == 1 else None)
            metadata = store.facts.metadata(record.push)
            judged, before = judge.judge(record), push_json.before(metadata)
            rule = rules.rule_for(config.rules, record.push)
            notes, by_job = [*timeline.of_push(entries), *timeline.unread(metadata)], timeline.by_job(entries)
            names = {one.name for one in jobs}
            searches = [one for one in backfills.concerning(store, record.push) if one.job in names]
            found.append(_Explanation(record, judged, before, jobs, notes, by_job, standing, rule, searches))
    if not found and job is not None:
        known = {one.job for record in records for one in (*record.jobs, *record.unrun)}
        like = near(job, known)
        all_of_it = f"triggerbot explain {records[0].push.project} {records[0].push.revision[:12]}"
        listed = (
            f"; perhaps one of these:{like}" if like else f"; `{all_of_it}` tells of all {plural(len(known), 'job')}"
        )
        raise UsageError(f"no job {job!r} is known of {short(records[0].push)}{listed}")
    return found


def _as_json(one: _Explanation) -> dict[str, object]:
    entries = [entry for listed in one.entries.values() for entry in listed]
    push = push_json.push(one.record, one.judged, one.before, entries)
    stories = {job.job: [line.as_json() for line in one.lines(job)] for job in one.jobs}
    return {
        **push,
        "notes": [line.as_json() for line in one.notes],
        "jobs": [{**job, "story": stories[job["job"]]} for job in push["jobs"] if job["job"] in stories],
        "not_run": [{"job": job.job, "story": stories[job.job]} for job in one.jobs if not job.runs],
        "backfills": [backfills.as_json(search) for search in one.searches],
    }


def _show(one: _Explanation, *, all_jobs: bool) -> None:
    record = one.record
    say(plain(headline(record)), "bold")
    options = timeline.options_text(record, one.rule)
    if options:
        say(plain(f"Its message asks: {options}."))
    warning = superseded.warning(record)
    if warning:
        say(plain(f"{capital(warning)}."))
    for line in one.notes:
        _print(line)
    for search in one.searches:
        say(plain(f"Who broke {search.job}: {search.words}."))
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
        say(f"\nThe push is {glossary.HEALTHS[one.judged.health]}: {plain(one.judged.sentence)}.", "bold")


def _show_job(one: _Explanation, job: JobRecord) -> None:
    say(f"\n{plain(job.job)}", "bold")
    for line in one.lines(job):
        _print(line)
    judged = next((found for found in one.judged.jobs if found.job == job.job), None)
    if judged is None:
        return
    why = f" ({judged.why})" if judged.why else ""
    say(plain(f"{_NO_TIME}  Verdict: {judged.verdict or 'none'}{why}. {glossary.proof(judged)}"))


def _print(line: Line) -> None:
    """Print an entry after its time; its further lines are indented."""
    first, *rest = line.text.splitlines() or [""]
    say(f"{_NO_TIME if line.at is None else moment(line.at)}  {plain(first)}", line.style)
    for further in rest:
        say(f"{_NO_TIME}    {plain(further)}", "dim")
