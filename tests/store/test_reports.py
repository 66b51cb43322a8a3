"""Pushes that are due for a report: what every store promises, whichever backend keeps it."""

from collections.abc import Callable

import pytest

from tests.fakes.store_items import FAILURE, operation, own, said, seen
from tests.fakes.world import event, push
from tests.store.judged import OTHER, PUSH, Reopen, hear, sighting, summary
from triggerbot.core.claim import Claim
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.model import RunKey
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import REPORT_DELAY, Pause, Store


def settle(store: Store) -> None:
    """Report all that is due, so that only what comes now makes anything due."""
    while (where := store.reports.take(1e6, 1.0)) is not None:
        store.reports.end(where, None)


def due(store: Store, now: float = 1e6) -> bool:
    """Tell whether any push is due for a report."""
    return store.reports.take(now, 1.0) is not None


def test_news_makes_a_push_due_for_a_report_a_little_later(store: Store) -> None:
    """What comes within that time is reported with it, and does not put it off."""
    hear(store, "a", now=10.0)
    hear(store, "b", now=10.9)

    assert store.reports.take(10.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.reports.take(10.0 + REPORT_DELAY, 60.0) == PUSH
    assert store.reports.take(11.9, 60.0) is None


def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    """Nor where only leads and wishes are known."""
    assert store.reports.take(1e9, 60.0) is None


def test_what_has_been_due_longest_is_taken_first(store: Store) -> None:
    """Each push once."""
    pushes = [push(f"{number}bcdef0") for number in range(4)]
    for now, where in zip((12.0, 10.0, 13.0, 11.0), pushes, strict=True):
        hear(store, where=where, now=now)

    taken = [store.reports.take(20.0, 60.0) for _ in range(5)]

    assert taken == [pushes[1], pushes[3], pushes[0], pushes[2], None]


def test_a_report_is_made_by_one_at_a_time(store: Store) -> None:
    """News that comes meanwhile waits for its end, and is not lost."""
    hear(store, "a", now=10.0)
    assert store.reports.take(11.0, 60.0) == PUSH

    hear(store, "b", now=12.0)
    assert store.reports.take(70.9, 60.0) is None
    store.reports.end(PUSH, None)

    assert store.reports.take(20.0, 60.0) == PUSH
    store.reports.end(PUSH, None)
    assert not due(store)


def test_a_report_that_nobody_ends_is_taken_by_another_once_its_time_is_over(store: Store, reopen: Reopen) -> None:
    """Also after a restart."""
    hear(store, now=10.0)
    assert store.reports.take(11.0, 60.0) == PUSH
    again = reopen()

    assert again.reports.take(70.9, 60.0) is None
    hear(again, where=OTHER, now=80.0)
    assert again.reports.take(90.0, 60.0) == PUSH
    assert again.reports.take(90.0, 60.0) == OTHER
    assert again.reports.take(100.0, 60.0) is None
    again.reports.end(PUSH, None)
    again.reports.end(OTHER, None)
    assert not due(again)


def test_a_report_that_failed_is_tried_again_when_it_says_so(store: Store) -> None:
    """And with news, of which others have to be told."""
    hear(store, "a", now=10.0)
    store.reports.take(11.0, 60.0)
    store.reports.end(PUSH, 100.0)
    assert store.reports.take(99.0, 60.0) is None
    assert store.reports.take(100.0, 60.0) == PUSH
    store.reports.end(PUSH, 200.0)
    hear(store, "b", now=110.0)

    assert store.reports.take(110.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.reports.take(110.0 + REPORT_DELAY, 60.0) == PUSH


def test_news_during_a_report_that_fails_makes_it_due_sooner(store: Store) -> None:
    """Of the two times the sooner holds."""
    hear(store, "a", now=10.0)
    store.reports.take(11.0, 60.0)
    hear(store, "b", now=12.0)
    store.reports.end(PUSH, 100.0)

    assert store.reports.take(12.9, 60.0) is None
    assert store.reports.take(13.0, 60.0) == PUSH
    hear(store, "c", now=50.0)
    store.reports.end(PUSH, 20.0)
    assert store.reports.take(20.0, 60.0) == PUSH


def test_a_push_can_be_made_due(store: Store) -> None:
    """As by news: whoever is reporting it meanwhile is left to it, and an unknown push is passed over."""
    hear(store, now=10.0)
    assert store.reports.take(11.0, 60.0) == PUSH

    store.reports.soon(PUSH, 12.0)
    store.reports.soon(OTHER, 12.0)

    assert store.reports.take(20.0, 60.0) is None
    store.reports.end(PUSH, None)
    assert store.reports.take(12.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.reports.take(12.0 + REPORT_DELAY, 60.0) == PUSH


def test_reports_and_the_dispatcher_do_not_touch_each_other(store: Store) -> None:
    """Nor does a pause stop reports, for they send nothing to a CI."""
    hear(store, now=10.0)
    claim = own(store)
    assert store.due.next() == 10.0
    assert store.due.lease(10.0, "dispatcher", 60.0) == PUSH

    assert store.reports.take(11.0, 60.0) == PUSH
    store.reports.end(PUSH, 15.0)
    store.due.release(PUSH, "dispatcher")
    store.limits.pause(Pause(13.0, "me"))
    assert store.reports.take(15.0, 60.0) == PUSH

    store.limits.pause(None)
    assert store.due.next() == 10.0
    assert own(store) == claim


def test_a_forgotten_push_is_no_longer_due(store: Store) -> None:
    """Being due for a report, or being reported, keeps no push."""
    store.observe([seen(event(push=PUSH)), seen(event(push=OTHER))], 10.0, dry=False)
    store.facts.put_off(PUSH, None)
    store.facts.put_off(OTHER, None)
    taken = store.reports.take(11.0, 60.0)

    assert store.purge(20.0) == 2
    assert taken is not None
    store.reports.end(taken, 30.0)
    assert not due(store)


def owed(store: Store) -> Claim:
    """Have a claim that was decided, at a push of which nothing is due."""
    hear(store)
    store.claims.decide(own(store), FAILURE, None, 1.0)
    store.claims.wait(own(store), 50.0, "a note", 2.0)
    settle(store)
    return own(store)


def begun(store: Store) -> Claim:
    """Have a request under way, at a push of which nothing is due."""
    claim = owed(store)
    store.claims.begin(operation(claim), PUSH, "", 3.0)
    settle(store)
    return own(store)


GONE = Decision.refuse(Refusal.REFUSED_BY_CI, "gone")


#: What is done, after what, that changes a push.
CHANGES: dict[str, tuple[Callable[[Store], Claim], Callable[[Store, Claim], object]]] = {
    "a new run": (owed, lambda store, _: store.observe([seen(event("new"))], 9.0, dry=False)),
    "a run goes on": (
        lambda store: (store.observe([seen(event("b", "2"))], 1.0, dry=False), owed(store))[1],
        lambda store, _: store.observe([seen(event("b", "2", state="running"))], 9.0, dry=False),
    ),
    "its author": (owed, lambda store, _: store.observe([said(author="a")], 9.0, dry=False)),
    "its time": (owed, lambda store, _: store.observe([said(time=0.0)], 9.0, dry=False)),
    "that it is a fork's": (owed, lambda store, _: store.observe([said(fork=True)], 9.0, dry=False)),
    "its message": (owed, lambda store, _: store.observe([said(PushOptions(), message="m")], 9.0, dry=False)),
    "a wish": (owed, lambda store, _: store.claims.ask(PUSH, "job", 2, "me", dry=False, now=9.0)),
    "a wait": (owed, lambda store, claim: store.claims.wait(claim, 90.0, "another note", 9.0)),
    "a hold": (owed, lambda store, claim: store.claims.hold(claim, "cap", 90.0, "another note", 9.0)),
    "an end": (owed, lambda store, claim: store.claims.finish(claim, "enough", 9.0)),
    "a request": (owed, lambda store, claim: store.claims.begin(operation(claim), PUSH, "", 9.0)),
    "an answer": (begun, lambda store, claim: store.claims.accepted(operation(claim), "yes", 9.0)),
    "a refusal": (begun, lambda store, claim: store.claims.refused(operation(claim), GONE, 9.0)),
    "a delay": (begun, lambda store, claim: store.claims.postponed(operation(claim), 90.0, "busy", 9.0)),
    "a doubt": (begun, lambda store, claim: store.claims.doubted(operation(claim), 90.0, "no answer", 9.0)),
    "a repetition": (begun, lambda store, claim: store.claims.resend(operation(claim), "again", 9.0)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_a_push_makes_it_due(store: Store, what: str) -> None:
    """Runs, facts, and all that its story tells."""
    before, change = CHANGES[what]
    claim = before(store)
    assert not due(store)

    change(store, claim)

    assert store.reports.take(9.0 + REPORT_DELAY / 2, 60.0) is None
    assert store.reports.take(9.0 + REPORT_DELAY, 60.0) == PUSH


def test_a_decision_makes_a_push_due(store: Store) -> None:
    """Whether it is to retrigger or not, or to drop the claim, which says nothing in the story."""
    hear(store, "a", "b", "c")
    settle(store)
    for job, decision in {"a": FAILURE, "b": Decision.refuse(Refusal.HIDDEN), "c": None}.items():
        store.claims.decide(own(store, job), decision, None, 9.0)

        assert store.reports.take(10.0, 60.0) == PUSH
        store.reports.end(PUSH, None)


def test_what_is_no_news_makes_nothing_due(store: Store) -> None:
    """The same again, and what only triggerbot itself keeps."""
    store.observe([said(PushOptions(), message="m", author="a", time=1.0, fork=True)], 1.0, dry=False)
    claim = owed(store)

    hear(store, now=9.0)
    store.observe([seen(event("job", "job-1", state="running"))], 9.0, dry=False)
    store.observe([said(PushOptions(), message="other", author="b", time=2.0, fork=True)], 9.0, dry=False)
    store.observe([said(settled=True)], 9.0, dry=False)
    store.claims.wait(claim, 90.0, "a note", 9.0)
    store.facts.put_off(PUSH, None)
    store.reports.judged(summary(), [sighting()], [("job", "changed")], 9.0)
    store.facts.set_metadata(PUSH, "name", "value")
    store.facts.add_failure_lines(PUSH, "job", RunKey("job-1", 1), ["a line"])

    assert not due(store)
