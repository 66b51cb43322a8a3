"""What every store promises of branches: what was told of them, and what becomes due by it."""

import pytest

from tests.fakes.store_items import said, seen
from tests.fakes.world import failure, push
from tests.store.conftest import Home
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.heads import MARKS_MAX, Told
from triggerbot.core.model import Head, HeadKind, Push
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Outcome, Store

A, B = "a" * 40, "b" * 40
PUSH = push(A, project="Octo/App", branch="topic", system="gh")


def tell(store: Store, kind: HeadKind, revision: str = "", at: float | None = None, now: float = 10.0, *,
         project: str = "Octo/App", branch: str = "topic", fork: str = "", detail: str = "") -> Outcome:  # fmt: skip
    """Tell one thing of a branch."""
    head = Head("gh", project, branch, kind, revision, at, fork, detail)
    return store.observe([head], now, dry=False)[0]


def owe(store: Store, of: Push = PUSH, due: float = 500.0) -> None:
    """Claim a job of a push, and let it wait."""
    store.observe([said(PushOptions(), of), seen(failure(push=of))], 1.0, dry=False)
    [claim] = store.pushes.work(of).claims
    store.claims.decide(claim, Decision.trigger(Cause.FAILURE, 2), None, 1.0)
    [claim] = store.pushes.work(of).claims
    store.claims.wait(claim, due, "waits", 1.0)


def due(store: Store, of: Push = PUSH) -> list[float]:
    """Return when the claims of a push are due."""
    return [claim.due for claim in store.pushes.work(of).claims]


def test_what_was_told_is_read_with_a_push(store: Store) -> None:
    """Of its branch alone, with the first and the last run of each commit, and the last time of all else."""
    owe(store)
    for at in (5.0, 3.0, 8.0):
        tell(store, HeadKind.RAN, B, at)
    for at in (4.0, 6.0, 5.0):
        tell(store, HeadKind.PUSHED, A, at, project="octo/app")
    tell(store, HeadKind.GONE, branch="Topic")
    tell(store, HeadKind.CLOSED, at=7.0, fork="Else/App", detail="12")
    expected = {
        Told(HeadKind.RAN, "", B, "", 3.0),
        Told(HeadKind.RAN, "", B, "", 8.0, last=True),
        Told(HeadKind.PUSHED, "", A, "", 6.0),
        Told(HeadKind.CLOSED, "else/app", "", "12", 7.0),
    }
    record = store.pushes.record(PUSH)
    assert record is not None
    assert set(store.pushes.work(PUSH).heads) == set(record.heads) == expected


def test_news_of_a_branch_makes_its_pushes_due(store: Store) -> None:
    """The others that something is owed at; the same again is no news."""
    other = PUSH._replace(branch="Topic")
    owe(store)
    owe(store, other)
    assert tell(store, HeadKind.PUSHED, A, 20.0) == Outcome()
    assert due(store) == [500.0], "it is its own news"
    assert tell(store, HeadKind.PUSHED, B, 30.0) == Outcome(due=True)
    assert (due(store), due(store, other)) == ([10.0], [500.0])
    assert store.due.lease(10.0, "me", 60.0) == PUSH
    [claim] = store.pushes.work(PUSH).claims
    store.claims.wait(claim, 500.0, "waits", 11.0)
    store.due.release(PUSH, "me")
    for kind, at in ((HeadKind.PUSHED, 30.0), (HeadKind.PUSHED, 29.0)):
        assert not tell(store, kind, B, at, now=12.0).news
    assert due(store) == [500.0]
    assert store.due.lease(12.0, "me", 60.0) is None
    assert tell(store, HeadKind.RAN, B, 40.0, now=13.0).due
    assert not tell(store, HeadKind.RAN, B, 41.0, now=14.0).due


def test_news_of_a_default_branch_ends_nothing_by_itself(store: Store) -> None:
    """There every commit counts, so nothing is due by it."""
    owe(store)
    tell(store, HeadKind.DEFAULT)
    assert not tell(store, HeadKind.PUSHED, B, 30.0).due
    assert due(store) == [500.0]


def test_what_a_person_asked_for_stays_where_it_is(store: Store) -> None:
    """And what is in doubt is due when it is to be looked for."""
    owe(store)
    claim = store.claims.ask(PUSH, "job", 2, "me", dry=False, now=2.0)
    assert claim is not None
    store.claims.decide(claim, Decision.trigger(Cause.MANUAL, 2), None, 2.0)
    [_, mine] = store.pushes.work(PUSH).claims
    store.claims.wait(mine, 600.0, "waits", 2.0)
    assert tell(store, HeadKind.GONE).due
    assert due(store) == [10.0, 600.0]


def test_of_a_busy_branch_only_the_newest_is_kept(store: Store) -> None:
    """A branch that forks push to all day long must not fill the store."""
    owe(store)
    for number in range(MARKS_MAX + 20):
        tell(store, HeadKind.PUSHED, f"{number:040x}", float(number))
    found = {one.at for one in store.pushes.work(PUSH).heads}
    assert found == set(map(float, range(20, MARKS_MAX + 20)))


def test_it_stays_after_a_restart(home: Home) -> None:
    """It is durable like everything else."""
    store = home.open()
    owe(store)
    tell(store, HeadKind.PUSHED, B, 30.0)
    store.close()
    again = home.open()
    assert again.pushes.work(PUSH).heads == (Told(HeadKind.PUSHED, "", B, "", 30.0),)


def test_what_is_old_is_forgotten(store: Store, request: pytest.FixtureRequest) -> None:
    """With the pushes of its time; Redis does so by itself."""
    owe(store)
    tell(store, HeadKind.PUSHED, B, 30.0)
    store.purge(40.0)
    if "redis" not in request.node.callspec.id:
        assert store.pushes.work(PUSH).heads == ()
