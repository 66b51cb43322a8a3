"""Where the tests of runs are known, failures are compared by their ids, whatever those look like."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.model import Result, Run, State
from triggerbot.core.run_tests import FailingTest, RunTests, bounded
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.same_failure import Sameness
from triggerbot.core.verdict.verdict import JobVerdict, Verdict, of_job

NOISE = "##[error]Process completed with exit code 1."


def failed(number: int, *tests: tuple[str, str], ran: int = 10, lines: tuple[str, ...] = (NOISE,)) -> Run:
    """Make a failed run in which these tests failed."""
    failing = tuple(FailingTest(*one) for one in tests)
    known = RunTests(ran - len(tests), len(tests), failing=failing)
    return Run(
        "job", str(number), 1, State.FINISHED, Result.FAILURE, time=float(number), failures=lines, tests=known
    )  # fmt: skip


def passed(number: int, ran: int | None) -> Run:
    """Make a run that passed, in which so many tests ran."""
    known = None if ran is None else RunTests(ran)
    return Run("job", str(number), 1, State.FINISHED, Result.SUCCESS, time=float(number), tests=known)


def judged(*runs: Run) -> JobVerdict:
    """Judge a job."""
    return of_job("job", runs, ())


IDS = [
    "test_a.py::test_b[a b]",
    "com.x.CartTest.adds",
    "cart adds one and two",
    "TestFoo/sub#01",
    "x",
    "Suite > it | works",
]


@pytest.mark.parametrize("one", IDS)
@pytest.mark.parametrize("other", IDS)
def test_an_id_is_a_test_whatever_it_looks_like(one: str, other: str) -> None:
    """The same one fails in both runs, or another; the log's noise says nothing."""
    found = judged(failed(1, (one, "AssertionError: 1 != 2")), failed(2, (other, "AssertionError: 3 != 4")))
    assert found.failing is not None
    assert found.failing.sameness == (Sameness(2, 2) if one == other else Sameness(1, 2, other_tests=True))
    assert found.failing.line == f"{one}: AssertionError: 1 != 2"


def test_the_order_in_which_tests_failed_does_not_matter() -> None:
    """Runners shuffle them."""
    tests = [(f"t.py::test_{chr(97 + number % 26)}{number}", f"E{number}: no") for number in range(200)]
    found = judged(failed(1, *tests), failed(2, *reversed(tests)))
    assert found.failing is not None
    assert found.failing.sameness == Sameness(2, 2)


def test_one_test_with_two_messages() -> None:
    """Is one test."""
    found = judged(failed(1, ("a.py::t", "KeyError: 'x'")), failed(2, ("a.py::t", "TimeoutError: no answer from db")))
    assert found.failing is not None
    assert found.failing.sameness.one_test


def test_lines_are_compared_where_no_test_is_known_to_fail() -> None:
    """A run that crashed after its tests passed."""
    crashed = replace(failed(1, lines=("panic: lost the database",)), tests=RunTests(10))
    assert crashed.evidence == crashed.lines == ("panic: lost the database",)
    both = failed(2, ("test_a.py::test_b", "KeyError"))
    assert both.lines == ("test_a.py::test_b: KeyError",)


@pytest.mark.parametrize(("ran", "says"), [(4, True), (0, True), (10, False), (12, False), (None, False)])
def test_a_pass_that_ran_fewer_tests_is_said(ran: int | None, says: bool) -> None:
    """Where tests move between shards, the one that failed need not be among them."""
    found = judged(failed(1, ("a.py::t", "E")), passed(2, ran))
    assert found.verdict is Verdict.INTERMITTENT
    words = f"the run that passed ran {ran} tests and the one that failed 10, so it may not have run what failed"
    assert (words in found.why) is says
    assert found.ran_fewer == ((ran, 10) if says else None)


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), max_size=8))
def test_any_ids_are_compared(tests: list[tuple[str, str]]) -> None:
    """A run is like itself, and nothing is raised."""
    run = failed(1, *tests)
    shapes = fingerprint.shapes(run.evidence)
    assert fingerprint.shapes(shapes) == shapes
    assert len(run.evidence) == len(run.lines)
    assert bounded(run.tests.failing) is not None  # type: ignore[union-attr]


def test_a_test_that_fails_twice_is_listed_once_and_nothing_is_missing() -> None:
    """In its teardown as well, or in two reports of one run: all that failed is known."""
    tests = RunTests(5, 2, 1, failing=(FailingTest("a"), FailingTest("b")), repeated=1)
    assert tests.unlisted == 0
    assert tests.plus(RunTests(1, 1, failing=(FailingTest("b"),))).unlisted == 0
    assert tests.plus(RunTests(1, 2, failing=(FailingTest("b"),))).unlisted == 1
