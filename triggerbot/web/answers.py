"""Answers to commands that ask from elsewhere (`--url`): what they would print beside the store."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from triggerbot.config import Config
from triggerbot.core.errors import UsageError
from triggerbot.reports.answers import Answer, Answers, Asked, branch, explain, pushes, stats, status, transfer
from triggerbot.store import Store
from triggerbot.web.responses import as_json, error

#: By the name of the command: who answers, and the arguments of its question, with their types.
_COMMANDS: Mapping[str, tuple[Answers, Mapping[str, type | tuple[type, ...]]]] = {
    "status": (status.answer, {"project": str, "revision": str, "branch": str, "system": str}),
    "explain": (explain.answer, {"project": str, "revision": str, "job": str, "branch": str, "system": str}),
    "pushes": (
        pushes.answer, {"project": str, "branch": str, "author": str, "text": str, "health": str, "limit": int},
    ),
    "branch": (branch.answer, {"project": str, "branch": str, "jobs": list, "merge_shards": bool}),
    "stats": (stats.answer, {"since": (int, float)}),
}  # fmt: skip
_NEEDED = frozenset({"revision", "limit", "since"})
_LIMIT_MAX, _SINCE_MAX, _PATTERNS_MAX = 1000, 3650 * 86_400, 100


class RemoteAnswers:
    """The endpoint; read-only."""

    def __init__(self, store: Store, config: Config, *, dry: bool, clock: Callable[[], float]) -> None:
        self._store = store
        self._config = config
        self._dry = dry
        self._clock = clock

    def __call__(self, request: Request) -> Response:
        """Answer the question (JSON) of a command."""
        name = request.path_params["command"]
        if name not in _COMMANDS:
            return error(404, "no such command answers from here")
        answer, arguments = _COMMANDS[name]
        question = _question(request.query_params.get("question", ""), arguments)
        if question is None:
            return error(400, "the question is not understood: is the command of the daemon's version?")
        try:
            found = answer(Asked(self._store, self._config, self._dry, self._clock()), question)
        except UsageError as wrong:
            found = Answer(2, None, error=str(wrong))
        return as_json(transfer.as_json(found))


def _question(text: str, arguments: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any] | None:
    """Parse a question; `None` if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not value.keys() <= arguments.keys():
        return None
    given = {name: one for name, one in value.items() if one is not None}
    if any(not isinstance(one, arguments[name]) for name, one in given.items()):
        return None
    if any(name in _NEEDED and name not in given for name in arguments):
        return None
    if "jobs" in given and not (
        len(given["jobs"]) <= _PATTERNS_MAX and all(isinstance(one, str) for one in given["jobs"])
    ):
        return None
    if not 1 <= given.get("limit", 1) <= _LIMIT_MAX or not 0 < given.get("since", 1) <= _SINCE_MAX:
        return None
    # A push and a branch are asked for by project.
    return None if "project" not in given and "project" in arguments and "limit" not in arguments else given
