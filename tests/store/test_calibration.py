"""Samples in each store: claimed once, within a budget of their own, and their runs told from all others."""

from dataclasses import replace

import pytest

from tests.fakes.store_items import seen
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.model import Run
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.calibration import Measured, Sample
from triggerbot.store import JobRecord, Store

PUSH = push()
PLENTY = Budget(percent=100)


def ask(store: Store, *samples: Sample, budget: Budget = PLENTY) -> int:
    """Claim samples, at a time."""
    return store.calibration.ask(PUSH, samples, budget, dry=False, now=20.0)


def job(store: Store, name: str = "a") -> JobRecord:
    """Read a job."""
    record = store.pushes.record(PUSH)
    assert record is not None
    return next(one for one in record.jobs if one.job == name)


def request(store: Store, claim: Claim, name: str = "op") -> None:
    """Decide a claim, and record its request as sent."""
    cause = Cause.CALIBRATION if claim.calibrates else Cause.MANUAL
    store.claims.decide(claim, Decision.trigger(cause, claim.wanted), None, 30.0)
    runs = {claim.job: tuple(run.key for run in job(store, claim.job).runs)}
    store.claims.begin(Operation(name, PUSH, (claim.id,), claim.wanted, 30.0, runs), PUSH, "", 30.0)


def sampled(store: Store, what: Measured = Measured.PASSED) -> Claim:
    """Sample the job `a`, and return the claim."""
    assert ask(store, Sample("a", what)) == 1
    found = job(store).calibration
    assert found is not None
    return found.claim


def decisive(store: Store) -> list[str]:
    """The runs of the job `a` that decide."""
    return [run.run_id for run in job(store).runs]


def measuring(store: Store) -> list[Run]:
    """The runs of the job `a` that measure."""
    found = job(store).calibration
    assert found is not None
    return list(found.runs)


def test_each_job_is_claimed_once_whatever_is_said_of_it_later(store: Store) -> None:
    """A job that is unknown is not claimed at all."""
    store.observe([seen(event(name, result="success")) for name in "ab"], 10.0, dry=False)
    assert ask(store, Sample("a", Measured.PASSED), Sample("none", Measured.PASSED)) == 1
    assert ask(store, Sample("a", Measured.KNOWN), Sample("b", Measured.PASSED)) == 1
    assert ask(store, Sample("a", Measured.PASSED), Sample("b", Measured.FAILED)) == 0


def test_the_budget_holds_over_all_samples_of_a_push(store: Store) -> None:
    """And what failures spend is counted apart."""
    names = "abcdef"
    store.observe([seen(event(name, result="success")) for name in names], 10.0, dry=False)
    few = Budget(percent=0, floor=1)
    assert ask(store, Sample("a", Measured.PASSED), budget=few) == 1
    assert ask(store, *(Sample(name, Measured.PASSED) for name in names), budget=few) == 1
    record = store.pushes.record(PUSH)
    assert record is not None
    assert record.spent == 0


@pytest.mark.parametrize("named", ["op", "another-run", None])
def test_its_runs_are_told_apart_before_the_answer_to_the_request_is_known(store: Store, named: str | None) -> None:
    """By the request that they name, or because they come after it; no more of them than were asked for."""
    store.observe([seen(event("a", result="success"))], 10.0, dry=False)
    request(store, sampled(store))
    store.observe([seen(failure("a", "2", retrigger_of=named))], 40.0, dry=False)
    store.observe([seen(event("a", "3", result="success"))], 50.0, dry=False)

    assert decisive(store) == ["1", "3"]
    assert [run.run_id for run in measuring(store)] == ["2"]
    assert job(store).claims == ()
    assert [entry.what for entry in store.pushes.timeline(PUSH)] == ["trigger", "send"]


def test_a_run_that_names_another_request_is_that_ones(store: Store) -> None:
    """A person asked at the same time."""
    store.observe([seen(event("a", result="success"))], 10.0, dry=False)
    request(store, sampled(store))
    asked = store.claims.ask(PUSH, "a", 1, "page:1:ann", dry=False, now=35.0)
    assert asked is not None
    request(store, asked, "other")
    store.observe([seen(event("a", "2", retrigger_of="other", result="success"))], 40.0, dry=False)
    store.observe([seen(event("a", "3", retrigger_of="op", result="success"))], 50.0, dry=False)

    assert decisive(store) == ["1", "2"]
    assert [run.run_id for run in measuring(store)] == ["3"]


def test_which_request_a_run_came_of_may_be_told_late(store: Store) -> None:
    """First it seemed to measure, for it came after the request."""
    store.observe([seen(event("a", result="success"))], 10.0, dry=False)
    request(store, sampled(store))
    asked = store.claims.ask(PUSH, "a", 1, "page:1:ann", dry=False, now=35.0)
    assert asked is not None
    request(store, asked, "other")
    store.observe([seen(event("a", "2", state="running"))], 40.0, dry=False)
    assert decisive(store) == ["1"]
    store.observe([seen(event("a", "2", retrigger_of="other", result="success"))], 50.0, dry=False)
    assert decisive(store) == ["1", "2"]


def test_a_run_before_the_request_measures_nothing(store: Store) -> None:
    """The claim alone makes none of them a sample."""
    store.observe([seen(event("a", result="success"))], 10.0, dry=False)
    sampled(store)
    store.observe([seen(event("a", "2", result="success"))], 25.0, dry=False)
    assert decisive(store) == ["1", "2"]


def test_other_claims_count_the_runs_that_decide(store: Store) -> None:
    """So their own are neither missed nor taken for others'."""
    store.observe([seen(event("a", result="success"))], 10.0, dry=False)
    claim = sampled(store)
    request(store, claim)
    store.observe([seen(event("a", "2", retrigger_of="op", result="success"))], 40.0, dry=False)
    asked = store.claims.ask(PUSH, "a", 1, "page:1:ann", dry=False, now=45.0)
    assert asked is not None
    request(store, asked, "other")
    store.observe([seen(event("a", "3", retrigger_of="other", result="success"))], 50.0, dry=False)

    (own,) = job(store).claims
    assert (own.known_runs, decisive(store)) == (1, ["1", "3"])


def test_samples_are_summed_up_by_what_they_say(store: Store) -> None:
    """Open ones count as such, those that were never run do not; the runs are no retriggers for failures."""
    store.observe([seen(event("a", result="success"))], 10.0, dry=False)
    claim = sampled(store)
    assert store.statistics.read(0.0)["accuracy"] == []
    request(store, claim)
    store.claims.accepted(Operation("op", PUSH, (claim.id,), 1, 30.0), "", 31.0)
    (open_one,) = store.statistics.read(0.0)["accuracy"]
    assert open_one == {"measured": "passed", "right": 0, "wrong": 0, "open": 1}
    store.observe([seen(failure("a", "2", retrigger_of="op"))], 40.0, dry=False)

    found = store.statistics.read(0.0)
    assert found["accuracy"] == [{"measured": "passed", "right": 0, "wrong": 1, "open": 0}]
    assert found["ended"]["failed"] == found["ended"]["proved"] == 0
    final = job(store).calibration
    assert final is not None
    assert final.claim.state is ClaimState.DONE
    assert final == replace(final, runs=tuple(measuring(store)))
