"""Finding who broke a job at GitHub: what has a run is rerun, and what has none is refused, with the reason."""

from collections.abc import Callable

import pytest

from tests.fakes.clock import Clock
from tests.fakes.fixtures import make_world, quiet, rule
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event
from tests.systems.github.ends import Bench
from tests.systems.github.test_plan import PUSH, SYSTEM
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Head, HeadKind, PushFacts, no_run
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.planning import Call, Owed
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.superseded import Superseded
from triggerbot.reports.branches.backfills import Backfiller
from triggerbot.systems import RunsJobs
from triggerbot.systems.answers import Refused

__all__ = ["make_world", "quiet", "rule"]


def test_a_job_without_a_run_is_refused_with_the_reason() -> None:
    """Nothing is sent: `workflow_dispatch` takes no commit."""
    assert isinstance(SYSTEM, RunsJobs)
    assert "at the tip of a branch or at a tag only" in SYSTEM.runs_no_jobs()
    run = no_run("test")
    claim = Claim(1, PUSH, "test", ClaimState.OWED, run, dry=False, created=0, due=0, wanted=1)
    assert SYSTEM.run_job("op", PUSH, Call((Owed(claim, 1, ()),), 1, run)) == Refused(
        SYSTEM.runs_no_jobs(), healthy=True
    )


@pytest.mark.parametrize("by", ["ann", ""])
def test_where_superseded_pushes_are_left_alone(make_world: Callable[..., World], clock: Clock, by: str) -> None:
    """What a person asks for is carried out all the same; what a rule wants is not."""
    ci = MemoryCI("gh")
    skips = Rule(Globs(["octo/*"]), superseded=Superseded(Globs(["*"])))
    world = make_world(ci, rules=(skips,))
    stopped = event("test", "1", push=PUSH, result="cancelled", time=1.0)
    ci.put(stopped)
    world.hear(PushFacts(PUSH, "", "dev", 1.0), stopped)
    world.hear(Head("gh", PUSH.project, PUSH.branch, HeadKind.PUSHED, "b" * 40, 2.0))
    search, _ = world.store.backfills.begin(PUSH[:3], "test", "", "b" * 40, clock(), most=1, by=by)
    world.store.backfills.run_at(search.id, [PUSH.revision], "", clock(), clock())
    world.drain()
    record = world.store.pushes.record(PUSH)
    assert record is not None
    (claim,) = [one for job in record.jobs for one in job.claims if one.backfills]
    assert claim.refusal is (None if by else Refusal.SUPERSEDED)
    assert len(ci.asked) == (1 if by else 0)


@pytest.mark.parametrize("by", ["ann", ""])
def test_a_workflow_that_was_cancelled_before_its_jobs_began_is_rerun(bench: Bench, by: str) -> None:
    """As a whole, for a person: nothing tells GitHub to run one job of it. A rule does not undo what was cancelled."""
    github, world, start = bench.github, bench.world, bench.clock.now
    runs = [
        github.add_run("octo/app", "CI", letter * 40, "main", jobs, created=start - 3600 + 60 * number, **more)
        for number, (letter, jobs, more) in enumerate(
            (("1", {"first": "success"}, {}), ("2", {}, {"came_to": "cancelled"}), ("3", {"first": "failure"}, {}))
        )
    ]  # fmt: skip
    for run, jobs in zip(runs, (["first"], [], ["first"]), strict=True):
        bench.hear(run, *jobs)
    place = ("gh", "octo/app", "main")
    for _ in range(3):
        github.finish(runs[2], {"first": "failure"})
        bench.hear(runs[2], "first")
    before = len(github.posts)
    world.store.backfills.begin(place, "CI / first", "1" * 40, "3" * 40, bench.clock(), most=3, by=by)
    backfiller = Backfiller(world.store, world.rules, clock=bench.clock, metrics=world.metrics)
    for _ in range(20):
        backfiller.step()
        world.pass_time(120)
        if len(github.posts) > before:
            github.finish(runs[1], {"first": "failure"})
            bench.hear(runs[1], "first")
    found = world.store.backfills.latest(place, "CI / first")
    assert found is not None
    if by:
        assert found.words.startswith("first bad: 222222222222 by ")
        assert bench.reruns[before] == f"runs/{runs[1]}/rerun"
    else:
        assert found.words == "222222222222..333333333333, of which 1 could not be run"
        assert bench.reruns[before:] == []
    assert list(found.asked) == ["2" * 40]
