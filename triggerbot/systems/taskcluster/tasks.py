"""Definitions of tasks, which supply what messages leave out; each is fetched once and cached."""

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Event, Group, Kind, Lead, Push, Result
from triggerbot.systems import mozilla
from triggerbot.systems.taskcluster import messages
from triggerbot.systems.taskcluster.api import Api
from triggerbot.systems.taskcluster.messages import ID, Status, kind_of, lead

#: `tc-treeherder.v2.<project>.<revision>[.<push id>]`; a project may be owner/name. Treeherder requires exactly one.
_ROUTE = re.compile(r"tc-treeherder\.v2\.([^.]{1,200})\.([0-9a-fA-F]{7,64})(?:\.[^.]*)?")
#: The key in `extra` that marks a task created by us.
MARK = "triggerbot"
#: Tasks of a group that are fetched one by one; for more the whole group is listed.
_SINGLE_MAX = 25
#: Definitions and groups that are cached.
_TASKS, _GROUPS = 5_000, 2_000
T = TypeVar("T")


class _Metadata(msgspec.Struct, frozen=True):
    name: str
    owner: str = ""


class _Treeherder(msgspec.Struct, frozen=True):
    tier: int = 1
    jobKind: str | None = None  # noqa: N815 - as it is on the wire


class _Mark(msgspec.Struct, frozen=True):
    operation: str | None = None


class _Extra(msgspec.Struct, frozen=True):
    treeherder: _Treeherder | None = None
    triggerbot: _Mark | None = None


class _Wire(msgspec.Struct, frozen=True):
    taskGroupId: str  # noqa: N815
    metadata: _Metadata
    routes: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    extra: _Extra | None = None
    taskQueueId: str | None = None  # noqa: N815
    provisionerId: str = ""  # noqa: N815
    workerType: str = ""  # noqa: N815
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """The parts of a task's definition that triggerbot needs."""

    group: str
    job: str
    kind: Kind
    tier: int
    #: The author of the push: `createdForUser`, else the task's owner.
    author: str | None
    pool: str | None
    tags: Mapping[str, str]
    #: Project and revision; `None`: it belongs to no push.
    pushed: tuple[str, str] | None
    #: Our operation that created it.
    operation: str | None
    #: It only runs failed tests of its job again: evidence, and no job of its own.
    confirms: bool = False
    scopes: tuple[str, ...] = field(default=(), compare=False)

    def push(self, system: str) -> Push | None:
        """Return its push, if any; a Treeherder route has no branch, so the project's name stands for it."""
        if self.pushed is None:
            return None
        project, revision = self.pushed
        return Push(system, project, project, revision)


def read(task: Any) -> Definition:
    """Parse a definition; raises `NotUnderstood`."""
    try:
        wire = msgspec.convert(task, _Wire)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise NotUnderstood(f"the task's definition: {error}") from None
    if not ID.fullmatch(wire.taskGroupId):
        raise NotUnderstood("the task's definition: taskGroupId is no slugid")
    treeherder = wire.extra.treeherder if wire.extra is not None else None
    mark = wire.extra.triggerbot if wire.extra is not None else None
    job, confirms = mozilla.job_of(wire.metadata.name)
    found = [match for route in wire.routes if (match := _ROUTE.fullmatch(route)) is not None]
    return Definition(
        group=wire.taskGroupId,
        job=job,
        kind=kind_of(treeherder.jobKind if treeherder is not None else None, wire.tags.get("kind")),
        tier=treeherder.tier if treeherder is not None else 1,
        author=wire.tags.get("createdForUser") or wire.metadata.owner or None,
        pool=wire.taskQueueId or "/".join(filter(None, (wire.provisionerId, wire.workerType))) or None,
        tags=wire.tags,
        pushed=(found[0][1], found[0][2].lower()) if len(found) == 1 else None,
        operation=mark.operation if mark is not None else None,
        confirms=confirms,
        scopes=wire.scopes,
    )


