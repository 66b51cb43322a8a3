"""What runs need, and the claims of jobs whose failure followed from another, on every store."""

from dataclasses import replace

import pytest

from tests.fakes.store_items import seen
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import ClaimState, Operation
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Event, Run
from triggerbot.store import Store

PUSH = push()
GATE = failure("gate", "2", time=7.0, started=6.0, needs=("test (1)", "odd \x1f\x1e name"))


def only_run(store: Store) -> Run:
    """The one run that there is."""
    record = store.pushes.record(PUSH)
    assert record is not None
    (job,) = record.jobs
    (run,) = job.runs
    return run


def observe(store: Store, *events: Event) -> None:
    """Hear events, one after another."""
    for number, one in enumerate(events):
        store.observe([seen(one)], float(number), dry=False)


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("what", [None, "push"])
def test_what_a_run_needs_may_be_told_at_any_time(store: Store, what: str | None, allowed: bool) -> None:
    """And is kept when later messages do not tell it."""
    end = replace(GATE, event=what, allowed_to_fail=allowed)
    silent, begun = replace(end, needs=(), allowed_to_fail=False), event("gate", "2", time=1.0, needs=GATE.needs)
    for order in ([end], [silent, end, silent], [begun, replace(silent, allowed_to_fail=allowed)]):
        store.purge(99.0)
        observe(store, *order)
        run = only_run(store)
        assert (run.needs, run.event, run.allowed_to_fail) == (GATE.needs, what, allowed)
    observe(store, replace(end, needs=("other",)))
    assert only_run(store).needs == ("other",)


def test_a_further_failure_of_a_derived_one_is_claimed_anew(store: Store) -> None:
    """But neither the same run again, nor any run of a job that was refused for another reason."""
    observe(store, GATE)
    (claim,) = store.pushes.work(PUSH).claims
    store.claims.decide(claim, Decision.refuse(Refusal.DERIVED, "follows from `test`"), None, 1.0)
    (again,) = store.observe([seen(GATE)], 2.0, dry=False)
    assert (again.claimed, store.pushes.work(PUSH).claims) == (False, ())
    (other,) = store.observe([seen(replace(GATE, run_id="3"))], 3.0, dry=False)
    assert other.claimed
    (new,) = store.pushes.work(PUSH).claims
    assert (new.state, new.run.run_id, new.refusal) == (ClaimState.OPEN, "3", None)
    store.claims.decide(new, Decision.refuse(Refusal.OVER_BUDGET, ""), None, 4.0)
    (last,) = store.observe([seen(replace(GATE, run_id="4"))], 5.0, dry=False)
    assert (last.claimed, store.pushes.work(PUSH).claims, store.pushes.work(PUSH).spent) == (False, (), 0)


def test_a_job_that_was_not_found_is_claimed_anew_once_it_is_heard_of(store: Store) -> None:
    """By the same failure, for it is the list that was late; but not if something was asked for already."""
    observe(store, GATE)
    (claim,) = store.pushes.work(PUSH).claims
    store.claims.decide(
        claim, Decision.refuse(Refusal.NOT_FOUND, "the CI does not list the job yet, 6 times"), None, 1.0
    )
    (again,) = store.observe([seen(GATE)], 2.0, dry=False)
    assert again.claimed
    (new,) = store.pushes.work(PUSH).claims
    assert (new.state, new.run, new.lookups, new.refusal) == (ClaimState.OPEN, claim.run, 0, None)
    assert not store.observe([seen(GATE)], 3.0, dry=False)[0].claimed

    store.claims.decide(new, Decision.trigger(Cause.FAILURE, 2), None, 4.0)
    (owed,) = store.pushes.work(PUSH).claims
    operation = Operation("op", PUSH, (owed.id,), 1, 5.0)
    assert store.claims.begin(operation, PUSH, "", 5.0) is True
    store.claims.accepted(operation, "", 6.0)
    (owed,) = store.pushes.work(PUSH).claims
    store.claims.decide(owed, Decision.refuse(Refusal.NOT_FOUND), None, 7.0)
    assert not store.observe([seen(GATE)], 8.0, dry=False)[0].claimed


def test_a_success_makes_no_new_claim(store: Store) -> None:
    """Only a failure does."""
    observe(store, GATE)
    (claim,) = store.pushes.work(PUSH).claims
    store.claims.decide(claim, Decision.refuse(Refusal.DERIVED), None, 1.0)
    observe(store, event("gate", "3", result="success", time=9.0))
    assert store.pushes.work(PUSH).claims == ()
