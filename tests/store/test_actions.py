"""What people did: what every store promises."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from tests.fakes.world import failure, push
from triggerbot.core.model import Branch
from triggerbot.core.policy.rules import Triage
from triggerbot.store import Cap, Observation, Pause, Store
from triggerbot.store.actions import Act, Action, Via
from triggerbot.store.branches import Silence

ONE = Action("1", 10.0, Act.RETRIGGER, "ada", Via.COMMENT, push(), what="job", jobs=1, count=2, note="why")


def test_the_newest_is_first_and_nothing_of_it_is_lost(store: Store, reopen: Callable[[], Store]) -> None:
    """In another process, too; foreign text stays as it is."""
    assert all(getattr(ONE, field.name) for field in fields(ONE))
    two = Action("2\x1f:é", 20.0, Act.PAUSE, "grace <b>", Via.PAGE)
    store.actions.add(two)
    store.actions.add(ONE)

    assert store.actions.read(1) == [two]
    assert reopen().actions.read(10) == [two, ONE]


def test_the_same_again_is_recorded_once(store: Store) -> None:
    """As after a crash, or when a form is sent twice."""
    store.actions.add(ONE)
    store.actions.add(replace(ONE, at=99.0, by="grace"))

    assert store.actions.read(10) == [ONE]


def test_they_are_kept_as_long_as_the_retention(store: Store) -> None:
    """To the second, like everything."""
    for at in (10.0, 20.0, 30.0):
        store.actions.add(replace(ONE, id=str(at), at=at))
    store.purge(20.0)

    assert [one.at for one in store.actions.read(10)] == [30.0, 20.0]


def test_an_action_is_recorded_with_what_it_does(store: Store) -> None:
    """In one transaction: a pause, requests, a silence."""
    store.observe([Observation(failure(), Triage())], 1.0, dry=False)
    main = Branch("ci", "try", "main")
    named = iter(replace(ONE, id=str(number), at=float(number)) for number in range(9))

    store.limits.pause(Pause(1.0, "ada"), next(named))
    store.limits.pause(None, next(named))
    store.claims.ask(push(), "job", 2, "manual-1", dry=False, now=2.0, action=next(named))
    store.claims.ask_within(push(), ["job"], 2, "wish:1:0", dry=False, now=2.0, cap=None, action=next(named))
    store.branches.silence(main, "job", Silence("abc", "ada", 3.0), 3.0, next(named))

    assert [one.id for one in store.actions.read(10)] == ["4", "3", "2", "1", "0"]


def test_what_is_not_done_is_not_recorded(store: Store) -> None:
    """A job that is not known, and more than a cap leaves."""
    store.observe([Observation(failure(), Triage())], 1.0, dry=False)

    assert store.claims.ask(push(), "other", 1, "manual-1", dry=False, now=2.0, action=ONE) is None
    left = store.claims.ask_within(
        push(), ["job"], 2, "author:1:0", dry=False, now=2.0, cap=Cap(1, (push(),), "author:"), action=ONE
    )
    assert left == 1
    assert store.actions.read(10) == []


@pytest.mark.parametrize("act", list(Act))
def test_every_act_can_be_stored(store: Store, act: Act) -> None:
    """By every way."""
    for via in Via:
        store.actions.add(replace(ONE, id=via, act=act, via=via))
    assert {one.via for one in store.actions.read(10)} == set(Via)
