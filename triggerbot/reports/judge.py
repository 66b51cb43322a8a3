"""Judges pushes by the failure history of their project: generic lines, and jobs known to be intermittent."""

import json
import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from triggerbot.core.model import PROVING, Kind, Push, RunKey, State
from triggerbot.core.needs import Needs
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import base, fingerprint, health, verdict
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.store import FailureRecord, Found, PushRecord, Store, looks

#: Seconds for which a project's failure history is cached.
FRESH = 30.0
#: For a line to be generic: failures of other jobs at other pushes that have to be known; the share of them that shows
#: the line; and at how many pushes, since one broken push may show a real failure a hundred times.
_SAMPLE_MIN, _SHARE, _PUSHES_MIN = 20, 0.1, 3
#: Other pushes at which a job has to have run to count as never intermittent.
_CLEAN_MIN = 3
#: Jobs of one push that only failed and are recorded: a push that breaks everything would crowd out the records of
#: others.
_RECORDED_MAX = 200
_AS_NAMED: Mapping[str, str] = {}
#: Metadata of a push: the files that it changes, as JSON.
FILES = "files"


class _Failures:
    """A count of failures from which those of one job and those of one push are excluded in constant time."""

    def __init__(self, sightings: Iterable[FailureRecord]) -> None:
        self._jobs: Counter[str] = Counter()
        #: A push may have several jobs of one name.
        self._at: dict[Push, Counter[str]] = defaultdict(Counter)
        for one in sightings:
            self._jobs[one.job] += 1
            self._at[one.push][one.job] += 1
        self._number = self._jobs.total()
        #: Pushes at which nothing but this job failed.
        self._alone = Counter(job for jobs in self._at.values() if len(jobs) == 1 for job in jobs)

    def elsewhere(self, push: Push, job: str) -> tuple[int, int]:
        """Count the failures of other jobs at other pushes, and the other pushes."""
        here = self._at.get(push, Counter())
        number = self._number - self._jobs[job] - here.total() + here[job]
        return number, len(self._at) - bool(here) - self._alone[job] + (here.keys() == {job})


class FailureHistory:
    """The failure history of a project at one time. Thread-safe.

    `ran`: returns at how many pushes each of some jobs ran.
    """

    def __init__(self, sightings: Sequence[FailureRecord], ran: Callable[[Sequence[str]], Mapping[str, int]]) -> None:
        self._ran = ran
        self._runs: dict[str, int] = {}
        self._with_lines = _Failures(one for one in sightings if one.shapes)
        self._showing: dict[str, list[FailureRecord]] = defaultdict(list)
        #: By line, built when first needed: a push that breaks everything needs the same one for each of its jobs.
        self._lines: dict[str, _Failures] = {}
        self._intermittent: dict[str, dict[Push, float]] = defaultdict(dict)
        self.passing: set[str] = set()
        for one in sightings:
            self.passing.update(one.passing)
            for shape in one.shapes:
                self._showing[shape].append(one)
            if one.failed and one.passed:
                self._intermittent[one.job][one.push] = one.at

    def generic(self, push: Push, job: str, shape: str) -> bool:
        """Return whether a line proves nothing about a job of a push."""
        if shape in self.passing:
            return True
        if len(self._showing.get(shape, ())) < _PUSHES_MIN:
            return False
        if shape not in self._lines:
            self._lines[shape] = _Failures(self._showing[shape])
        showing, pushes = self._lines[shape].elsewhere(push, job)
        if pushes < _PUSHES_MIN:
            return False
        total, _ = self._with_lines.elsewhere(push, job)
        return total >= _SAMPLE_MIN and showing > _SHARE * total

    def known(self, push: Push, job: str, before: float) -> bool:
        """Return whether a job was intermittent at another push before `before` (seconds since the epoch)."""
        return any(where != push and at <= before for where, at in self._intermittent.get(job, {}).items())

    def learn(self, jobs: Iterable[str]) -> None:
        """Load how often jobs ran; in one query, since each takes a while."""
        missing = [job for job in jobs if job not in self._runs]
        if missing:
            self._runs |= self._ran(missing)

    def clean(self, job: str) -> bool:
        """Return whether a job, among those learned, ran at enough other pushes for its history to count."""
        # The count includes the push that is judged.
        return self._runs.get(job, 0) > _CLEAN_MIN


