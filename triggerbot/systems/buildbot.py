"""Messages of Mozilla's old Buildbot (`exchange/build/`, until about 2017), for replaying recorded histories.

Only started and finished builds become events; `log_uploaded` and the rest add nothing. The fields are those that
mozci and pulse_actions relied on: `payload.build` with `properties` as lists of name, value and source.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Event, Kind, Push, Result, State

_REVISION = re.compile(r"[0-9a-fA-F]{7,64}")
#: buildbot/status/results.py; 2 (red, `busted`) is also used for tests that break early.
_RESULTS = {
    0: Result.SUCCESS,
    1: Result.FAILURE,
    2: Result.BUSTED,
    3: Result.SKIPPED,
    4: Result.INFRA,
    5: Result.RETRY,
    6: Result.CANCELLED,
}
#: Builders that run tests, by name: `..._test-mochitest-1`, `... debug test xpcshell`, `... talos svgr`.
_TEST = re.compile(r"[ _](?:test|talos)[ _-]|(?:^|[ _])(?:unittest|reftest|mochitest)", re.IGNORECASE)
_STATES = {"started": State.RUNNING, "finished": State.FINISHED}


def parse(system: str, body: bytes | str) -> Sequence[Event]:
    """Parse one message; raises `NotUnderstood`."""
    try:
        message = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from None
    build = _at(message, "payload", "build")
    if not isinstance(build, dict):
        raise NotUnderstood("payload.build: is missing")
    state = _state(message, build)
    if state is None:
        return ()
    named = _properties(build)
    builder, branch, revision = (_text(named, build, name) for name in ("buildername", "branch", "revision"))
    if not builder or not branch:
        raise NotUnderstood("payload.build.properties: buildername and branch are needed")
    if not revision or not _REVISION.fullmatch(revision):
        # Nightlies and periodic builds belong to no push that could be reported.
        return ()
    project = branch.rpartition("/")[2]
    change = _last_change(build)
    kind = Kind.TEST if _TEST.search(builder) else Kind.BUILD
    return (
        Event(
            push=Push(system, project, project, revision.lower()),
            job=builder,
            run_id=_run_id(named, build, builder),
            state=state,
            result=_result(build, kind) if state is State.FINISHED else None,
            kind=kind,
            author=_string(change.get("who")),
            message=_string(change.get("comments")),
            time=_time(build, state),
        ),
    )


def _state(message: Any, build: Mapping[str, Any]) -> State | None:
    """Read the state from the routing key (`build.<builder>.<number>.finished`), else from the build itself."""
    for key in (_at(message, "_meta", "routing_key"), _at(message, "routing_key")):
        if isinstance(key, str):
            return _STATES.get(key.rpartition(".")[2])
    return State.RUNNING if build.get("results") is None else State.FINISHED


def _properties(build: Mapping[str, Any]) -> dict[str, Any]:
    found = build.get("properties")
    return {
        one[0]: one[1]
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, list) and len(one) >= 2 and isinstance(one[0], str)
    }


def _text(named: Mapping[str, Any], build: Mapping[str, Any], name: str) -> str:
    """Read a property; builder and revision also have other places."""
    fallbacks = {"buildername": build.get("builderName"), "revision": _at(build, "sourceStamp", "revision")}
    for value in (named.get(name), fallbacks.get(name), _at(build, "sourceStamp", name)):
        if isinstance(value, str) and value:
            return value
    return ""


def _run_id(named: Mapping[str, Any], build: Mapping[str, Any], builder: str) -> str:
    """Identify the build: build numbers are per builder, so the builder's name goes with them."""
    number = build.get("number", named.get("buildnumber"))
    if not isinstance(number, int) or isinstance(number, bool):
        raise NotUnderstood("payload.build.number: expected a number")
    return f"{builder}/{number}"


def _result(build: Mapping[str, Any], kind: Kind) -> Result:
    number = build.get("results")
    result = _RESULTS.get(number) if isinstance(number, int) and not isinstance(number, bool) else None
    if result is None:
        raise NotUnderstood(f"payload.build.results: expected 0 to 6, got {str(number)[:40]}")
    if kind is Kind.TEST and result is Result.BUSTED:
        return Result.FAILURE
    return Result.BUSTED if kind is Kind.BUILD and result is Result.FAILURE else result


def _last_change(build: Mapping[str, Any]) -> Mapping[str, Any]:
    changes = _at(build, "sourceStamp", "changes")
    last = changes[-1] if isinstance(changes, list) and changes else None
    return last if isinstance(last, dict) else {}


def _time(build: Mapping[str, Any], state: State) -> float | None:
    times = build.get("times")
    if not isinstance(times, list) or not times:
        return None
    time = times[-1] if state is State.FINISHED and times[-1] is not None else times[0]
    if isinstance(time, int | float) and not isinstance(time, bool):
        return float(time) if 0 < time < 1e11 else None
    try:
        return datetime.fromisoformat(time).timestamp() if isinstance(time, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
