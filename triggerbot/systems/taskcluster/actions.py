"""Retriggers at Taskcluster: the actions in a push's `public/actions.json`, or a copy of the task where it has none.

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
#: The names of the actions that run a task again, and tasks of a push by their labels.
_AGAIN, _NEW = "retrigger", "add-new-jobs"
_VERSION = 1
#: Runs that one action may be asked for at most (`times` in Gecko's schema).
TIMES_MAX = 100
#: The least time that a copied task gets until its deadline and its expiry.
_LEAST = timedelta(hours=2)


# -- the actions that a push offers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hook:
    """An action that triggers a hook, rendered: group, id and payload."""

    group: str
    id: str
    payload: Any

    @property
    def needed(self) -> str:
        """The scope needed to trigger it."""
        return f"hooks:trigger-hook:{self.group}/{self.id}"

    @property
    def in_tree(self) -> str:
        """The scope that lets a decision task offer it; unchecked, a push could offer any hook there is."""
        return f"in-tree:hook-action:{self.group}/{self.id}"


@dataclass(frozen=True, slots=True)
class NewTask:
    """An action that creates a task, rendered: its definition."""

    task: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """The push offers no retrigger action for this task."""

    why: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """The push offers a retrigger action for this task that cannot be used."""

    why: str


def choose(
    actions: Any, task_id: str, definition: Definition, times: int, own_id: str
) -> Hook | NewTask | Absent | Unfit:
    """Choose the first action that runs this task again, and render it; never raises, whatever the push wrote.

    `actions`: the content of `public/actions.json`. `own_id`: the id of the task to be created, if it creates one.
    """
    listed = _listed(actions)
    if isinstance(listed, Unfit):
        return listed
    action = next((one for one in listed if _fits(one, definition.tags)), None)
    if action is None:
        return Absent(f"the push has no action {_AGAIN!r} for this task")
    wanted = {"times": times, "downstream": False}
    return _fill_in(actions, action, wanted, group=definition.group, task_id=task_id, own_id=own_id)


def choose_new(actions: Any, group: str, label: str, times: int, own_id: str) -> Hook | NewTask | Absent | Unfit:
    """Choose the action that runs a task that the push left out, by its label, and render it; never raises.

    `group`: the id of the push's decision task, which is that of its task group.
    """
    listed = _listed(actions)
    if isinstance(listed, Unfit):
        return listed
    action = next((one for one in listed if _is_for_push(one)), None)
    if action is None:
        return Absent(f"the push has no action {_NEW!r}, which runs a task that it left out")
    wanted = {"tasks": [label], "times": times}
    return _fill_in(actions, action, wanted, group=group, task_id=None, own_id=own_id)


def _listed(actions: Any) -> list[Any] | Unfit:
    if not isinstance(actions, dict) or actions.get("version") != _VERSION:
        return Unfit(f"{ARTIFACT} is not of version {_VERSION}")
    listed = actions.get("actions")
    return listed if isinstance(listed, list) else Unfit(f"{ARTIFACT} is not of version {_VERSION}")


def _fill_in(
    actions: Mapping[str, Any], action: Mapping[str, Any], wanted: Mapping[str, Any], *, group: str,
    task_id: str | None, own_id: str,
) -> Hook | NewTask | Unfit:  # fmt: skip
    """Render an action for an input, if it takes that."""
    problem = _input_problem(action, wanted)
    if problem:
        title = action.get("title") or action.get("name")
        return Unfit(f"the push's action {str(title)[:80]!r} does not take what we ask for: {problem}")
    context = {
        **_mapping(actions.get("variables")), "taskGroupId": group, "taskId": task_id, "input": dict(wanted),
        "ownTaskId": own_id, "task": None,
    }  # fmt: skip
    template = action.get("task") if action["kind"] == "task" else action.get("hookPayload")
    problem = untrusted.template_problem(template, actions.get("variables"))
    if problem:
        return Unfit(f"the push's action is not filled in: {problem}")
    try:
        return _render(action, context)
    except Exception as error:  # noqa: BLE001 - json-e renders what the push wrote: any failure there is the push's
        return Unfit(f"the push's action cannot be filled in: {type(error).__name__}: {str(error)[:200]}")


def _fits(action: Any, tags: Mapping[str, str]) -> bool:
    if not isinstance(action, dict) or action.get("name") != _AGAIN or action.get("kind") not in ("hook", "task"):
        return False
    # An action with an empty context is one for the whole push.
    context = action.get("context")
    return isinstance(context, list) and any(
        isinstance(one, dict) and all(tags.get(key) == value for key, value in one.items()) for one in context
    )


def _is_for_push(action: Any) -> bool:
    named = isinstance(action, dict) and action.get("name") == _NEW and action.get("kind") in ("hook", "task")
    return named and action.get("context") == []


def _input_problem(action: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
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


def _render(action: Mapping[str, Any], context: dict[str, Any]) -> Hook | NewTask | Unfit:
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
    """Derive a slugid (a version 4 UUID in base64url) from an operation; it never begins with a dash."""
    raw = bytearray(hashlib.sha256(f"triggerbot/{operation}/{number}".encode()).digest()[:16])
    raw[0] &= 0x7F
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()


def copy(task: Mapping[str, Any], operation: str, created: float) -> dict[str, Any]:
    """Copy a task's definition, with as much time as it had, from `created` on (seconds since the epoch).

    The queue accepts the same id again only with the same definition, so the result must not depend on the clock.
    """
    copied = dict(task)
    now = datetime.fromtimestamp(int(created), UTC)
    before = _moment(task.get("created"))
    for key in ("deadline", "expires"):
        end = _moment(task.get(key))
        if end is not None and before is not None:
            copied[key] = _text(now + max(end - before, _LEAST))
    copied["created"] = _text(now)
    extra = task.get("extra")
    copied["extra"] = {**(extra if isinstance(extra, dict) else {}), MARK: {"operation": operation}}
    return copied


def _moment(value: Any) -> datetime | None:
    try:
        seconds = parse_time(value) if isinstance(value, str) else None
    except NotUnderstood:
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
