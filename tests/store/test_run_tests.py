"""The tests of a run, as the CI and whoever reads its reports tell of them, in any order, on every store."""

from dataclasses import replace
from itertools import permutations

from tests.fakes.store_items import seen
from tests.fakes.world import event, failure, push
from triggerbot.core.model import Run
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.store import Store

PUSH = push()
TESTS = RunTests(3, 1, 0, 2, 7.5, (FailingTest("a.py::test_b", "AssertionError"),))
END = failure("unit", "2", time=7.0, started=6.0, failures=())


def only_run(store: Store) -> Run:
    """The one run that there is."""
    record = store.pushes.record(PUSH)
    assert record is not None
    (job,) = record.jobs
    (run,) = job.runs
    return run


def test_who_reads_the_reports_may_come_first_or_last(store: Store) -> None:
    """The tests, and the lines that they give, are the same."""
    told = replace(END, tests=TESTS, failures=("a.py::test_b: AssertionError",))
    for order in permutations([event("unit", "2", time=6.0), END, told]):
        store.purge(99.0)
        for number, one in enumerate(order):
            store.observe([seen(one)], float(number), dry=False)
        run = only_run(store)
        assert (run.tests, run.failures, run.result) == (TESTS, told.failures, END.result)


def test_of_two_reports_the_one_that_tells_more_is_kept(store: Store) -> None:
    """Whichever came first; and the same one again is no news."""
    small, large = replace(TESTS, passed=2), TESTS
    for order in permutations([replace(END, tests=small), replace(END, tests=large)]):
        store.purge(99.0)
        for number, one in enumerate(order):
            store.observe([seen(one)], float(number), dry=False)
        assert only_run(store).tests == large
    (again,) = store.observe([seen(replace(END, tests=small))], 9.0, dry=False)
    assert not again.news
