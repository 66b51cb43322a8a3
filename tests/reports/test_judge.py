"""Judging a push with the history of others: generic lines, and known intermittent failures."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from tests.fakes.world import push
from triggerbot.core.model import Push, Result, Run, State
from triggerbot.core.policy.circuit_breaker import BreakerKey, BreakerScope
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.verdict import JobVerdict, of_job
from triggerbot.pipeline.generic_lines import GenericLines
from triggerbot.reports.judge import failure_records, is_outage
from triggerbot.store import FailureRecord

LINE = "the harness gave up on us"
SHAPE = fingerprint.shape(LINE)
HERE = push("abcdef1234")


def other(number: int) -> Push:
    """Return another push."""
    return HERE._replace(revision=f"{number:010x}")


def seen(number: int, job: str, *, passed: int = 0, shapes: tuple[str, ...] = (SHAPE,)) -> FailureRecord:
    """Make a failure record at another push."""
    return FailureRecord(other(number), job, float(number), 1, passed, shapes)


def knowledge(*found: FailureRecord) -> GenericLines:
    """Return what these records show."""
    return GenericLines(found)


@pytest.mark.parametrize(
    ("found", "generic"),
    [
        ([], False),
        # A tenth of the failures of other jobs, at enough pushes.
        ([seen(n, f"job-{n}") for n in range(4)] + [seen(n, f"job-{n}", shapes=("x",)) for n in range(4, 24)], True),
        ([seen(n, f"job-{n}") for n in range(2)] + [seen(n, f"job-{n}", shapes=("x",)) for n in range(2, 24)], False),
        ([seen(n, f"job-{n}") for n in range(4)] + [seen(n, f"job-{n}", shapes=("x",)) for n in range(4, 60)], False),
        # Too few failures to judge.
        ([seen(n, f"job-{n}") for n in range(10)], False),
        # One broken push shows a real failure a hundred times.
        ([seen(1, f"job-{n}") for n in range(100)], False),
        # Failures of the same job do not make the line generic.
        ([seen(n, "job") for n in range(30)] + [seen(n, "else", shapes=("x",)) for n in range(30)], False),
    ],
)
def test_a_line_that_other_failures_show(found: list[FailureRecord], generic: bool) -> None:
    """It is generic if over a tenth of the failures of other jobs at other pushes show it."""
    assert knowledge(*found).generic(HERE, "job", SHAPE) is generic


PAIRS = st.sets(st.tuples(st.integers(0, 6), st.sampled_from("abcdefgh")), max_size=50)


@given(PAIRS, PAIRS, st.integers(0, 6), st.sampled_from("abcdefgh"))
def test_generic_is_counted_as_it_is_meant(
    showing: set[tuple[int, str]], others: set[tuple[int, str]], at: int, job: str
) -> None:
    """Counting all records at once gives the same result as counting them one by one."""
    found = [seen(number, name) for number, name in showing]
    found += [seen(number, name, shapes=("x",)) for number, name in others - showing]
    elsewhere = [one for one in found if one.job != job and one.push != other(at)]
    shown = [one for one in elsewhere if SHAPE in one.shapes]
    enough = len({one.push for one in shown}) >= 3 and len(elsewhere) >= 20

    generic = knowledge(*found).generic(other(at), job, SHAPE)

    assert generic == (enough and 10 * len(shown) > len(elsewhere))


def test_what_a_passing_run_shows_is_generic() -> None:
    """Regardless of the other records."""
    one = FailureRecord(other(1), "else", 1.0, 1, 1, ("x",), (SHAPE,))

    assert knowledge(one).generic(HERE, "job", SHAPE)


def test_the_push_itself_does_not_count() -> None:
    """A cause that breaks many jobs of one push stays evidence there."""
    here = [FailureRecord(HERE, f"job-{n}", 1.0, 1, 0, (SHAPE,)) for n in range(50)]
    elsewhere = [seen(n, f"job-{n}", shapes=("x",)) for n in range(30)]

    assert not knowledge(*here, *elsewhere).generic(HERE, "job", SHAPE)


def jobs(number: int, *results: Result, lines: tuple[str, ...] = (LINE,), **more: Any) -> list[JobVerdict]:
    """Make jobs whose runs ended so, one after another."""
    runs = [
        Run("job", str(at), 1, State.FINISHED, result, time=5.0 + at, failures=lines if result.failed else (), **more)
        for at, result in enumerate(results)
    ]
    return [of_job(f"{'-'.join(results)} {n}", runs, ()) for n in range(number)]


FAILED, PASSED = Result.FAILURE, Result.SUCCESS


def test_a_push_that_breaks_everything_leaves_one_record_of_each_failure() -> None:
    """With the number of others that show it; every intermittent job has its own."""
    found = [*jobs(300, FAILED), *jobs(200, FAILED, lines=("another one, in `setup.py`",)), *jobs(100, FAILED, PASSED)]

    noted = failure_records(HERE, [*found, *jobs(600, PASSED)], 10.0)

    assert sum(one.passed > 0 for one in noted) == 100
    assert [(one.job, one.others) for one in noted if not one.passed] == [("failure 0", 299), ("failure 0", 199)]
    many = [job for n in range(300) for job in jobs(1, FAILED, lines=(f"cannot find `name{n}x`",))]
    assert len(failure_records(HERE, many, 10.0)) == 200


def test_records_hold_what_is_needed_to_weigh_them() -> None:
    """When it failed first, when that was proved, by whom."""
    failed = Run("job", "1", 1, State.FINISHED, FAILED, time=5.0, failures=(LINE,))
    passed = Run("job", "2", 1, State.FINISHED, PASSED, time=9.0, failures=("a warning of sorts",))
    found = [of_job("job", [failed, passed], ()), of_job("fine", [passed], ())]

    assert failure_records(HERE, found, Clock()(), author="ann") == [
        FailureRecord(
            HERE, "job", 9.0, 1, 1, (SHAPE,), (fingerprint.shape("a warning of sorts"),), "ann", first=5.0, proved=9.0
        )
    ]  # fmt: skip


def test_records_of_an_outage_are_marked() -> None:
    """Over 80 % of the jobs fail; a retrigger that passes later does not change that."""
    ill, well = [*jobs(9, FAILED, PASSED), *jobs(1, PASSED)], [*jobs(8, FAILED, PASSED), *jobs(2, PASSED)]

    assert [is_outage(ill), is_outage(well)] == [True, False]
    assert {one.outage for one in failure_records(HERE, ill, 10.0)} == {True}
    assert not any(one.intermittent for one in failure_records(HERE, ill, 10.0))
    assert all(one.intermittent for one in failure_records(HERE, well, 10.0))


@pytest.mark.parametrize("scope", [BreakerScope.POOL, BreakerScope.STEP])
def test_records_of_an_ill_pool_or_step_are_marked(scope: BreakerScope) -> None:
    """The failure says nothing about the job."""
    found = jobs(1, FAILED, PASSED, pool="linux", step="checkout")
    name = "linux" if scope is BreakerScope.POOL else "checkout"

    for system, is_ill in (("ci", True), ("other", False)):
        (one,) = failure_records(HERE, found, 10.0, ill={BreakerKey(scope, system, name): 1000.0})
        assert (one.ill, one.intermittent) == (is_ill, not is_ill)
    (one,) = failure_records(HERE, found, 10.0, ill={BreakerKey(scope, "ci", name): 9000.0})
    assert one.intermittent, "it failed long before"


@pytest.mark.parametrize("result", [Result.INFRA, Result.CANCELLED, Result.TIMED_OUT, Result.RETRY])
def test_runs_that_prove_nothing_leave_no_record(result: Result) -> None:
    """Whatever else the job did."""
    assert failure_records(HERE, jobs(1, result, PASSED), 10.0) == []
