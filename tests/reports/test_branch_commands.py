"""Commands on the issue of a branch: which jobs of it nobody wants to hear of."""

from dataclasses import replace

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, rule
from tests.fakes.world import World, event, failure, push
from tests.reports.commented import HERE, WISH, ci, settle, world
from triggerbot.core.model import Branch, CommentCommand

__all__ = ["ci", "clock", "make_world", "rule", "world"]

BRANCH = HERE.along


@pytest.fixture(autouse=True)
def streak(world: World, ci: ListeningCI) -> None:
    """Let linux-1 fail at two pushes, each three times: all of its retriggers, too."""
    other = push("fedcba4321")
    ci.say(other)
    for number, where in enumerate((HERE, other)):
        times = [world.clock() + 10 * number + run for run in range(3)]
        runs = [failure("linux-1", f"{number}-{run}", push=where, time=at) for run, at in enumerate(times)]
        ci.put(*runs)
        world.hear(*runs)
    world.drain()
    world.store.branches.news(BRANCH, world.clock())


def wish(text: str, **changes: str) -> CommentCommand:
    """Ask for something on the branch's issue."""
    return replace(WISH, pull=None, about=BRANCH.mark, text=text, **changes)  # type: ignore[arg-type]


def silenced(world: World, branch: Branch = BRANCH) -> dict[str, str]:
    """List the silenced jobs, and who wanted that."""
    return {job: one.by for job, one in world.store.branches.read(branch).silenced.items()}


def test_silence_and_hear(world: World, ci: ListeningCI) -> None:
    """By a name or a pattern; the reaction says that it was understood."""
    settle(world, wish("silence linux-*"))
    assert silenced(world) == {"linux-1": "mel"}
    assert ci.reactions == [("comment:1", True)]

    settle(world, wish("hear linux-1", id="comment:2"))
    assert silenced(world) == {}


def test_backfill(world: World, ci: ListeningCI) -> None:
    """Who broke a job is looked for along the branch, once."""
    searches = world.store.backfills.of_branch
    earlier = [push(f"{number}" * 10) for number in range(2)]
    for number, where in enumerate(earlier):
        at = world.clock() - 1000 + 10 * number
        ci.say(where)
        job = "linux-1" if number == 0 else "mac-1"
        run = event(job, f"early-{number}", push=where, result="success", time=at)
        ci.put(run)
        world.hear(run)
    world.drain()

    settle(world, wish("backfill linux-1"))
    settle(world, wish("backfill linux-1", id="comment:2"))

    (search,) = searches(BRANCH)
    assert (search.job, search.by, search.good) == ("linux-1", "mel", earlier[0].revision)
    assert ci.reactions == [("comment:1", True), ("comment:2", True)]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("silence mac-1", {}),
        ("silence", {}),
        ("retry linux-1", {}),
        ("backfill mac-1", {}),
        ("backfill nothing", {}),
        ("backfill linux-1", {"author": "ada"}),
        ("silence linux-1", {"author": "ada"}),
        ("silence linux-1", {"about": "0" * 16}),
    ],
)
def test_what_is_refused(world: World, ci: ListeningCI, text: str, changes: dict[str, str]) -> None:
    """What keeps not failing, what is no such command, who may not write, and what is about no branch that we know."""
    settle(world, replace(wish(text), **changes))  # type: ignore[arg-type]
    assert silenced(world) == {}
    assert world.store.backfills.of_branch(BRANCH) == ()
    assert ci.reactions == [("comment:1", False)]
