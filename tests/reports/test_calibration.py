"""Measuring verdicts, from a push that is judged to the answer: what is sampled, and what its runs change."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.model import Event, Push, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.calibration import QUIET
from triggerbot.core.policy.circuit_breaker import BreakerSettings
from triggerbot.core.policy.limits import Limits
from triggerbot.core.policy.planning import Call, Capacity
from triggerbot.core.policy.rules import Rule
from triggerbot.reports import calibration, push_json, timeline
from triggerbot.reports.judge import Judge
from triggerbot.reports.timeline import Standing
from triggerbot.store.records import Calibration

__all__ = ["clock", "make_world", "quiet", "rule"]

HERE = push("abcdef1234")
#: Every job is measured.
EVERY = Rule(Globs(["try"]), calibration=1.0)
MakeWorld = Callable[..., World]


class Nameless(MemoryCI):
    """A CI whose runs do not say which request they came of."""

    def make(self, operation: str, push: Push, call: Call) -> None:
        super().make(operation, push, call)
        for key, one in list(self.runs[push].items()):
            self.runs[push][key] = replace(one, retrigger_of=None)


class Measured:
    """A world with one push that is judged, and whatever is measured of it."""

    def __init__(self, make: MakeWorld, ci: MemoryCI | None = None, rule: Rule = EVERY, **more: Any) -> None:
        self.ci = ci or MemoryCI()
        self.ci.say(HERE)
        self.world = make(self.ci, rules=(rule,), **more)
        self.publisher = self.world.publisher()

    def hear(self, *events: Event) -> None:
        """Let the CI list runs, and tell of them."""
        self.ci.put(*events)
        self.world.hear(*events)
        self.world.drain()

    def end(self, *results: str) -> None:
        """Let the CI's unfinished runs end so, one after another, with time for news in between."""
        for result in results:
            self.world.pass_time(120.0)
            waiting = [one for one in self.ci.runs[HERE].values() if one.state is not State.FINISHED]
            assert waiting, "nothing was asked for"
            told = event(waiting[0].job, waiting[0].run_id, push=HERE, result=result)
            self.hear(replace(told, retrigger_of=waiting[0].retrigger_of))
            self.world.publish(self.publisher)

    def judge(self) -> None:
        """Let the push rest until it is sampled."""
        self.world.publish(self.publisher)
        self.world.publish(self.publisher, QUIET + 120.0)
        self.world.drain()

    @property
    def sample(self) -> Calibration | None:
        """What is measured of the job."""
        record = self.world.store.pushes.record(HERE)
        assert record is not None
        return next(one.calibration for one in record.jobs if one.job == "job")

    def verdict(self) -> tuple[str, str | None, int]:
        """The push, its job, and how many of the job's runs decide."""
        record = self.world.store.pushes.record(HERE)
        assert record is not None
        judged = Judge(self.world.store, self.world.clock, fresh=0.0).judge(record)
        job = next(one for one in judged.jobs if one.job == "job")
        return str(judged.health), job.verdict, len(job.runs)

    def sums(self) -> list[dict[str, Any]]:
        """What the statistics have counted."""
        found: list[dict[str, Any]] = self.world.store.statistics.read(0.0)["accuracy"]
        return found


@pytest.fixture(params=["names", "nameless", "serial"])
def measured(request: pytest.FixtureRequest, make_world: MakeWorld) -> Measured:
    """Measure at CIs whose runs say which request they came of, or do not, and where runs come one at a time."""
    match request.param:
        case "names":
            return Measured(make_world)
        case "nameless":
            return Measured(make_world, Nameless())
        case _:
            return Measured(make_world, Nameless(capacity=Capacity.SERIAL))


def test_a_pass_that_fails_further_on_changes_nothing_but_the_figures(measured: Measured) -> None:
    """The job stays passed and the push good; no failure is claimed, refused or remembered."""
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()
    measured.end("failure")

    assert measured.verdict() == ("good", "passed", 1)
    assert [one.job for one in measured.ci.asked] == ["job"]
    assert measured.world.claims(HERE) == {}
    assert measured.world.store.reports.failure_records("try") == []
    assert measured.sums() == [{"measured": "passed", "right": 0, "wrong": 1, "open": 0}]


def test_an_intermittent_that_fails_on_is_a_regression_let_through(measured: Measured) -> None:
    """It is told first; the verdict stays as it was."""
    others = (event("job", run, push=HERE, result="success") for run in ("2", "3"))
    measured.hear(failure("job", push=HERE), *others)
    measured.judge()
    before = measured.verdict()
    measured.end("failure", "failure", "failure", "failure")

    assert measured.verdict() == before
    assert before[:2] == ("good", "intermittent")
    found = calibration.accuracy(measured.sums())
    assert next(found.sentences()).startswith(
        "Regressions let through, of jobs called intermittent: 100.0 % (20.7 to 100.0), n = 1"
    )


def test_what_fails_every_time_and_passes_then_was_wrong(measured: Measured) -> None:
    """The push keeps failing all the same: the further runs decide nothing."""
    measured.hear(failure("job", push=HERE), failure("job", "2", push=HERE), failure("job", "3", push=HERE))
    measured.judge()
    measured.end("success")

    assert measured.verdict() == ("failing", "failed", 3)
    assert measured.sums() == [{"measured": "failed", "right": 0, "wrong": 1, "open": 0}]


def test_a_pass_says_all_where_runs_come_one_at_a_time(make_world: MakeWorld) -> None:
    """No more runs are asked for."""
    measured = Measured(make_world, MemoryCI(capacity=Capacity.SERIAL))
    measured.hear(failure("job", push=HERE), failure("job", "2", push=HERE), failure("job", "3", push=HERE))
    measured.judge()
    measured.end("failure", "success")
    measured.world.pass_time(3600.0)

    assert len(measured.ci.asked) == 2
    assert measured.sample is not None
    assert measured.sample.claim.state is ClaimState.DONE


