"""Judges pushes by the failure history of their project: generic lines, and failures known to be intermittent."""

import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from triggerbot.core.model import PROVING, Kind, Push, Run, RunKey, State
from triggerbot.core.needs import Needs
from triggerbot.core.policy import rules
from triggerbot.core.policy.circuit_breaker import BreakerKey, BreakerScope
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import base, fingerprint, health, verdict
from triggerbot.core.verdict import history as weighing
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.history import IN_OUTAGE, Failure, Novelty, Place, Standing
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.pipeline import generic_lines, history
from triggerbot.pipeline.generic_lines import GenericLines
from triggerbot.pipeline.history import FRESH, NO_JOB, Histories, JobHistory
from triggerbot.store import FailureRecord, Found, JobRecord, PushRecord, Store, looks

#: Different failures of one push that are recorded of jobs that only failed: a push that breaks everything would crowd
#: out the records of others.
_RECORDED_MAX = 200
_AS_NAMED: Mapping[str, str] = {}
_WELL: Mapping[BreakerKey, float] = {}
#: Seconds before a breaker opens in which what failed there was probably ill already.
_ILL_BEFORE = 1800.0
#: Metadata of a push: the files that it changes, as JSON.
FILES = "files"


class _HistoryElsewhere:
    """The failure history of other pushes, for the jobs of one (a `same_failure.History`).

    `jobs`: what is kept of the jobs that may be intermittent, by their names. `ill`: those that failed in an outage.
    """

    def __init__(
        self, lines: GenericLines, jobs: Mapping[str, JobHistory], record: PushRecord, base: str, ill: Collection[str]
    ) -> None:
        self._lines = lines
        self._jobs = jobs
        self._ill = ill
        self._place = Place(record.push, record.facts.author, base, bool(record.facts.fork))
        #: The history goes by the names that jobs have at every push.
        self._names = {job.job: job.name for job in record.jobs}
        self._passing = generic_lines.passing(record)

    def generic(self, job: str, shape: str) -> bool:
        return shape in self._passing or self._lines.generic(self._place.push, self._names[job], shape)

    def standing(self, job: str, failure: Failure) -> Standing:
        name = self._names[job]
        kept = self._jobs.get(name, NO_JOB)
        found = history.weigh(kept, failure, self._place, partial(self._lines.generic, self._place.push, name))
        return IN_OUTAGE if job in self._ill and found.novelty is not Novelty.KNOWN else found


