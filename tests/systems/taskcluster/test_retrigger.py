"""Retriggering by a push's own action: the right one, filled in, once."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.fakes.clock import Clock
from tests.fakes.taskcluster import IN_TREE, FakeTaskcluster, retrigger_actions
from tests.fakes.world import World
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.model import Kind, Push, Run, State
from triggerbot.core.policy.planning import Call, Owed
from triggerbot.core.verdict.verdict import Verdict, of_job
from triggerbot.systems import Known, http
from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.taskcluster.system import Taskcluster

REVISION = "c7766d0b4a121985a8b07e6721d66ccab57bbf76"
PUSH = Push("fx", "try", "try", REVISION)
JOB = "test-linux/opt-mochitest-1"
Connect = Callable[..., Taskcluster]


def call(task: str, count: int = 2) -> Call:
    """Return a request for runs of a task."""
    run = Run(JOB, task, 1, State.FINISHED, None, Kind.TEST)
    claim = Claim(1, PUSH, JOB, ClaimState.OWED, run, dry=False, created=1_795_000_000.0, due=0.0, wanted=count)
    return Call((Owed(claim, count, (run,)),), count, run)


def ask(fx: Taskcluster, task: str, count: int = 2, operation: str = "op") -> Answer:
    """Send a request for runs."""
    return fx.retrigger(operation, PUSH, call(task, count))


@pytest.fixture
def task(tc: FakeTaskcluster) -> str:
    """Add a failed task of a push."""
    return tc.add(tc.push(REVISION), state="failed")


def test_the_first_action_that_fits(tc: FakeTaskcluster, fx: Taskcluster, task: str) -> None:
    """Of three that are called retrigger the one for such tasks, filled in as Treeherder would."""
    assert ask(fx, task, 3) == Accepted()
    (triggered,) = tc.triggered
    assert triggered == {
        "hook": IN_TREE,
        "decision": {"action": {"cb_name": "retrigger", "name": "retrigger"}, "pushed": "by somebody"},
        "user": {
            "input": {"times": 3, "downstream": False}, "taskGroupId": tc.tasks[task]["taskGroupId"], "taskId": task,
        },
    }  # fmt: skip
    assert len(tc.posts("/trigger")) == 1


@pytest.mark.parametrize("accept", [True, False])
def test_a_page_of_something_in_front_is_no_answer(
    tc: FakeTaskcluster, fx: Taskcluster, task: str, *, accept: bool
) -> None:
    """It says 200 whether the hook was triggered or not, so nobody knows, and it is not sent again."""
    tc.fault("triggerHook", status=200, accept=accept, page="<html>Log in</html>")

    answer = ask(fx, task)

    assert isinstance(answer, Unknown)
    assert "speaks no JSON" in answer.why
    assert len(tc.posts("/trigger")) == 1


def test_no_credentials_go_where_artifacts_are_kept(tc: FakeTaskcluster, fx: Taskcluster, task: str) -> None:
    """Artifacts are on servers of others."""
    ask(fx, task)
    assert [one.signed for one in tc.asked if one.path.startswith("/storage/")] == [False]
    assert all(one.signed for one in tc.asked if one.path.startswith("/api/"))


def test_actions_are_read_once_a_push(tc: FakeTaskcluster, fx: Taskcluster, task: str) -> None:
    """Actions never change."""
    for _ in range(3):
        ask(fx, task)
    assert sum("/artifacts/" in one.path for one in tc.asked) == 1


FAULTS: list[tuple[dict[str, Any], type[Answer]]] = [
    ({"status": 500, "accept": True}, Unknown),
    ({"status": 500}, Unknown),
    ({"status": 502, "accept": True}, Unknown),
    ({"reset": True, "accept": True}, Unknown),
    ({"reset": True}, Unknown),
    ({"delay": 1.0, "accept": True}, Unknown),
    ({"status": 408}, Unknown),
    ({"status": 400}, Refused),
    ({"status": 404}, Refused),
    ({"status": 401}, Later),
    ({"status": 403}, Later),
    ({"status": 429, "headers": (("retry-after", "7"),)}, Later),
    ({"status": 503, "headers": (("retry-after", "7"),)}, Later),
    ({"status": 307, "headers": (("location", "http://127.0.0.1:1/"),)}, Later),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=str)
def test_whatever_goes_wrong_there_is_one_request(
    tc: FakeTaskcluster,
    connect: Connect,
    task: str,
    fault: dict[str, Any],
    expected: type,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The taskcluster client alone would make six of it: 47 to 56 runs is what such repetition came to elsewhere."""
    monkeypatch.setattr(http, "_TIMEOUT", httpx.Timeout(0.5))
    tc.fault("triggerHook", **fault)
    answer = ask(connect(), task)
    assert isinstance(answer, expected), answer
    assert len(tc.posts("/trigger")) == 1
    if isinstance(answer, Later) and "headers" in fault and fault["status"] != 307:
        assert answer.after == 7.0


