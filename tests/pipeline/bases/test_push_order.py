"""A push that is heard of late takes its place: nothing that was said of it, or of those after it, stays wrong."""

import pytest

from tests.fakes.world import event, failure
from tests.pipeline.bases.on_base import BASE, LOGIN, REFUND, RULE, MakeWorld, OnlyMain, asked, judged
from tests.reports.board import Board
from triggerbot.core.model import Head, HeadKind, Push, PushFacts
from triggerbot.core.verdict.base import Relation
from triggerbot.reports.reporters.slack import blocks
from triggerbot.store.memory import Memory

WEEK = 7 * 86_400.0
OLD, NEW = BASE, BASE._replace(revision="cafe" * 10)


@pytest.mark.parametrize("own_time", [True, False])
def test_a_push_of_last_week_is_not_held_against_a_newer_one(
    make_world: MakeWorld, ci: OnlyMain, kept: Memory | None, own_time: bool
) -> None:
    """What was new with it is said to be new, and what came after it to fail as before; reports are edited."""
    world = make_world(ci, rules=(RULE,), tables=kept)
    world.hear(Head("ci", "try", "main", HeadKind.DEFAULT))
    board = Board()
    publisher = world.publisher(board)
    now = 10 * WEEK
    for where, at in ((NEW, now), (OLD, now - WEEK)):
        ci.facts[where] = PushFacts(where, "a change", time=at if own_time else None)
        for number in (1, 2, 3):
            run = failure("job", f"{where.revision[:4]}-{number}", push=where, failures=LOGIN, time=at + number,
                          started=at)  # fmt: skip
            ci.put(run)
            world.hear(run)
            world.drain()
        world.publish(publisher)
        world.clock.move(60)
        world.publish(publisher)

    said = {one.push: one for one in board.reports}
    assert judged(world, OLD).base.relation is Relation.UNKNOWN
    assert said[OLD].judged.jobs[0].base.relation is Relation.UNKNOWN
    assert judged(world, NEW).base.relation is Relation.INHERITED
    assert said[NEW].judged.jobs[0].inherited
    assert "fails on the base too" not in str(blocks.message(said[OLD]))
    assert asked(ci, OLD) == 1


def test_what_came_in_between_is_the_base(make_world: MakeWorld, ci: OnlyMain, kept: Memory | None) -> None:
    """The newest push no longer fails as the one before, but as before the change in between."""
    world = make_world(ci, rules=(RULE,), tables=kept)
    world.hear(Head("ci", "try", "main", HeadKind.DEFAULT))
    board = Board()
    publisher = world.publisher(board)
    between, now = BASE._replace(revision="b0b0" * 10), 10 * WEEK

    def hear(where: Push, at: float, result: str, lines: tuple[str, ...] = ()) -> None:
        ci.facts[where] = PushFacts(where, "a change", time=at)
        for number in (1, 2, 3):
            run = event("job", f"{where.revision[:4]}-{number}", push=where, result=result, failures=lines, time=at)
            ci.put(run)
            world.hear(run)
            world.drain()
        world.publish(publisher)
        world.clock.move(60)
        world.publish(publisher)

    hear(OLD, now - WEEK, "failure", LOGIN)
    hear(NEW, now, "failure", LOGIN)
    assert [one for one in board.reports if one.push == NEW][-1].judged.jobs[0].base.relation is Relation.INHERITED
    hear(between, now - 100, "success")
    assert [one for one in board.reports if one.push == NEW][-1].judged.jobs[0].base.relation is Relation.PASSES
    hear(between._replace(revision="beef" * 10), now - 50, "failure", REFUND)
    assert [one for one in board.reports if one.push == NEW][-1].judged.jobs[0].base.relation is Relation.DIFFERENT
