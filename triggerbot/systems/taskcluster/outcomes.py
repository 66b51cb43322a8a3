"""What Treeherder leaves open about a run, settled by the queue: one run has one result, whoever tells of it.

Treeherder calls everything that fails and is no test busted, has one word for a missed deadline and a lost worker, and
takes each run that another one follows for one that the queue itself retried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from triggerbot.core.errors import NotKnown, NotUnderstood
from triggerbot.core.model import Event, Push, Result, RunKey
from triggerbot.systems.taskcluster import messages, tasks
from triggerbot.systems.taskcluster.api import Api
from triggerbot.systems.taskcluster.tasks import Cache, Definition, Tasks

#: Results at Treeherder that stand for several of ours.
_OPEN = frozenset({Result.BUSTED, Result.INFRA, Result.RETRY})
#: Tasks whose status is read one by one; for more the whole group is listed.
_SINGLE_MAX = 25
#: Results that are cached: a run that has ended never ends otherwise.
_RESULTS = 20_000


class Outcomes:
    """Settles what Treeherder's jobs leave open. Thread-safe."""

    def __init__(self, api: Api, tasks: Tasks) -> None:
        self._api = api
        self._tasks = tasks
        self._results: Cache[Result] = Cache(_RESULTS)

    def settle(self, events: Sequence[Event]) -> list[Event]:
        """Return Treeherder's events with what the queue knows better; raises what every read raises."""
        open_runs = [event for event in events if event.result in _OPEN and self._results.get(_name(event.key)) is None]
        self._read({event.run_id: event.push for event in open_runs if messages.ID.fullmatch(event.run_id)})
        return [self._settled(event) for event in events]

    def _settled(self, event: Event) -> Event:
        definition = self._tasks.cached(event.run_id)
        if definition is not None:
            # Treeherder does not tell the kind of a job.
            event = replace(event, kind=definition.kind, pool=definition.pool, batch=definition.group)
        known = self._results.get(_name(event.key)) if event.result in _OPEN else None
        return event if known is None else replace(event, result=known)

    def _read(self, missing: Mapping[str, Push]) -> None:
        """Read the runs of tasks; of one that the queue does not know (any more) Treeherder's word stays."""
        left = dict(missing)
        while left:
            task_id, push = left.popitem()
            try:
                definition = self._tasks.definition(task_id)
                self._note(definition, push, self._api.status(task_id))
                if len(left) >= _SINGLE_MAX:
                    self._read_group(definition.group, left)
            except (NotKnown, NotUnderstood):
                continue

    def _read_group(self, group: str, left: dict[str, Push]) -> None:
        for one in self._api.group(group):
            status = one.get("status")
            task_id = status.get("taskId") if isinstance(status, dict) else None
            if isinstance(task_id, str) and task_id in left:
                push = left.pop(task_id)
                try:
                    self._note(self._tasks.store(task_id, one.get("task")), push, status)
                except NotUnderstood:
                    continue

    def _note(self, definition: Definition, push: Push, status: Any) -> None:
        for event in tasks.runs(definition, push, self._api.root_url, status):
            if event.result is not None:
                self._results.put(_name(event.key), event.result)


def _name(run: RunKey) -> str:
    return f"{run.run_id}/{run.attempt}"
