"""What people ask for where they are: what every store promises, whichever backend keeps it."""

from collections.abc import Callable

from triggerbot.core.model import CommentCommand
from triggerbot.store import DELIVERY_KEPT, Outcome, PendingCommand, Store

WISH = CommentCommand("ci", "17", "project", "ann", "rebuild 3\nwhy 漢字", pull=5)
OTHER = CommentCommand("ci", "18", "project", "bob", "why job", revision="abcdef1")


def wish(store: Store, *wishes: CommentCommand, now: float = 10.0) -> list[Outcome]:
    """Observe what people ask for."""
    return store.observe(wishes, now, dry=False)


def test_a_wish_is_due_at_once_and_taken_once(store: Store, reopen: Callable[[], Store]) -> None:
    """As it was heard; it is nothing that the dispatcher has to do with."""
    (outcome,) = wish(store, WISH)
    assert (outcome.news, outcome.due, outcome.claimed) == (True, False, False)
    assert store.due.next() is None
    again = reopen()

    assert again.commands.take(9.9, 60.0) is None
    assert again.commands.take(10.0, 60.0) == PendingCommand(WISH, 10.0)
    assert again.commands.take(69.0, 60.0) is None
    assert again.reports.take(1e6, 60.0) is None


def test_the_same_wish_is_heard_once(store: Store) -> None:
    """Within one batch, later, while it is worked on, and when it is settled; other systems number theirs alike."""
    first, second = wish(store, WISH, WISH)
    assert (first.news, second.news) == (True, False)
    assert store.commands.take(10.0, 60.0) is not None
    assert [one.news for one in wish(store, WISH, now=11.0)] == [False]
    store.commands.end(WISH, None)
    assert [one.news for one in wish(store, WISH, now=12.0)] == [False]

    assert store.commands.take(1000.0, 60.0) is None
    elsewhere = CommentCommand("other", WISH.id, "p", "ann", "why")
    assert [one.news for one in wish(store, elsewhere, now=13.0)] == [True]
    assert store.commands.take(1000.0, 60.0) == PendingCommand(elsewhere, 13.0)


def test_the_wish_that_has_been_due_longest_is_taken_first(store: Store) -> None:
    """Each by one at a time."""
    wish(store, OTHER, now=11.0)
    wish(store, WISH, now=10.0)

    assert [store.commands.take(20.0, 60.0) for _ in range(3)] == [
        PendingCommand(WISH, 10.0),
        PendingCommand(OTHER, 11.0),
        None,
    ]


def test_a_wish_that_nobody_settles_is_taken_by_another_once_its_time_is_over(store: Store) -> None:
    """That counts as no try; one that could not be settled does. What is settled stays so."""
    wish(store, WISH)
    store.commands.take(10.0, 60.0)

    assert store.commands.take(70.0, 60.0) == PendingCommand(WISH, 10.0)
    store.commands.end(WISH, 100.0)
    assert store.commands.take(99.0, 60.0) is None
    assert store.commands.take(100.0, 60.0) == PendingCommand(WISH, 10.0, 1)
    store.commands.end(WISH, 200.0)
    assert store.commands.take(200.0, 60.0) == PendingCommand(WISH, 10.0, 2)
    store.commands.end(WISH, None)
    store.commands.end(WISH, 300.0)
    assert store.commands.take(1e6, 60.0) is None


def test_a_settled_wish_is_forgotten_in_the_end(store: Store) -> None:
    """By when its CI tells it no more; those that are not settled stay."""
    wish(store, WISH, OTHER)
    store.commands.end(WISH, None)
    late = 11.0 + DELIVERY_KEPT
    wish(store, *(CommentCommand("ci", f"late-{number}", "p", "ann", "why") for number in range(5)), now=late)

    assert [one.news for one in wish(store, WISH, OTHER, now=late)] == [True, False]


def test_old_wishes_are_purged(store: Store) -> None:
    """Not before their CI may have told them for the last time."""
    wish(store, WISH)
    store.commands.end(WISH, None)

    store.purge(10.0 + DELIVERY_KEPT / 2)
    assert [one.news for one in wish(store, WISH, now=11.0)] == [False]
    store.purge(11.0 + DELIVERY_KEPT)
    assert [one.news for one in wish(store, WISH, now=12.0)] == [True]


def test_ending_a_wish_that_is_unknown_does_nothing(store: Store) -> None:
    """It may have been forgotten meanwhile."""
    store.commands.end(WISH, 5.0)
    store.commands.end(OTHER, None)

    assert store.commands.take(1e6, 60.0) is None
