"""Batches of several callers that wait share one transaction, whatever the engine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fakes.store_items import every, seen
from tests.fakes.world import failure, push
from tests.store.test_engine import engine
from triggerbot.core.errors import StoreUnavailable
from triggerbot.store import Store
from triggerbot.store.engine import Engine
from triggerbot.store.memory import MemoryEngine

__all__ = ["engine"]


@contextmanager
def busy(engine: Engine) -> Iterator[None]:
    """Let everything that is submitted meanwhile wait; memory runs it at once, for nobody ever waits there."""
    done = threading.Event()
    if not isinstance(engine, MemoryEngine):
        engine.submit(lambda _: done.wait(10))
    try:
        yield
    finally:
        done.set()


def test_each_caller_gets_its_own_outcomes(engine: Engine) -> None:
    """In the order in which they came, more than fit into one transaction, of several sizes, dry and real."""
    store = Store(engine)
    with busy(engine):
        asked = [
            store.observe_soon([seen(failure(f"job-{one % 7}")) for one in range(number % 5)], 1.0, dry=number % 9 == 0)
            for number in range(300)
        ]
    known: set[str] = set()
    for number, future in enumerate(asked):
        jobs = [f"job-{one % 7}" for one in range(number % 5)]
        assert [outcome.claimed for outcome in future.result()] == [job not in known for job in jobs]
        known.update(jobs)


def test_a_bad_one_does_not_fail_the_others(engine: Engine) -> None:
    """They are observed again, one by one: only the bad one has the error, and leaves nothing."""
    store = Store(engine)
    with busy(engine):
        jobs = ["first", "bad \ud800", "last"]
        first, bad, last = (store.observe_soon([seen(failure(job))], 1.0, dry=False) for job in jobs)
    assert first.result()[0].claimed
    with pytest.raises(UnicodeEncodeError):
        bad.result()
    assert last.result()[0].claimed
    assert {one.job for one in every(store)} == {"first", "last"}


def test_a_cursor_moves_with_its_own_batch(engine: Engine) -> None:
    """Between others, and with a batch that is empty."""
    store = Store(engine)
    with busy(engine):
        asked = []
        for number in range(6):
            asked.append(store.observe_soon([seen(failure(f"job-{number}"))], 1.0, dry=False))
            store.observe_soon([], 1.0, dry=False, cursor=("intake", str(number)))
    assert all(one.result()[0].claimed for one in asked)
    assert store.observe([], 1.0, dry=False) == []
    assert store.cursor("intake") == "5"


def test_what_waits_when_it_closes_is_stored(engine: Engine) -> None:
    """And what comes later is told that there is no store any more."""
    store = Store(engine)
    with busy(engine):
        asked = [store.observe_soon([seen(failure(push=push(f"{one:07x}")))], 1.0, dry=False) for one in range(5)]
    store.close()
    assert all(one.result()[0].claimed for one in asked)
    with pytest.raises(StoreUnavailable, match="closed"):
        store.observe([seen(failure())], 1.0, dry=False)
