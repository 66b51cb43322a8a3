"""Judging pushes in the light of what other pushes of the project showed: generic lines, intermittent jobs."""

import json
import threading
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence

from triggerbot import health, likeness, verdict
from triggerbot.health import PushVerdict
from triggerbot.model import Push
from triggerbot.store import PushRecord, Sighting, Store
from triggerbot.verdict import JobVerdict

#: Seconds for which what is known of a project is good enough.
FRESH = 30.0
_PROJECTS_MAX = 100
#: Failures of other jobs at other pushes that have to be known before a line can be called generic; what share of them
#: then shows it; and at how many pushes, for one broken push may show a real failure a hundred times.
_SAMPLE_MIN, _SHARE, _PUSHES_MIN = 20, 0.1, 3
#: Other pushes at which a job has to have run before it can be said that it was never intermittent.
_CLEAN_MIN = 3
#: Under this name the files that a push changes are kept beside it, as JSON.
FILES = "files"


class Knowledge:
    """What the sightings of a project tell. It never changes; safe for threads."""

    def __init__(self, sightings: Sequence[Sighting], ran: Callable[[Sequence[str]], dict[str, int]]) -> None:
        self._ran = ran
        self._runs: dict[str, int] = {}
        self._total: Counter[str] = Counter(one.job for one in sightings if one.shapes)
        self._at: dict[Push, list[Sighting]] = defaultdict(list)
        self._showing: dict[str, list[Sighting]] = defaultdict(list)
        self._intermittent: dict[str, set[Push]] = defaultdict(set)
        self.passing: set[str] = set()
        for one in sightings:
            self._at[one.push].append(one)
            self.passing.update(one.passing)
            for shape in one.shapes:
                self._showing[shape].append(one)
            if one.failed and one.passed:
                self._intermittent[one.job].add(one.push)

    def generic(self, push: Push, job: str, shape: str) -> bool:
        """Tell whether a line proves nothing for a job of a push."""
        if shape in self.passing:
            return True
        others = [one for one in self._showing.get(shape, ()) if one.job != job and one.push != push]
        if len({one.push for one in others}) < _PUSHES_MIN:
            return False
        here = sum(one.job != job and bool(one.shapes) for one in self._at.get(push, ()))
        total = self._total.total() - self._total[job] - here
        return total >= _SAMPLE_MIN and len(others) > _SHARE * total

    def known(self, push: Push, job: str) -> bool:
        """Tell whether a job was intermittent at another push."""
        return bool(self._intermittent.get(job, set()) - {push})

    def learn(self, jobs: Iterable[str]) -> None:
        """Read how often jobs ran; all at once, for each reading takes a while."""
        missing = [job for job in jobs if job not in self._runs]
        if missing:
            self._runs |= dict.fromkeys(missing, 0) | self._ran(missing)

    def clean(self, job: str) -> bool:
        """Tell whether a job, of those that were learned, ran at enough other pushes for its history to count."""
        # One of those is the push that is judged.
        return self._runs.get(job, 0) > _CLEAN_MIN


class _Elsewhere:
    """What other pushes tell about the jobs of one (a `sameness.Background`)."""

    def __init__(self, knowledge: Knowledge, push: Push) -> None:
        self._knowledge = knowledge
        self._push = push

    def generic(self, job: str, shape: str) -> bool:
        return self._knowledge.generic(self._push, job, shape)

    def known(self, job: str) -> bool:
        return self._knowledge.known(self._push, job)

    def clean(self, job: str) -> bool:
        return self._knowledge.clean(job) and not self.known(job)


class Judge:
    """Judges pushes; keeps what it knows of projects for a while. Safe for threads."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time, *, fresh: float = FRESH) -> None:
        self._store = store
        self._clock = clock
        self._fresh = fresh
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Knowledge]] = OrderedDict()

    def judge(self, record: PushRecord) -> PushVerdict:
        """Work out the verdict of each job of a push, and its health; raises `StoreUnavailable`."""
        troubled = [job for job in record.jobs if any(run.failed for run in job.runs)]
        if not troubled:
            return health.of_push((verdict.of_job(one.job, one.runs, one.claims) for one in record.jobs), self._clock())
        knowledge = self.knowledge(record.push.project)
        knowledge.learn(job.job for job in troubled if any(run.passed for run in job.runs))
        elsewhere, files = _Elsewhere(knowledge, record.push), _files(self._store.kept(record.push).get(FILES))
        jobs = (verdict.of_job(job.job, job.runs, job.claims, elsewhere, files) for job in record.jobs)
        return health.of_push(jobs, self._clock())

    def knowledge(self, project: str) -> Knowledge:
        """Read what is known of a project, unless that was done lately."""
        now = self._clock()
        with self._lock:
            at, known = self._known.get(project, (0.0, None))
        if known is not None and 0 <= now - at < self._fresh:
            return known
        known = Knowledge(self._store.sightings(project), lambda jobs: dict(self._store.ran(project, jobs)))
        with self._lock:
            self._known[project] = now, known
            self._known.move_to_end(project)
            if len(self._known) > _PROJECTS_MAX:
                self._known.popitem(last=False)
        return known


def _files(kept: str | None) -> tuple[str, ...]:
    return () if kept is None else tuple(json.loads(kept))


def sightings(push: Push, jobs: Iterable[JobVerdict], now: float) -> list[Sighting]:
    """Note the jobs of a push of which a run failed, for other pushes to be compared with."""
    found = []
    for job in jobs:
        failed = [run for run in job.runs if run.failed]
        if failed:
            passed = [run for run in job.runs if run.passed]
            found.append(
                Sighting(
                    push, job.job, max((run.time for run in job.runs if run.time), default=now),
                    len(failed), len(passed),
                    likeness.shapes(line for run in failed for line in run.failures),
                    likeness.shapes(line for run in passed for line in run.failures),
                )
            )  # fmt: skip
    return found
