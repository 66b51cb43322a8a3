"""Push order on every backend: the pushes of a branch as they were pushed, in whatever order they were heard of."""

import itertools

import pytest

from tests.fakes.store_items import said, seen
from tests.fakes.world import failure, push
from tests.store.judged import summary
from triggerbot.core.model import Push
from triggerbot.store import Store
from triggerbot.store.factory import open_memory
from triggerbot.store.memory import Memory

A, B, C = (push(letter * 40)._replace(branch="main") for letter in "abc")


def take(store: Store, now: float) -> set[Push]:
    """Take all pushes that are due to be judged."""
    found = set(iter(lambda: store.reports.take(now, 60.0), None))
    for one in found:
        store.reports.end(one, None)
    return found


def judge(store: Store, *pushes: Push, now: float) -> None:
    """Judge pushes."""
    for one in pushes:
        store.reports.judged(summary(one), [], [], now)


@pytest.mark.parametrize("heard", list(itertools.permutations([(1.0, A), (2.0, B), (3.0, C)])))
def test_the_push_before_is_the_one_pushed_before(store: Store, heard: tuple[tuple[float, Push], ...]) -> None:
    """Whatever came first, and whatever is heard of it since."""
    for now, (at, where) in enumerate(heard, 100):
        store.observe([said(where=where, time=at)], float(now), dry=False)
        store.observe([seen(failure("job", where.revision, push=where, time=50.0 - at))], 200.0, dry=False)

    assert [store.pushes.previous(one) for one in (A, B, C)] == [None, A, B]


def test_a_push_without_a_time_of_its_own_stands_at_the_first_start_of_a_run(store: Store) -> None:
    """Not at the end of one; and it moves when an earlier start, or its own time, is heard of."""
    store.observe([seen(failure("job", "1", push=A, time=90.0, started=20.0))], 1.0, dry=False)
    store.observe([seen(failure("job", "2", push=B, time=80.0, started=30.0))], 2.0, dry=False)
    assert (store.pushes.previous(A), store.pushes.previous(B)) == (None, A)
    store.observe([seen(failure("other", "3", push=B, time=80.0, started=10.0))], 3.0, dry=False)
    assert (store.pushes.previous(A), store.pushes.previous(B)) == (B, None)
    store.observe([said(where=B, time=40.0)], 4.0, dry=False)
    assert (store.pushes.previous(A), store.pushes.previous(B)) == (None, A)


def test_other_branches_projects_and_systems_do_not_count(store: Store) -> None:
    """Nor does a push of which no time is known; of two of one time the revision decides."""
    others = [A._replace(branch="other"), A._replace(project="other"), A._replace(system="other")]
    for where in (*others, A, B):
        store.observe([said(where=where, time=5.0)], 1.0, dry=False)
    store.observe([seen(failure(push=C))], 0.5, dry=False)

    assert [store.pushes.previous(one) for one in (*others, A, B, C)] == [None, None, None, None, A, None]
    assert store.pushes.previous(push("unknown")) is None


def test_a_push_that_is_heard_of_late_has_the_next_one_judged_again(store: Store) -> None:
    """And whoever rests on the one before it, if it came later; nobody else, and once."""
    branch, early = push("d" * 40), push("e" * 40)
    for at, where in ((1.0, A), (3.0, C), (2.5, branch), (0.5, early)):
        store.observe([said(where=where, time=at)], 10.0, dry=False)
    judge(store, A, C, branch, early, now=10.0)
    for one in (branch, early):
        store.bases.follow(one, [A.revision], 10.0)
    take(store, 100.0)

    store.observe([said(where=B, time=2.0)], 200.0, dry=False)
    assert take(store, 300.0) == {B}
    judge(store, B, now=300.0)
    assert take(store, 400.0) == {C, branch}
    judge(store, B, now=400.0)
    assert take(store, 500.0) == set()


def test_what_has_no_base_yet_is_judged_again_with_the_first_one(store: Store) -> None:
    """It was said of it that nothing is known."""
    store.observe([said(where=B, time=2.0)], 1.0, dry=False)
    assert store.bases.of(B, ["job"], 1.0, "main").revision is None
    store.bases.follow(B, store.bases.of(B, ["job"], 1.0, "main").visited, 1.0)
    judge(store, B, now=1.0)
    take(store, 100.0)

    store.observe([said(where=A, time=1.0)], 200.0, dry=False)
    judge(store, A, now=200.0)
    assert take(store, 300.0) == {A, B}
    assert store.bases.of(B, ["job"], 1.0, "main").revision == A.revision


def test_a_push_that_moves_has_those_judged_again_that_it_stood_before(store: Store) -> None:
    """They were held against it."""
    for at, where in ((1.0, A), (2.0, B), (3.0, C)):
        store.observe([seen(failure("job", where.revision, push=where, time=at))], 10.0, dry=False)
    judge(store, A, B, C, now=10.0)
    store.bases.follow(C, [B.revision], 10.0)
    take(store, 100.0)

    store.observe([said(where=B, time=9.0)], 200.0, dry=False)
    judge(store, B, now=200.0)
    assert take(store, 300.0) == {B, C}
    assert store.pushes.previous(C) == A


def test_a_deleted_push_is_in_no_order(store: Store) -> None:
    """What is older than the retention."""
    for at, where in ((1.0, A), (2.0, B)):
        store.observe([said(where=where, time=at)], 100.0 * at, dry=False)
    store.purge(150.0)
    assert store.pushes.previous(B) is None


def test_observing_reads_no_other_push_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even of one that takes a place between others: who stands after it is looked up when it is judged."""
    memory = Memory()
    store = open_memory(memory)
    listed: list[str] = []
    for name in ("first", "ranks", "starting"):
        monkeypatch.setattr(memory, name, lambda *_, name=name, **__: listed.append(name) or [])
    for at, where in ((1.0, A), (3.0, C), (2.0, B)):
        store.observe([seen(failure("job", where.revision, push=where, time=at)), said(where=where)], 9.0, dry=False)
    assert listed == []
    store.close()
