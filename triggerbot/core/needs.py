"""What follows from the jobs that a job needs: whether its failure is its own, and what a rerun starts along. Pure.

A gate (`needs: [test]`, `if: always()`) fails because a job that it needs failed. Such a failure is derived: it proves
nothing of its own, and the gate runs again by itself when that job does.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from triggerbot.core import identity
from triggerbot.core.model import Event, Kind, Result, Run, RunKey, State

#: Jobs that lead from one to another, at most: longer chains are none that people write.
_CHAIN_MAX = 50
#: A job, by its batch and its key.
_Job = tuple[str, str]


class Needs:
    """The jobs of a push and what they need. `runs`: all that are known, by the keys of their jobs."""

    def __init__(self, runs: Iterable[Run | Event]) -> None:
        self._runs: dict[_Job, list[Run | Event]] = defaultdict(list)
        self._named: dict[_Job, list[_Job]] = defaultdict(list)
        #: Nothing to do in the many pushes whose CI tells no needs.
        self._told = False
        for run in runs:
            job = (run.batch, run.job)
            if job not in self._runs:
                self._named[run.batch, identity.base(run.job)].append(job)
            self._runs[job].append(run)
            self._told = self._told or bool(run.needs)

    def follows_from(self, run: Run | Event) -> tuple[str, ...]:
        """Return the keys of the jobs because of which a run failed; empty if its failure is its own."""
        if not run.failed or not self._told:
            return ()
        return tuple(sorted(self._causes(run, {}, 0)))

    def derived(self, job: str) -> dict[RunKey, tuple[str, ...]]:
        """Return the runs of a job that failed because of others, with the keys of those jobs."""
        own = [run for (_, key), runs in self._runs.items() if key == job for run in runs] if self._told else []
        return {run.key: causes for run in own if (causes := self.follows_from(run))}

    def starts(self, run: Run | Event) -> tuple[str, ...]:
        """Return the keys of the jobs that a rerun of a run's job starts along: those that need it, however far off.

        An entry of a batch as a whole starts all of its jobs.
        """
        if run.kind is Kind.WORKFLOW:
            return tuple(sorted(job for batch, job in self._runs if batch == run.batch and job != run.job))
        return tuple(sorted(self.dependents(run.batch, [run.job]))) if self._told else ()

    def dependents(self, batch: str, jobs: Collection[str]) -> set[str]:
        """Return the keys of the jobs of a batch that need one of these, directly or not, and are none of them."""
        waiting: dict[str, set[str]] = defaultdict(set)
        for (own, job), runs in self._runs.items():
            if own == batch:
                for name in {name for run in runs for name in run.needs}:
                    waiting[name].add(job)
        found: set[str] = set()
        left = list(jobs)
        while left:
            name = left.pop()
            more = (waiting.get(identity.base(name), set()) | waiting.get(name, set())) - found - set(jobs)
            found |= more
            left += more
        return found

    def _causes(self, run: Run | Event, known: dict[tuple[_Job, RunKey], set[str]], depth: int) -> set[str]:
        """Return the jobs at the beginning of the chain that made a run fail, or be skipped."""
        place = ((run.batch, run.job), run.key)
        if place in known:
            return known[place]
        causes = known[place] = set()
        for needed in self._needed(run):
            if needed.allowed_to_fail:
                continue
            if needed.failed or needed.result is Result.CANCELLED:
                earlier = self._causes(needed, known, depth + 1) if depth < _CHAIN_MAX else set()
                causes |= earlier or {needed.job}
            elif needed.result is Result.SKIPPED and depth < _CHAIN_MAX:
                causes |= self._causes(needed, known, depth + 1)
        causes.discard(run.job)
        return causes

    def _needed(self, run: Run | Event) -> list[Run | Event]:
        """Return the run of each job that it needs which counted when it ran."""
        found = []
        for name in self._needs_of(run):
            jobs = self._named.get((run.batch, name), [])
            for job in jobs or [(run.batch, name)]:
                counted = _counted(run, self._runs.get(job, ()))
                found += [] if counted is None else [counted]
        return found

    def _needs_of(self, run: Run | Event) -> Sequence[str]:
        """Return what a run needs: one heard without it may be listed with it."""
        listed = self._runs.get((run.batch, run.job), ())
        return run.needs or next((one.needs for one in listed if one.key == run.key and one.needs), ())


def _counted(run: Run | Event, needed: Sequence[Run | Event]) -> Run | Event | None:
    """Return which run of a needed job a run was started after."""
    ended = [one for one in needed if one.state is State.FINISHED]
    if run.batch:
        return max((one for one in ended if one.attempt <= run.attempt), key=lambda one: one.attempt, default=None)
    if run.time is not None and all(one.time is not None for one in ended):
        before = [one for one in ended if (one.time or 0.0) <= run.time]
        return max(before, key=lambda one: (one.time or 0.0, one.attempt), default=None)
    return ended[-1] if ended else None


def words(causes: Iterable[str], names: Mapping[str, str]) -> str:
    """Render what a failure follows from; `names`: what people call those jobs, by their keys."""
    return follows(sorted(names.get(job, identity.label(job)) for job in causes))


def _ticked(name: str) -> str:
    return f"`{name}`"


def follows(jobs: Sequence[str], quote: Callable[[str], str] = _ticked) -> str:
    """Render what a failure follows from, by the names that people call those jobs, each as `quote` renders it."""
    told = ", ".join(map(quote, jobs[:3]))
    return f"follows from {told}" + (f" and {len(jobs) - 3} more" if len(jobs) > 3 else "")
