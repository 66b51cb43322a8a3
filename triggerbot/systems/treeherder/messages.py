"""Treeherder's job messages (its schemas/pulse-job.yml), which name project, revision and job, so are no leads."""

import base64
import re
import uuid
from collections.abc import Sequence

import msgspec

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.event_json import parse_time
from triggerbot.core.model import Event, Kind, Push, Result, State
from triggerbot.systems import mozilla

_VERSION = 1
_REVISION = re.compile(r"[0-9a-f]{7,64}")
#: The state of a task that is only defined: no run of it exists, and perhaps never will.
UNSCHEDULED = "unscheduled"
STATES = {
    "pending": State.PENDING,
    "running": State.RUNNING,
    "completed": State.FINISHED,
}
#: Of stored jobs (REST) and of job messages (pulse-job), which are coarser: `fail` is a test's or a build's.
RESULTS = {
    "success": Result.SUCCESS,
    "testfailed": Result.FAILURE,
    "busted": Result.BUSTED,
    "fail": Result.FAILURE,
    "exception": Result.INFRA,
    "retry": Result.RETRY,
    "usercancel": Result.CANCELLED,
    "canceled": Result.CANCELLED,
    "superseded": Result.SKIPPED,
    "unknown": Result.UNKNOWN,
}
_BUILD = re.compile(r"build[-/]|.*[-/]build$")
_TEST = re.compile(
    r"(desktop-|)test[-/]|.*-(mochitest|reftest|xpcshell|talos|raptor|awsy|gtest|wpt|web-platform-tests)\b"
)


class _Origin(msgspec.Struct, frozen=True):
    project: str
    revision: str


class _Display(msgspec.Struct, frozen=True):
    jobName: str  # noqa: N815 - as it is on the wire


class _Job(msgspec.Struct, frozen=True):
    taskId: str  # noqa: N815
    origin: _Origin
    display: _Display
    state: str
    version: int
    jobKind: str = "other"  # noqa: N815
    result: str | None = None
    isRetried: bool = False  # noqa: N815
    retryId: int = 0  # noqa: N815
    tier: int = 1
    timeScheduled: str | None = None  # noqa: N815
    timeStarted: str | None = None  # noqa: N815
    timeCompleted: str | None = None  # noqa: N815


_decoder = msgspec.json.Decoder(_Job)


def parse(system: str, url: str, body: bytes) -> Sequence[Event]:
    """Parse one message; raises `NotUnderstood`. `url`: of Treeherder, for the event's link."""
    try:
        job = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from None
    if job.version != _VERSION:
        raise NotUnderstood(f"version: expected {_VERSION}, got {job.version}")
    if job.state == UNSCHEDULED:
        return ()
    state = STATES.get(job.state)
    if state is None:
        raise NotUnderstood(f"state: {job.state[:40]!r} is not known")
    if not _REVISION.fullmatch(job.origin.revision):
        raise NotUnderstood("origin.revision: expected 7 to 64 hexadecimal digits")
    if not job.display.jobName or not job.taskId or job.retryId < 0:
        raise NotUnderstood("taskId, display.jobName and retryId: one of them is empty or negative")
    kind = Kind(job.jobKind) if job.jobKind in ("test", "build", "other") else Kind.OTHER
    push = Push(system, job.origin.project, job.origin.project, job.origin.revision)
    run_id, retry = _run(job)
    called, confirms = mozilla.job_of(job.display.jobName)
    # The owner is the task's, and may be another than the push's author.
    return (
        Event(
            push=push,
            job=called,
            run_id=run_id,
            attempt=retry + 1,
            state=state,
            result=_result(job, kind) if state is State.FINISHED else None,
            kind=kind,
            tier=job.tier,
            time=_time(job),
            url=link(url, push, run_id, retry),
            allowed_to_fail=confirms,
        ),
    )


def link(url: str, push: Push, run_id: str, retry: int) -> str:
    """Return the address of a run."""
    return (
        f"{url}/jobs?repo={mozilla.repository(push.project)}&revision={push.revision}&selectedTaskRun={run_id}.{retry}"
    )


def _result(job: _Job, kind: Kind) -> Result:
    if job.isRetried:
        return Result.RETRY
    result = RESULTS.get(job.result or "unknown")
    if result is None:
        raise NotUnderstood(f"result: {str(job.result)[:40]!r} is not known")
    # Anything but a test has the results of a build (treeherder/etl/job_loader.py).
    return Result.BUSTED if result is Result.FAILURE and kind is not Kind.TEST else result


def _run(job: _Job) -> tuple[str, int]:
    """Parse `<uuid of the task id>/<run>` into a run id and a retry number; anything else stays as it is."""
    name, slash, run = job.taskId.rpartition("/")
    if slash and run.isascii() and run.isdigit() and len(run) < 6:
        return slug_of(name), int(run)
    return slug_of(job.taskId), job.retryId


def slug_of(name: str) -> str:
    """Convert a task's UUID to Taskcluster's form (a slugid: base64url without padding); other names stay."""
    try:
        raw = uuid.UUID(name).bytes
    except ValueError:
        return name
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _time(job: _Job) -> float | None:
    text = job.timeCompleted or job.timeStarted or job.timeScheduled
    try:
        return None if text is None else parse_time(text)
    except NotUnderstood:
        return None


def kind_of(job: str) -> Kind:
    """Infer the kind of a job from its name, since Treeherder's jobs do not state it."""
    if _BUILD.match(job):
        return Kind.BUILD
    return Kind.TEST if _TEST.match(job) else Kind.OTHER
