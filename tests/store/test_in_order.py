"""Work in order: whoever waits for it does it, unless something else is to be done before."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from tests.store.test_engine import engine
from triggerbot.core.errors import StoreUnavailable
from triggerbot.store.engine import Engine, Transaction, settle
from triggerbot.store.in_order import InOrder, Item
from triggerbot.store.store import Store

__all__ = ["engine"]

Act = Callable[[], object]


def work(items: Sequence[Item[Act]]) -> list[Callable[[], None]]:
    """Call each."""
    return [settle(future, act) for act, future in items]


@pytest.fixture
def line() -> Iterator[InOrder[Act]]:
    """Work that is closed in the end."""
    made: InOrder[Act] = InOrder(work, 10)
    yield made
    made.close()


def test_who_waits_does_it(line: InOrder[Act]) -> None:
    """Others' is done in a thread of its own."""
    assert line.submit(threading.get_ident, here=True).result() == threading.get_ident()
    assert line.submit(threading.get_ident).result() != threading.get_ident()


def test_what_waits_comes_first(line: InOrder[Act]) -> None:
    """Of one caller, whether it waited or not, and however many do so at once."""
    for _ in range(50):
        done: list[int] = []
        gate = threading.Event()
        line.submit(partial(gate.wait, 10))
        for number in range(5):
            line.submit(partial(done.append, number))
        threading.Timer(0.001, gate.set).start()
        line.submit(partial(done.append, 5), here=True).result()
        assert done == [0, 1, 2, 3, 4, 5]


def test_never_two_at_a_time(line: InOrder[Act]) -> None:
    """Callers that wait and callers that do not, all at once."""
    at_work = threading.Lock()
    seen: list[int] = []

    def act() -> None:
        assert at_work.acquire(blocking=False)
        seen.append(1)
        at_work.release()

    def call(here: bool) -> None:
        for _ in range(200):
            line.submit(act, here=here).result()

    threads = [threading.Thread(target=call, args=(number % 2 == 0,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 1200


def test_an_error_belongs_to_who_waits(line: InOrder[Act]) -> None:
    """An interrupted caller gets its interruption, and leaves the turn to the next."""
    for error in (ValueError, KeyboardInterrupt):

        def fail(error: type[BaseException] = error) -> None:
            raise error

        for here in (True, False):
            with pytest.raises(error):
                line.submit(fail, here=here).result()
    assert line.submit(lambda: 7, here=True).result() == 7


def test_work_that_breaks_fails_all_that_it_was_given() -> None:
    """Also one that was to be done in the caller's thread."""

    def broken(_: Sequence[Item[Act]]) -> list[Callable[[], None]]:
        raise StoreUnavailable("gone")

    line: InOrder[Act] = InOrder(broken)
    for here in (True, False):
        with pytest.raises(StoreUnavailable, match="gone"):
            line.submit(lambda: 1, here=here).result(timeout=5)
    line.close()


def test_closed(line: InOrder[Act]) -> None:
    """What is queued is done; what comes later is told that there is no store any more."""
    gate = threading.Event()
    first = line.submit(lambda: gate.wait(10))
    queued = line.submit(lambda: 2)
    gate.set()
    line.close()
    line.close()
    assert (first.result(), queued.result()) == (True, 2)
    for here in (True, False):
        with pytest.raises(StoreUnavailable, match="closed"):
            line.submit(lambda: 3, here=here).result()


def test_an_interrupted_transaction_leaves_nothing(engine: Engine) -> None:
    """Ctrl-C of a command comes while its own thread writes."""

    def interrupted(_: Transaction) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.submit(interrupted, here=True).result()
    store = Store(engine)
    store.observe([], 1.0, dry=False, cursor=("intake", "3"))
    assert store.cursor("intake") == "3"
