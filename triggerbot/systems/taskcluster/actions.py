"""The retrigger actions of a push, by its decision task's `public/actions.json`; copies of tasks where it has none.

The action specification is docs.taskcluster.net/docs/manual/using/actions/spec; the checks are those of Treeherder.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jsone
import jsonschema
import jsonschema.exceptions

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.event_json import parse_time
from triggerbot.systems.taskcluster import untrusted
from triggerbot.systems.taskcluster.tasks import MARK, Definition

#: The artifact of a decision task that lists its actions.
ARTIFACT = "public/actions.json"
#: The action that runs a task again.
_NAME = "retrigger"
_VERSION = 1
#: The most that one action may be asked for (`times` in Gecko's schema).
TIMES_MAX = 100
#: The least time that a copy gets.
_LEAST = timedelta(hours=2)


# -- the actions that a push offers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hook:
    """An action that is a hook: which, and with what."""

    group: str
    id: str
    payload: Any

    @property
    def needed(self) -> str:
        """The scope that triggers it."""
        return f"hooks:trigger-hook:{self.group}/{self.id}"

    @property
    def in_tree(self) -> str:
        """The scope by which a decision task may offer it: without it a push could offer any hook there is."""
        return f"in-tree:hook-action:{self.group}/{self.id}"


@dataclass(frozen=True, slots=True)
class NewTask:
    """An action that is a task to be created."""

    task: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """The push offers no action for this task."""

    why: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """The push offers an action for this task that cannot be used."""

    why: str


def choose(
    actions: Any, task_id: str, definition: Definition, times: int, own_id: str
) -> Hook | NewTask | Absent | Unfit:
    """Find the first action that runs this task again, and fill it in."""
    if (
        not isinstance(actions, dict)
        or actions.get("version") != _VERSION
        or not isinstance(actions.get("actions"), list)
    ):
        return Unfit(f"{ARTIFACT} is not of version {_VERSION}")
    action = next((one for one in actions["actions"] if _fits(one, definition.tags)), None)
    if action is None:
        return Absent(f"the push has no action {_NAME!r} for this task")
    wanted = {"times": times, "downstream": False}
    problem = _misfit(action, wanted)
    if problem:
        title = action.get("title") or action.get("name")
        return Unfit(f"the push's action {str(title)[:80]!r} does not take what we ask for: {problem}")
    context = {
        **_mapping(actions.get("variables")), "taskGroupId": definition.group, "taskId": task_id, "input": wanted,
        "ownTaskId": own_id, "task": None,
    }  # fmt: skip
    template = action.get("task") if action["kind"] == "task" else action.get("hookPayload")
    problem = untrusted.template_problem(template, actions.get("variables"))
    if problem:
        return Unfit(f"the push's action is not filled in: {problem}")
    try:
        return _filled(action, context)
    except Exception as error:  # noqa: BLE001 - json-e runs what the push wrote; whatever fails there is the push's
        return Unfit(f"the push's action cannot be filled in: {type(error).__name__}: {str(error)[:200]}")


def _fits(action: Any, tags: Mapping[str, str]) -> bool:
    if not isinstance(action, dict) or action.get("name") != _NAME or action.get("kind") not in ("hook", "task"):
        return False
    # An action with an empty context is for the whole push.
    context = action.get("context")
    return isinstance(context, list) and any(
        isinstance(one, dict) and all(tags.get(key) == value for key, value in one.items()) for one in context
    )


def _misfit(action: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    schema = action.get("schema")
    if schema is None:
        return ""
    problem = untrusted.schema_problem(schema)
    if problem:
        return f"its schema is not used: {problem}"
    try:
        jsonschema.validate(wanted, schema)
    except jsonschema.exceptions.ValidationError as error:
        return str(error.message)[:200]
    except Exception as error:  # noqa: BLE001 - the schema is the push's own, and may be anything
        return f"its schema is none ({type(error).__name__})"
    return ""


def _filled(action: Mapping[str, Any], context: dict[str, Any]) -> Hook | NewTask | Unfit:
    if action["kind"] == "task":
        task = jsone.render(action.get("task"), context)
        return NewTask(task) if isinstance(task, dict) else Unfit("the push's action makes no task")
    group, hook = action.get("hookGroupId"), action.get("hookId")
    if not isinstance(group, str) or not isinstance(hook, str) or not group.strip(".") or not hook.strip("."):
        return Unfit("the push's action names no hook")
    return Hook(group, hook, jsone.render(action.get("hookPayload"), context))


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


# -- tasks that we create ---------------------------------------------------------------------------------------------


def own_id(operation: str, number: int) -> str:
    """Make a slugid (a version 4 UUID in base64url) that follows from an operation, and begins with no dash."""
    raw = bytearray(hashlib.sha256(f"triggerbot/{operation}/{number}".encode()).digest()[:16])
    raw[0] &= 0x7F
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()


def copy(task: Mapping[str, Any], operation: str, created: float) -> dict[str, Any]:
    """Copy a definition: the same work with as much time as it had, from `created` on (seconds since the epoch).

    The queue takes the same id again only with the same definition, so nothing here depends on when it is called.
    """
    made = dict(task)
    now = datetime.fromtimestamp(int(created), UTC)
    before = _moment(task.get("created"))
    for key in ("deadline", "expires"):
        end = _moment(task.get(key))
        if end is not None and before is not None:
            made[key] = _text(now + max(end - before, _LEAST))
    made["created"] = _text(now)
    extra = task.get("extra")
    made["extra"] = {**(extra if isinstance(extra, dict) else {}), MARK: {"operation": operation}}
    return made


def _moment(value: Any) -> datetime | None:
    try:
        seconds = parse_time(value) if isinstance(value, str) else None
    except NotUnderstood:
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
