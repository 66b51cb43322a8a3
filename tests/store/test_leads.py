"""What every store keeps of leads, of crashes of workers, and of its own trustworthiness."""

from collections.abc import Callable

import pytest

from tests.fakes.store_items import seen
from tests.fakes.world import event, push
from triggerbot.core.model import Group, Lead, Push, Result, State
from triggerbot.store import CRASHES_MAX, LEAD_DELAY, LEASES_PER_SYSTEM, Crash, Leads, Pause, Store

GROUP = Group("ci", "group-1")


def lead(run_id: str = "task-1", result: str | None = None, *, group: Group = GROUP, **more: object) -> Lead:
    """Make a lead; a `result` makes it finished."""
    state = State(str(more.pop("state", State.RUNNING if result is None else State.FINISHED)))
    return Lead(group, run_id, state, None if result is None else Result(result), **more)  # type: ignore[arg-type]


def hear(store: Store, *leads: Lead, now: float = 1.0) -> list[bool]:
    """Observe leads; tells which are due at once."""
    return [outcome.due for outcome in store.observe(leads, now, dry=False)]


def test_a_lead_is_kept_until_it_is_settled(store: Store, reopen: Callable[[], Store]) -> None:
    """Also across a restart; failures are listed first."""
    one, two = lead("a", time=7.25), lead("b", "failure", attempt=2)
    assert hear(store, one, two) == [False, True]
    store = reopen()
    assert store.leads.read(GROUP) == Leads(GROUP, (two, one), tries=0, since=1.0)
    store.leads.settle(GROUP, [two])
    assert store.leads.read(GROUP).leads == (one,)
    store.leads.settle(GROUP, [one])
    assert store.leads.read(GROUP).leads == ()
    assert store.due.next() is None


def test_a_failure_is_due_at_once_and_the_rest_together_later(store: Store) -> None:
    """One question serves all that was heard by then."""
    hear(store, lead("a"), now=10.0)
    hear(store, lead("b"), now=12.0)
    assert store.due.lease(12.0, "me", 60) is None
    assert store.due.next() == 10.0 + LEAD_DELAY
    hear(store, lead("c", "failure"), now=13.0)
    assert store.due.lease(13.0, "me", 60) == GROUP
    assert {one.run_id for one in store.leads.read(GROUP).leads} == {"a", "b", "c"}


def test_of_each_run_the_furthest_counts(store: Store) -> None:
    """Messages come in any order, and more than once."""
    done = lead("a", "success", time=5.0)
    hear(store, lead("a", state="pending"), done, lead("a"))
    assert store.leads.read(GROUP).leads == (done,)
    again = store.observe([done, lead("a", attempt=2)], 2.0, dry=False)
    assert [outcome.news for outcome in again] == [False, True]


def test_what_is_heard_while_it_is_asked_about_stays(store: Store) -> None:
    """Settling forgets only what was asked about."""
    pending = lead("a", state="pending")
    hear(store, pending)
    hear(store, lead("a", "failure"), now=2.0)
    store.leads.settle(GROUP, [pending])
    assert store.leads.read(GROUP).leads == (lead("a", "failure"),)


def test_settling_twice_and_settling_what_was_never_heard_change_nothing(store: Store) -> None:
    """A crash between two steps repeats the first."""
    hear(store, lead("a"))
    store.leads.settle(GROUP, [lead("z")])
    store.leads.settle(Group("ci", "nobody"), [lead("z")])
    store.leads.put_off(Group("ci", "nobody"), 5.0)
    assert store.leads.read(GROUP).leads == (lead("a"),)
    assert store.leads.read(Group("ci", "nobody")) == Leads(Group("ci", "nobody"), ())


def test_a_group_that_was_put_off_waits_whatever_is_heard(store: Store) -> None:
    """A CI that does not answer is not asked more often for it."""
    hear(store, lead("a", "failure"))
    store.leads.put_off(GROUP, 100.0)
    hear(store, lead("b", "failure"), now=3.0)
    assert store.due.lease(99.0, "me", 60) is None
    assert store.due.next() == 100.0
    assert store.leads.read(GROUP).tries == 1
    assert store.due.lease(100.0, "me", 60) == GROUP
    store.leads.settle(GROUP, [lead("a", "failure")])
    assert store.leads.read(GROUP).tries == 0


def test_the_same_name_in_two_systems_is_two_groups(store: Store) -> None:
    """Names are a CI's own."""
    other = Group("other", GROUP.id)
    hear(store, lead("a"), lead("b", group=other))
    assert store.leads.read(GROUP).leads == (lead("a"),)
    assert store.leads.read(other).leads == (lead("b", group=other),)


