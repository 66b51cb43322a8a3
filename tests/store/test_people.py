"""What people ask for within a cap: counted in the transaction that records it, whichever process asks."""

from concurrent.futures import ThreadPoolExecutor

from tests.fakes.world import failure, push
from tests.store.conftest import Home
from triggerbot.core.policy.rules import Triage
from triggerbot.store import Cap, Observation, Store

HERE, THERE = push(), push(branch="other")
CAP = Cap(3, (HERE, THERE), "author:")


def heard(store: Store) -> None:
    """Know some jobs of a commit on two branches."""
    jobs = [failure(f"job-{number}", str(number), push=where) for where in (HERE, THERE) for number in range(8)]
    store.observe([Observation(one, Triage()) for one in jobs], 1.0, dry=False)


def ask(store: Store, *jobs: str, origin: str = "author:1:0", count: int = 1, where: object = HERE) -> int | None:
    """Ask for runs of jobs."""
    return store.claims.ask_within(where, jobs, count, origin, dry=False, now=2.0, cap=CAP)  # type: ignore[arg-type]


def wanted(store: Store) -> list[int]:
    """Return the further runs of each claim at both pushes."""
    records = [store.pushes.record(where) for where in (HERE, THERE)]
    return [claim.wanted for one in records if one is not None for job in one.jobs for claim in job.claims]


def test_all_or_none(store: Store) -> None:
    """What would exceed the cap is not recorded in part; what is left can be asked for."""
    heard(store)

    assert ask(store, "job-0", "job-1", count=2) == 3
    assert wanted(store) == []
    assert ask(store, "job-0", count=2) is None
    assert ask(store, "job-1", origin="author:2:0", count=2) == 1
    assert ask(store, "job-1", origin="author:2:1", where=THERE) is None
    assert ask(store, "job-2", origin="author:3:0") == 0
    assert sorted(wanted(store)) == [1, 2]


def test_the_same_request_again_counts_once(store: Store) -> None:
    """As after a crash before it was answered; for another push of the commit it counts."""
    heard(store)

    assert [ask(store, "job-0", count=2) for _ in range(3)] == [None] * 3
    assert ask(store, "job-0", count=2, where=THERE) == 1
    assert wanted(store) == [2]


def test_others_do_not_count(store: Store) -> None:
    """Those who may write have no cap, and use up nobody's."""
    heard(store)
    assert store.claims.ask_within(HERE, ["job-0"], 20, "wish:1:0", dry=False, now=2.0, cap=None) is None

    assert ask(store, "job-1", count=3) is None
    assert sorted(wanted(store)) == [3, 20]


def test_several_processes_share_one_cap(home: Home, store: Store) -> None:
    """Allow three further runs in all, not three for each process that asks at the same moment, at either push."""
    heard(store)
    stores = [store, *(home.open() for _ in range(3))]

    def one(number: int) -> int | None:
        where = (HERE, THERE)[number % 2]
        return ask(stores[number % 4], f"job-{number % 8}", origin=f"author:{number}:0", where=where)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(one, range(16)))

    assert answers.count(None) == 3
    assert wanted(stores[0]) == [1, 1, 1]
