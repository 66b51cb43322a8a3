"""Readers of recorded messages for replays: one JSON value per line, in the formats of several systems."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec

from triggerbot.core import event_json
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Event, Heard, Lead, Push
from triggerbot.systems import buildbot
from triggerbot.systems.github import parse as github
from triggerbot.systems.taskcluster import messages, tasks
from triggerbot.systems.taskcluster.tasks import Definition

#: The root URL in events of recorded Taskcluster messages, which do not say which deployment they came from.
_ROOT = "https://taskcluster.invalid"


class Format(StrEnum):
    """The format of recorded messages."""

    CANONICAL = "canonical"
    BUILDBOT_PULSE = "buildbot-pulse"
    TASKCLUSTER = "taskcluster"
    GITHUB = "github"


#: Parses one line; raises `NotUnderstood`.
Reader = Callable[[str], Sequence[Heard]]


def reader(form: Format, system: str) -> Reader:
    """Return the reader for a format; `system` is the name of the system where lines do not give one."""
    match form:
        case Format.CANONICAL:
            return lambda line: [_of_system(event_json.decode(line), system)]
        case Format.BUILDBOT_PULSE:
            return lambda line: buildbot.parse(system, line)
        case Format.TASKCLUSTER:
            return _Taskcluster(system)
        case Format.GITHUB:
            return lambda line: _github(line, system)


def _of_system(event: Event, system: str) -> Event:
    return event if event.push.system else replace(event, push=event.push._replace(system=system))


def _mapping(line: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from None
    if not isinstance(value, dict):
        raise NotUnderstood("expected a JSON object")
    return value


def _body(value: Mapping[str, Any]) -> Any:
    """Return the message itself, without the envelope that it was recorded in."""
    for key in ("body", "payload"):
        if isinstance(value.get(key), dict):
            return value[key]
    return value


# -- GitHub ---------------------------------------------------------------------------------------------------------


def _github(line: str, system: str) -> Sequence[Heard]:
    """Parse a webhook: `{"event": "workflow_job", "payload": {...}}`, one with its headers, or the body alone."""
    value = _mapping(line)
    body = _body(value)
    kind = _event_name(value) or _guess(body)
    if not kind:
        raise NotUnderstood('which event is it? Write {"event": "workflow_job", "payload": {...}}')
    return github.webhook(system, {"x-github-event": kind}, msgspec.json.encode(body), ask=False)


def _event_name(value: Mapping[str, Any]) -> str:
    headers = value.get("headers")
    named = {str(key).lower(): one for key, one in headers.items()} if isinstance(headers, dict) else {}
    for name in (named.get("x-github-event"), value.get("event"), value.get("x-github-event")):
        if isinstance(name, str):
            return name
    return ""


def _guess(body: Any) -> str:
    for kind in ("workflow_job", "workflow_run"):
        if isinstance(body.get(kind), dict):
            return kind
    return "push" if "ref" in body and "after" in body else ""


# -- Taskcluster ----------------------------------------------------------------------------------------------------


class _Taskcluster:
    """Reads messages, and before each the definition of the task that it is about."""

    def __init__(self, system: str) -> None:
        self._system = system
        self._definitions: dict[str, Definition] = {}

    def __call__(self, line: str) -> Sequence[Heard]:
        value = _mapping(line)
        task, task_id = value.get("task"), value.get("taskId")
        if isinstance(task, dict) and isinstance(task_id, str):
            self._definitions[task_id] = tasks.read(task)
            return ()
        body = _body(value)
        exchange = value.get("exchange") if isinstance(value.get("exchange"), str) else _exchange(body)
        leads = messages.parse(self._system, str(exchange), msgspec.json.encode(body))
        return [event for lead in leads if (event := self._event(lead)) is not None]

    def _event(self, lead: Lead) -> Heard | None:
        definition = self._definitions.get(lead.run_id)
        if definition is None:
            raise NotUnderstood(
                f'the definition of task {lead.run_id} is missing: put {{"taskId": ..., "task": ...}} on a line before '
                "it, as the queue's API gives it"
            )
        push: Push | None = definition.push(self._system)
        return None if push is None else tasks.of_lead(definition, push, _ROOT, lead)


def _exchange(body: Any) -> str:
    """Infer the exchange of a message from the state of the run that it is about."""
    status, number = body.get("status"), body.get("runId")
    runs = status.get("runs") if isinstance(status, dict) else None
    if (
        isinstance(runs, list)
        and isinstance(number, int)
        and 0 <= number < len(runs)
        and isinstance(runs[number], dict)
    ):
        return f"{messages.EXCHANGES}{runs[number].get('state')}"
    return f"{messages.EXCHANGES}defined"
