"""Webhooks that come again: what every store promises, whichever backend keeps it."""

from collections.abc import Callable

import pytest

from tests.fakes.store_items import every, own, said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import State
from triggerbot.store import DELIVERY_KEPT, Item, Outcome, Store

PUSH = push()


def deliver(store: Store, *items: Item, name: str = "one", now: float = 1.0) -> list[Outcome]:
    """Observe what one webhook brought."""
    return store.observe(items, now, dry=False, deliveries=[name] * len(items))


def test_what_came_before_is_not_observed_again(store: Store) -> None:
    """Whatever the webhook holds the second time, nothing of it is heard; it says that it was repeated."""
    first = deliver(store, seen(failure("a")), seen(event("b")))
    again = deliver(store, seen(failure("a")), seen(failure("c")), now=2.0)

    assert [outcome.repeated for outcome in first] == [False, False]
    assert [(one.repeated, one.news, one.due, one.claimed) for one in again] == [(True, False, False, False)] * 2
    assert set(store.pushes.known(PUSH)) == {("a", "1", 1), ("b", "1", 1)}


def test_one_webhook_of_a_batch_is_known_and_the_others_are_not(store: Store) -> None:
    """Each outcome stands at its item's place; what no webhook brought is always observed."""
    deliver(store, seen(event("a")), name="one")
    items = [seen(event("b")), seen(failure("c")), said(author="somebody"), seen(event("d"))]

    outcomes = store.observe(items, 2.0, dry=False, deliveries=["one", "two", "two", ""])

    assert [outcome.repeated for outcome in outcomes] == [True, False, False, False]
    assert set(store.pushes.known(PUSH)) == {("a", "1", 1), ("c", "1", 1), ("d", "1", 1)}
    assert store.pushes.work(PUSH).facts.author == "somebody"
    assert deliver(store, seen(event("e")), name="two")[0].repeated
    assert not store.observe([seen(event("e"))], 3.0, dry=False)[0].repeated


def test_a_delivery_is_known_after_a_restart(store: Store, reopen: Callable[[], Store]) -> None:
    """It is kept where its content is."""
    deliver(store, seen(failure()))

    assert deliver(reopen(), seen(failure()))[0].repeated


def test_a_delivery_is_known_for_three_days_at_least(store: Store) -> None:
    """Then it is forgotten, so that the store does not grow for ever."""
    deliver(store, seen(event()), now=1000.0)

    assert deliver(store, seen(failure()), now=1000.0 + DELIVERY_KEPT)[0].repeated
    assert not deliver(store, seen(failure()), now=1001.0 + DELIVERY_KEPT)[0].repeated
    assert store.pushes.known(PUSH) == {("job", "1", 1): State.FINISHED}


def test_old_deliveries_are_forgotten_while_new_ones_come(store: Store) -> None:
    """Each that comes makes room for two: however many have piled up, they go."""
    for number in range(20):
        deliver(store, seen(event()), name=f"old-{number}", now=1000.0)
    late = 2000.0 + DELIVERY_KEPT
    for number in range(10):
        deliver(store, seen(event()), name=f"new-{number}", now=late)

    assert not any(deliver(store, seen(event()), name=f"old-{number}", now=1001.0)[0].repeated for number in range(20))
    assert all(deliver(store, seen(event()), name=f"new-{number}", now=late)[0].repeated for number in range(10))


def test_a_delivery_that_could_not_be_stored_is_unknown(store: Store, reopen: Callable[[], Store]) -> None:
    """What was refused for want of a store gets in when its sender tries again."""
    store.close()
    with pytest.raises(StoreUnavailable):
        deliver(store, seen(failure()))

    again = reopen()

    assert not deliver(again, seen(failure()))[0].repeated
    assert own(again) is not None


def test_many_callers_share_a_commit_and_keep_their_deliveries(store: Store) -> None:
    """Which items came with which webhook survives being written together with others."""
    futures = [
        store.observe_soon([seen(failure(f"job-{number}"))] * 2, 1.0, dry=False, deliveries=[str(number)] * 2)
        for number in range(30)
    ]
    plain = store.observe_soon([seen(event("plain"))], 1.0, dry=False)

    assert not any(outcome.repeated for future in [*futures, plain] for outcome in future.result(timeout=20))
    assert len(every(store)) == 30
    assert all(deliver(store, seen(failure()), name=str(number))[0].repeated for number in range(30))
