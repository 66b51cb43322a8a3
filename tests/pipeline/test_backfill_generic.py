"""Running a job for the first time at a push, over the generic contract: a retrigger that names no run."""

from collections.abc import Callable

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.world import World
from triggerbot.core.claim import Claim
from triggerbot.core.model import Push, PushFacts

WHERE = Push("ci", "try", "try", "b" * 40)


@pytest.fixture
def claimed(world: World, ci: FakeCI) -> Callable[[], Claim]:
    """Have a push that did not run the job, and a claim to run it there; return what reads that claim."""
    ci.run("a" * 40, "job", result="success")
    ci.push(WHERE.revision)
    world.hear(PushFacts(WHERE, ""))
    search, _ = world.store.backfills.begin(WHERE[:3], "job", "a" * 40, "c" * 40, world.clock(), most=3)
    assert world.store.backfills.run_at(search.id, [WHERE.revision], "", world.clock(), world.clock()) != ()

    def read() -> Claim:
        record = world.store.pushes.record(WHERE)
        assert record is not None
        (job,) = (*record.jobs, *record.unrun)
        (claim,) = job.claims
        return claim

    return read


def test_one_request_without_a_run(world: World, ci: FakeCI, claimed: Callable[[], Claim]) -> None:
    """The new run carries our operation, and settles the claim."""
    world.drain()
    (post,) = ci.posts
    assert (post.body["job"], post.body["run_id"], post.body["count"]) == ("job", None, 1)
    assert (str(claimed().state), claimed().asked) == ("done", 1)
    world.pass_time(600.0)
    assert len(ci.posts) == 1


@pytest.mark.parametrize("accept", [True, False])
def test_a_lost_answer_is_settled_by_look_backs(
    world: World, ci: FakeCI, claimed: Callable[[], Claim], *, accept: bool
) -> None:
    """The job runs there once in the end, taken or not."""
    ci.fault("retrigger", cut="before", accept=accept)
    world.drain()
    assert str(claimed().state) == "unknown"
    world.pass_time(900.0)
    assert str(claimed().state) == "done"
    assert len(ci.runs(WHERE.revision, "job")) == 1
    assert len({post.operation for post in ci.posts}) == 1


def test_a_ci_that_only_runs_jobs_again(world: World, ci: FakeCI, claimed: Callable[[], Claim]) -> None:
    """It answers 409, and that is why."""
    ci.first_runs = False
    world.drain()
    assert (str(claimed().state), str(claimed().refusal)) == ("refused", "refused_by_ci")
    assert "jobs are only run again here" in claimed().note


def test_a_run_that_is_there_already(world: World, ci: FakeCI, claimed: Callable[[], Claim]) -> None:
    """The look-back finds it before anything is asked for."""
    ci.run(WHERE.revision, "job", result="success")
    world.drain()
    assert ci.posts == []
    assert str(claimed().refusal) == "enough_runs"


def test_the_story_says_what_it_is_for(world: World, ci: FakeCI, claimed: Callable[[], Claim]) -> None:
    """In the timeline of the job, which has no run yet."""
    assert claimed().backfills
    world.drain()
    told = [(one.what, one.reason) for one in world.store.pushes.timeline(WHERE, "job")]
    assert told[:2] == [("trigger", "backfill"), ("send", "")]
