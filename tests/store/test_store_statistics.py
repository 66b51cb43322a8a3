"""How retriggers ended and what runs cost: what every store counts, whichever backend keeps it."""

from dataclasses import replace

from fakes.items import FAILURE, every, operation, own, seen
from fakes.world import event, failure, push

from triggerbot.model import Decision, Refusal
from triggerbot.store import Observation, Store, Summary

PUSH = push()


def ran(job: str, run: str, time: float | None, result: str | None = None, started: float | None = None) -> Observation:
    """A run as it is heard of."""
    state = {} if result is None else {"result": result}
    return seen(event(job, run, time=time, started=started, **state))


def retriggered(store: Store, job: str, count: int, origin: str = "") -> None:
    """Let a claim of a job ask for runs."""
    claims = [claim for claim in every(store) if (claim.job, claim.origin) == (job, origin)]
    store.decide(claims[0], replace(FAILURE, count=count), None, 50.0)
    asks = operation(claims[0], f"{job}{origin}", count)
    store.begin(asks, PUSH, "", 50.0)
    store.accepted(asks, "yes", 50.0)


ZERO = {"passed": 0, "failed": 0, "other": 0, "unfinished": 0, "seconds": 0.0, "timed": 0}


def test_retriggers_are_counted_by_how_they_ended(store: Store) -> None:
    """Those are the runs after the ones known at the decision, oldest first, as many as were asked for."""
    assert store.statistics(0.0)["ended"] == ZERO
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

    assert store.statistics(0.0)["ended"] == {
        "passed": 1, "failed": 2, "other": 1, "unfinished": 1, "seconds": 12.0 + 32.0, "timed": 2,
    }  # fmt: skip
    assert store.statistics(2.0)["ended"] == ZERO


def test_a_retrigger_is_counted_once_and_only_if_it_was_asked_for(store: Store) -> None:
    """Two claims of a job may cover the same run; one that was only decided covers none."""
    store.observe([ran("a", "1", 10.0, "failure"), ran("b", "1", 10.0, "failure")], 1.0, dry=False)
    store.ask(PUSH, "a", 2, "person", dry=False, now=1.0)
    retriggered(store, "a", 2)
    retriggered(store, "a", 1, "person")
    store.decide(own(store, "b"), FAILURE, None, 50.0)
    for run in ("2", "3", "4"):
        store.observe([ran(job, run, 20.0, "success") for job in ("a", "b")], 1.0, dry=False)

    assert store.statistics(0.0)["ended"] == ZERO | {"passed": 2}


def test_machine_time_is_added_up(store: Store) -> None:
    """Of all runs whose beginning and end are known, of the pushes heard of since then."""
    assert store.statistics(0.0)["machine"] == {"seconds": 0.0, "runs": 0}
    items = [
        ran("a", "1", 10.0, "failure", 4.0), ran("b", "1", 10.0, "cancelled", 11.0), ran("c", "1", 10.0, "success"),
        ran("d", "1", None, "success", 4.0), ran("e", "1", 10.0, None, 4.0), ran("a", "2", 9.5, "success", 7.0),
    ]  # fmt: skip
    store.observe(items, 1.0, dry=False)

    assert store.statistics(0.0)["machine"] == {"seconds": 8.5, "runs": 3}
    assert store.statistics(2.0)["machine"] == {"seconds": 0.0, "runs": 0}


def test_hours_tell_what_was_decided_and_refused(store: Store) -> None:
    """Beside what was sent, or would have been in dry run; also an hour of refusals alone."""
    store.observe([seen(failure(job)) for job in "abd"], 0.0, dry=False)
    store.observe([seen(failure("c"))], 0.0, dry=True)
    store.decide(own(store, "a"), FAILURE, None, 10.0)
    store.decide(own(store, "c"), replace(FAILURE, count=3), None, 20.0)
    store.decide(own(store, "b"), Decision.refuse(Refusal.HIDDEN), None, 30.0)
    store.decide(own(store, "d"), Decision.refuse(Refusal.HIDDEN), None, 7300.0)
    store.begin(operation(own(store, "a")), PUSH, "", 3600.0)
    store.accepted(operation(own(store, "a")), "yes", 3700.0)
    store.judged(Summary(PUSH, "failed", "", None, "", None, 0.0, 0.0), [], [("a", "text")], 10900.0)

    assert store.statistics(0.0)["hours"] == [
        {"hour": 0, "would_have_sent": 3, "sent": 0, "decided": 2, "refused": 1, "reasons": {"hidden": 1}},
        {"hour": 3600, "would_have_sent": 0, "sent": 2, "decided": 0, "refused": 0, "reasons": {}},
        {"hour": 7200, "would_have_sent": 0, "sent": 0, "decided": 0, "refused": 1, "reasons": {"hidden": 1}},
    ]
