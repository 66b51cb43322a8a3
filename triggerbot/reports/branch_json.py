"""A branch as JSON: what keeps failing there, for commands and for the API."""

from typing import Any

from triggerbot.core.branch.alerts import Grid
from triggerbot.core.branch.streaks import Streak

#: What such an alert is called by those who read PyTorch's.
_TYPE = "Recurrently Failing Job"


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
