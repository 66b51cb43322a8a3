"""Messages of Taskcluster's queue, parsed into leads: they give the state of a task's run, and nothing of its push.

State and result are read from `status.runs[runId]`, never from `status.state`: when the queue retries a task, it
publishes the exception of one run and the start of the next, and both carry the same status.
"""

import re
from collections.abc import Sequence

import msgspec

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.event_json import parse_time
from triggerbot.core.model import Group, Kind, Lead, Result, State

EXCHANGES = "exchange/taskcluster-queue/v1/task-"
#: Exchanges about a task of which no run has changed.
_OF_TASKS = frozenset(
    {"defined", "group-resolved", "group-sealed", "group-changed", "group-priority-changed", "priority-changed"}
)
#: Exchanges about a run: its new state.
_OF_RUNS = frozenset({"pending", "running", "completed", "failed", "exception"})
#: Why a run was created, if the queue ran the task again by itself; a person's rerun is `rerun`.
_RETRIES = frozenset({"retry", "task-retry"})
#: A slugid (taskcluster/slugid): 22 characters of base64url.
ID = re.compile(r"[A-Za-z0-9_-]{22}")
#: Words in the kind of a Gecko task that runs tests.
_TESTS = re.compile(r"(^|-)(test|tests|mochitest|reftest|xpcshell|talos|raptor|browsertime|awsy|gtest|jittest)($|-)")


class Run(msgspec.Struct, frozen=True, gc=False):
    """One run in a task's status."""

    state: str
    reasonCreated: str = ""  # noqa: N815 - as it is on the wire
    reasonResolved: str = ""  # noqa: N815
    scheduled: str | None = None
    started: str | None = None
    resolved: str | None = None


class Status(msgspec.Struct, frozen=True, gc=False):
    """A task's status."""

    taskId: str  # noqa: N815
    taskGroupId: str  # noqa: N815
    runs: tuple[Run, ...] = ()


class _Task(msgspec.Struct, frozen=True, gc=False):
    tags: dict[str, str] = {}


class _Message(msgspec.Struct, frozen=True, gc=False):
    status: Status
    runId: int | None = None  # noqa: N815
    task: _Task | None = None


_decoder = msgspec.json.Decoder(_Message)


def parse(system: str, exchange: str, body: bytes) -> Sequence[Lead]:
    """Parse a message; raises `NotUnderstood`. The exchange is checked, since anybody may publish to their own."""
    if not exchange.startswith(EXCHANGES):
        raise NotUnderstood(f"exchange {exchange[:100]!r} is none of Taskcluster's queue")
    kind = exchange[len(EXCHANGES) :]
    if kind not in _OF_RUNS:
        if kind in _OF_TASKS:
            return ()
        raise NotUnderstood(f"exchange {exchange[:100]!r} is not known")
    try:
        message = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from None
    status, number = message.status, message.runId
    if number is None or not 0 <= number < len(status.runs):
        raise NotUnderstood("runId: there is no such run in status.runs")
    if not ID.fullmatch(status.taskId) or not ID.fullmatch(status.taskGroupId):
        raise NotUnderstood("status.taskId, status.taskGroupId: expected slugids")
    is_build = message.task is not None and kind_of(None, message.task.tags.get("kind")) is Kind.BUILD
    return (lead(Group(system, status.taskGroupId), status, number, is_build=is_build),)


def lead(group: Group, status: Status, number: int, *, is_build: bool) -> Lead:
    """Build the lead of one run of a task; raises `NotUnderstood` for an unknown state."""
    run = status.runs[number]
    following = status.runs[number + 1].reasonCreated if number + 1 < len(status.runs) else ""
    state, result = judge(run, retried=following in _RETRIES, is_build=is_build)
    time = _time(run)
    return Lead(group, status.taskId, state, result, number + 1, time)


def judge(run: Run, *, retried: bool, is_build: bool) -> tuple[State, Result | None]:
    """Return the state and result of a run; `retried`: the queue itself ran it again. Raises `NotUnderstood`."""
    if run.reasonCreated == "exception":
        # It never ran: the queue adds such a run to a task that ends before anything of it was scheduled.
        return State.FINISHED, Result.CANCELLED if run.reasonResolved == "canceled" else Result.SKIPPED
    match run.state:
        case "pending":
            return State.PENDING, None
        case "running":
            return State.RUNNING, None
        case "completed":
            return State.FINISHED, Result.SUCCESS
        case "failed":
            return State.FINISHED, Result.BUSTED if is_build else Result.FAILURE
        case "exception":
            return State.FINISHED, _exception(run.reasonResolved, retried=retried)
        case other:
            raise NotUnderstood(f"a run's state is {other[:40]!r}")


def _exception(reason: str, *, retried: bool) -> Result:
    match reason:
        case "canceled":
            return Result.CANCELLED
        case "superseded":
            return Result.SKIPPED
        case "deadline-exceeded":
            return Result.TIMED_OUT
        case "claim-expired" | "worker-shutdown" | "intermittent-task" if retried:
            return Result.RETRY
        case _:
            return Result.INFRA


def _time(run: Run) -> float | None:
    text = run.resolved or run.started or run.scheduled
    try:
        return None if text is None else parse_time(text)
    except NotUnderstood:
        return None


def kind_of(job_kind: str | None, tag: str | None) -> Kind:
    """Return the kind of a job: `job_kind`, as given to Treeherder, or else by `tag`, its kind in the task graph."""
    if job_kind in ("test", "build", "other"):
        return Kind(job_kind)
    if tag is None:
        return Kind.OTHER
    if tag == "build" or tag.startswith("build-"):
        return Kind.BUILD
    return Kind.TEST if _TESTS.search(tag) else Kind.OTHER
