"""How retriggers ended and what runs cost: what every store counts, whichever backend keeps it."""

from dataclasses import replace

from tests.fakes.store_items import FAILURE, every, operation, own, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.policy.try_syntax import EVERY, PushOptions
from triggerbot.store import Observation, Store, Summary

PUSH = push()


def ran(job: str, run: str, time: float | None, result: str | None = None, started: float | None = None) -> Observation:
    """A run as it is heard of."""
    state = {} if result is None else {"result": result}
    return seen(event(job, run, time=time, started=started, **state))


def retriggered(store: Store, job: str, count: int, origin: str = "", cause: Cause = Cause.FAILURE) -> None:
    """Let a claim of a job ask for runs."""
    claims = [claim for claim in every(store) if (claim.job, claim.origin) == (job, origin)]
    store.claims.decide(claims[0], replace(FAILURE, count=count, cause=cause), None, 50.0)
    asks = operation(claims[0], f"{job}{origin}", count)
    store.claims.begin(asks, PUSH, "", 50.0)
    store.claims.accepted(asks, "yes", 50.0)


ZERO = {"passed": 0, "failed": 0, "other": 0, "unfinished": 0, "seconds": 0.0, "timed": 0, "proved": 0}


def test_retriggers_are_counted_by_how_they_ended(store: Store) -> None:
    """Those are the runs after the ones known at the decision, oldest first, as many as were asked for."""
    assert store.statistics.read(0.0)["ended"] == ZERO
    store.observe([ran("a", "1", 10.0, "failure", 4.0)], 1.0, dry=False)
    retriggered(store, "a", 5)
    ends = [
        ("7", 70.0, "success"),
        ("6", 60.0, None),
        ("5", 50.0, "infra"),
        ("4", 40.0, "success"),
        ("3", 30.0, "busted"),
    ]
    for run, time, result in [*ends, ("2", 20.0, "timed_out")]:
        store.observe([ran("a", run, time, result, 8.0 if run in "247" else None)], 1.0, dry=False)

    assert store.statistics.read(0.0)["ended"] == {
        "passed": 1, "failed": 2, "other": 1, "unfinished": 1, "seconds": 12.0 + 32.0, "timed": 2, "proved": 1,
    }  # fmt: skip
    assert store.statistics.read(3600.0)["ended"] == ZERO


def test_a_retrigger_that_runs_is_one_though_nobody_told_since_when(store: Store) -> None:
    """Not the run that was there before it."""
    store.observe([ran("a", "1", 10.0, "failure"), ran("b", "1", None, "failure")], 1.0, dry=False)
    for job in "ab":
        retriggered(store, job, 1)
        store.observe([ran(job, "2", None)], 60.0, dry=False)

    assert store.statistics.read(0.0)["ended"] == ZERO | {"unfinished": 2}
    record = store.pushes.record(PUSH)
    assert record is not None
    assert [[run.run_id for run in job.runs] for job in record.jobs] == [["1", "2"]] * 2


def test_a_retrigger_is_counted_once_and_only_if_it_was_asked_for(store: Store) -> None:
    """What two claims of a job asked for at the same time are different runs; one that was only decided has none."""
    store.observe([ran("a", "1", 10.0, "failure"), ran("b", "1", 10.0, "failure")], 1.0, dry=False)
    store.claims.ask(PUSH, "a", 2, "person", dry=False, now=1.0)
    retriggered(store, "a", 2)
    retriggered(store, "a", 1, "person")
    store.claims.decide(own(store, "b"), FAILURE, None, 50.0)
    assert store.statistics.read(0.0)["ended"] == ZERO
    for run in ("2", "3", "4", "5"):
        store.observe([ran(job, run, 20.0, "success") for job in ("a", "b")], 1.0, dry=False)

    assert store.statistics.read(0.0)["ended"] == ZERO | {"passed": 3, "proved": 1}


