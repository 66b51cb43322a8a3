"""Running a job at a push that has no run of it: by the push's own action that adds tasks by their labels."""

from collections.abc import Callable

import pytest

from tests.fakes.taskcluster import IN_TREE, FakeTaskcluster, retrigger_actions
from tests.fakes.treeherder import FakeTreeherder
from tests.systems.taskcluster.test_retrigger import JOB
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.model import Push, no_run
from triggerbot.core.policy.planning import Call, Owed
from triggerbot.systems import RunsJobs
from triggerbot.systems.answers import Accepted, Later, Refused, Unknown
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.system import Treeherder

HERE, ELSEWHERE = "a" * 40, "b" * 40
PUSH = Push("fx", "try", "try", HERE)


def call(count: int = 1) -> Call:
    """Return a request for a job that has not run here."""
    run = no_run(JOB)
    claim = Claim(1, PUSH, JOB, ClaimState.OWED, run, dry=False, created=1_795_000_000.0, due=0.0, wanted=count)
    return Call((Owed(claim, count, ()),), count, run)


@pytest.fixture
def group(tc: FakeTaskcluster) -> str:
    """Push twice: the job ran at the other push only."""
    tc.add(tc.push(ELSEWHERE), state="failed")
    return tc.push(HERE)


def test_the_action_adds_it_by_its_label(tc: FakeTaskcluster, fx: Taskcluster, group: str) -> None:
    """Once; its run is listed like any other."""
    assert isinstance(fx, RunsJobs)
    assert fx.runs_no_jobs() == ""
    assert fx.run_job("op", PUSH, call()) == Accepted()
    (triggered,) = tc.triggered
    assert triggered["hook"] == IN_TREE
    assert triggered["user"] == {"input": {"tasks": [JOB], "times": 1}, "taskGroupId": group, "taskId": None}
    assert [one.job for one in fx.look_back(PUSH).events] == ["Decision try", JOB]


def test_a_push_without_the_action_refuses(tc: FakeTaskcluster, fx: Taskcluster, group: str) -> None:
    """And so does one whose action may not be used."""
    actions = retrigger_actions()
    listed = [one for one in actions["actions"] if one["name"] != "add-new-jobs"]
    tc.artifacts[group, "public/actions.json"] = {**actions, "actions": listed}
    answer = fx.run_job("op", PUSH, call())
    assert isinstance(answer, Refused)
    assert answer.why == "the push has no action 'add-new-jobs', which runs a task that it left out"
    assert tc.triggered == []


@pytest.mark.parametrize("actions", [None, [], {"version": 2, "actions": []}, {"version": 1, "actions": {}}])
def test_actions_that_are_none_refuse(
    connect: Callable[..., Taskcluster], tc: FakeTaskcluster, actions: object
) -> None:
    """Whatever a push wrote there."""
    tc.artifacts[tc.push(HERE), "public/actions.json"] = actions
    assert isinstance(connect().run_job("op", PUSH, call()), Refused)


def test_what_the_decision_task_may_not_offer(tc: FakeTaskcluster, fx: Taskcluster, group: str) -> None:
    """It is refused, as a retrigger is."""
    tc.roles = {"assume:repo:try": ["nothing"]}
    answer = fx.run_job("op", PUSH, call())
    assert isinstance(answer, Refused)
    assert "may not offer" in answer.why
    assert tc.triggered == []


def test_answers(connect: Callable[..., Taskcluster], tc: FakeTaskcluster, fx: Taskcluster, group: str) -> None:
    """A push that is not known, a lost answer, no credentials."""
    other = Push("fx", "try", "try", "c" * 40)
    assert isinstance(fx.run_job("op", other, call()), Refused)
    tc.fault("triggerHook", reset=True, accept=True)
    assert isinstance(fx.run_job("op", PUSH, call()), Unknown)
    assert isinstance(connect(signed=False).run_job("op", PUSH, call()), Later)
    assert len(tc.posts("/trigger")) == 1


def test_treeherder_asks_the_ci_that_runs_its_jobs(
    th: FakeTreeherder, tc: FakeTaskcluster, fx: Taskcluster, group: str
) -> None:
    """Without one it says so."""
    alone = Treeherder(TreeherderJobs("th", th.url), through=None)
    assert alone.runs_no_jobs() == "Treeherder runs no jobs itself, and no taskcluster is configured for it"
    assert isinstance(alone.run_job("op", PUSH, call()), Later)
    through = Treeherder(TreeherderJobs("th", th.url), through=fx)
    assert through.runs_no_jobs() == ""
    assert through.run_job("op", PUSH._replace(system="th"), call()) == Accepted()
    assert len(tc.triggered) == 1
    alone.close()
    through.close()
