"""The timeline of a push or of one of its jobs, and what they wait for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import capital, moment, plural
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.reports import answers, glossary, push_json, superseded, timeline
from triggerbot.reports.answers import Answer, Asked, Question
from triggerbot.reports.branches import backfills
from triggerbot.reports.judge import Judge
from triggerbot.reports.lookup import NothingKnown, find, headline, near, short
from triggerbot.reports.timeline import Line, Standing
from triggerbot.store import BackfillSearch, JobRecord, PushRecord, TimelineEntry

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


def answer(asked: Asked, question: Question) -> Answer:
    """Explain the pushes of a revision: `project`, `revision`, and optionally `job`, `branch` and `system`."""
    job = question.get("job")
    try:
        records = find(
            asked.store, asked.config, question["project"], question["revision"], branch=question.get("branch"),
            system=question.get("system"),
        )  # fmt: skip
    except NothingKnown as error:
        return Answer(2, {"pushes": []}, error=str(error))
    found = _explanations(asked, records, job)
    said = [part for one in found for part in _show(one, all_jobs=job is not None)]
    return Answer(0, {"pushes": [_as_json(one) for one in found]}, said)


def _explanations(asked: Asked, records: list[PushRecord], job: str | None) -> list[_Explanation]:
    """Read the timelines of pushes, or of one job of each. Raises `UsageError` if no push has that job."""
    store, config, found = asked.store, asked.config, list[_Explanation]()
    standing = Standing(asked.now, store.limits.paused(), store.limits.breakers())
    judge = Judge(store, rules=config.rules)
    for record in records:
        unrun = None if job is None else record.unrun_job(job)
        every = (*record.jobs, *record.unrun)
        jobs = every if job is None else record.named(job) or (() if unrun is None else (unrun,))
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


def _show(one: _Explanation, *, all_jobs: bool) -> Iterator[answers.Line]:
    record = one.record
    yield answers.line(headline(record), "bold")
    options = timeline.options_text(record, one.rule)
    if options:
        yield answers.line(f"Its message asks: {options}.")
    warning = superseded.warning(record)
    if warning:
        yield answers.line(f"{capital(warning)}.")
    for entry in one.notes:
        yield from _timed(entry)
    for search in one.searches:
        yield answers.line(f"Who broke {search.job}: {search.words}.")
    quiet = 0
    for job in one.jobs:
        if all_jobs or job.claims or one.entries.get(job.job) or any(run.failed for run in job.runs):
            yield from _show_job(one, job)
        else:
            quiet += 1
    if quiet:
        yield answers.line()
        yield answers.line(f"{plural(quiet, 'further job')} without a failure, about which nothing was decided.")
    if not all_jobs:
        for common in one.judged.common:
            yield answers.line()
            yield answers.line(f"{len(common.jobs)} jobs show the same failure: {common.line}")
        yield answers.line()
        yield answers.line(f"The push is {glossary.HEALTHS[one.judged.health]}: {one.judged.sentence}.", "bold")


def _show_job(one: _Explanation, job: JobRecord) -> Iterator[answers.Line]:
    yield answers.line()
    yield answers.line(job.job, "bold")
    for entry in one.lines(job):
        yield from _timed(entry)
    judged = next((found for found in one.judged.jobs if found.job == job.job), None)
    if judged is None:
        return
    why = f" ({judged.why})" if judged.why else ""
    yield answers.line(f"{_NO_TIME}  Verdict: {judged.verdict or 'none'}{why}. {glossary.proof(judged)}")


def _timed(entry: Line) -> Iterator[answers.Line]:
    """Yield an entry after its time; its further lines are indented."""
    first, *rest = entry.text.splitlines() or [""]
    yield answers.line(f"{_NO_TIME if entry.at is None else moment(entry.at)}  {first}", entry.style)
    for further in rest:
        yield answers.line(f"{_NO_TIME}    {further}", "dim")