class _HistoryElsewhere:
    """The failure history of other pushes, for the jobs of one (a `same_failure.History`)."""

    def __init__(self, history: FailureHistory, record: PushRecord) -> None:
        self._history = history
        self._push = record.push
        #: The history goes by the names that jobs have at every push.
        self._names = {job.job: job.name for job in record.jobs}

    def generic(self, job: str, shape: str) -> bool:
        return self._history.generic(self._push, self._names[job], shape)

    def known(self, job: str, before: float) -> bool:
        return self._history.known(self._push, self._names[job], before)

    def clean(self, job: str) -> bool:
        return self._history.clean(self._names[job])


class Judge:
    """Judges pushes, with the failure histories of projects cached for `fresh` seconds. Thread-safe.

    `rules`: jobs of a higher tier than their project's rule allows are hidden: listed, but not counted.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        *,
        rules: Sequence[Rule] = (),
        fresh: float = FRESH,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._fresh = fresh
        self._lock = threading.Lock()
        self._cached: dict[str, tuple[float, FailureHistory]] = {}

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
        history = self.history(record.push.project)
        intermittent = [job for job in failed if any(run.passed for run in job.runs)]
        history.learn(
            job.name for job in intermittent
            if not history.known(record.push, job.name, verdict.last_failure(job.runs))
        )  # fmt: skip
        elsewhere, files = (
            _HistoryElsewhere(history, record),
            _files(self._store.facts.metadata(record.push).get(FILES)),
        )
        jobs = [
            verdict.of_job(
                job.job, job.runs, job.claims, elsewhere, files, now, tier, proving, derived.get(job.key, ())
            )
            for job in record.jobs
        ]
        kept = list(_as_kept(record, jobs))
        following = list(_following(record, kept, derived)) if derived else kept
        there = looks.found(self._store, record.push, {job.name for job in failed}, now, rule)
        judged = health.of_push(_against_base(record, following, there), now)
        return replace(judged, base=there.revision, rests_on=there.visited)

    def history(self, project: str) -> FailureHistory:
        """Return the failure history of a project, read from the store unless it is cached."""
        now = self._clock()
        with self._lock:
            at, known = self._cached.get(project, (0.0, None))
        if known is not None and 0 <= now - at < self._fresh:
            return known
        known = FailureHistory(
            self._store.reports.failure_records(project), lambda jobs: self._store.reports.ran(project, jobs).at
        )
        with self._lock:
            # Expired entries are dropped: those of projects with many failures are large.
            fresh = {name: entry for name, entry in self._cached.items() if 0 <= now - entry[0] < self._fresh}
            self._cached = {**fresh, project: (now, known)}
        return known


def _as_kept(record: PushRecord, jobs: Iterable[JobVerdict]) -> Iterator[JobVerdict]:
    """Add to verdicts what follows from the other jobs of the push: which of them count, and which are told apart."""
    explained = _explained(record)
    for kept, judged in zip(record.jobs, jobs, strict=True):
        job = _set_aside(judged) if kept.key in explained else judged
        yield verdict.beside(job, aside=kept.aside, mixed=kept.mixed) if kept.aside or kept.mixed else job


def _against_base(record: PushRecord, jobs: Iterable[JobVerdict], there: Found) -> Iterator[JobVerdict]:
    """Hold the failures of jobs against the base."""
    for kept, job in zip(record.jobs, jobs, strict=True):
        shapes = None if job.failing is None else job.failing.shapes
        yield job if shapes is None else verdict.against_base(job, base.compare(shapes, there.jobs.get(kept.name)))


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


def failure_records(
    push: Push, jobs: Iterable[JobVerdict], now: float, keys: Mapping[str, str] = _AS_NAMED
) -> list[FailureRecord]:
    """Build the failure records of a push, with all its intermittent jobs, for comparison with other pushes.

    `keys`: what jobs are kept under, where that is not their name. A job of unproved identity is left out.
    """
    found = []
    room = _RECORDED_MAX
    for job in jobs:
        if job.mixed:
            continue
        own = [run for run in job.runs if run.key not in job.derived]
        failed = [run for run in own if run.failed and run.result in job.proving]
        passed = [run for run in job.runs if run.passed] if failed else []
        if failed and (passed or room > 0):
            room -= not passed
            found.append(
                FailureRecord(
                    push, keys.get(job.job, job.job), max((run.time for run in job.runs if run.time), default=now),
                    len(failed), len(passed),
                    fingerprint.shapes(tuple(line for run in failed for line in run.failures)),
                    fingerprint.shapes(tuple(line for run in passed for line in run.failures)),
                )
            )  # fmt: skip
    return found
