"""The failing tests of a job along a branch, as rows of their own. Pure."""

from collections import Counter

from triggerbot.core.branch.cells import Cell, CellKind
from triggerbot.core.branch.streaks import Row

#: Tests of one job that get a row, those that fail most often.
_TESTS_MAX = 50


def rows(row: Row) -> list[Row]:
    """Return a row for each test that failed in a job, those that fail most often first."""
    often = Counter(test for cell in row.cells for test in sorted(cell.tests))
    return [
        Row(row.job, tuple(_of_test(cell, test) for cell in row.cells), test)
        for test, _ in often.most_common(_TESTS_MAX)
    ]  # fmt: skip


def _of_test(cell: Cell, test: str) -> Cell:
    if cell.kind is not CellKind.FAILED:
        return cell
    if test in cell.tests:
        return Cell(CellKind.FAILED, tests=frozenset({test}))
    # Where only some of its tests are known, this one may have failed as well.
    return Cell(CellKind.PASSED if cell.tests_known else CellKind.UNPROVED)
