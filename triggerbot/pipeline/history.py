"""The history of a project's failures, read from the store: for judging, and for deciding how much evidence it takes.

What other pushes show about a failure is weighed by `core.verdict.history`.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from triggerbot.core import identity
from triggerbot.core.model import Push
from triggerbot.core.policy.evidence import Past
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict import history as weighing
from triggerbot.core.verdict.history import Failure, Place, Standing
from triggerbot.pipeline.generic_lines import GenericLines
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, Store

#: Seconds for which a project's history is cached.
FRESH = 30.0


class Share(NamedTuple):
    """A number of cases, and of how many."""

    hits: int
    of: int


@dataclass(frozen=True, slots=True)
class JobHistory:
    """What is kept of one job's failures: its records, newest first, and at how many pushes it ran since then."""

    records: tuple[FailureRecord, ...] = ()
    #: Of the base branch; of all branches if there is none.
    pushes: int = 0
    #: Those of the base branch at which the job was intermittent.
    base: str = ""

    def past(self, shapes: Sequence[str] = ()) -> Past:
        """Return at how many pushes of the base branch the job was intermittent; with `shapes`: with this failure."""
        at = {
            one.push for one in self.records
            if one.intermittent and self._is_base(one) and (not shapes or fingerprint.same(shapes, one.shapes))
        }  # fmt: skip
        return Past(len(at), max(self.pushes, len(at)))

    def shows(self, shapes: Sequence[str]) -> bool:
        """Return whether the base branch shows all of a failure as intermittent: each test that failed in it."""
        known = [one.shapes for one in self.records if one.intermittent and self._is_base(one)]
        return fingerprint.shown(shapes, known)

    def _is_base(self, one: FailureRecord) -> bool:
        return not self.base or (one.push.branch == self.base and not one.fork)


NO_JOB = JobHistory()


class ProjectHistory:
    """The history of a project as it was at one time. Thread-safe.

    `newest`: the newest failure records of all its jobs, newest first. `base`: its base branch, empty if none is known.
    """

    def __init__(self, store: Store, project: str, base: str, newest: Sequence[FailureRecord]) -> None:
        self._store = store
        self.project = project
        self.base = base
        self.newest = newest
        #: Since when the newest are all.
        self._since = newest[-1].at if len(newest) >= FAILURE_RECORDS_MAX else 0.0
        self._older: dict[str, list[FailureRecord]] = defaultdict(list)
        self._jobs: dict[str, JobHistory] = {}
        self._all: Mapping[str, Past] | None = None
        self._broken: dict[bool, Share] = {}
        self._lines: GenericLines | None = None
        for one in newest:
            # Older versions list records by their project only.
            if not one.first:
                self._older[one.job].append(one)

    @property
    def lines(self) -> GenericLines:
        """The lines that prove nothing."""
        if self._lines is None:
            self._lines = GenericLines(self.newest)
        return self._lines

    def read(self, jobs: Iterable[str]) -> dict[str, JobHistory]:
        """Read what is kept of these jobs, by their names, whatever is cached; raises `StoreUnavailable`."""
        wanted = list(dict.fromkeys(jobs))
        if not wanted:
            return {}
        windows = self._store.reports.windows(self.project, wanted)
        by_since: dict[float, list[str]] = defaultdict(list)
        for job, window in windows.items():
            by_since[window.since].append(job)
        pushes: dict[str, int] = {}
        for since, some in by_since.items():
            pushes |= self._store.reports.ran(self.project, some, since, self.base or None).at
        found = {}
        for job, window in windows.items():
            listed = {(one.push, one.at) for one in window.records}
            older = [one for one in self._older.get(job, ()) if (one.push, one.at) not in listed]
            found[job] = JobHistory((*window.records, *older), pushes[job], self.base)
        return found

    def job(self, job: str) -> JobHistory:
        """Return what is kept of one job; raises `StoreUnavailable`."""
        if job not in self._jobs:
            self._jobs |= self.read([job])
        return self._jobs[job]

    def past(self, job: str, shapes: Sequence[str] = ()) -> Past:
        """Return at how many pushes of the base branch a job was intermittent; with `shapes`: with this failure."""
        return self.job(job).past(shapes)

    def known_on_base(self, job: str, shapes: Sequence[str]) -> bool | None:
        """Return whether the base branch shows this failure of a job as intermittent; `None` if too little is known."""
        kept = self.job(job)
        if shapes and kept.shows(shapes):
            return True
        return False if kept.pushes >= weighing.ENOUGH and (shapes or not kept.past().intermittent) else None

    def jobs(self) -> Mapping[str, Past]:
        """Return the past of every job at the base branch, as far as the newest records reach back."""
        if self._all is None:
            ran = self._store.reports.ran(self.project, None, self._since, self.base or None).at
            at: dict[str, set[Push]] = defaultdict(set)
            for one in self.newest:
                if one.intermittent and (not self.base or self._is_base(one)):
                    at[one.job].add(one.push)
            self._all = {
                job: Past(len(at[job]), max(ran.get(job, 0), len(at[job]))) for job in sorted({*ran, *at})
            }  # fmt: skip
        return self._all

    def broken(self, *, base: bool) -> Share:
        """Return how many jobs failed every time, of all that ran: at the base branch, or everywhere else.

        A job that failed only once proves too little, and one of an outage nothing. Without a base branch everything
        counts as elsewhere.
        """
        if base not in self._broken:
            self._broken[base] = self._count_broken(base=base)
        return self._broken[base]

    def _count_broken(self, *, base: bool) -> Share:
        ran = sum(self._store.reports.ran(self.project, None, self._since).at.values())
        at_base = sum(self._store.reports.ran(self.project, None, self._since, self.base).at.values())
        mine = (one for one in self.newest if one.broken and self._is_base(one) is base)
        hits = sum(1 + one.others for one in mine)
        of = at_base if base else ran - at_base
        return Share(hits, max(hits, of))

    def _is_base(self, one: FailureRecord) -> bool:
        return one.push.branch == self.base and not one.fork


