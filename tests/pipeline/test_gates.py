"""Gates: what failed because a job that it needs failed is no failure of its own, on every CI that tells of needs."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Event
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.never_start import NeverStart
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports.judge import Judge
from triggerbot.store.memory import Memory

PUSH = push()
RULE = Rule(Globs(["try"]), retries=1, budget=Budget(percent=0, floor=0))
NEEDS = ("test (1)", "test (2)")


class Bench:
    """A world with one CI, in which things end and are heard."""

    def __init__(self, world: World, ci: MemoryCI) -> None:
        self.world = world
        self.ci = ci
        self.ci.say(PUSH)

    def end(self, *events: Event) -> None:
        """Let runs end at the CI, then hear them in this order."""
        self.ci.put(*events)
        for one in events:
            self.world.hear(one)
        self.world.drain()

    def judged(self) -> PushVerdict:
        """Judge the push."""
        record = self.world.store.pushes.record(PUSH)
        assert record is not None
        return Judge(self.world.store, self.world.clock, rules=self.world.rules, fresh=0.0).judge(record)

    def job(self, name: str) -> JobVerdict:
        """The verdict on one job."""
        return next(job for job in self.judged().jobs if job.job == name)

    @property
    def asked(self) -> list[str]:
        """The jobs that were asked for."""
        return [one.job for one in self.ci.asked]


@pytest.fixture(params=["sqlite", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Have a world on each kind of store."""
    ci = MemoryCI(capacity=Capacity.SERIAL)
    tables = Memory() if request.param == "memory" else None
    with World(tmp_path / "state.db", {"ci": ci}, (RULE,), Clock(1000.0), tables=tables) as world:
        yield Bench(world, ci)


def ended(job: str, run_id: str, result: str, time: float, **more: Any) -> Event:
    """Say how a run ended."""
    return event(job, run_id, result=result, time=time, started=time - 5, **more)


FAILED, PASSED = ended("test (2)", "2", "failure", 10.0), ended("test (1)", "1", "success", 11.0)
GATE = ended("gate", "3", "failure", 20.0, needs=NEEDS)


@pytest.mark.parametrize("order", list(itertools.permutations([FAILED, PASSED, GATE])))
def test_a_gate_is_not_retriggered_for_what_it_needs(bench: Bench, order: tuple[Event, ...]) -> None:
    """Whatever is heard first: only the test is asked for, and the budget of one job is left to it."""
    bench.end(*order)
    assert bench.asked == ["test (2)"]
    claim = bench.world.claim(PUSH, "gate")
    assert (claim.state, claim.refusal, claim.note) == (ClaimState.REFUSED, Refusal.DERIVED, "follows from `test (2)`")
    gate = bench.job("gate")
    assert (gate.verdict, gate.follows, gate.why, gate.failing_runs) == (
        None, ("test (2)",), "follows from `test (2)`", 0,
    )  # fmt: skip
    assert not gate.troubles
    assert bench.judged().health is Health.PENDING


def test_a_gate_does_not_count_as_a_failing_job(bench: Bench) -> None:
    """The push fails because of the test alone; told again, the gate's end changes nothing."""
    bench.end(FAILED, PASSED, GATE)
    bench.end(ended("test (2)", "re-1", "failure", 30.0), GATE)
    judged = bench.judged()
    assert (judged.health, judged.sentence) == (
        Health.FAILING, "1 job fails every time, 1 follows from another, 1 passed",
    )  # fmt: skip
    assert bench.ci.looks < 6


def test_a_gate_that_ran_again_and_passed_is_well(bench: Bench) -> None:
    """It was never intermittent: its failure proved nothing."""
    bench.end(FAILED, PASSED, GATE)
    bench.end(ended("test (2)", "re-1", "success", 30.0))
    assert bench.judged().health is Health.INCOMPLETE
    assert bench.job("gate").why == "follows from `test (2)`, and has not run again since"
    bench.end(ended("gate", "4", "success", 40.0, needs=NEEDS))
    assert (bench.job("gate").verdict, bench.judged().health) == (Verdict.PASSED, Health.GOOD)


