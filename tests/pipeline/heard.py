"""Shorthand for the tests of the dispatcher: a world hears, a CI was asked."""

from collections.abc import Callable
from typing import Any

from tests.fakes.ci import FakeCI
from tests.fakes.world import World, push
from triggerbot.core import event_json

PUSH = push()
REVISION = PUSH.revision
MakeWorld = Callable[..., World]


def hear(world: World, *told: dict[str, Any]) -> None:
    """Take what webhooks of the fake CI would tell."""
    world.hear(*(event_json.from_json(one, "ci") for one in told))


def failed(ci: FakeCI, world: World, job: str = "job", **more: Any) -> None:
    """Let a job fail at the CI, and hear of it."""
    hear(world, ci.run(REVISION, job, result="failure", **more))


def counts(ci: FakeCI) -> list[int]:
    """How many runs each accepted request made."""
    return [post.count for post in ci.accepted]
