"""Branches of which something is expected: what every store promises."""

import dataclasses
from collections.abc import Callable, Sequence

from tests.fakes.store_items import seen
from tests.fakes.world import event, push
from triggerbot.core.model import PushFacts
from triggerbot.core.policy.expectation import Expected
from triggerbot.store import Notice, Store
from triggerbot.store.expectations import BranchChange

MAIN = Expected("try", "main", 100.0)
PUSH = push(branch="main")
Reopen = Callable[[], Store]


def hear(store: Store, at: float, revision: str = "abcdef1") -> None:
    """Hear of a run of the branch, and look at what was heard."""
    store.observe([seen(event("job", f"{at}", push=PUSH._replace(revision=revision)))], at, dry=False)
    look(store, at)


def look(store: Store, now: float, expected: Sequence[Expected] = (MAIN,)) -> None:
    """Look at what was heard."""
    wanted = {one.key for one in expected}
    store.expectations.follow(expected, store.expectations.heard(wanted, 0.0), now)


def changes(store: Store, now: float) -> list[BranchChange]:
    """Take everything that is due, report it, and return that."""
    found = []
    while (taken := store.expectations.take(now, 10.0)) is not None:
        found += taken.changes[:1]
        if taken.changes:
            store.expectations.end(taken.project, taken.branch, taken.changes[0].number, None, ())
    return found


def test_a_fresh_installation_waits_a_whole_period(store: Store) -> None:
    """Then nothing ever heard is silence, too, which is noticed once."""
    look(store, 1000.0)
    assert changes(store, 1099.0) == []
    [silent] = changes(store, 1100.0)
    assert (silent.silent, silent.since, silent.known) == (True, 1000.0, False)
    assert changes(store, 5000.0) == []


def test_what_is_heard_puts_it_off_and_ends_it(store: Store, reopen: Reopen) -> None:
    """Over restarts; each change is there once, in order."""
    look(store, 1000.0)
    hear(store, 1090.0)
    assert changes(store, 1189.0) == []
    store = reopen()
    [silent] = changes(store, 1195.0)
    assert silent == BranchChange(1, True, 1195.0, 1090.0, 100.0)
    look(store, 1300.0)
    assert changes(store, 1300.0) == []

    hear(store, 1400.0, "abcdef2")
    store = reopen()
    assert changes(store, 1401.0) == [BranchChange(2, False, 1401.0, 1090.0, 100.0)]
    assert changes(store, 1499.0) == []
    assert [one.number for one in changes(store, 1501.0)] == [3]


def test_a_push_of_which_only_facts_are_told_is_heard(store: Store) -> None:
    """No run of it has to be known."""
    look(store, 1000.0)
    store.observe([Notice(PushFacts(PUSH, "message", "me"))], 1090.0, dry=False)
    look(store, 1091.0)
    assert changes(store, 1150.0) == []


def test_other_branches_and_forks_are_not_heard(store: Store) -> None:
    """A fork's `main` is not the project's."""
    look(store, 1000.0)
    store.observe([seen(event("job", push=push(branch="other")))], 1090.0, dry=False)
    store.observe([seen(event("job", push=PUSH)), Notice(PushFacts(PUSH, "m", "me", fork=True))], 1090.0, dry=False)
    look(store, 1091.0)
    assert len(changes(store, 1150.0)) == 1


def test_repositories_are_the_same_in_any_case(store: Store) -> None:
    """As the CI writes them, or the config."""
    wanted = [Expected("Octo/App", "main", 100.0)]
    look(store, 1000.0, wanted)
    store.observe([seen(event("job", push=push(project="octo/app", branch="main")))], 1090.0, dry=False)
    look(store, 1091.0, wanted)
    assert changes(store, 1150.0) == []


def test_a_change_is_taken_by_one_and_again_if_that_one_dies(store: Store) -> None:
    """With what reporters kept, and which of them are done."""
    look(store, 1000.0)
    taken = store.expectations.take(1100.0, 10.0)
    assert taken is not None
    assert store.expectations.take(1101.0, 10.0) is None
    store.expectations.keep("try", "main", "slack:1", "kept")
    store.expectations.told("try", "main", 1, "webhook:1")
    store.expectations.told("try", "main", 7, "nobody")

    again = store.expectations.take(1111.0, 10.0)

    assert again is not None
    assert again.changes == taken.changes
    assert (again.kept, again.told) == ({"slack:1": "kept"}, ["webhook:1"])
    store.expectations.end("try", "main", 1, 1200.0, ["slack:1"])
    assert store.expectations.take(1199.0, 10.0) is None
    assert store.expectations.take(1200.0, 10.0) is not None


def test_what_is_heard_while_the_silence_is_being_reported_comes_after_it(store: Store) -> None:
    """Neither is lost, and the order stays."""
    look(store, 1000.0)
    taken = store.expectations.take(1100.0, 10.0)
    assert taken is not None
    hear(store, 1105.0)
    assert not store.expectations.is_due(1106.0)
    store.expectations.end("try", "main", 1, None, ())
    assert [one.silent for one in changes(store, 1107.0)] == [False]


def test_what_is_expected_no_longer_is_forgotten(store: Store) -> None:
    """Another period counts from what was heard last."""
    look(store, 1000.0)
    look(store, 1050.0, [dataclasses.replace(MAIN, every=300.0)])
    assert changes(store, 1250.0) == []
    assert [one.every for one in changes(store, 1300.0)] == [300.0]
    look(store, 1400.0, ())
    assert store.expectations.every() == []
    assert not store.expectations.is_due(1e9)


def test_a_clock_that_was_set_back_puts_nothing_off(store: Store) -> None:
    """What was heard in the future was heard now."""
    look(store, 1000.0)
    hear(store, 5000.0)
    store.set_back(4000.0, 1000.0)
    assert changes(store, 1099.0) == []
    assert len(changes(store, 1100.0)) == 1


def test_how_long_it_has_been_silent(store: Store) -> None:
    """Nothing, as long as that is not too long."""
    look(store, 1000.0)
    [one] = store.expectations.every()
    assert (one.silent_for(1099.0), one.silent_for(1100.0), one.silent_for(1250.0)) == (0.0, 100.0, 250.0)
