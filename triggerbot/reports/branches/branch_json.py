"""A branch as JSON: what keeps failing there, for commands and for the API."""

from typing import Any
from urllib.parse import quote

from triggerbot.core import model
from triggerbot.core.branch.grid import Grid
from triggerbot.core.branch.streaks import Streak
from triggerbot.core.event_json import format_time
from triggerbot.reports.branches import Branch, Column

#: What such an alert is called by those who read PyTorch's.
_TYPE = "Recurrently Failing Job"


def link(address: str | None, branch: model.Branch) -> str:
    """Return the URL of a branch's page; empty if the page's address is not configured."""
    return "" if address is None else f"{address}/branches/{quote(branch.project)}/{quote(branch.name)}"


def failing(grid: Grid, branch: str) -> dict[str, Any]:
    """Return what keeps failing on a branch, what fails at its newest push only, and what failed once."""
    return {
        "branch": branch,
        "failing": [_streak(one, branch) for one in grid.along.failing],
        "newest_only": [one.job for one in grid.along.newest_only],
        "isolated": [{"job": one.job, "sha": one.revision} for one in grid.along.isolated],
    }


def _streak(one: Streak, branch: str) -> dict[str, Any]:
    return {
        "AlertType": _TYPE,
        "AlertObject": one.job,
        "OncallTeams": [],
        "OncallIndividuals": [],
        "Flags": [],
        "sha": one.since,
        "branch": branch,
        "newest": one.newest,
        "pushes": one.pushes,
        "same_failure": one.same_failure,
        "running_between": one.running_between,
        "did_not_run": list(one.did_not_run),
    }


def whole(branch: Branch) -> dict[str, Any]:
    """Return what keeps failing on a branch, with its grid, a letter for each job at each push."""
    return {
        **failing(branch.grid, branch.name),
        "project": branch.project,
        "began_together": [
            {
                "sha": one.since,
                "jobs": list(one.jobs),
                "common_failure": None if one.common is None else one.common.line,
            }
            for one in branch.grid.along.beginnings
        ],
        "tests": [
            {"job": one.job, "test": one.test, "sha": one.since, "newest": one.newest, "pushes": one.pushes}
            for one in branch.tests
        ],
        "grid": {
            "pushes": [_column(one) for one in branch.columns],
            "jobs": [
                {"job": row.job, "letters": "".join(cell.kind.letter for cell in row.cells)} for row in branch.grid.rows
            ],
        },
    }


def _column(one: Column) -> dict[str, Any]:
    first = one.first
    return {
        "sha": one.revision,
        "pushed": format_time(first.pushed_at),
        "author": first.author,
        "title": first.title,
        "systems": [push.push.system for push in one.pushes],
    }
