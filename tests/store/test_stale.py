"""Whoever acts on what was so before somebody else acted changes nothing that is no longer so."""

import pytest

from tests.fakes.store_items import FAILURE, operation, own, said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Store

PUSH = push()
REFUSAL = Decision.refuse(Refusal.REFUSED_BY_CI, "no")


@pytest.fixture
def owed(store: Store) -> Claim:
    """A claim of which two retriggers are owed."""
    store.observe([seen(failure(), asks=PushOptions())], 0.0, dry=False)
    store.claims.decide(own(store), FAILURE, Budget(), 3.0)
    return own(store)


def told(store: Store) -> list[str]:
    """What the story tells of."""
    return [entry.what for entry in store.pushes.timeline(PUSH, "job")]


def test_a_claim_is_decided_once(store: Store) -> None:
    """What it spent itself is not held against it."""
    store.observe([seen(failure(), asks=PushOptions())], 0.0, dry=False)
    before = own(store)

    assert store.claims.decide(before, FAILURE, Budget(0, 0), 3.0) == FAILURE
    assert store.claims.decide(before, FAILURE, Budget(0, 0), 4.0) is None
    assert store.claims.decide(before, None, None, 5.0) is None

    assert own(store).state is ClaimState.OWED
    assert told(store) == ["trigger"]


def test_a_claim_that_is_given_up_keeps_what_it_bought(store: Store, owed: Claim) -> None:
    """Its budget is spent, and what was decided stays decided."""
    store.claims.begin(operation(owed, count=1), PUSH, "", 10.0)
    store.claims.accepted(operation(owed, count=1), "yes", 11.0)

    assert store.claims.decide(own(store), REFUSAL, None, 12.0) == REFUSAL

    claim = own(store)
    assert (claim.state, claim.cause, claim.refusal, claim.wanted, claim.asked) == (
        ClaimState.DONE, Cause.FAILURE, None, 2, 1,
    )  # fmt: skip
    assert (claim.note, store.pushes.work(PUSH).spent) == ("no", 1)


def test_no_more_is_asked_for_than_is_left(store: Store, owed: Claim) -> None:
    """Although the claim is owed, as it was before."""
    store.claims.begin(operation(owed, "one", 1), PUSH, "", 10.0)
    store.claims.accepted(operation(owed, "one", 1), "yes", 11.0)

    assert not store.claims.begin(operation(owed, "two", 2), PUSH, "", 12.0)
    assert store.claims.begin(operation(owed, "three", 1), PUSH, "", 13.0)


def test_an_operation_is_repeated_by_one(store: Store, owed: Claim) -> None:
    """Of two who both saw that it has to be, and of none once it is settled."""
    store.claims.begin(operation(owed), PUSH, "", 10.0)
    store.claims.doubted(operation(owed), 70.0, "who knows", 11.0)
    before = own(store).operation
    assert before is not None

    assert store.claims.resend(before, "again", 80.0)
    assert not store.claims.resend(before, "again", 81.0)
    again = own(store).operation
    assert again is not None
    store.claims.accepted(again, "yes", 82.0)
    assert not store.claims.resend(again, "again", 83.0)

    assert told(store).count("send") == 2


@pytest.mark.parametrize("late", ["accepted", "refused", "postponed", "doubted"])
def test_what_is_settled_stays_so(store: Store, owed: Claim, late: str) -> None:
    """An answer that somebody else found out before is neither counted nor told again."""
    made = operation(owed, started=7200.0)
    store.claims.begin(made, PUSH, "", 7200.0, caps={"service": 9})
    store.claims.accepted(made, "it shows", 7201.0)
    before = (own(store), told(store), store.limits.sent(7202.0))

    match late:
        case "accepted":
            store.claims.accepted(made, "yes", 7202.0, since=0.0)
        case "refused":
            store.claims.refused(made, REFUSAL, 7202.0)
        case "postponed":
            store.claims.postponed(made, 7300.0, "busy", 7202.0)
        case _:
            store.claims.doubted(made, 7300.0, "who knows", 7202.0, missed=True)

    assert (own(store), told(store), store.limits.sent(7202.0)) == before


def test_a_claim_does_not_end_while_a_request_is_under_way(store: Store, owed: Claim) -> None:
    """Whoever sent it settles it."""
    store.claims.begin(operation(owed), PUSH, "", 10.0)

    store.claims.finish(owed, "no more are needed", 11.0)

    assert own(store).state is ClaimState.SENDING


def test_what_has_ended_waits_no_more(store: Store, owed: Claim) -> None:
    """It keeps the words with which it ended."""
    store.claims.finish(owed, "no more are needed", 11.0)

    store.claims.wait(owed, 99.0, "busy", 12.0)

    assert (own(store).note, store.due.next()) == ("no more are needed", None)


def test_facts_that_are_known_are_not_asked_for(store: Store) -> None:
    """They were told while the CI said that it knew nothing."""
    store.observe([seen(event())], 0.0, dry=False)
    store.observe([said(PushOptions(), message="m")], 1.0, dry=False)

    store.facts.put_off(PUSH, 90.0)

    assert store.due.next() is None


@pytest.mark.parametrize(("settled", "due"), [(4.0, 50.0), (6.0, 6.5), (20.0, 20.0), (80.0, 50.0)])
def test_what_settles_by_a_clock_that_is_ahead(store: Store, owed: Claim, settled: float, due: float) -> None:
    """It is looked at again when it is that late here too: not at once, over and over."""
    store.observe([said(settled=True)], settled, dry=False)

    store.claims.wait(owed, 50.0, "runs", 6.5, since=5.0)

    assert own(store).due == due


def test_what_left_is_not_held_any_more(store: Store, owed: Claim) -> None:
    """Not even when it comes back; and of two things it is held behind the later one."""
    store.claims.hold(owed, "cap x", 1000.0, "held", 2.0)
    store.claims.hold(owed, "cap y", 1000.0, "held", 2.0)
    assert store.limits.held() == {"cap y": 1}
    store.claims.begin(operation(owed), PUSH, "", 10.0)
    store.claims.postponed(operation(owed), 60.0, "busy", 11.0)

    assert store.limits.held() == {}
    assert own(store).due == 60.0
