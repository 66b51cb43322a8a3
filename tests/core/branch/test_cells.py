"""What one job did at one push, by its verdict; and the tests of a job along a branch."""

from dataclasses import replace

import pytest

from tests.fakes.world import push
from triggerbot.core.branch import by_test
from triggerbot.core.branch.cells import Cell, CellKind, failed, of_verdict
from triggerbot.core.branch.streaks import Row, along
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.model import Result, Run, State
from triggerbot.core.run_tests import FailingTest, RunTests
from triggerbot.core.verdict import verdict

LINE = "test_a.py::test_one FAILED"


def runs(*ends: str) -> list[Run]:
    """Make runs by how they ended, `pending` for one that did not."""
    return [
        Run("job", str(number), 1, State(end), None) if end == "pending"
        else Run("job", str(number), 1, State.FINISHED, Result(end), time=float(number), failures=(LINE,))
        for number, end in enumerate(ends)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "kind"),
    [
        ([], CellKind.NOT_RUN),
        (["success"], CellKind.PASSED),
        (["failure", "success"], CellKind.INTERMITTENT),
        (["pending"], CellKind.PENDING),
        (["failure", "pending"], CellKind.AWAITED),
        (["skipped"], CellKind.SKIPPED),
        (["cancelled"], CellKind.CANCELLED),
        (["cancelled", "cancelled"], CellKind.CANCELLED),
        (["timed_out"], CellKind.UNPROVED),
        (["infra"], CellKind.INFRA),
    ],
)
def test_the_cell_of_a_verdict(ends: list[str], kind: CellKind) -> None:
    """By what the runs prove, and if they prove nothing by what became of them."""
    assert of_verdict(verdict.of_job("job", runs(*ends), ())) == Cell(kind)


def test_a_failed_job_brings_its_failure() -> None:
    """As the verdict tells it."""
    cell = of_verdict(verdict.of_job("job", runs("failure", "failure"), ()))
    assert cell == failed([LINE])
    assert (cell.kind, cell.line, bool(cell.shapes)) == (CellKind.FAILED, LINE, True)


def test_a_failed_job_brings_the_tests_that_failed_each_time() -> None:
    """They are all, unless a run listed only some, or none."""
    one, two = (RunTests(5, len(ids), failing=tuple(map(FailingTest, ids))) for ids in ("ab", "bc"))
    twice = [replace(run, tests=tests) for run, tests in zip(runs("failure", "failure"), (one, two), strict=True)]
    cell = of_verdict(verdict.of_job("job", twice, ()))
    assert (cell.tests, cell.tests_known) == ({"b"}, True)
    for known in (None, replace(two, failed=7)):
        cell = of_verdict(verdict.of_job("job", [twice[0], replace(twice[1], tests=known)], ()))
        assert not cell.tests_known


def test_a_push_whose_retriggers_are_still_awaited_is_not_yet_known() -> None:
    """Even where none of them is listed yet."""
    claim = Claim(
        1, push(), "job", ClaimState.OWED, runs("failure")[0], dry=False, created=0, due=0, wanted=2, asked=0,
        known_runs=1,
    )  # fmt: skip
    assert of_verdict(verdict.of_job("job", runs("failure"), [claim])).kind is CellKind.AWAITED


def test_the_tests_of_a_job_have_rows_of_their_own() -> None:
    """One that is not known to have passed is not called well."""
    cells = (
        failed([], ["a"], tests_known=True), failed([], ["a", "b"], tests_known=True), failed([LINE]),
        Cell(CellKind.PASSED),
    )  # fmt: skip
    rows = by_test.rows(Row("job", cells))
    assert [(one.test, "".join(cell.kind.letter for cell in one.cells)) for one in rows] == [
        ("a", "FFUS"), ("b", "SFUS"),
    ]  # fmt: skip
    shown = along(rows, ["r0", "r1", "r2", "r3"])
    assert [(one.test, one.since) for one in shown.failing] == [("a", "r1")]
    assert [(one.test, one.revision) for one in shown.isolated] == [("b", "r1")]
