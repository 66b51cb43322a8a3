"""Reruns in a CI that reruns one thing at a time in a run: together where it can be, else round by round."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.world import World
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.systems.github.system import GitHub

RULE = Rule(Globs(["octo/app"]))
PUSH = Push("gh", "octo/app", "main", "ab" * 20)
MakeWorld = Callable[..., World]


@pytest.fixture
def github(clock: Clock) -> Iterator[FakeGitHub]:
    """Serve a GitHub that stands in the world's time."""
    with FakeGitHub(clock=clock) as server:
        yield server


@pytest.fixture
def world(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> World:
    """Poll that GitHub."""
    gh = GitHub("gh", url=github.url, token=github.token, repositories=["octo/app"], clock=clock, sleep=clock.move)
    return make_world(gh, rules=(RULE,))


def poll(world: World) -> None:
    """Find what happened by asking, and work it off."""
    heard = world.systems["gh"].recent(world.clock() - 7200)
    assert heard is not None
    world.hear(*heard)
    world.pass_time(20, every=5)


def go_on(github: FakeGitHub, world: World, run: int) -> None:
    """Let the present attempt run to its end, and hear of it."""
    world.pass_time(60)
    github.finish(run)
    world.pass_time(60)
    poll(world)


def asked(github: FakeGitHub) -> list[str]:
    """List what was asked for, without ids of jobs."""
    return [post.path.rpartition("/actions/")[2].partition("/")[0] + " " + post.path.rpartition("/")[2]
            for post in github.posts]  # fmt: skip


def test_fail_fast_and_a_gate(github: FakeGitHub, world: World, clock: Clock) -> None:
    """What fail-fast cancelled and the gate that needs all run again with what failed: it gets green by one rerun."""
    jobs: dict[str, str | None] = {"test (1)": "failure", "test (2)": "cancelled", "test (3)": "cancelled",
                                   "lint": "success", "gate": "failure"}  # fmt: skip
    needs = {"gate": ["test (1)", "test (2)", "test (3)"]}
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", jobs, needs=needs, created=clock() - 600)
    poll(world)
    assert asked(github) == ["runs rerun-failed-jobs"]
    go_on(github, world, run)
    assert asked(github) == ["runs rerun-failed-jobs"]
    assert github.runs[run].conclusion == "success"
    assert {claim.state for claim in world.claims(PUSH).values()} == {ClaimState.DONE}


def test_two_that_fail_again(github: FakeGitHub, world: World, clock: Clock) -> None:
    """They are rerun together in every round."""
    jobs: dict[str, str | None] = {"a": "failure", "b": "failure", "c": "success"}
    ends = {"a": ["failure", "success"], "b": ["failure", "failure"]}
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", jobs, outcomes=ends, created=clock() - 600)
    poll(world)
    go_on(github, world, run)
    go_on(github, world, run)
    assert asked(github) == ["runs rerun-failed-jobs"] * 2


def test_no_second_rerun_before_the_first_of_another(github: FakeGitHub, world: World, clock: Clock) -> None:
    """Beside a failed job that nobody may rerun, the others go one by one, round by round."""
    jobs: dict[str, str | None] = {"a": "failure", "b": "failure", "c-unstable": "failure", "d": "success"}
    ends = {"a": ["failure"] * 3, "b": ["failure"] * 3}
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", jobs, outcomes=ends, created=clock() - 600)
    world = world.again(rules=(Rule(Globs(["octo/app"]), exclude_jobs=Globs(["*unstable*"])),))
    with world:
        poll(world)
        for _ in range(4):
            go_on(github, world, run)
    names = {one.id: one.name for one in github.runs[run].jobs}
    assert [names[int(post.path.split("/")[-2])] for post in github.posts] == ["a", "b", "a", "b"]


def test_rebuild_of_a_whole_run(github: FakeGitHub, world: World, clock: Clock) -> None:
    """`try: --rebuild 3` for 18 jobs of one workflow run: the run as a whole, three times."""
    world = world.again(rules=(replace(RULE, requested_default=True),))
    jobs: dict[str, str | None] = {f"test ({number})": "success" for number in range(18)}
    run = github.add_run(
        "octo/app", "CI", PUSH.revision, "main", jobs, message="try: --rebuild 3", created=clock() - 600
    )
    poll(world)
    for _ in range(4):
        go_on(github, world, run)
    assert asked(github) == ["runs rerun"] * 3
    claims = world.claims(PUSH)
    assert {(claim.state, claim.asked) for claim in claims.values()} == {(ClaimState.DONE, 3)}
    assert len(claims) == 18


def test_a_doubtful_rerun_of_all_is_sent_again_as_it_was(github: FakeGitHub, world: World, clock: Clock) -> None:
    """What GitHub did not carry out leaves as the same request."""
    jobs: dict[str, str | None] = {"a": "failure", "b": "cancelled"}
    github.add_run("octo/app", "CI", PUSH.revision, "main", jobs, created=clock() - 600)
    github.fail_next(502, "", method="POST", path="/rerun")
    poll(world)
    world.pass_time(600, every=10)
    assert asked(github) == ["runs rerun-failed-jobs"] * 2


def test_half_of_what_github_allows(github: FakeGitHub, world: World, clock: Clock) -> None:
    """A workflow run that was rerun 25 times is left to people, and the story says why."""
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", {"a": "failure"}, created=clock() - 600)
    for one in github.runs[run].jobs:
        one.attempt = 26
    github.runs[run].attempt = 26
    poll(world)
    assert github.posts == []
    claim = world.claim(PUSH, "CI / a (push)")
    assert claim.state is ClaimState.REFUSED
    assert "are left to people" in claim.note
