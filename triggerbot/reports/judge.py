"""Judging pushes in the light of what other pushes of the project showed: generic lines, intermittent jobs."""

import json
import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from triggerbot.core.model import Push
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import fingerprint, health, verdict
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.store import FailureRecord, PushRecord, Store

#: Seconds for which what is known of a project is good enough.
FRESH = 30.0
#: Failures of other jobs at other pushes that have to be known before a line can be called generic; what share of them
#: then shows it; and at how many pushes, for one broken push may show a real failure a hundred times.
_SAMPLE_MIN, _SHARE, _PUSHES_MIN = 20, 0.1, 3
#: Other pushes at which a job has to have run before it can be said that it was never intermittent.
_CLEAN_MIN = 3
#: Jobs of one push that only failed and are noted for other pushes: as many as one that breaks everything might have
#: would leave no room for what is known of the others.
_NOTED_MAX = 200
#: Under this name the files that a push changes are kept beside it, as JSON.
FILES = "files"


class _Failures:
    """Failures of jobs at pushes, of which those that are neither of one job nor of one push are counted at once."""

    def __init__(self, sightings: Iterable[FailureRecord]) -> None:
        self._jobs: Counter[str] = Counter()
        self._at: dict[Push, set[str]] = defaultdict(set)
        for one in sightings:
            self._jobs[one.job] += 1
            self._at[one.push].add(one.job)
        self._number = self._jobs.total()
        #: Pushes at which nothing but this job failed.
        self._alone = Counter(job for jobs in self._at.values() if len(jobs) == 1 for job in jobs)

    def elsewhere(self, push: Push, job: str) -> tuple[int, int]:
        """Count the failures of other jobs at other pushes, and those pushes."""
        here = self._at.get(push, set())
        number = self._number - self._jobs[job] - len(here) + (job in here)
        return number, len(self._at) - bool(here) - self._alone[job] + (here == {job})


class FailureHistory:
    """What the sightings of a project tell. It never changes; safe for threads."""

    def __init__(self, sightings: Sequence[FailureRecord], ran: Callable[[Sequence[str]], Mapping[str, int]]) -> None:
        self._ran = ran
        self._runs: dict[str, int] = {}
        self._telling = _Failures(one for one in sightings if one.shapes)
        self._showing: dict[str, list[FailureRecord]] = defaultdict(list)
        #: Made of the same where a line is asked about: a push that breaks everything asks for each of its jobs.
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
        """Tell whether a line proves nothing for a job of a push."""
        if shape in self.passing:
            return True
        if len(self._showing.get(shape, ())) < _PUSHES_MIN:
            return False
        if shape not in self._lines:
            self._lines[shape] = _Failures(self._showing[shape])
        showing, pushes = self._lines[shape].elsewhere(push, job)
        if pushes < _PUSHES_MIN:
            return False
        total, _ = self._telling.elsewhere(push, job)
        return total >= _SAMPLE_MIN and showing > _SHARE * total

    def known(self, push: Push, job: str, before: float) -> bool:
        """Tell whether a job was intermittent at another push before then."""
        return any(where != push and at <= before for where, at in self._intermittent.get(job, {}).items())

    def learn(self, jobs: Iterable[str]) -> None:
        """Read how often jobs ran; all at once, for each reading takes a while."""
        missing = [job for job in jobs if job not in self._runs]
        if missing:
            self._runs |= self._ran(missing)

    def clean(self, job: str) -> bool:
        """Tell whether a job, of those that were learned, ran at enough other pushes for its history to count."""
        # One of those is the push that is judged.
        return self._runs.get(job, 0) > _CLEAN_MIN


class _HistoryElsewhere:
    """What other pushes tell about the jobs of one (a `sameness.Background`)."""

    def __init__(self, knowledge: FailureHistory, push: Push) -> None:
        self._knowledge = knowledge
        self._push = push

    def generic(self, job: str, shape: str) -> bool:
        return self._knowledge.generic(self._push, job, shape)

    def known(self, job: str, before: float) -> bool:
        return self._knowledge.known(self._push, job, before)

    def clean(self, job: str) -> bool:
        return self._knowledge.clean(job)


class Judge:
    """Judges pushes; keeps what it knows of projects for a while. Safe for threads.

    `rules`: jobs of higher tiers than the rule of their project has are hidden: told of, but not counted.
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
        self._known: dict[str, tuple[float, FailureHistory]] = {}

    def judge(self, record: PushRecord) -> PushVerdict:
        """Work out the verdict of each job of a push, and its health; raises `StoreUnavailable`."""
        troubled = [job for job in record.jobs if any(run.failed for run in job.runs)]
        now, rule = self._clock(), rules.rule_for(self._rules, record.push)
        tier = math.inf if rule is None else rule.max_tier
        if not troubled:
            calm = (verdict.of_job(job.job, job.runs, job.claims, now=now, max_tier=tier) for job in record.jobs)
            return health.of_push(calm, now)
        knowledge = self.knowledge(record.push.project)
        intermittent = [job for job in troubled if any(run.passed for run in job.runs)]
        knowledge.learn(
            job.job for job in intermittent
            if not knowledge.known(record.push, job.job, verdict.last_failure(job.runs))
        )  # fmt: skip
        elsewhere, files = (
            _HistoryElsewhere(knowledge, record.push),
            _files(self._store.metadata(record.push).get(FILES)),
        )
        jobs = (verdict.of_job(job.job, job.runs, job.claims, elsewhere, files, now, tier) for job in record.jobs)
        return health.of_push(jobs, now)

    def knowledge(self, project: str) -> FailureHistory:
        """Read what is known of a project, unless that was done lately."""
        now = self._clock()
        with self._lock:
            at, known = self._known.get(project, (0.0, None))
        if known is not None and 0 <= now - at < self._fresh:
            return known
        known = FailureHistory(self._store.failure_records(project), lambda jobs: self._store.ran(project, jobs).at)
        with self._lock:
            # What is no longer fresh would only take up room, and for a project with many failures that is a lot.
            fresh = {name: kept for name, kept in self._known.items() if 0 <= now - kept[0] < self._fresh}
            self._known = {**fresh, project: (now, known)}
        return known


def _files(kept: str | None) -> tuple[str, ...]:
    return () if kept is None else tuple(json.loads(kept))


def failure_records(push: Push, jobs: Iterable[JobVerdict], now: float) -> list[FailureRecord]:
    """Note jobs of a push of which a run failed, for other pushes to be compared with: every intermittent one."""
    found = []
    room = _NOTED_MAX
    for job in jobs:
        failed = [run for run in job.runs if run.failed]
        passed = [run for run in job.runs if run.passed] if failed else []
        if failed and (passed or room > 0):
            room -= not passed
            found.append(
                FailureRecord(
                    push, job.job, max((run.time for run in job.runs if run.time), default=now),
                    len(failed), len(passed),
                    fingerprint.shapes(tuple(line for run in failed for line in run.failures)),
                    fingerprint.shapes(tuple(line for run in passed for line in run.failures)),
                )
            )  # fmt: skip
    return found