def test_only_what_retriggers_proved_by_themselves_is_proved_by_them(store: Store) -> None:
    """Not what a person ran or asked for, nor what the push asked for; and only where the job itself had failed."""
    first = [ran(job, "1", 10.0, "failure") for job in ("own", "stranger", "dry", "asked", "broken")]
    store.observe([*first, ran("ill", "1", 10.0, "infra")], 1.0, dry=False)
    retriggered(store, "own", 1)
    retriggered(store, "broken", 1)
    retriggered(store, "ill", 1)
    retriggered(store, "asked", 1, cause=Cause.REQUESTED)
    store.observe([ran("stranger", "2", 20.0, "success")], 1.0, dry=False)
    retriggered(store, "stranger", 1)
    more = [ran(job, "3", 30.0, "success") for job in ("own", "stranger", "dry", "asked", "ill")]
    store.observe([*more, ran("broken", "3", 30.0, "failure")], 1.0, dry=False)

    assert store.statistics.read(0.0)["ended"] == ZERO | {"passed": 4, "failed": 1, "proved": 1}

    store.claims.ask(PUSH, "own", 1, "person", dry=False, now=1.0)
    retriggered(store, "own", 1, "person", Cause.MANUAL)
    assert store.statistics.read(0.0)["ended"]["proved"] == 0


def test_machine_time_is_added_up(store: Store) -> None:
    """Of all runs whose beginning and end are known, of the pushes heard of since then."""
    assert store.statistics.read(0.0)["machine"] == {"seconds": 0.0, "runs": 0}
    items = [
        ran("a", "1", 10.0, "failure", 4.0), ran("b", "1", 10.0, "cancelled", 11.0), ran("c", "1", 10.0, "success"),
        ran("d", "1", None, "success", 4.0), ran("e", "1", 10.0, None, 4.0), ran("a", "2", 9.5, "success", 7.0),
    ]  # fmt: skip
    store.observe(items, 1.0, dry=False)

    assert store.statistics.read(0.0)["machine"] == {"seconds": 8.5, "runs": 3}
    assert store.statistics.read(3600.0)["machine"] == {"seconds": 0.0, "runs": 0}


def test_hours_tell_what_was_decided_and_refused(store: Store) -> None:
    """Beside what was sent, or would have been in dry run; also an hour of refusals alone."""
    store.observe([seen(failure(job)) for job in "abd"], 0.0, dry=False)
    store.observe([seen(failure("c"))], 0.0, dry=True)
    store.claims.decide(own(store, "a"), FAILURE, None, 10.0)
    store.claims.decide(own(store, "c"), replace(FAILURE, count=3), None, 20.0)
    store.claims.decide(own(store, "b"), Decision.refuse(Refusal.HIDDEN), None, 30.0)
    store.claims.decide(own(store, "d"), Decision.refuse(Refusal.HIDDEN), None, 7300.0)
    store.claims.begin(operation(own(store, "a")), PUSH, "", 3600.0)
    store.claims.accepted(operation(own(store, "a")), "yes", 3700.0)
    store.reports.judged(Summary(PUSH, "failed", "", None, "", None, 0.0, 0.0), [], [("a", "text")], 10900.0)

    assert store.statistics.read(0.0)["hours"] == [
        {"hour": 0, "would_have_sent": 3, "sent": 0, "decided": 2, "refused": 1, "reasons": {"hidden": 1}},
        {"hour": 3600, "would_have_sent": 0, "sent": 2, "decided": 0, "refused": 0, "reasons": {}},
        {"hour": 7200, "would_have_sent": 0, "sent": 0, "decided": 0, "refused": 1, "reasons": {"hidden": 1}},
    ]


def refused(job: str, run: str, refusal: Refusal = Refusal.STEP_EXCLUDED) -> Observation:
    """A failure that the rule does not cover."""
    return seen(failure(job, run), refusal=refusal)