def test_a_leased_group_is_nobody_elses(store: Store) -> None:
    """Until it is given back."""
    hear(store, lead("a", "failure"))
    assert store.due.lease(5.0, "me", 60) == GROUP
    assert store.due.lease(5.0, "you", 60) is None
    assert store.due.next() is None
    store.due.release(GROUP, "me")
    assert store.due.lease(5.0, "you", 60) == GROUP


def test_what_is_due_longest_comes_first(store: Store) -> None:
    """Pushes and groups wait in one line."""
    hear(store, lead("a", "failure"), now=2.0)
    store.observe([seen(event("job", "1", result="failure"))], 1.0, dry=False)
    assert [store.due.lease(5.0, "me", 60) for _ in range(3)] == [push(), GROUP, None]


def test_a_pause_stops_pushes_but_not_leads(store: Store) -> None:
    """Asking what a message is about spends nothing."""
    store.observe([seen(event("job", "1", result="failure"))], 1.0, dry=False)
    hear(store, lead("a", "failure"), now=2.0)
    store.limits.pause(Pause(3.0, "me"))
    assert store.due.next() == 2.0
    assert [store.due.lease(5.0, "me", 60) for _ in range(2)] == [GROUP, None]


def test_pushes_and_groups_of_one_system_share_the_cap(store: Store) -> None:
    """A CI that hangs hangs for both."""
    for number in range(LEASES_PER_SYSTEM):
        hear(store, lead("a", "failure", group=Group("ci", f"g{number}")), now=1.0)
    store.observe([seen(event("job", "1", result="failure"))], 2.0, dry=False)
    leased = [store.due.lease(5.0, "me", 60) for _ in range(LEASES_PER_SYSTEM + 1)]
    assert leased[-1] is None
    assert store.due.next() is None
    assert isinstance(leased[0], Group)
    store.leads.settle(leased[0], store.leads.read(leased[0]).leads)
    store.due.release(leased[0], "me")
    assert isinstance(store.due.lease(5.0, "me", 60), Push)


def test_leads_that_nobody_settles_are_forgotten_with_the_pushes(store: Store) -> None:
    """Nothing is kept for ever."""
    hear(store, lead("a"), now=10.0)
    store.purge(10.0)
    assert store.leads.read(GROUP).leads
    store.purge(10.5)
    assert not store.leads.read(GROUP).leads
    assert store.due.next() is None


def test_the_batches_of_a_push(store: Store) -> None:
    """The dispatcher tells the look-back where to ask."""
    store.observe([seen(event("a", "1", batch="g1")), seen(event("b", "2", batch="g2"))], 1.0, dry=False)
    store.observe([seen(event("c", "3", batch="g1")), seen(event("d", "4"))], 1.0, dry=False)
    assert store.pushes.work(push()).batches == {"g1", "g2"}


def crash(at: float, order: int = 1, ended: str = "SIGKILL", **more: str) -> Crash:
    """One end of a worker."""
    return Crash(at, f"host/{order}", ended, order=order, **more)


def test_crashes_newest_first_and_those_that_died_together_in_order(store: Store, reopen: Callable[[], Store]) -> None:
    """The first of a group is likely the cause."""
    old = crash(1.0, error="ValueError: x", trace="Traceback\n…")
    together = [crash(5.0), crash(5.1, 2, "exit code 1"), crash(5.2, 3)]
    store.crashes.add([old])
    store.crashes.add(together)
    store.crashes.add([crash(9.0)])
    assert reopen().crashes.read() == [crash(9.0), *together, old]
    assert store is not None


def test_the_oldest_crashes_make_room(store: Store) -> None:
    """A worker that dies all day fills no disk."""
    for at in range(CRASHES_MAX + 5):
        store.crashes.add([crash(float(at))])
    kept = store.crashes.read(1000)
    assert [one.at for one in kept] == [float(at) for at in reversed(range(5, CRASHES_MAX + 5))]
    assert store.crashes.read(3) == kept[:3]


@pytest.mark.parametrize("number", [1, 250])
def test_many_leads_in_one_batch(store: Store, number: int) -> None:
    """As an intake brings them."""
    leads = [lead(f"task-{one:03}", "success") for one in range(number)]
    store.observe(leads, 1.0, dry=False)
    assert store.leads.read(GROUP).leads == tuple(leads)