# -- events -----------------------------------------------------------------------------------------------------------


def of_lead(definition: Definition, push: Push, root_url: str, lead: Lead) -> Event:
    """Build the event of a lead whose task is known.

    Its author is whoever the task is for, or owns it: often the push's author, but not always.
    """
    result = lead.result
    if result in (Result.FAILURE, Result.BUSTED):
        result = Result.BUSTED if definition.kind is Kind.BUILD else Result.FAILURE
    return Event(
        push=push,
        job=definition.job,
        run_id=lead.run_id,
        attempt=lead.attempt,
        state=lead.state,
        result=result,
        kind=definition.kind,
        tier=definition.tier,
        author=definition.author,
        time=lead.time,
        url=f"{root_url}/tasks/{lead.run_id}/runs/{lead.attempt - 1}",
        retrigger_of=definition.operation,
        pool=definition.pool,
        batch=definition.group,
        allowed_to_fail=definition.confirms,
    )


def read_status(status: Any) -> Status:
    """Parse a task's status; raises `NotUnderstood`."""
    try:
        return msgspec.convert(status, Status)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise NotUnderstood(f"a task's status: {error}") from None


def runs(definition: Definition, push: Push, root_url: str, status: Any) -> list[Event]:
    """Build the events of all runs in a task's status; raises `NotUnderstood`."""
    known = read_status(status)
    group = Group(push.system, definition.group)
    leads = (lead(group, known, number, is_build=definition.kind is Kind.BUILD) for number in range(len(known.runs)))
    return [of_lead(definition, push, root_url, one) for one in leads]


# -- fetching ---------------------------------------------------------------------------------------------------------


class Tasks:
    """Cached definitions, and the pushes of task groups. Thread-safe."""

    def __init__(self, api: Api, system: str) -> None:
        self._api = api
        self._system = system
        self._definitions: Cache[Definition] = Cache(_TASKS)
        self._pushes: Cache[Push] = Cache(_GROUPS)

    def definition(self, task_id: str) -> Definition:
        """Return a definition, fetched unless it is cached; raises `NotUnderstood` and what every read raises."""
        known = self._definitions.get(task_id)
        if known is not None:
            return known
        if not messages.ID.fullmatch(task_id):
            raise NotUnderstood(f"{task_id[:40]!r} is no task id")
        return self._store(task_id, read(self._api.task(task_id)))

    def cached(self, task_id: str) -> Definition | None:
        """Return a definition if it is known already."""
        return self._definitions.get(task_id)

    def store(self, task_id: str, task: Any) -> Definition:
        """Store a definition that came with something else; raises `NotUnderstood`."""
        return self._store(task_id, read(task))

    def prepare(self, group: Group, task_ids: Sequence[str]) -> None:
        """Fetch the whole group where that is cheaper than fetching each task; raises what every read raises."""
        missing = {task_id for task_id in task_ids if self._definitions.get(task_id) is None}
        if len(missing) <= _SINGLE_MAX:
            return
        for one in self._api.group(group.id):
            status = one.get("status")
            task_id = status.get("taskId") if isinstance(status, dict) else None
            if task_id in missing:
                try:
                    self._store(task_id, read(one.get("task")))
                except NotUnderstood:
                    continue  # `definition` will raise it for this task

    def push_of(self, group: Group) -> Push | None:
        """Return the push of a group; `None` while it is not known."""
        return self._pushes.get(group.id)

    def _store(self, task_id: str, definition: Definition) -> Definition:
        self._definitions.put(task_id, definition)
        push = definition.push(self._system)
        if push is not None:
            self._pushes.put(definition.group, push)
        return definition


class Cache(Generic[T]):
    """A cache of the least recently used kind. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> T | None:
        """Return a value, if it is cached."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: str, value: T) -> None:
        """Cache a value; the one that was used longest ago makes room."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
