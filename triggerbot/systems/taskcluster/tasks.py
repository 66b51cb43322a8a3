"""The definitions of tasks, each fetched once and remembered, and the pushes that groups turned out to be of."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Group, Push
from triggerbot.systems.taskcluster import definitions, messages
from triggerbot.systems.taskcluster.api import Api
from triggerbot.systems.taskcluster.definitions import Definition

T = TypeVar("T")

#: Tasks of a group that are asked about one by one; for more the whole group is listed.
_SINGLY = 25
#: So many definitions are remembered, and so many groups.
_TASKS, _GROUPS = 5_000, 2_000


class _Lately(Generic[T]):
    """The values that were used last. Any number of threads may use it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> T | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: str, value: T) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)


class Tasks:
    """What is known of tasks."""

    def __init__(self, api: Api, system: str) -> None:
        self._api = api
        self._system = system
        self._definitions: _Lately[Definition] = _Lately(_TASKS)
        self._pushes: _Lately[Push] = _Lately(_GROUPS)

    def definition(self, task_id: str) -> Definition:
        """Read a definition; raises `NotUnderstood` besides what every read raises."""
        known = self._definitions.get(task_id)
        if known is not None:
            return known
        if not messages.ID.fullmatch(task_id):
            raise NotUnderstood(f"{task_id[:40]!r} is no task id")
        return self._remember(task_id, definitions.read(self._api.task(task_id)))

    def prepare(self, group: Group, task_ids: Sequence[str]) -> None:
        """List the whole group where that is less work than to ask about each of its tasks."""
        missing = {task_id for task_id in task_ids if self._definitions.get(task_id) is None}
        if len(missing) <= _SINGLY:
            return
        for one in self._api.group(group.id):
            status = one.get("status")
            task_id = status.get("taskId") if isinstance(status, dict) else None
            if task_id in missing:
                try:
                    self._remember(task_id, definitions.read(one.get("task")))
                except NotUnderstood:
                    continue  # whoever asks about this one is told

    def push_of(self, group: Group) -> Push | None:
        """Tell which push a group turned out to be of; `None`: nobody knows yet."""
        return self._pushes.get(group.id)

    def _remember(self, task_id: str, definition: Definition) -> Definition:
        self._definitions.put(task_id, definition)
        push = definition.push(self._system)
        if push is not None:
            self._pushes.put(definition.group, push)
        return definition