def test_a_missing_scope_is_named(tc: FakeTaskcluster, fx: Taskcluster, task: str) -> None:
    """The error names it, so that it can be granted."""
    tc.scopes = []
    answer = ask(fx, task)
    assert isinstance(answer, Later)
    assert f"hooks:trigger-hook:{IN_TREE}" in answer.why


def test_without_credentials_nothing_is_asked_for(tc: FakeTaskcluster, connect: Connect, task: str) -> None:
    """The error says so."""
    answer = ask(connect(signed=False), task)
    assert isinstance(answer, Later)
    assert "client_id" in answer.why
    assert tc.asked == []


def test_a_push_may_only_offer_what_it_may(tc: FakeTaskcluster, fx: Taskcluster, task: str) -> None:
    """Its decision task lacks the scope for that hook: a push could name any."""
    tc.roles = {}
    answer = ask(fx, task)
    assert isinstance(answer, Refused)
    assert f"in-tree:hook-action:{IN_TREE}" in answer.why
    assert tc.posts("/trigger") == []


def test_an_action_that_needs_force(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """A task that is not marked for retriggers is left alone; the action's title says why."""
    task = tc.add(tc.push(REVISION), state="failed", tags={})
    answer = ask(fx, task)
    assert isinstance(answer, Refused)
    assert "Retrigger (disabled)" in answer.why
    assert "force" in answer.why


@pytest.mark.parametrize(
    "actions",
    [
        {"version": 2, "actions": []},
        "nonsense",
        retrigger_actions(actions=[{"name": "retrigger", "kind": "hook", "context": [{}]}]),
        retrigger_actions(
            actions=[{"name": "retrigger", "kind": "hook", "context": [{}], "hookGroupId": "a", "hookId": "b",
                      "hookPayload": {"$eval": "nobody.knows"}}]
        ),
        retrigger_actions(
            actions=[{"name": "retrigger", "kind": "hook", "context": [{}], "hookGroupId": "a", "hookId": "b",
                      "hookPayload": {}, "schema": {"type": "odd"}}]
        ),
    ],
    ids=["version", "no object", "no hook", "cannot be filled in", "no schema"],
)  # fmt: skip
def test_actions_that_cannot_be_used(tc: FakeTaskcluster, fx: Taskcluster, actions: Any) -> None:
    """Invalid actions of a push are refused."""
    task = tc.add(tc.push(REVISION, actions=actions), state="failed")
    assert isinstance(ask(fx, task), Refused)
    assert tc.posts("/trigger") == []


def test_no_action_for_the_task(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """Also where there are no actions at all."""
    task = tc.add(tc.push(REVISION, actions=retrigger_actions(actions=[])), state="failed")
    assert isinstance(ask(fx, task), Refused)
    group = tc.tasks[task]["taskGroupId"]
    tc.artifacts.clear()
    other = tc.add(group, state="failed")
    fresh = fx.retrigger("op2", PUSH, call(other))
    assert isinstance(fresh, Refused)


def test_an_action_that_is_a_task(tc: FakeTaskcluster, fx: Taskcluster) -> None:
    """It is created, under an id that follows from the operation."""
    action = {
        "name": "retrigger", "kind": "task", "context": [{}],
        "task": {"taskGroupId": {"$eval": "taskGroupId"}, "payload": {"own": {"$eval": "ownTaskId"}},
                 "metadata": {"name": "Action: Retrigger"}},
    }  # fmt: skip
    task = tc.add(tc.push(REVISION, actions=retrigger_actions(actions=[action])), state="failed")
    first, second = ask(fx, task), ask(fx, task)
    assert isinstance(first, Accepted)
    assert first == second
    assert tc.tasks[first.runs[0]]["payload"] == {"own": first.runs[0]}


# -- copies ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def copying(tc: FakeTaskcluster, connect: Connect) -> Taskcluster:
    """Return a system that copies tasks where there is no action."""
    return connect(create_task=True)


@pytest.fixture
def bare(tc: FakeTaskcluster) -> str:
    """Add a failed task of a push without actions."""
    return tc.add(tc.push(REVISION, actions=retrigger_actions(actions=[])), state="failed")


def test_copies_where_there_is_no_action(tc: FakeTaskcluster, copying: Taskcluster, bare: str) -> None:
    """In the same group, with as much time, and marked as ours in the look-back."""
    answer = ask(copying, bare, 3)
    assert isinstance(answer, Accepted)
    assert len(set(answer.runs)) == 3
    back = copying.look_back(PUSH, Known(batches=frozenset({tc.tasks[bare]["taskGroupId"]})))
    assert [one.retrigger_of for one in back.events if one.job == JOB] == [None, "op", "op", "op"]
    made = tc.tasks[answer.runs[0]]
    assert (made["created"], made["deadline"]) == ("2026-11-18T11:06:40.000Z", "2026-11-19T11:06:40.000Z")
    assert tc.posts("/trigger") == []


@pytest.mark.parametrize("fault", [{"status": 500, "accept": True}, {"reset": True, "accept": True}, {"status": 500}])
def test_copies_are_made_once_however_often_they_are_asked_for(
    tc: FakeTaskcluster, copying: Taskcluster, bare: str, fault: dict[str, Any]
) -> None:
    """The first of three is in doubt: a retry under the same operation makes the missing copies, and no more."""
    tc.fault("createTask", **fault)
    assert isinstance(ask(copying, bare, 3), Unknown)
    assert isinstance(ask(copying, bare, 3), Accepted)
    assert isinstance(ask(copying, bare, 3), Accepted)
    assert sum(one["metadata"]["name"] == JOB for one in tc.tasks.values()) == 4


# -- the whole way --------------------------------------------------------------------------------------------------


def observe(tc: FakeTaskcluster, fx: Taskcluster, world: World, *tasks: str) -> None:
    """Parse the messages that the queue publishes about tasks."""
    for task in tasks:
        world.hear(*fx.parse_message(*tc.message(task)))


def again(tc: FakeTaskcluster, task: str) -> list[str]:
    """Return the runs that were requested."""
    return [one for one, known in tc.tasks.items() if known["metadata"]["name"] == JOB and one != task]


def test_from_a_message_to_a_verdict(
    tc: FakeTaskcluster, fx: Taskcluster, make_world: Callable[..., World], task: str
) -> None:
    """A failed task, two more by one action, both pass: intermittent."""
    world = make_world(fx)
    observe(tc, fx, world, task)
    world.pass_time(60)
    claim = world.claim(PUSH, JOB)
    assert (claim.state, claim.cause) == (ClaimState.DONE, Cause.FAILURE)
    assert [one["user"]["input"]["times"] for one in tc.triggered] == [2]
    for one in again(tc, task):
        tc.end(one, "completed")
    observe(tc, fx, world, *again(tc, task))
    world.pass_time(60)
    record = world.store.pushes.record(PUSH)
    assert record is not None
    job = next(one for one in record.jobs if one.job == JOB)
    assert of_job(job.job, job.runs, job.claims).verdict is Verdict.INTERMITTENT
    assert len(tc.triggered) == 1


def test_a_push_that_asks_for_rebuilds(tc: FakeTaskcluster, fx: Taskcluster, make_world: Callable[..., World]) -> None:
    """Its message is in the push log; a task that only waits is enough."""
    task = tc.add(tc.push(REVISION, message="try: -b o -p linux --rebuild 4"), state="pending")
    world = make_world(fx)
    observe(tc, fx, world, task)
    world.pass_time(120)
    assert [one["user"]["input"]["times"] for one in tc.triggered] == [4]


@pytest.mark.parametrize("accepted", [True, False])
def test_a_crash_while_the_answer_is_awaited(
    tc: FakeTaskcluster, fx: Taskcluster, make_world: Callable[..., World], task: str, clock: Clock, accepted: bool
) -> None:
    """The action makes its tasks minutes later: until then their absence proves nothing, and nothing is doubled."""
    tc.quick = False
    world = make_world(fx)
    observe(tc, fx, world, task)
    tc.fault("triggerHook", reset=True, accept=accepted)
    world.drain()
    assert world.claim(PUSH, JOB).state is ClaimState.UNKNOWN
    later = world.again()
    later.pass_time(30)
    if accepted:
        tc.act()
    else:
        tc.quick = True
    later.pass_time(900)
    assert later.claim(PUSH, JOB).state is ClaimState.DONE
    assert len(again(tc, task)) == 2
    later.close()


def test_what_is_planned_fits_one_action(fx: Taskcluster) -> None:
    """No action takes more than a hundred."""
    want = call("x", 150).wants[0]
    (planned,) = fx.plan([want], frozenset(), ()).calls
    assert planned.count == 100
