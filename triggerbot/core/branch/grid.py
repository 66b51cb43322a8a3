"""The grid of a branch: its jobs by its pushes, as its alerts choose them, and what keeps failing there. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from triggerbot.core.branch.alerts import EVERY, Alerts
from triggerbot.core.branch.shards import merged, shards
from triggerbot.core.branch.streaks import Along, Row, along
from triggerbot.core.patterns import Globs


@dataclass(frozen=True, slots=True)
class Grid:
    """The jobs of a branch by its pushes, and what keeps failing there."""

    #: Newest first, as the cells of each row.
    revisions: tuple[str, ...]
    rows: tuple[Row, ...]
    along: Along


def grid(rows: Sequence[Row], revisions: Sequence[str], alerts: Alerts, chosen: Globs = EVERY) -> Grid:
    """Find what keeps failing along a branch; `chosen`: the jobs to look at, of those that the alerts cover.

    Shards are recognised among all jobs, and looked at by their own name or by that of the job whose shards they are.
    """
    known = shards(row.job for row in rows) if alerts.merge_shards else {}

    def is_wanted(row: Row) -> bool:
        names = {row.job, row.name or row.job, known[row.job].job if row.job in known else row.job}
        return alerts.covers(*names) and chosen.match_any(names)

    kept = tuple(merged(list(filter(is_wanted, rows)), known))
    return Grid(tuple(revisions), kept, along(kept, revisions, pushes=alerts.pushes, many=alerts.many))
