"""Tells of a workflow run's jobs what its workflow file says of them: what they need, and how they may end; purely.

The API does not say which job of the file a listed one is: its name has to tell. What fits several jobs of the file
equally well, or none, is left as it is.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from triggerbot.core.model import Event, Result, State
from triggerbot.systems.github import messages
from triggerbot.systems.github.workflow import Workflow, WorkflowJob
from triggerbot.systems.github.workflow_file import Shape

#: Between the name of a job that calls a workflow and that of a job there.
_INSIDE = " / "
_LEVELS = 4
#: Places at which a name is parted, and comparisons of names in all, at most.
_SPLITS_MAX, _FITS_MAX = 10, 1_000_000
#: Names that are told of what a job needs, those first that are not well.
_NEEDS_MAX = 100
#: Jobs of a workflow that is rerun as a whole, those of workflows that it calls among them, about at most.
_PLANNED_MAX = 2000
#: Seconds that GitHub may end a job before and after the time that it may run.
_EARLY, _LATE = 5.0, 15 * 60.0


@dataclass(frozen=True, slots=True)
class _Placed:
    """The job of the file that a listed one is: from the outermost workflow inwards."""

    fit: int
    chain: tuple[WorkflowJob, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """The ids that lead to it."""
        return tuple(job.id for job in self.chain)

    @property
    def needed(self) -> list[tuple[str, ...]]:
        """The paths of the jobs that it needs; that of a whole called workflow stands for all of its jobs."""
        levels = reversed(list(enumerate(self.chain)))
        return [(*self.path[:level], name) for level, job in levels for name in job.needs]


def apply(shape: Shape, events: Sequence[Event], jobs: Sequence[messages.Job]) -> list[Event]:
    """Add to the events of the jobs of a workflow run what its file says; `jobs`: all that GitHub lists."""
    if shape.workflow is None:
        return list(events)
    name_of = {str(job.id): job.name for job in jobs}
    placed = _placed(shape.workflow, shape.called, set(name_of.values()))
    below = _below(events, name_of, placed)
    found = []
    for event in events:
        place = placed.get(name_of.get(event.run_id, ""))
        found.append(event if place is None else _told(event, place, below))
    return found


def planned(shape: Shape, name: str) -> dict[str, bool]:
    """Return the jobs of a workflow of this name as they would be listed, and whether each has an environment."""
    found: dict[str, bool] = {}
    level: list[tuple[tuple[str, ...], Workflow]] = [] if shape.workflow is None else [((name,), shape.workflow)]
    for _ in range(_LEVELS):
        inside: list[tuple[tuple[str, ...], Workflow]] = []
        for path, workflow in level:
            for job in workflow.jobs.values():
                for title in job.titles.exact or (job.id,):
                    own = (*path, title)
                    found[_INSIDE.join(own)] = job.environment
                    called = None if job.uses is None else shape.called.get(job.uses)
                    inside += [] if called is None or len(found) > _PLANNED_MAX else [(own, called)]
        level = inside
    return found


def _told(event: Event, place: _Placed, below: Mapping[tuple[str, ...], Sequence[str]]) -> Event:
    job = place.chain[-1]
    names = dict.fromkeys(name for path in place.needed for name in below.get(path, ()) if name != event.job)
    result = Result.TIMED_OUT if _took_too_long(event, job.longest) else event.result
    return replace(
        event,
        needs=tuple(names)[:_NEEDS_MAX],
        environment=job.environment,
        allowed_to_fail=event.allowed_to_fail or job.may_fail,
        result=result,
    )


def _took_too_long(event: Event, longest: float | None) -> bool:
    """Whether a job was cancelled when the time was over that it may run."""
    if event.result is not Result.CANCELLED or longest is None or event.time is None or event.started is None:
        return False
    return longest - _EARLY <= event.time - event.started <= longest + _LATE


def _below(
    events: Sequence[Event], name_of: Mapping[str, str], placed: Mapping[str, _Placed]
) -> dict[tuple[str, ...], list[str]]:
    """Return the names of the events of all jobs at each path or inside of it, those first that are not well."""
    found: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for event in sorted(events, key=lambda event: event.state is State.FINISHED and event.result is Result.SUCCESS):
        place = placed.get(name_of.get(event.run_id, ""))
        if place is not None:
            for level in range(len(place.chain)):
                found[place.path[: level + 1]][event.job] = None
    return {path: list(names) for path, names in found.items()}


def _placed(root: Workflow, called: Mapping[str, Workflow], names: Collection[str]) -> dict[str, _Placed]:
    placer = _Placer(called)
    return {name: found[0] for name in names if len(found := placer.best(root, "", name, _LEVELS)) == 1}


class _Placer:
    """Finds the jobs of workflow files that names fit best, with a limit on what hostile files may cost."""

    def __init__(self, called: Mapping[str, Workflow]) -> None:
        self._called = called
        self._left = _FITS_MAX
        self._known: dict[tuple[str, str, int], list[_Placed]] = {}

    def best(self, workflow: Workflow, path: str, name: str, levels: int) -> list[_Placed]:
        """Return the job that a name fits best; two if several fit equally well."""
        key = (path, name, levels)
        if key not in self._known:
            fits = list(self._fits(workflow, name, levels))
            most = max((one.fit for one in fits), default=0)
            self._known[key] = list({one.path: one for one in fits if one.fit == most}.values())[:2]
        return self._known[key]

    def _fits(self, workflow: Workflow, name: str, levels: int) -> Iterator[_Placed]:
        for job in workflow.jobs.values():
            fit = self._fit(job, name)
            if fit is not None:
                yield _Placed(fit, (job,))
            if job.uses is None or levels == 0:
                continue
            inside = self._called.get(job.uses)
            for outer, inner in _splits(name):
                fit = self._fit(job, outer)
                if fit is None:
                    continue
                if inside is None:
                    yield _Placed(fit, (job,))
                    continue
                for one in self.best(inside, job.uses, inner, levels - 1):
                    yield _Placed(fit + one.fit, (job, *one.chain))

    def _fit(self, job: WorkflowJob, name: str) -> int | None:
        self._left -= 1
        return job.titles.fit(name) if self._left > 0 else None


def _splits(name: str) -> Iterator[tuple[str, str]]:
    at = name.find(_INSIDE)
    for _ in range(_SPLITS_MAX):
        if at < 0:
            return
        yield name[:at], name[at + len(_INSIDE) :]
        at = name.find(_INSIDE, at + 1)
