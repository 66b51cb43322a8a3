"""What newly fails at a push, held against the last earlier push of its branch at which each job came to an end."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from triggerbot.core.branch import novelty
from triggerbot.core.branch.novelty import Finding, Outcome
from triggerbot.core.model import Push
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import same_failure
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports.judge import Judge
from triggerbot.reports.novelty import OTHER, JobReport, NoveltyReport
from triggerbot.store import PushRecord, Store

#: Earlier pushes that are read until every job of a push is found at one.
_EARLIER_MAX = 20
_ENDED = (Verdict.PASSED, Verdict.FAILED, Verdict.INTERMITTENT)


class Before(NamedTuple):
    """What a job came to at an earlier push."""

    outcome: Outcome
    revision: str


def of_push(
    store: Store, judge: Judge, configured: Sequence[Rule], record: PushRecord, against: PushRecord | None = None
) -> NoveltyReport:
    """Say what newly fails at a push; `against`: the only push to hold it against. Raises `StoreUnavailable`."""
    judged = judge.judge(record)
    verdicts = {job.job: job for job in judged.jobs}
    counting = {job.job: job for job in _counting(judged)}
    here = {name: one for name, job in counting.items() if (one := outcome_of(job)) is not None}
    before = _before(judge, _earlier(store, record.push) if against is None else [against], here)
    # What is here and proves nothing has not vanished.
    known = None if before is None else {
        name: one.outcome for name, one in before.items() if name in here or name not in verdicts
    }  # fmt: skip
    of_job: dict[str, list[Finding]] = defaultdict(list)
    for finding in novelty.compare(here, known, all_ran=judged.final):
        of_job[finding.job].append(finding)
    group = grouping([rule] if (rule := rules.rule_for(configured, record.push)) is not None else [])
    jobs = tuple(
        _job(name, counting.get(name), here.get(name), (before or {}).get(name), group(name), tuple(of_job[name]))
        for name in sorted({*counting, *of_job})
    )
    _, project, branch, revision = record.push
    held = against.push.revision if against is not None else ""
    return NoveltyReport(jobs, project, branch, revision, against=held, final=judged.final)


def of_failing(store: Store, judge: Judge, record: PushRecord, judged: PushVerdict) -> dict[str, tuple[Finding, ...]]:
    """Return the failing tests of each failing job of which they are known, new ones first.

    Earlier pushes are read only as far as these jobs are to be found, and not at all without any. Raises
    `StoreUnavailable`.
    """
    failed = (job for job in _counting(judged) if job.failing_runs and any(run.tests is not None for run in job.runs))
    ended = (one for one in map(outcome_of, failed) if one is not None)
    here = {one.job: one for one in ended if one.failing and not one.intermittent}
    if not here:
        return {}
    before = _before(judge, _earlier(store, record.push), here)
    known = None if before is None else {name: one.outcome for name, one in before.items() if name in here}
    of_job: dict[str, list[Finding]] = defaultdict(list)
    for finding in novelty.compare(here, known):
        if finding.change.fails and finding.test:
            of_job[finding.job].append(finding)
    return {job: tuple(findings) for job, findings in of_job.items()}


def grouping(configured: Sequence[Rule]) -> Callable[[str], str]:
    """Return what names the group of a job: the first of the rules' that has it."""
    groups = [one for rule in configured for one in rule.groups.items()]

    def of(job: str) -> str:
        return next((name for name, globs in groups if globs.match(job)), OTHER)

    return of


def outcome_of(job: JobVerdict) -> Outcome | None:
    """Return what a job came to by its verdict; `None` while it is not at its end, or where that proves nothing.

    A job that failed and has retriggers to come counts as failed, so far.
    """
    failed = job.verdict is Verdict.FAILED or (job.verdict is Verdict.PENDING and job.failing_runs > 0)
    if job.verdict not in _ENDED and not failed:
        return None
    failing = job.failing
    ended = [run for run in job.runs if run.result in job.proving and run.key not in job.derived]
    telling = [run for run in ended if run.failed or job.verdict is Verdict.PASSED]
    tests, is_all = same_failure.failing_tests(telling)
    return Outcome(
        job.job,
        failed=failed,
        intermittent=job.verdict is Verdict.INTERMITTENT,
        tests=next((run.tests for run in reversed(telling) if run.tests is not None), None),
        failing=tests,
        listed=is_all,
        line=failing.line if failing is not None else "",
        shapes=failing.shapes if failing is not None else (),
    )


def _counting(judged: PushVerdict) -> Iterator[JobVerdict]:
    """Yield the jobs by which pushes are judged, and those that fail on the base, too."""
    return (job for job in judged.jobs if not job.hidden or job.inherited)


def _earlier(store: Store, push: Push) -> Iterator[PushRecord]:
    for other in store.pushes.earlier(push, _EARLIER_MAX):
        if (record := store.pushes.record(other)) is not None:
            yield record


def _before(judge: Judge, pushes: Iterable[PushRecord], here: Mapping[str, Outcome]) -> dict[str, Before] | None:
    """Return what each job came to at the newest of these pushes at which it ended; `None` if there is no push."""
    found: dict[str, Before] = {}
    first = True
    for record in pushes:
        # Judging takes a while, and tells nothing of jobs that are not there.
        if not first and not any(job.job in here and job.job not in found for job in record.jobs):
            continue
        ended = [one for one in map(outcome_of, _counting(judge.judge(record))) if one is not None]
        for one in ended:
            # What no longer runs is held against the push before only.
            if one.job not in found and (first or one.job in here):
                found[one.job] = Before(one, record.push.revision)
        first = first and not ended
        if not first and here.keys() <= found.keys():
            break
    return found or None


def _job(
    name: str,
    job: JobVerdict | None,
    here: Outcome | None,
    before: Before | None,
    group: str,
    findings: tuple[Finding, ...],
) -> JobReport:
    runs = job.runs if job is not None else ()
    shown = next((run for run in reversed(runs) if run.failed), runs[-1] if runs else None)
    return JobReport(
        name,
        str(job.verdict or "none") if job is not None else "none",
        group,
        next((run.pool for run in reversed(runs) if run.pool), OTHER),
        before.revision if before is not None else "",
        shown.url if shown is not None else None,
        here.tests if here is not None else None,
        findings,
    )