def test_jobs_are_counted_and_not_what_was_decided_about_them(store: Store) -> None:
    """A job that fails three times is one job that was refused; at another push it is another."""
    there = replace(refused("a", "1"), event=failure("a", "1", push=push("0ther000")))
    store.observe([*(refused("a", run) for run in "123"), refused("b", "1"), there], 10.0, dry=False)
    store.observe([refused("a", "4")], 3700.0, dry=False)

    found = store.statistics.read(0.0)
    assert found["decisions"] == [
        {"action": "refuse", "reason": "step_excluded", "dry_run": False, "jobs": 3, "retriggers": 0}
    ]
    assert [(hour["hour"], hour["refused"], hour["reasons"]) for hour in found["hours"]] == [
        (0, 3, {"step_excluded": 3})
    ]
    assert [branch["refused"] for branch in found["branches"]] == [3]
    assert found["spared"] == {"jobs": 3, "over_budget": 0}
    assert store.statistics.read(3600.0)["hours"] == [], "each counts once, in the hour of its first refusal"


def test_a_retrigger_that_fails_is_no_refusal(store: Store) -> None:
    """Whatever keeps its failure from causing more: the job was retriggered."""
    store.observe([seen(failure(job)) for job in ("a", "b")], 10.0, dry=False)
    store.claims.decide(own(store, "a"), FAILURE, None, 10.0)
    store.claims.decide(own(store, "b"), Decision.refuse(Refusal.OVER_BUDGET), None, 10.0)
    store.observe([seen(failure(job, "2")) for job in ("a", "b")], 20.0, dry=False)
    store.observe([refused("a", "3", Refusal.RESULT_EXCLUDED)], 20.0, dry=False)

    found = store.statistics.read(0.0)
    assert {one["reason"]: one["jobs"] for one in found["decisions"]} == {
        "failure": 1, "over_budget": 1, "result_excluded": 1,
    }  # fmt: skip
    assert [hour["reasons"] for hour in found["hours"]] == [{"over_budget": 1}]
    assert [branch["refused"] for branch in found["branches"]] == [1]
    assert found["spared"] == {"jobs": 1, "over_budget": 1}


def test_what_the_ci_refused_or_a_dry_run_would_have_spared_nothing(store: Store) -> None:
    """It is refused all the same, and a job with two reasons is one job that was spared."""
    store.observe([seen(failure("a"))], 10.0, dry=False)
    store.claims.decide(own(store, "a"), FAILURE, None, 10.0)
    store.claims.begin(operation(own(store, "a")), PUSH, "", 10.0)
    store.claims.refused(operation(own(store, "a")), Decision.refuse(Refusal.REFUSED_BY_CI), 10.0)
    store.observe([refused("b", "1")], 10.0, dry=True)
    store.observe([refused("c", "1"), refused("c", "2", Refusal.RESULT_EXCLUDED)], 10.0, dry=False)

    found = store.statistics.read(0.0)
    assert found["hours"][0]["reasons"] == {"refused_by_ci": 1, "step_excluded": 2, "result_excluded": 1}
    assert found["spared"] == {"jobs": 1, "over_budget": 0}


def test_a_run_that_was_claimed_before_it_failed_is_told_like_any_other(store: Store) -> None:
    """Its push asks for rebuilds: the claim was made when the run was seen, so the failure itself causes nothing."""
    asks = PushOptions({EVERY: 2})
    store.observe([seen(event("a"), asks=asks)], 10.0, dry=False)
    store.claims.decide(own(store, "a"), Decision.trigger(Cause.REQUESTED, 2), None, 10.0)
    again = seen(failure("a"), asks=asks)
    store.observe([again], 20.0, dry=False)
    store.observe([again], 30.0, dry=False)

    assert [(one["reason"], one["jobs"]) for one in store.statistics.read(0.0)["decisions"]] == [
        ("requested", 1), ("rebuild_requested", 1),
    ]  # fmt: skip
    assert [entry.at for entry in store.pushes.timeline(PUSH) if entry.what == "refuse"] == [20.0]
    assert [hour["refused"] for hour in store.statistics.read(0.0)["hours"]] == [0]