def weigh(job: JobHistory, failure: Failure, here: Place, generic: Callable[[str], bool] = lambda _: False) -> Standing:
    """Weigh a failure of a job by what is kept of the job; `generic`: whether a shape proves nothing."""
    # The count includes the push that is judged.
    own = not here.base or here.on_base
    return weighing.standing(failure, here, job.records, max(0, job.pushes - own), generic)


class Histories:
    """The histories of projects, cached for `fresh` seconds. Thread-safe."""

    def __init__(self, store: Store, clock: Callable[[], float], *, fresh: float = FRESH) -> None:
        self._store = store
        self._clock = clock
        self._fresh = fresh
        self._lock = threading.Lock()
        self._cached: dict[str, tuple[float, ProjectHistory]] = {}

    def __contains__(self, project: str) -> bool:
        """Whether the history of a project is cached."""
        return project in self._cached

    def of(self, project: str) -> ProjectHistory:
        """Return the history of a project, read from the store unless it is cached; raises `StoreUnavailable`."""
        now = self._clock()
        with self._lock:
            at, known = self._cached.get(project, (0.0, None))
        if known is not None and 0 <= now - at < self._fresh:
            return known
        branches, told = self._store.pushes.branches(project)
        known = ProjectHistory(
            self._store, project, weighing.base_branch(branches, told), self._store.reports.failure_records(project)
        )
        with self._lock:
            # Expired entries are dropped: those of projects with many failures are large.
            fresh = {name: entry for name, entry in self._cached.items() if 0 <= now - entry[0] < self._fresh}
            self._cached = {**fresh, project: (now, known)}
        return known

    def telling(self, push: Push, job: str, lines: Iterable[str]) -> tuple[str, ...]:
        """Return the shapes of those failure lines of a job, by its key, that prove something; as verdicts have them.

        Raises `StoreUnavailable`.
        """
        found = fingerprint.telling(tuple(lines))
        if not found:
            return ()
        generic, name = self.of(push.project).lines, identity.base(job)
        return tuple(one.shape for one in found if not generic.generic(push, name, one.shape))
