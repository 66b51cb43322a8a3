"""The view of one branch for its page: its grid as rows of a table; pure.

Rows are assembled here, not in a template: there may be hundreds of fifty cells. `Markup.format` escapes foreign text.
"""

from collections.abc import Sequence

from markupsafe import Markup

from triggerbot.core.branch.cells import CellKind
from triggerbot.core.branch.streaks import Row
from triggerbot.core.formatting import moment
from triggerbot.reports.branches import Branch, Column
from triggerbot.web.layout import job_path, push_path
from triggerbot.web.push_view import row_id

#: Characters of a revision above its column.
_SHORT = 8
#: The CSS class of each kind of cell, as those of runs, and what it means.
_KINDS = {
    CellKind.PASSED: ("g", "passed"),
    CellKind.FAILED: ("r", "failed"),
    CellKind.INTERMITTENT: ("o", "intermittent: failed and passed at one revision"),
    CellKind.PENDING: ("w", "still runs"),
    CellKind.AWAITED: ("w", "failed, and its retriggers are awaited: not yet known"),
    CellKind.SKIPPED: ("n", "skipped by the CI"),
    CellKind.NEUTRAL: ("n", "neutral"),
    CellKind.NOT_RUN: ("n", "not run"),
    CellKind.CANCELLED: ("n", "cancelled: proves nothing"),
    CellKind.INFRA: ("x", "met only errors of the CI itself"),
    CellKind.UNPROVED: ("n", "ended in another way that proves nothing"),
}
#: Kinds whose cells lead to the job at that push: something is to be seen there.
_LINKED = frozenset({CellKind.FAILED, CellKind.INTERMITTENT, CellKind.AWAITED, CellKind.INFRA})


def look_of(kind: CellKind) -> tuple[str, str]:
    """Return the CSS class of a kind of cell, and what it means."""
    return _KINDS[kind]


def legend() -> list[tuple[str, str, str]]:
    """Return what the letters mean: letter, class, words."""
    return [(kind.letter, *_KINDS[kind]) for kind in CellKind]


def heads(base: str, columns: Sequence[Column]) -> Markup:
    """Return the heads of the columns: the revisions, which lead to their pushes."""
    return Markup("").join(map(_head, [base] * len(columns), columns))


def _head(base: str, column: Column) -> Markup:
    one = column.first
    words = ", ".join(text for text in (one.author, one.title, moment(one.pushed_at)) if text)
    return Markup('<th scope="col"><a href="{}" title="{}">{}</a></th>').format(
        f"{base}{push_path(one.push)}", words, column.revision[:_SHORT]
    )


def id_of(row: str) -> str:
    """Return the id of the row of a job."""
    return row_id("branch", row)


def rows(base: str, branch: Branch) -> Markup:
    """Return the rows of the grid: what fails now first, then by name."""
    failing = {one.job: number for number, one in enumerate(branch.grid.along.failing)}
    fresh = {one.job for one in branch.grid.along.newest_only}

    def worst_first(row: Row) -> tuple[int, str]:
        return failing.get(row.job, len(failing) + (row.job not in fresh)), row.job

    listed = sorted(branch.grid.rows, key=worst_first)
    plain = {kind: Markup('<td class="{}">{}</td>').format(_KINDS[kind][0], kind.letter) for kind in CellKind}
    return Markup("\n").join(
        Markup('<tr id="{}"><th scope="row">{}</th>{}</tr>').format(
            id_of(row.job), _name(base, row, branch), Markup("").join(_cells(base, row, branch, plain))
        )
        for row in listed
    )


def _name(base: str, row: Row, branch: Branch) -> Markup | str:
    """Return the name of a row, which leads to the job over time; a merged row is no job."""
    if not row.name:
        return row.job
    return Markup('<a href="{}">{}</a>').format(f"{base}{job_path(branch.project, row.name)}", row.job)


def _cells(base: str, row: Row, branch: Branch, plain: dict[CellKind, Markup]) -> list[Markup]:
    return [
        plain[cell.kind] if cell.kind not in _LINKED
        else Markup('<td class="{}"><a href="{}" title="{}">{}</a></td>').format(
            _KINDS[cell.kind][0], f"{base}{_path(row, column)}", cell.line or _KINDS[cell.kind][1], cell.kind.letter
        )
        for cell, column in zip(row.cells, branch.columns, strict=True)
    ]  # fmt: skip


def _path(row: Row, column: Column) -> str:
    # A merged row is no job of any push.
    return push_path(column.first.push, job=row.job) if row.name else push_path(column.first.push)
