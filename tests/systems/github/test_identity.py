"""Whose run it is: which workflow runs and jobs are told apart, and which are one, all the way to the verdict."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock as WorldClock
from tests.fakes.github import FakeGitHub
from tests.fakes.world import World
from tests.systems.github.cases import SHA
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.systems.github.system import GitHub


@pytest.fixture
def make_world(github: FakeGitHub, connect: Callable[..., GitHub], tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make worlds around the fake GitHub, with one rule for its repository."""
    made: list[World] = []

    def make(*, projects: str = "octo/app", settings: dict[str, Any] | None = None, **rule: Any) -> World:
        clock = WorldClock(github.clock())
        systems = {"gh": connect(clock=clock, sleep=clock.move, **(settings or {}))}
        world = World(tmp_path / "state.db", systems, [Rule(Globs([projects]), **rule)], clock)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


def tell(world: World, github: FakeGitHub, kind: str, run: int, **what: Any) -> None:
    """Deliver a webhook."""
    world.hear(*world.systems["gh"].parse(*github.webhook(kind, run, **what)))


def poll(world: World) -> None:
    """Hear what a poll finds."""
    world.hear(*(world.systems["gh"].recent(0.0) or ()))


def test_case_of_owner_and_repository(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """The config may spell them otherwise than GitHub; webhooks and polls are of one push, found in any spelling."""
    world = make_world(projects="octo/APP", settings={"repositories": ["OCTO/app"]})
    run = github.add_run("Octo/App", "CI", SHA, "main", {"test": "failure"})
    tell(world, github, "workflow_job", run, job="test")
    poll(world)
    world.drain()
    there = Push("gh", "Octo/App", "main", SHA)
    assert world.store.find("octo/app", SHA[:8]) == [there]
    assert world.store.recent(5, "OCTO/APP") == [there]
    assert [post.path.split("/")[2:4] for post in github.posts] == [["Octo", "App"]]
