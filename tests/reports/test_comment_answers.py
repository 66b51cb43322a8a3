"""The answers to commands in comments."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.world import World, event, failure
from tests.reports.commented import HERE, WISH, ci, replies, requested, settle, world
from tests.reports.reporters.test_foreign import CONSTRUCTS, MARK, means_nothing_at_github
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Head, HeadKind
from triggerbot.systems import Asker

__all__ = ["ci", "clock", "make_world", "quiet", "rule", "world"]


def test_why_of_one_run(world: World) -> None:
    """The sentence is in the singular."""
    settle(world, replace(WISH, text="retry mac-1"))
    settle(world, replace(WISH, id="comment:2", text="why mac-1"))

    assert "`mac-1`: 1 further run was decided, since a person asked for it." in replies(world)


def test_an_error_of_our_own(world: World, ci: ListeningCI) -> None:
    """It ends neither the publisher nor other commands; a fix within a day is in time."""
    ci.askers["ada"] = ValueError("ours")
    settle(world, replace(WISH, author="ada"), replace(WISH, id="comment:2"))
    assert ci.reactions == [("comment:2", True)]

    ci.askers["ada"] = ci.askers["mel"]
    settle(world, seconds=700.0)

    assert ci.reactions == [("comment:2", True), ("comment:1", True)]


def test_it_does_not_wait_until_everything_is_reported(world: World) -> None:
    """Commands are taken even if there is always something to report."""
    world.hear(WISH)
    publisher = world.publisher()
    world.clock.move(2.0)

    publisher.step()

    assert set(requested(world)) == {"linux-1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("retry windows-*", "No job of this commit matches"),
        ("rebuild 21", "At most 20"),
        ("please do something", "What can be asked"),
        ("why windows", "No job of this commit is called"),
    ],
)
def test_what_cannot_be_says_why(world: World, ci: ListeningCI, text: str, words: str) -> None:
    """The reaction shows that it was not accepted, the answer says why."""
    settle(world, replace(WISH, text=text))

    assert requested(world) == {}
    assert ci.reactions == [("comment:1", False)]
    assert words in replies(world)


def test_the_reaction_is_late(world: World, ci: ListeningCI) -> None:
    """A refused command is not shown as done because GitHub wanted a pause before the reaction."""
    ci.reaction = CIUnavailable("a pause between writes", 2.0, healthy=True)
    settle(world, replace(WISH, text="retry windows-*"), replace(WISH, id="comment:2"))
    assert ci.reactions == []

    ci.reaction = None
    settle(world, seconds=60.0)

    assert set(ci.reactions) == {("comment:1", False), ("comment:2", True)}


def test_nothing_to_retry(world: World) -> None:
    """A retry of nothing is answered with the reason: the button may be pressed twice."""
    command = replace(WISH, text="retry failed")
    settle(world, command)
    assert "What failed is being run again already." in replies(world)

    world.hear(*(event("linux-1", f"re-{number}", push=HERE, result="success") for number in (1, 2)))
    settle(world, replace(command, id="comment:2"))
    assert "No job of this commit is failing." in replies(world)
    assert requested(world) == {}


def test_killed_before_the_answer(world: World, ci: ListeningCI) -> None:
    """The answer confirms the request, though the failed job is already running again by then."""
    for number in (1, 2):
        world.hear(failure("linux-1", f"re-{number}", push=HERE))
    ci.reaction = CIUnavailable("down")
    world.hear(replace(WISH, text="retry failed"))
    world.publish(world.publisher())
    world.store.facts.set_metadata(HERE, "answers", "[]")
    ci.reaction = None
    world.publish(world.publisher(), 60.0)

    assert "Asked for 1 further run of `linux-1`." in replies(world)
    assert len(requested(world)["linux-1"]) == 1
    assert ci.reactions == [("comment:1", True)]


def test_each_answer_names_its_question(world: World) -> None:
    """A comment asks for several things, and several people ask."""
    settle(world, replace(WISH, text="why mac-1\nplease\nrebuild 21"))

    assert replies(world).startswith("`mel`: `why mac-1`: `mac-1`: It passed")
    assert " `please`: This is no command." in replies(world)
    assert " `rebuild 21`: At most 20" in replies(world)


def test_why(world: World) -> None:
    """The answer has the decision with its reason, and what the runs prove."""
    settle(world, replace(WISH, text="why linux-1\nwhy mac-1"))

    assert "`linux-1`: 2 further runs were decided, since a run of it failed." in replies(world)
    assert "`mac-1`: It passed, so there was nothing to decide." in replies(world)


def test_dry_run_sends_nothing(make_world: Callable[..., World], ci: ListeningCI) -> None:
    """It is recorded, and the answer says so."""
    ci.put(event("linux-1", "1", push=HERE, result="success"))
    world = make_world(ci, dry=True)
    world.hear(event("linux-1", "1", push=HERE, result="success"))

    settle(world, WISH)

    assert requested(world)["linux-1"][0].state is ClaimState.WOULD
    assert ci.asked == []
    assert "Dry run" in replies(world)


def test_hostile_names_stay_text(world: World, ci: ListeningCI) -> None:
    """Names of jobs cannot break out of the answer."""
    name = "`]<script>@everyone\n# job"
    ci.put(event(name, "8", push=HERE, result="success"))
    world.hear(event(name, "8", push=HERE, result="success"))

    settle(world, replace(WISH, text="retry *script*"))

    assert "`` `]<script>@everyone # job ``" in replies(world)


def test_projects_that_nobody_watches(world: World) -> None:
    """Their commands are not stored."""
    world.hear(replace(WISH, project="elsewhere"))

    assert world.store.commands.take(world.clock() + 10, 1.0) is None
    assert json.loads(world.store.facts.metadata(HERE).get("answers", "[]")) == []


@pytest.mark.parametrize("number", range(0, len(CONSTRUCTS), 6))
def test_what_others_wrote_means_nothing_in_an_answer(number: int, make_world: Callable[..., World]) -> None:
    """Names of jobs and branches, the command itself and who gave it; also where the push is superseded."""
    text = f"{MARK}{''.join(CONSTRUCTS[number : number + 6])}{MARK}".replace("\ud800", "?")
    there = HERE._replace(branch=text)
    ci = ListeningCI()
    ci.askers = {text: Asker(may_write=True, is_author=False)}
    ci.pulls = {7: there.revision}
    ci.say(there)
    jobs = [failure(text, "1", push=there, failures=(text,), author=text, message=text)]
    ci.put(*jobs)
    world = make_world(ci)
    newer = Head("ci", "try", text, HeadKind.PUSHED, "abcdef9876", world.clock.now)
    world.hear(*jobs, Head("ci", "try", text, HeadKind.PUSHED, there.revision, world.clock.now - 60), newer)
    world.drain()
    commands = [
        f"retry {MARK}*",
        f"why {MARK}*",
        *(f"{what} {text}" for what in ("why", "retry", "rebuild 1", "please")),
    ]
    for position, command in enumerate(commands):
        settle(world, replace(WISH, id=f"comment:{position}", author=text, text=command))

    said = replies(world, there)
    assert "superseded" in said
    means_nothing_at_github("- " + said.replace("\n", "\n- ") + "\n")