def test_a_gate_that_fails_by_itself_is_claimed(bench: Bench) -> None:
    """At first, or at a later attempt; what followed from others does not count as a run."""
    bench.end(FAILED, PASSED, GATE)
    bench.end(ended("test (2)", "re-1", "failure", 30.0), ended("gate", "4", "failure", 31.0, needs=NEEDS))
    assert bench.world.claim(PUSH, "gate").refusal is Refusal.DERIVED
    bench.end(ended("test (2)", "9", "success", 40.0), ended("gate", "5", "failure", 41.0, needs=NEEDS))
    claim = bench.world.claim(PUSH, "gate")
    # The budget allows one job, and the test was it; nothing else is against the gate.
    assert (claim.run.run_id, claim.refusal) == ("5", Refusal.OVER_BUDGET)
    assert bench.job("gate").verdict is Verdict.FAILED


def test_a_gate_that_always_failed_by_itself_is_retriggered(bench: Bench) -> None:
    """Everything that it needs passed."""
    bench.end(ended("test (2)", "2", "success", 10.0), PASSED, GATE)
    assert bench.asked == ["gate"]


def test_a_gate_of_a_hidden_job_counts(bench: Bench) -> None:
    """Nobody is told that the push is good while a required gate fails."""
    bench.end(ended("test (2)", "2", "failure", 10.0, tier=2), PASSED, GATE)
    assert bench.world.claim(PUSH, "gate").refusal is Refusal.DERIVED
    assert bench.job("gate").follows == ("test (2)",)
    assert bench.judged().health is Health.INCOMPLETE


def test_what_would_start_a_deployment_is_refused(bench: Bench) -> None:
    """Named, and however far the deployment is; another failed job is retriggered as ever."""
    gate = ended("gate", "3", "skipped", 20.0, needs=NEEDS)
    deploy = ended("Deploy to production", "4", "skipped", 20.0, needs=("gate",))
    bench.end(PASSED, gate, deploy, FAILED, ended("lint", "5", "failure", 30.0))
    claim = bench.world.claim(PUSH, "test (2)")
    assert (claim.refusal, bench.asked) == (Refusal.STARTS_EXCLUDED, ["lint"])
    assert claim.note == "it would start `Deploy to production`, which `never_start` forbids"


def test_what_is_never_started_is_the_rules_to_say(bench: Bench) -> None:
    """An empty list forbids nothing; own patterns forbid the job itself, too."""
    deploy = ended("deploy", "4", "skipped", 20.0, needs=NEEDS)
    rule = Rule(Globs(["try"]), retries=1, never_start=NeverStart(()))
    with bench.world.again(rules=(rule,)) as world:
        Bench(world, bench.ci).end(PASSED, deploy, FAILED)
        assert bench.asked == ["test (2)"]
    rule = Rule(Globs(["try"]), retries=1, never_start=NeverStart(("smoke*",)))
    with bench.world.again(rules=(rule,)) as world:
        Bench(world, bench.ci).end(ended("smoke", "8", "failure", 50.0))
        assert world.claim(PUSH, "smoke").refusal is Refusal.STARTS_EXCLUDED
    assert bench.asked == ["test (2)"]


def test_a_person_may_start_a_deployment_by_naming_it(bench: Bench) -> None:
    """A request for the test alone is refused; one that names the deployment, too, is carried out."""
    deploy = ended("deploy", "4", "skipped", 20.0, needs=NEEDS)
    bench.end(PASSED, deploy, FAILED)
    store = bench.world.store
    store.claims.ask(PUSH, "test (2)", 1, "person-1", dry=False, now=1000.0)
    bench.world.drain()
    assert bench.asked == []
    for job in ("test (2)", "deploy"):
        store.claims.ask(PUSH, job, 1, "person-2", dry=False, now=1000.0)
    bench.world.drain()
    assert sorted(bench.asked) == ["deploy", "test (2)"]
