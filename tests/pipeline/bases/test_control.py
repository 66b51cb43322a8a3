"""Control runs: where nothing is known of the base, the job is run there, once."""

from dataclasses import replace

import pytest

from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure
from tests.pipeline.bases.on_base import BASE, HERE, LOGIN, RULE, MakeWorld, OnlyMain, asked, fail, judged
from tests.reports.board import Board
from triggerbot.core.model import PushFacts
from triggerbot.core.policy.evidence import UntilProved
from triggerbot.core.verdict.base import Relation
from triggerbot.store.memory import Memory


@pytest.fixture
def controlled(make_world: MakeWorld, ci: OnlyMain, kept: Memory | None) -> World:
    """Return a world whose rule asks for control runs."""
    world: World = make_world(ci, rules=(replace(RULE, base_branch="main", control=True),), tables=kept)
    return world


def fail_every_time(world: World, ci: MemoryCI, lines: tuple[str, ...] = LOGIN) -> Board:
    """Let all runs of the job here fail alike, and report it."""
    board = Board()
    publisher = world.publisher(board)
    fail(world, ci, HERE, lines, "h1")
    world.drain()
    for run in list(ci.runs[HERE].values()):
        if run.run_id != "h1":
            failed = failure("job", run.run_id, push=HERE, failures=lines, retrigger_of=run.retrigger_of)
            ci.put(failed)
            world.hear(failed)
    world.publish(publisher)
    world.drain()
    world.publish(publisher)
    return board


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("result", ["success", "failure"])
def test_a_control_run_tells_one_from_the_other(controlled: World, ci: OnlyMain, heard: bool, result: str) -> None:
    """Where the base's run was cancelled it is run once more, and the verdict follows; nothing else of it is."""
    world = controlled
    cancelled = event("job", "b1", push=BASE, result="cancelled", time=5.0)
    other = failure("other", "b2", push=BASE, time=5.0)
    ci.put(cancelled, other)
    if heard:
        world.hear(PushFacts(BASE, "before"), cancelled)
    board = fail_every_time(world, ci)
    claims = [
        claim for job in world.store.pushes.record(BASE).jobs for claim in job.claims  # type: ignore[union-attr]
        if claim.control
    ]  # fmt: skip
    assert [(str(claim.cause), claim.wanted) for claim in claims] == [("control", 1)]
    assert [one.count for one in ci.asked if one.push == BASE and one.job == "job"] == [1]
    if not heard:
        assert asked(ci, BASE) == 1
    made = next(run for run in ci.runs[BASE].values() if run.job == "job" and run.run_id != "b1")
    ended = event("job", made.run_id, push=BASE, result=result, failures=LOGIN if result == "failure" else ())
    ci.put(ended)
    world.hear(ended)
    publisher = world.publisher(board)
    for _ in range(3):
        world.drain()
        world.publish(publisher)
    relation = judged(world).base.relation
    if result == "success":
        assert relation is Relation.PASSES
        assert [one for one in board.reports if one.push == HERE][-1].fresh == frozenset({"job"})
    else:
        assert relation is Relation.INHERITED
    assert len([one for one in ci.asked if one.push == BASE and one.job == "job"]) == 1


@pytest.mark.parametrize(("kind", "most"), [("test", 4), ("build", 4), ("test", 1)])
def test_where_retries_go_by_evidence_what_it_took_is_enough(
    make_world: MakeWorld, ci: OnlyMain, kept: Memory | None, kind: str, most: int
) -> None:
    """The most that a job might have had is not waited for; of a build there is only one more."""
    rule = replace(
        RULE, base_branch="main", control=True, kinds=frozenset({"test", "build"}), retries=most,
        until_proved=UntilProved(0.05, most),
    )  # fmt: skip
    world = make_world(ci, rules=(rule,), tables=kept)
    ci.put(event("job", "b1", push=BASE, result="cancelled", time=5.0))
    publisher = world.publisher()
    failed = failure("job", "h1", push=HERE, failures=LOGIN, kind=kind)
    ci.put(failed)
    world.hear(failed)
    for _ in range(6):
        world.drain()
        world.publish(publisher, 60.0)
        assert not asked(ci, BASE) or not [run for run in ci.runs[HERE].values() if run.result is None]
        for run in [one for one in ci.runs[HERE].values() if one.result is None]:
            ended = failure("job", run.run_id, push=HERE, failures=LOGIN, kind=kind, retrigger_of=run.retrigger_of)
            ci.put(ended)
            world.hear(ended)
    assert asked(ci, HERE) < 4
    assert asked(ci, BASE) == 1


def test_no_control_run_where_there_is_nothing_to_run_again(controlled: World, ci: OnlyMain) -> None:
    """It is said in the story of the job, once."""
    ci.put(event("other", "b2", push=BASE, result="success", time=5.0))
    fail_every_time(controlled, ci)
    told = [one.text for one in controlled.store.pushes.timeline(HERE, "job") if "control" in one.text]
    assert told == ["no control run: the job has no run at the base (ba5eba5eba5e) that could be run again"]
    assert asked(ci, BASE) == 0


def test_no_control_run_where_the_base_is_known_or_the_rule_asks_for_none(
    world: World, controlled: World, ci: OnlyMain
) -> None:
    """Nor where the failures differ."""
    cancelled = event("job", "b1", push=BASE, result="cancelled", time=5.0)
    ci.put(cancelled)
    world.hear(PushFacts(BASE, "before"), cancelled)
    fail_every_time(world, ci)
    assert asked(ci, BASE) == 0


def test_a_control_run_is_within_the_budget_of_the_base(controlled: World, ci: OnlyMain) -> None:
    """Like any retrigger for a failure."""
    cancelled = event("job", "b1", push=BASE, result="cancelled", time=5.0)
    ci.put(cancelled)
    controlled.hear(PushFacts(BASE, "before"), cancelled)
    fail_every_time(controlled, ci)
    record = controlled.store.pushes.record(BASE)
    assert record is not None
    assert record.spent == 1
