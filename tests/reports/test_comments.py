"""Commands in comments: permissions, and how they are carried out."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.world import World, event, failure, push
from tests.reports.commented import HERE, REVISION, WISH, ci, replies, requested, settle, world
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Head, HeadKind, PushFacts
from triggerbot.reports.comments import Permission
from triggerbot.systems import Asker
from triggerbot.systems.answers import Later

__all__ = ["ci", "clock", "make_world", "quiet", "rule", "world"]


def test_a_job_is_retried(world: World, ci: ListeningCI) -> None:
    """Once, as a claim of its own, sent by the dispatcher; the comment gets a reaction, the report an answer."""
    settle(world, WISH)

    (claim,) = requested(world)["linux-1"]
    assert (claim.wanted, claim.state) == (1, ClaimState.DONE)
    assert ci.asked[-1].job == "linux-1"
    assert ci.reactions == [("comment:1", True)]
    assert replies(world) == "`mel`: `retry linux-1`: Asked for 1 further run of `linux-1`."
    [action] = world.store.actions.read(10)
    assert (action.by, action.via, action.what, action.jobs, action.count) == ("mel", "comment", "linux-1", 1, 1)
    assert action.push.revision == REVISION


def test_a_superseded_push_is_carried_out_with_a_warning(world: World, ci: ListeningCI) -> None:
    """What a person asks for is done; the answer names the newer commit."""
    for revision, at in ((REVISION, 1.0), ("b" * 40, 2.0)):
        world.hear(Head(HERE.system, HERE.project, HERE.branch, HeadKind.PUSHED, revision, at))
    settle(world, WISH)
    (claim,) = requested(world)["linux-1"]
    assert (claim.wanted, claim.state) == (1, ClaimState.DONE)
    assert f"Note that `this push is superseded: the newest commit of {HERE.branch} is bbbbbbbbbbbb" in replies(world)


def test_hearing_it_twice_asks_once(world: World, ci: ListeningCI) -> None:
    """Also after a crash in the middle, and whichever way it arrives."""
    settle(world, WISH, WISH)
    settle(world, WISH)
    # As if it had been killed before the end was recorded.
    world.store.facts.set_metadata(HERE, "answers", "[]")
    world.hear(replace(WISH, id="comment:1"))
    assert len(requested(world)["linux-1"]) == 1
    assert len([one for one in ci.asked if one.count == 1]) == 1


@pytest.mark.parametrize(
    ("text", "jobs", "count"),
    [
        ("retry linux-*", {"linux-1", "linux-2"}, 1),
        ("rebuild 3", {"linux-1", "linux-2", "mac-1"}, 3),
        ("rebuild 2 mac-*", {"mac-1"}, 2),
        ("retry build", {"build"}, 1),
    ],
)
def test_patterns(world: World, text: str, jobs: set[str], count: int) -> None:
    """A rebuild covers every test job; a job that is named is covered whatever its kind."""
    settle(world, replace(WISH, text=text))

    assert {job: claim.wanted for job, (claim,) in requested(world).items()} == dict.fromkeys(jobs, count)


def test_the_button_retries_what_failed(world: World, ci: ListeningCI) -> None:
    """It names the commit rather than the pull request."""
    for number in (1, 2):
        world.hear(failure("linux-1", f"re-{number}", push=HERE))

    settle(world, replace(WISH, id="action:9", text="retry failed", pull=None, revision=REVISION))

    assert set(requested(world)) == {"linux-1"}


def test_strangers_may_not(world: World, ci: ListeningCI) -> None:
    """Nothing is requested, and the only answer is a reaction."""
    settle(world, replace(WISH, author="eve"))

    assert requested(world) == {}
    assert ci.reactions == [("comment:1", False)]
    assert replies(world) == ""


def test_authors_may_where_they_are_let(world: World, ci: ListeningCI) -> None:
    """Within a cap for each commit, over all of their commands."""
    allowed = {"ci": Permission(authors=True, cap=3)}
    command = replace(WISH, author="ada", text="rebuild 2 linux-1")

    settle(world, command, permissions={"ci": Permission(authors=False)})
    assert requested(world) == {}
    settle(world, replace(command, id="comment:2"), permissions=allowed)
    settle(world, replace(command, id="comment:3"), permissions=allowed)
    settle(world, replace(command, id="comment:4", text="retry mac-1"), permissions=allowed)

    assert {job: [claim.wanted for claim in claims] for job, claims in requested(world).items()} == {
        "linux-1": [2],
        "mac-1": [1],
    }
    assert [accepted for _, accepted in ci.reactions] == [False, True, False, True]
    assert "1 more may be asked for" in replies(world)


def test_the_cap_is_for_a_commit_on_all_its_branches(world: World, ci: ListeningCI) -> None:
    """A commit that stands on two branches may not be rebuilt twice as often."""
    there = HERE._replace(branch="other")
    ci.say(there)
    ci.put(failure("linux-1", "9", push=there))
    world.hear(failure("linux-1", "9", push=there))

    settle(world, replace(WISH, author="ada", text="rebuild 2 linux-1"), permissions={"ci": Permission(True, 3)})

    assert [claim.wanted for where in (HERE, there) for claim in requested(world, where).get("linux-1", ())] == [2]


def test_authors_may_only_ask_at_pushes_of_their_own(world: World, ci: ListeningCI) -> None:
    """Anybody may open a pull request for a commit that others pushed, for example to a release branch."""
    allowed = {"ci": Permission(authors=True, cap=3)}
    ci.askers["ada"] = Asker(may_write=False, is_author=True, pushes_of="ada")

    settle(world, replace(WISH, author="ada"), permissions=allowed)
    assert requested(world) == {}
    assert ci.reactions == [("comment:1", False)]
    assert replies(world) == ""

    ci.askers["ada"] = Asker(may_write=False, is_author=True, pushes_of="Dev@example.org")
    settle(world, replace(WISH, author="ada", id="comment:2"), permissions=allowed)
    assert set(requested(world)) == {"linux-1"}


def test_nobody_knows_whose_push_it_is(make_world: Callable[..., World], ci: ListeningCI) -> None:
    """Nobody is let through until the author is known."""
    ci.askers["ada"] = Asker(may_write=False, is_author=True, pushes_of="ada")
    world = make_world(ci)
    world.hear(failure("linux-1", "1", push=HERE))
    allowed = {"ci": Permission(authors=True, cap=3)}
    world.hear(replace(WISH, author="ada"))
    world.publish(world.publisher(permissions=allowed))
    assert (requested(world), ci.reactions) == ({}, [])

    world.hear(PushFacts(HERE, author="ada"))
    world.publish(world.publisher(permissions=allowed), 60.0)

    assert set(requested(world)) == {"linux-1"}


def test_pushes_that_are_not_reported(world: World, ci: ListeningCI) -> None:
    """Where the config allows no commands, nothing happens, even for people with write access."""
    settle(world, WISH, permissions={"ci": Permission(covers=lambda push: push.branch != HERE.branch)})

    assert requested(world) == {}
    assert ci.reactions == []


def test_it_waits_until_the_commit_is_known(world: World, ci: ListeningCI) -> None:
    """A comment right after the push is carried out as soon as a job is known."""
    later = push("fedcba9876")
    ci.pulls[8] = later.revision
    ci.say(later)
    settle(world, replace(WISH, pull=8))
    assert ci.reactions == []

    ci.put(failure("linux-1", "9", push=later))
    world.hear(failure("linux-1", "9", push=later))
    settle(world, seconds=60.0)

    assert set(requested(world, later)) == {"linux-1"}
    assert ci.reactions == [("comment:1", True)]


def test_it_happens_as_soon_as_the_ci_allows(world: World, ci: ListeningCI) -> None:
    """A retrigger that the CI refuses now (the run is unfinished) stays owed."""
    ci.answers = [Later("the workflow still runs", 60.0, healthy=True)]
    settle(world, WISH)
    assert requested(world)["linux-1"][0].state is ClaimState.OWED

    world.pass_time(120.0)

    assert requested(world)["linux-1"][0].state is ClaimState.DONE


@pytest.mark.parametrize("error", [CIUnavailable("down"), CIDenied("no permission")])
def test_it_is_tried_again(world: World, ci: ListeningCI, error: Exception) -> None:
    """A CI that fails to identify the author is asked again; nobody is let through meanwhile."""
    mel, ci.askers["mel"] = ci.askers["mel"], error
    settle(world, WISH)
    assert requested(world) == {}

    ci.askers["mel"] = mel
    settle(world, seconds=120.0)

    assert set(requested(world)) == {"linux-1"}


def test_it_is_given_up_after_a_day(world: World, ci: ListeningCI) -> None:
    """A pull request that is not found is not looked up for ever."""
    publisher = world.publisher()
    world.hear(replace(WISH, pull=99))
    for _ in range(200):
        world.publish(publisher, 900.0)

    assert world.store.commands.take(world.clock() + 1e6, 1.0) is None


def test_a_push_is_never_reported_twice_at_a_time(world: World) -> None:
    """An answer makes the push due for a report, but two daemons never report it at the same time."""
    world.clock.move(2.0)
    assert world.store.reports.take(world.clock(), 180.0) == HERE
    world.hear(replace(WISH, text="why linux-1"))

    world.publish(world.publisher())

    assert "linux-1" in replies(world)
    assert world.store.reports.take(world.clock() + 10.0, 180.0) is None
    world.store.reports.end(HERE, None)
    assert world.store.reports.take(world.clock() + 10.0, 180.0) == HERE


@pytest.mark.parametrize(("error", "tries"), [(CIDenied("gone"), 1), (NotKnown("gone"), 1), (CIUnavailable("?"), 4)])
def test_a_reaction_that_cannot_be_shown(world: World, ci: ListeningCI, error: Exception, tries: int) -> None:
    """The command is carried out once nevertheless; reacting to a deleted comment is not retried for a day."""
    ci.reaction, looks = error, []
    ci.meanwhile = lambda: looks.append(1)
    world.hear(replace(WISH, text="retry mac-1"))
    publisher = world.publisher()
    for _ in range(4):
        world.publish(publisher, 60.0)
    world.drain()

    assert len(looks) - len(ci.asked_why) == tries
    assert [claim.wanted for claim in requested(world)["mac-1"]] == [1]
    assert "`mac-1`" in replies(world)


def test_who_broke_a_job_is_looked_for(world: World, ci: ListeningCI) -> None:
    """By who may write; the search is of the branch, and asked for once."""
    before = HERE._replace(revision="1234567")
    middle = HERE._replace(revision="2345678")
    for number, where in enumerate((before, middle)):
        world.hear(PushFacts(where, "", "dev", float(number + 1)))
    world.hear(event("linux-1", "p", push=before, result="success"), event("mac-1", "q", push=middle, result="success"))
    for number in (1, 2):
        world.hear(failure("linux-1", f"re-{number}", push=HERE, time=world.clock()))
    ask = replace(WISH, text="backfill linux-1")
    settle(world, replace(ask, author="ada"), permissions={"ci": Permission(authors=True, cap=3)})
    place = (HERE.system, HERE.project, HERE.branch)
    assert world.store.backfills.of_branch(place) == ()
    assert "Only who may write to the repository may ask who broke a job." in replies(world)
    settle(world, replace(ask, id="comment:2"), replace(ask, id="comment:3"))
    (search,) = world.store.backfills.of_branch(place)
    assert (search.job, search.good, search.bad, search.by) == ("linux-1", "1234567", REVISION, "mel")
    assert "`fails since abcdef1234, and passed last at 1234567; 1 push in between proves nothing`." in replies(world)
    assert "The search begins." in replies(world)
    assert "The search goes on." in replies(world)
    settle(world, replace(ask, id="comment:4", text="backfill nothing"))
    assert "No job of this commit is called `nothing`" in replies(world)
    settle(world, replace(ask, id="comment:5", text="backfill linux-2"))
    assert "linux-2 does not fail at abcdef1234" in replies(world)
