"""Measuring verdicts at GitHub, where runs name no request, and each rerun lists the other jobs again."""

from collections.abc import Callable

import pytest

from tests.fakes.github.workflows import Play
from tests.systems.github.cases import PUSH, SHA
from tests.systems.github.ends import Bench
from triggerbot.core.decision import Refusal
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.calibration import QUIET, Answer
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.store import JobRecord

CHAIN = """
name: CI
on: push
jobs:
  build: {}
  test: {needs: [build]}
"""
#: One job of a push is measured, whichever.
ONE = Rule(Globs(["octo/*"]), calibration=1.0, budget=Budget(percent=0, floor=0))


def sample(bench: Bench) -> JobRecord | None:
    """The job that is measured."""
    record = bench.world.store.pushes.record(PUSH)
    assert record is not None
    return next((one for one in record.jobs if one.calibration is not None), None)


def rest(bench: Bench) -> None:
    """Judge the push, let it rest, and judge it again."""
    bench.judged()
    bench.world.pass_time(QUIET + 60.0)
    bench.judged()
    bench.world.pass_time(120.0)


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """Measure one job of each push."""
    return make_bench(ONE)


def test_a_job_that_passed_is_rerun_alone_and_its_failure_decides_nothing(bench: Bench) -> None:
    """The jobs that the new attempt lists again prove nothing new, and nothing is retriggered."""
    ends = {"a": ["failure"], "b": ["failure"]}
    run = bench.run({"a": "success", "b": "success"}, outcomes=ends)
    bench.hear(run, "a", "b")
    rest(bench)
    job = sample(bench)
    assert job is not None
    assert len(bench.reruns) == 1
    assert bench.reruns[0].startswith("jobs/")
    bench.clock.move(300)
    bench.github.finish(run)
    bench.hear(run, "a", "b")
    rest(bench)

    judged = bench.judged()
    assert judged.health is Health.GOOD
    assert {one.verdict for one in judged.jobs} == {Verdict.PASSED}
    after = sample(bench)
    assert after is not None
    assert after.calibration is not None
    assert after.job == job.job
    assert after.calibration.answer is Answer.WRONG
    assert len(bench.reruns) == 1


def test_what_would_start_other_jobs_is_not_measured(bench: Bench) -> None:
    """That they need it is only known from the workflow's file, once GitHub is asked about the push."""
    play = Play(bench.github)
    run = play.start("octo/app", CHAIN, SHA, "main", ends={})
    bench.hear(run, "build", "test")
    rest(bench)
    job = sample(bench)

    assert job is not None
    assert job.job.startswith("CI / build")
    assert job.calibration is not None
    assert job.calibration.claim.refusal is Refusal.STARTS_EXCLUDED
    assert bench.reruns == []
    # Nothing was refused to the job: it had passed.
    found = bench.world.store.statistics.read(0.0)
    assert (found["spared"]["jobs"], found["decisions"], found["accuracy"]) == (0, [], [])
