"""The event format: the JSON of one event, in files, generic webhooks and look-backs."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Event, Kind, Push, Result, State
from triggerbot.core.run_tests import FailingTest, RunTests, bounded

_REVISION = re.compile(r"[0-9a-fA-F]{7,64}")
#: Characters of a name, id or address: more than any CI uses; a hostile CI must not fill the store.
_TEXT_MAX = 2000
#: Characters of a failure line, and failure lines of a run: as much as a comparison can use.
_FAILURE_MAX, _FAILURES_MAX = 2000, 50
#: Jobs that a job may need, and parents of a commit, as far as they are kept.
_NEEDS_MAX, _PARENTS_MAX = 200, 20
#: Seconds since the epoch, about the year 5000; anything later is not the time of a run.
_TIME_END = 95_000_000_000.0


class _WireTest(msgspec.Struct, frozen=True, gc=False):
    """The JSON of a failing test."""

    id: str
    line: str | None = None


class _WireTests(msgspec.Struct, frozen=True, gc=False):
    """The JSON of the tests of a run."""

    passed: int | None = None
    failed: int | None = None
    errors: int | None = None
    skipped: int | None = None
    seconds: float | None = None
    failing: list[_WireTest] | None = None
    repeated: int | None = None


class _Wire(msgspec.Struct, frozen=True, gc=False):
    """The JSON of one event; unknown keys are ignored."""

    project: str
    branch: str
    revision: str
    job: str
    run_id: str | int
    state: State
    system: str | None = None
    attempt: int | None = None
    result: Result | None = None
    kind: Kind | None = None
    tier: int | None = None
    author: str | None = None
    message: str | None = None
    time: str | float | None = None
    url: str | None = None
    retrigger_of: str | None = None
    pool: str | None = None
    step: str | None = None
    failures: list[str] | None = None
    started: str | float | None = None
    event: str | None = None
    allowed_to_fail: bool | None = None
    needs: list[str] | None = None
    base: str | None = None
    parents: list[str] | None = None
    tests: _WireTests | None = None


_decoder = msgspec.json.Decoder(_Wire)


def decode(body: bytes | str, system: str | None = None) -> Event:
    """Parse one event from JSON; `system`, if given, overrides the event's own.

    Raises:
            NotUnderstood: the body is not JSON, or a key is missing or wrong; the message names the key.
    """
    try:
        return _event(_decoder.decode(body), system)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotUnderstood(_error_text(error)) from None


def from_json(value: Any, system: str | None = None) -> Event:
    """Parse one event from decoded JSON. Raises `NotUnderstood` like `decode`."""
    try:
        return _event(msgspec.convert(value, _Wire), system)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise NotUnderstood(_error_text(error)) from None


def _error_text(error: Exception) -> str:
    return "the JSON is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _event(wire: _Wire, system: str | None) -> Event:
    revision = parse_revision(wire.revision, "revision")
    for name in ("project", "branch", "job"):
        _check_text(name, getattr(wire, name))
    _check_text("run_id", str(wire.run_id))
    if wire.state is State.FINISHED and wire.result is None:
        raise NotUnderstood("a finished run needs a `result`")
    tests = None if wire.tests is None else _tests(wire.tests)
    return Event(
        push=Push(system or wire.system or "", wire.project, wire.branch, revision),
        job=wire.job,
        run_id=str(wire.run_id),
        state=wire.state,
        result=wire.result if wire.state is State.FINISHED else None,
        attempt=1 if wire.attempt is None else _check_number("attempt", wire.attempt),
        kind=wire.kind or Kind.TEST,
        tier=1 if wire.tier is None else _check_number("tier", wire.tier),
        author=wire.author,
        message=wire.message,
        time=parse_time(wire.time),
        url=_truncate(wire.url),
        retrigger_of=_truncate(wire.retrigger_of),
        pool=_truncate(wire.pool),
        step=_truncate(wire.step),
        failures=_failures(wire.failures or _lines(tests)),
        started=_started(wire),
        event=_truncate(wire.event),
        allowed_to_fail=bool(wire.allowed_to_fail),
        needs=tuple(name[:_TEXT_MAX] for name in wire.needs[:_NEEDS_MAX]) if wire.needs else (),
        base=parse_revision(wire.base, "base") if wire.base else None,
        parents=parse_parents(wire.parents),
        tests=tests,
    )


def _tests(wire: _WireTests) -> RunTests:
    listed = wire.failing or ()
    for number, one in enumerate(listed):
        if not one.id:
            raise NotUnderstood(f"tests: expected the id of a test - at `$.tests.failing[{number}].id`")
    if wire.seconds is not None and not 0 <= wire.seconds < _TIME_END:
        raise NotUnderstood("tests: expected seconds from 0 - at `$.tests.seconds`")
    errors = _count("errors", wire.errors)
    return RunTests(
        _count("passed", wire.passed),
        max(0, len(listed) - errors) if wire.failed is None else _count("failed", wire.failed),
        errors,
        _count("skipped", wire.skipped),
        wire.seconds,
        bounded(FailingTest(one.id, one.line or "") for one in listed),
        len(listed) - len({one.id for one in listed}) if wire.repeated is None else _count("repeated", wire.repeated),
    )


def _count(name: str, number: int | None) -> int:
    return 0 if number is None else _check_number(f"tests.{name}", number)


def _failures(lines: list[str]) -> tuple[str, ...]:
    return tuple(line[:_FAILURE_MAX] for line in lines[:_FAILURES_MAX]) if lines else ()


def _lines(tests: RunTests | None) -> list[str]:
    """Return failure lines of failing tests, for a run that tells no others."""
    return [] if tests is None else [str(one) for one in tests.failing[:_FAILURES_MAX]]


def _started(wire: _Wire) -> float | None:
    """Return when the run began: its `started`, or, of a running run, the time at which it entered that state."""
    if wire.started is None:
        return parse_time(wire.time) if wire.state is State.RUNNING else None
    return parse_time(wire.started)


def parse_revision(text: str, name: str) -> str:
    """Return a revision in lower case; raises `NotUnderstood`, which says that it is the value of `name`."""
    if not _REVISION.fullmatch(text):
        raise NotUnderstood(f"{name}: expected 7 to 64 hexadecimal digits - at `$.{name}`")
    return text.lower()


def parse_parents(revisions: list[str] | None) -> tuple[str, ...]:
    """Return the parents of a commit in lower case; raises `NotUnderstood`."""
    return tuple(parse_revision(one, "parents") for one in revisions[:_PARENTS_MAX]) if revisions else ()


def _check_text(name: str, text: str) -> None:
    if not text or len(text) > _TEXT_MAX or "\0" in text:
        raise NotUnderstood(f"{name}: expected 1 to {_TEXT_MAX} characters, none of them NUL - at `$.{name}`")


def _check_number(name: str, number: int) -> int:
    if not 0 <= number < 2**31:
        raise NotUnderstood(f"{name}: expected a number from 0 - at `$.{name}`")
    return number


def _truncate(text: str | None) -> str | None:
    return text[:_TEXT_MAX] if text else None


def parse_time(value: str | float | None) -> float | None:
    """Parse an RFC 3339 time, or seconds since the epoch; a time without a zone is UTC.

    Raises:
            NotUnderstood: the value is neither.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)):
        if not 0 <= value < _TIME_END:
            raise NotUnderstood("time: seconds since the epoch are out of range - at `$.time`")
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise NotUnderstood("time: expected a time like 2026-11-20T19:31:02Z - at `$.time`") from None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= seconds < _TIME_END:
        raise NotUnderstood("time: expected one between 1970 and 5000 - at `$.time`")
    return seconds


