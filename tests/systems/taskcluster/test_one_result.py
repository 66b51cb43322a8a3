"""One run has one result, whoever tells of it: the queue's messages, Treeherder, or the task group."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.taskcluster import FakeTaskcluster, slug
from tests.fakes.treeherder import FakeTreeherder
from tests.fakes.treeherder_ingestion import ingest
from tests.systems.taskcluster.listed import JOB, PUSH, REVISION, Connect, kept, told
from triggerbot.core.model import Event, Result, RunKey, State
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs


@pytest.fixture
def fx(connect: Connect, th: FakeTreeherder) -> Taskcluster:
    """Return a system whose jobs the Treeherder lists."""
    return connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]))


ENDINGS = [
    ("completed", ""), ("failed", ""), ("exception", "canceled"), ("exception", "superseded"),
    ("exception", "deadline-exceeded"), ("exception", "malformed-payload"), ("exception", "claim-expired"),
    ("exception", "worker-shutdown"), ("exception", "intermittent-task"), ("exception", "internal-error"),
]  # fmt: skip
TASKS = st.fixed_dictionaries(
    {
        "name": st.sampled_from([JOB, "build-linux/opt", "source-test-lint", "linux-image", "x" * 150, f"{JOB}-cf"]),
        "kind": st.sampled_from(["test", "build", "other"]),
        "runs": st.lists(
            st.tuples(st.sampled_from(ENDINGS), st.sampled_from(["retry", "task-retry", "rerun"])), max_size=3
        ),
        "last": st.sampled_from(["", "pending", "running"]),
        "given_up": st.sampled_from(["canceled", "deadline-exceeded"]),
        "messages": st.lists(st.booleans(), min_size=4, max_size=4),
    }
)


def test_a_run_has_one_result_on_every_path(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, connect: Connect
) -> None:
    """Heard over Pulse, listed by Treeherder or by its group: whatever Treeherder was told of, and in which order."""
    group, push, plain = tc.push(REVISION), th.push(REVISION), connect()

    @settings(max_examples=examples(60))
    @given(TASKS, st.booleans())
    def check(task: dict[str, Any], alone: bool) -> None:
        made = tc.add(group, name=task["name"], kind=task["kind"], state="unscheduled")
        pulse: list[Event] = []
        ingest(th, tc, push, made)
        created = "scheduled"
        steps = [*task["runs"], *([((task["last"], ""), "")] if task["last"] else [])]
        for ((state, reason), following), lost in zip(steps, task["messages"], strict=False):
            tc.run(made, state, reason, created=created)
            created = following
            # Messages about a run that is followed at once carry the status with both.
            if not lost:
                ingest(th, tc, push, made)
        if not steps:
            tc.give_up(made, task["given_up"])
            ingest(th, tc, push, made)
        for number in range(len(tc.runs[made])):
            pulse += told(fx, tc, made, number)
        if not alone:
            fx.look_back(PUSH, kept(tc, group))
        ways = {
            "pulse": pulse,
            "rest": [one for one in fx.look_back(PUSH, kept(tc, group)).events if one.run_id == made],
            "sweep": [one for one in fx.recent(0.0) or () if isinstance(one, Event) and one.run_id == made],
            "group": [one for one in plain.look_back(PUSH, kept(tc, group)).events if one.run_id == made],
        }
        outcomes: dict[RunKey, set[tuple[Any, ...]]] = {}
        for events in ways.values():
            for one in events:
                if one.state is State.FINISHED:
                    outcomes.setdefault(one.key, set()).add((one.job, one.result, one.kind, one.allowed_to_fail))
        assert all(len(found) == 1 for found in outcomes.values()), outcomes

    check()


@pytest.mark.parametrize(
    ("kind", "state", "reason", "result"),
    [
        ("other", "failed", "", Result.FAILURE),
        ("build", "failed", "", Result.BUSTED),
        ("test", "exception", "deadline-exceeded", Result.TIMED_OUT),
        ("test", "exception", "worker-shutdown", Result.INFRA),
    ],
)
def test_what_treeherder_leaves_open_is_settled(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, kind: str, state: str, reason: str, result: Result
) -> None:
    """Where no message was heard, the queue is asked, once."""
    task = tc.add(tc.push(REVISION), name="a-job", kind=kind, state="unscheduled")
    tc.run(task, state, reason)
    ingest(th, tc, th.push(REVISION), task)

    for _ in range(2):
        (event,) = fx.look_back(PUSH).events
        assert (event.result, event.kind) == (result, kind)
    assert sum(one.path.endswith(f"{task}/status") for one in tc.asked) == 1


def test_many_open_runs_are_settled_together(tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster) -> None:
    """By one list of their group; those that the queue does not know any more stay as Treeherder has them."""
    group, push = tc.push(REVISION), th.push(REVISION)
    for number in range(60):
        ingest(th, tc, push, tc.add(group, name=f"job-{number}", kind="other", state="failed"))
    forgotten = th.job(push, "long-ago", task_id=slug(), result="busted")
    tc.asked.clear()

    events = fx.look_back(PUSH).events

    results = {one.run_id: one.result for one in events}
    assert results.pop(forgotten["task_id"]) is Result.BUSTED
    assert set(results.values()) == {Result.FAILURE}
    assert len(tc.asked) <= 5