def test_a_refusal_for_the_budget_is_measured_without_the_budget_of_failures(make_world: MakeWorld) -> None:
    """Its budget is spent by definition; what measures has that once more, and takes nothing from failures."""
    measured = Measured(make_world, rule=replace(EVERY, retries=1, budget=Budget(percent=0, floor=0)))
    for name in ("a", "job"):
        measured.hear(failure(name, push=HERE))
    measured.end("failure")
    record = measured.world.store.pushes.record(HERE)
    assert record is not None
    assert record.spent == 1
    measured.judge()

    sampled = [one.job for one in record.jobs if one.key in ("a", "job")]
    after = measured.world.store.pushes.record(HERE)
    assert after is not None
    assert after.spent == 1
    assert sum(one.calibration is not None for one in after.jobs) == 1, sampled


def test_nothing_is_sampled_twice(make_world: MakeWorld) -> None:
    """Not by further news, nor by another process."""
    measured = Measured(make_world)
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()
    measured.end("success")
    measured.publisher = measured.world.again().publisher()
    measured.hear(event("other", push=HERE, result="success"))
    measured.judge()
    measured.judge()

    assert sorted(one.job for one in measured.ci.asked) == ["job", "other"]


def test_it_is_off_by_default(make_world: MakeWorld, rule: Rule) -> None:
    """Nothing is asked for, and no job is looked at."""
    measured = Measured(make_world, rule=rule)
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()

    assert measured.ci.asked == []
    assert measured.sample is None


def test_a_dry_run_says_what_it_would_measure(make_world: MakeWorld) -> None:
    """Nothing is sent, and nothing counts as measured."""
    measured = Measured(make_world, dry=True)
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()

    assert measured.ci.asked == []
    assert measured.sample is not None
    assert measured.sample.claim.state is ClaimState.WOULD
    assert measured.sample.claim.cause is Cause.CALIBRATION
    assert measured.sums() == []
    assert "Dry run: nothing is sent" in calibration.words(measured.sample)


def test_a_push_that_goes_on_is_not_sampled(make_world: MakeWorld) -> None:
    """Not while anything is under way, nor as long as its CI may have more to tell."""
    measured = Measured(make_world)
    measured.hear(event("job", push=HERE, result="success"), event("other", push=HERE))
    measured.judge()
    assert measured.sample is None
    measured.hear(event("other", push=HERE, result="success"))
    measured.world.publish(measured.publisher, QUIET - 60.0)
    assert measured.sample is None


def test_what_a_person_asks_for_decides_also_after_a_sample(measured: Measured) -> None:
    """Only the runs of the sample are left out."""
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()
    measured.end("failure")
    measured.world.store.claims.ask(HERE, "job", 1, "page:1:ann", dry=False, now=measured.world.clock())
    measured.world.drain()
    measured.end("failure")

    assert measured.verdict() == ("good", "intermittent", 2)


def test_a_failure_after_a_sample_gets_all_its_retriggers(make_world: MakeWorld) -> None:
    """The runs of the sample count neither as runs nor as a pass."""
    measured = Measured(make_world)
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()
    measured.end("success")
    measured.hear(failure("job", "elsewhere", push=HERE))

    claim = measured.world.claim(HERE, "job")
    # Of the two wanted, the failure is one: there was a run that passed.
    assert (claim.cause, claim.wanted) == (Cause.FAILURE, 1)


def test_it_is_named_wherever_the_job_is_told_of(make_world: MakeWorld, clock: Clock) -> None:
    """In the story and in the JSON; nobody takes it for a retrigger for the job's sake."""
    measured = Measured(make_world)
    measured.hear(event("job", push=HERE, result="success"))
    measured.judge()
    measured.end("failure")

    record = measured.world.store.pushes.record(HERE)
    assert record is not None
    (job,) = record.jobs
    lines = timeline.of_job(job, measured.world.store.pushes.timeline(HERE), Standing(clock(), None, ()))
    text = "\n".join(line.text for line in lines)
    assert "asks for 1 further run, because it was sampled to measure triggerbot's own accuracy" in text
    assert "asked for to measure triggerbot's own accuracy; decides nothing" in text
    told = push_json.push(record, Judge(measured.world.store, clock).judge(record))["jobs"][0]
    assert told["claims"] == []
    assert len(told["runs"]) == 1
    assert (told["calibration"]["measured"], told["calibration"]["answer"]) == ("passed", "wrong")


def test_a_sample_can_be_the_canary_of_a_pool(make_world: MakeWorld) -> None:
    """Its run says whether the pool is well again, though it decides nothing about its job."""
    settings = BreakerSettings(pushes=3, within=100_000, canary=1000, longest=4000)
    rule = replace(EVERY, exclude_jobs=Globs(["unwanted"]))
    measured = Measured(make_world, rule=rule, bounds=Limits(settings))
    measured.hear(event("job", push=HERE, result="success", pool="mac"))
    for number in range(1, 4):
        told = failure("unwanted", push=push(f"{number:07x}"), pool="mac", author=f"{number}@example.org")
        measured.world.hear(told)
    measured.judge()
    limits = measured.world.store.limits
    assert measured.ci.asked == []
    assert [one.open for one in limits.breakers()] == [True]

    measured.world.pass_time(1000.0)
    measured.end("success")
    measured.world.pass_time(60.0)

    assert [one.open for one in limits.breakers()] == [False]
    assert measured.verdict() == ("good", "passed", 1)