def format_time(moment: float | None) -> str | None:
    """Format a time as RFC 3339 in UTC, to the second."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(event: Event) -> dict[str, Any]:
    """Return an event as the JSON object that `decode` parses."""
    return {
        "system": event.push.system,
        "project": event.push.project,
        "branch": event.push.branch,
        "revision": event.push.revision,
        "job": event.job,
        "run_id": event.run_id,
        "attempt": event.attempt,
        "state": str(event.state),
        "result": None if event.result is None else str(event.result),
        "kind": str(event.kind),
        "tier": event.tier,
        "author": event.author,
        "message": event.message,
        "time": format_time(event.time),
        "url": event.url,
        "retrigger_of": event.retrigger_of,
        "pool": event.pool,
        "step": event.step,
        "failures": list(event.failures),
        "started": format_time(event.started),
        "event": event.event,
        "allowed_to_fail": event.allowed_to_fail,
        "needs": list(event.needs),
        "base": event.base,
        "parents": list(event.parents),
        "tests": encode_tests(event.tests),
    }


def encode_tests(tests: RunTests | None) -> dict[str, Any] | None:
    """Return the tests of a run as the JSON object that `decode` parses."""
    if tests is None:
        return None
    return {
        "passed": tests.passed,
        "failed": tests.failed,
        "errors": tests.errors,
        "skipped": tests.skipped,
        "seconds": tests.seconds,
        "failing": [{"id": one.id, "line": one.line} for one in tests.failing],
        **({"repeated": tests.repeated} if tests.repeated else {}),
    }
