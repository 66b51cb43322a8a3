"""What Treeherder stores of Taskcluster's messages: etl/taskcluster_pulse/handler.py and etl/job_loader.py there."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.taskcluster import FakeTaskcluster
from tests.fakes.treeherder import FakeTreeherder

_RESULTS = {"completed": "success", "failed": "fail"}
_TESTS = {"fail": "testfailed", "canceled": "usercancel"}
_OTHERS = {"fail": "busted", "canceled": "usercancel"}


def ingest(treeherder: FakeTreeherder, tc: FakeTaskcluster, push: int, task_id: str, number: int = -1) -> None:
    """Store what the message about a run of a task says; about a task without runs, that it was defined."""
    runs = tc.runs[task_id]
    if not runs:
        _store(treeherder, tc, push, task_id, 0, {"state": "unscheduled", "result": "unknown"})
        return
    number %= len(runs)
    if runs[number]["reasonCreated"] == "exception":
        return
    if number > 0:
        # That it was the queue itself which ran the task again is only assumed.
        _store(treeherder, tc, push, task_id, number - 1, {"state": "completed", "result": "retry"})
    _store(treeherder, tc, push, task_id, number, _outcome(runs[number], _kind(tc, task_id)))


def _kind(tc: FakeTaskcluster, task_id: str) -> str:
    return str(tc.tasks[task_id]["extra"]["treeherder"].get("jobKind", "other"))


def _outcome(run: Mapping[str, Any], kind: str) -> dict[str, str]:
    if run["state"] in ("pending", "running"):
        return {"state": run["state"], "result": "unknown"}
    result = _RESULTS.get(run["state"], "exception")
    if run["state"] == "exception" and run["reasonResolved"] in ("canceled", "superseded"):
        result = run["reasonResolved"]
    return {"state": "completed", "result": (_TESTS if kind == "test" else _OTHERS).get(result, result)}


def _store(
    treeherder: FakeTreeherder, tc: FakeTaskcluster, push: int, task_id: str, retry: int, news: dict[str, str]
) -> None:
    known = next((one for one in treeherder.jobs if (one["task_id"], one["retry_id"]) == (task_id, retry)), None)
    if known is not None and known["state"] != "completed":
        treeherder.change(known, **news)
    elif known is None:
        task = tc.tasks[task_id]
        tier = task["extra"]["treeherder"].get("tier", 1)
        treeherder.job(push, task["metadata"]["name"], task_id=task_id, retry_id=retry, tier=tier, **news)