class Judge:
    """Judges pushes, with what is generic in a project cached for `fresh` seconds. Thread-safe.

    `rules`: jobs of a higher tier than their project's rule allows are hidden: listed, but not counted. `histories`:
    and `lines`: those of the daemon, by which it decides, too; without them its own, cached as long.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        *,
        rules: Sequence[Rule] = (),
        fresh: float = FRESH,
        histories: Histories | None = None,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._histories = histories or Histories(store, clock, fresh=fresh)

    def telling(self, push: Push, job: str, lines: Iterable[str]) -> tuple[str, ...]:
        """Return the shapes of those failure lines of a job that prove something; raises `StoreUnavailable`."""
        return self._histories.telling(push, job, lines)

    def judge(self, record: PushRecord) -> PushVerdict:
        """Return the verdict of each job of a push, and its health; raises `StoreUnavailable`."""
        failed = [job for job in record.jobs if any(run.failed for run in job.runs)]
        now, rule = self._clock(), rules.rule_for(self._rules, record.push)
        tier = math.inf if rule is None else rule.max_tier
        proving = PROVING if rule is None else rule.proving
        if not failed:
            passing = [
                verdict.of_job(job.job, job.runs, job.claims, now=now, max_tier=tier, proving=proving)
                for job in record.jobs
            ]
            return health.of_push(_as_kept(record, passing), now)
        needs = Needs(run for job in record.jobs for run in job.runs)
        derived = {job.key: runs for job in failed if (runs := needs.derived(job.key))}
        project = self._histories.of(record.push.project)
        flapping = [job for job in failed if any(run.passed for run in job.runs)]
        outage = _failed_mostly((job.runs, derived.get(job.key, ())) for job in record.jobs)
        # Read anew: what another push has proved since tells of this one at once.
        jobs = {} if outage else project.read(job.name for job in flapping)
        ill = {job.job for job in flapping} if outage else self._failed_in_outage(record.push, flapping, jobs)
        elsewhere = _HistoryElsewhere(project.lines, jobs, record, project.base, ill)
        files = _files(self._store.facts.metadata(record.push).get(FILES))
        found = [
            verdict.of_job(
                job.job, job.runs, job.claims, elsewhere, files, now, tier, proving, derived.get(job.key, ())
            )
            for job in record.jobs
        ]
        kept = list(_as_kept(record, found))
        following = list(_following(record, kept, derived)) if derived else kept
        there = looks.found(self._store, record.push, {job.name for job in failed}, now, rule)
        held = list(_against_base(record, following, there))
        judged = health.of_push(_as_first(record, held, there), now)
        return replace(judged, base=there.revision, rests_on=there.visited)

    def _failed_in_outage(
        self, push: Push, flapping: Sequence[JobRecord], jobs: Mapping[str, JobHistory]
    ) -> Collection[str]:
        """Return the jobs that failed in a pool or a step that is ill, or was when they were judged before."""
        if not flapping:
            return ()
        ill = ill_places(self._store)
        was = {job: any(one.ill and one.push == push for one in kept.records) for job, kept in jobs.items()}
        return {job.job for job in flapping if was.get(job.name) or _is_ill(job.runs, push.system, ill)}


def _as_kept(record: PushRecord, jobs: Iterable[JobVerdict]) -> Iterator[JobVerdict]:
    """Add to verdicts what follows from the other jobs of the push: which of them count, and which are told apart."""
    explained = _explained(record)
    for kept, judged in zip(record.jobs, jobs, strict=True):
        job = _set_aside(judged) if kept.key in explained else judged
        yield verdict.beside(job, aside=kept.aside, mixed=kept.mixed) if kept.aside or kept.mixed else job


def _against_base(record: PushRecord, jobs: Iterable[JobVerdict], there: Found) -> Iterator[JobVerdict]:
    """Hold the failures of jobs against the base."""
    for kept, job in zip(record.jobs, jobs, strict=True):
        runs = None if job.failing is None else job.failing.runs
        yield job if runs is None else verdict.against_base(job, base.compare(runs, there.jobs.get(kept.name)))


def _as_first(record: PushRecord, jobs: Sequence[JobVerdict], there: Found) -> Iterator[JobVerdict]:
    """Hold jobs that fail as another one, which decides for them, against what that did at the base.

    If they ran there, they are held against themselves.
    """
    of = {claim.id: kept.name for kept in record.jobs for claim in kept.claims}
    for job in jobs:
        name = of.get(job.claim.like) if job.inherits and job.claim is not None else None
        if name is None or job.failing is None or job.base.relation is not base.Relation.UNKNOWN:
            yield job
        else:
            standing = base.compare(job.failing.runs, there.jobs.get(name))
            yield verdict.against_base(job, standing) if standing.relation is base.Relation.INHERITED else job


def _following(
    record: PushRecord, jobs: Sequence[JobVerdict], derived: Mapping[str, Mapping[RunKey, Sequence[str]]]
) -> Iterator[JobVerdict]:
    """Add to the verdicts of jobs that only failed because of others which those are."""
    judged = {kept.key: job for kept, job in zip(record.jobs, jobs, strict=True)}
    for kept, job in zip(record.jobs, jobs, strict=True):
        causes = [causes for run in job.runs if (causes := derived.get(kept.key, {}).get(run.key))]
        if causes and job.verdict is None:
            of = [judged[key] for key in causes[-1] if key in judged]
            troubled = [one.job for one in of if not one.hidden and one.verdict not in health.GOOD]
            yield verdict.following(job, [one.job for one in of], troubled)
        else:
            yield job


def _explained(record: PushRecord) -> frozenset[str]:
    """Return the keys of the workflows, entries of their own, that their jobs explain."""
    entries = [job for job in record.jobs if any(run.kind is Kind.WORKFLOW for run in job.runs)]
    if not entries:
        return frozenset()
    batches = health.explained((job.runs for job in entries), (run for job in record.jobs for run in job.runs))
    return frozenset(job.key for job in entries if job.runs[-1].batch in batches)


def _set_aside(job: JobVerdict) -> JobVerdict:
    """Let a job decide nothing, nor be waited for."""
    ended = tuple(run for run in job.runs if run.state is State.FINISHED)
    return replace(job, verdict=None, runs=ended, hidden=True, awaited=0, missing=0, owed=0, until=None)


def _files(stored: str | None) -> tuple[str, ...]:
    return () if stored is None else tuple(json.loads(stored))


def unsettled(judged: PushVerdict, keys: Mapping[str, str] = _AS_NAMED) -> set[str]:
    """Return the keys of the jobs whose intermittent failure is not known from other pushes."""
    return {
        keys.get(job.job, job.job) for job in judged.jobs
        if job.verdict is Verdict.INTERMITTENT and job.novelty is not Novelty.KNOWN
    }  # fmt: skip


def is_outage(jobs: Iterable[JobVerdict]) -> bool:
    """Whether so many jobs of a push failed that their failures say nothing about each of them."""
    return _failed_mostly((job.runs, job.derived) for job in jobs)


def _failed_mostly(jobs: Iterable[tuple[Sequence[Run], Collection[RunKey]]]) -> bool:
    failed = ended = 0
    for runs, derived in jobs:
        failing = any(run.failed and run.key not in derived for run in runs)
        failed += failing
        ended += failing or any(run.passed for run in runs)
    return weighing.is_outage(failed, ended)


def failure_records(
    push: Push,
    jobs: Sequence[JobVerdict],
    now: float,
    keys: Mapping[str, str] = _AS_NAMED,
    *,
    author: str | None = None,
    fork: bool = False,
    ill: Mapping[BreakerKey, float] = _WELL,
) -> list[FailureRecord]:
    """Build the failure records of a push, for comparison with other pushes: one for each intermittent job, ...

    ... and of the others one for each failure, with the number of jobs that show it. `keys`: what jobs are kept under,
    where that is not their name; a job of unproved identity is left out. `ill`: the open breakers, with since when.
    """
    intermittent: list[FailureRecord] = []
    failing: dict[tuple[str, ...], FailureRecord] = {}
    outage = is_outage(jobs)
    for job in jobs:
        record = None if job.mixed else _failure_record(push, job, now, keys, author)
        if record is None:
            continue
        record = replace(record, fork=fork, outage=outage, ill=_is_ill(job.runs, push.system, ill))
        if record.passed:
            intermittent.append(record)
        elif record.shapes in failing:
            first = failing[record.shapes]
            failing[record.shapes] = replace(first, others=first.others + 1)
        elif len(failing) < _RECORDED_MAX:
            failing[record.shapes] = record
    return [*intermittent, *failing.values()]


def _failure_record(
    push: Push, job: JobVerdict, now: float, keys: Mapping[str, str], author: str | None
) -> FailureRecord | None:
    failed = [run for run in job.runs if run.failed and run.result in job.proving and run.key not in job.derived]
    if not failed:
        return None
    passed = [run for run in job.runs if run.passed]
    first = min((run.time for run in failed if run.time), default=now)
    return FailureRecord(
        push, keys.get(job.job, job.job), max((run.time for run in job.runs if run.time), default=now),
        len(failed), len(passed),
        fingerprint.shapes(tuple(line for run in failed for line in run.evidence)),
        fingerprint.shapes(tuple(line for run in passed for line in run.evidence)) if passed else (),
        author, first=first,
        proved=max(first, min((run.time for run in passed if run.time), default=now)) if passed else 0.0,
    )  # fmt: skip


def ill_places(store: Store) -> dict[BreakerKey, float]:
    """Return the breakers that are open, with since when; raises `StoreUnavailable`."""
    return {one.place: one.since for one in store.limits.breakers() if one.open}


def _is_ill(runs: Iterable[Run], system: str, ill: Mapping[BreakerKey, float]) -> bool:
    """Whether a failed run of a job was in a pool or a step that is ill since then, or was about to be."""
    return bool(ill) and any(
        (run.time or math.inf) > ill.get(BreakerKey(scope, system, name), math.inf) - _ILL_BEFORE
        for run in runs if run.failed
        for scope, name in ((BreakerScope.POOL, run.pool), (BreakerScope.STEP, run.step)) if name
    )  # fmt: skip
