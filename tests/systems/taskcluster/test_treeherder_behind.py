"""A Treeherder that is late, or lists what never was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.taskcluster import FakeTaskcluster
from tests.fakes.treeherder import FakeTreeherder
from tests.fakes.treeherder_ingestion import ingest
from tests.fakes.world import World
from tests.systems.taskcluster.listed import JOB, PUSH, REVISION, Connect, kept, told
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Event, Result, RunKey, State
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.systems import Known
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.system import Treeherder


@pytest.fixture
def fx(connect: Connect, th: FakeTreeherder) -> Taskcluster:
    """Return a system whose jobs the Treeherder lists."""
    return connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]))


# -- Treeherder is behind --------------------------------------------------------------------------------------------


def test_a_push_that_treeherder_does_not_know_is_read_from_its_groups(
    tc: FakeTaskcluster, fx: Taskcluster, th: FakeTreeherder
) -> None:
    """With or without a group that is known; its message comes from the push log."""
    group = tc.push(REVISION, message="Bug 1")
    tc.add(group, state="failed")
    for known in (Known(), Known(batches=frozenset({group}))):
        back = fx.look_back(PUSH, known)
        assert [one.job for one in back.events] == ["Decision try", JOB]
        assert back.facts is not None
        assert back.facts.message == "Bug 1\nfirst part"


def test_a_message_that_only_treeherder_tells_is_waited_for(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect
) -> None:
    """It may say --no-retry."""
    fx = connect(jobs=TreeherderJobs("fx", th.url), hg=False)
    group = tc.push(REVISION)
    with pytest.raises(CIUnavailable, match="does not know the push") as error:
        fx.look_back(PUSH, Known(batches=frozenset({group})))
    assert error.value.healthy
    assert fx.look_back(PUSH, kept(tc, group)).events

    with pytest.raises(NotKnown):
        fx.look_back(PUSH._replace(revision="a" * 40))


def test_runs_that_treeherder_does_not_list_yet(tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster) -> None:
    """A claimed run that is missing, or a request in doubt, is a reason to read the task group, too."""
    group, push = tc.push(REVISION), th.push(REVISION)
    first, second = tc.add(group, state="failed"), tc.add(group, state="failed")
    ingest(th, tc, push, first)
    batches = frozenset({group})

    def listed(**more: Any) -> set[str]:
        return {one.run_id for one in fx.look_back(PUSH, Known(facts=True, batches=batches, **more)).events}

    assert listed() == listed(runs=frozenset({RunKey(first, 1)})) == {first}
    assert listed(runs=frozenset({RunKey(second, 1)})) == listed(doubt=True) == {group, first, second}


@pytest.mark.parametrize("hg", [True, False])
def test_treeherder_is_an_hour_late(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect, make_world: Callable[..., World], hg: bool
) -> None:
    """Every failure of that hour is retriggered all the same, and once.

    That happens at once, or, where nobody else tells what the push's message asks for, as soon as Treeherder does.
    """
    fx = connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]), hg=hg)
    world = make_world(fx)
    group = tc.push(REVISION)
    failed = [tc.add(group, name=f"test-linux/opt-mochitest-{number}", state="failed") for number in range(3)]
    everything = [*failed, *(tc.add(group, name=f"test-{number}", state="completed") for number in range(100))]
    for task in everything:
        world.hear(*fx.parse_message(*tc.message(task)))

    world.pass_time(3600)
    assert len(tc.triggered) == (3 if hg else 0)

    push = th.push(REVISION)
    for task in list(tc.tasks):
        ingest(th, tc, push, task)
    poll = Poll(fx, 300.0, world.store, world.observer, clock=world.clock, metrics=world.metrics)
    for _ in range(6):
        poll.once()
        world.pass_time(600)

    assert sorted(one["user"]["taskId"] for one in tc.triggered) == sorted(failed)
    assert {one["user"]["input"]["times"] for one in tc.triggered} == {2}
    claims = world.claims(PUSH)
    assert {(one.state, one.cause) for one in claims.values()} == {(ClaimState.DONE, Cause.FAILURE)}


def test_a_treeherder_that_is_a_system_asks_the_one_that_runs_its_jobs(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect, make_world: Callable[..., World]
) -> None:
    """A request whose answer was lost is not repeated because its runs are listed late."""
    fx = connect(hg=False)
    system = Treeherder(TreeherderJobs("th", th.url), through=fx, grace=60.0)
    world = make_world(system)
    push = PUSH._replace(system="th")
    group, number = tc.push(REVISION), th.push(REVISION)
    task = tc.add(group, state="failed")
    ingest(th, tc, number, task)
    tc.fault("triggerHook", status=500, accept=True)

    world.hear(*(replace(one, push=push) for one in told(fx, tc, task)))
    world.pass_time(7200)

    assert len(tc.triggered) == 1
    assert world.claim(push, JOB).state is ClaimState.DONE

    th.pushes.clear()
    with pytest.raises(CIUnavailable, match="nobody else tells"):
        system.look_back(push)


def test_a_claim_that_was_given_up_is_revived_by_the_sweep(
    tc: FakeTaskcluster, th: FakeTreeherder, connect: Connect, make_world: Callable[..., World]
) -> None:
    """The job was listed by nobody for as long as it was looked for; that is no reason never to retrigger it."""
    fx = connect(jobs=TreeherderJobs("fx", th.url, projects=["try"]))
    world = make_world(fx)
    group = tc.push(REVISION)
    task = tc.add(group, state="failed")
    world.hear(*told(fx, tc, task))
    tasks, tc.tasks = tc.tasks, {}
    world.pass_time(3600)
    assert world.claim(PUSH, JOB).refusal is Refusal.NOT_FOUND

    tc.tasks = tasks
    ingest(th, tc, th.push(REVISION), task)
    poll = Poll(fx, 300.0, world.store, world.observer, clock=world.clock, metrics=world.metrics)
    for _ in range(3):
        th.change(th.jobs[0], last_modified="2999-01-01T00:00:00")
        poll.once()
        world.pass_time(600)

    assert [one["user"]["taskId"] for one in tc.triggered] == [task]
    assert world.claim(PUSH, JOB).state is ClaimState.DONE


# -- what never ran --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "result"), [("canceled", Result.CANCELLED), ("deadline-exceeded", Result.SKIPPED)])
def test_a_task_that_never_ran_is_no_pending_run(
    tc: FakeTaskcluster, th: FakeTreeherder, fx: Taskcluster, make_world: Callable[..., World], reason: str,
    result: Result,
) -> None:  # fmt: skip
    """Treeherder lists it as unscheduled for ever; the queue's exception ends what may be known as pending."""
    world = make_world(fx)
    task = tc.add(tc.push(REVISION), state="unscheduled")
    ingest(th, tc, th.push(REVISION), task)
    assert fx.parse_message(*tc.message(task)) == ()
    back = fx.look_back(PUSH)
    assert (back.events, back.complete) == ((), True)
    assert fx.recent(0.0) == []

    world.hear(Event(PUSH, JOB, task, State.PENDING))
    tc.give_up(task, reason)
    world.hear(*told(fx, tc, task))

    record = world.store.pushes.record(PUSH)
    assert record is not None
    (run,) = record.jobs[0].runs
    assert (run.state, run.result) == (State.FINISHED, result)
