"""A world in which people comment on a pull request."""

from collections.abc import Callable

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.world import World, event, failure, push
from triggerbot.core.claim import Claim
from triggerbot.core.model import CommentCommand, Push
from triggerbot.reports.comments import Permission, answers
from triggerbot.systems import Asker

REVISION = "abcdef1234"
HERE = push(REVISION)
WISH = CommentCommand("ci", "comment:1", "try", "mel", "retry linux-1", pull=7)


@pytest.fixture
def ci() -> ListeningCI:
    """Return a CI with a push, its pull request and author, and a person with write access."""
    made = ListeningCI()
    made.askers = {"mel": Asker(may_write=True, is_author=False), "ada": Asker(may_write=False, is_author=True)}
    made.pulls = {7: REVISION}
    made.say(HERE)
    return made


@pytest.fixture
def world(make_world: Callable[..., World], ci: ListeningCI) -> World:
    """Return a world with some jobs of the push: one failed, and its retriggers were requested."""
    jobs = [
        failure("linux-1", "1", push=HERE),
        event("linux-2", "2", push=HERE, result="success"),
        event("mac-1", "3", push=HERE, result="success"),
        event("build", "4", push=HERE, kind="build", result="success"),
    ]
    ci.put(*jobs)
    made: World = make_world(ci)
    made.hear(*jobs)
    made.drain()
    return made


def settle(
    world: World, *commands: CommentCommand, permissions: dict[str, Permission] | None = None, seconds: float = 2.0
) -> None:
    """Take commands and publish what is due; then let the dispatcher work."""
    world.hear(*commands)
    world.publish(world.publisher(permissions=permissions), seconds)
    world.drain()


def requested(world: World, where: Push = HERE) -> dict[str, list[Claim]]:
    """Return the claims that people have made, by job."""
    record = world.store.pushes.record(where)
    assert record is not None
    found = {job.job: [claim for claim in job.claims if claim.manual] for job in record.jobs}
    return {job: claims for job, claims in found.items() if claims}


def replies(world: World, where: Push = HERE) -> str:
    """Return the replies at a push."""
    return "\n".join(text for _, text in answers(world.store.facts.metadata(where)))
