"""Which jobs of a branch are looked at for streaks, and how. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from triggerbot.core.branch.shards import merged, shards
from triggerbot.core.branch.streaks import MANY, PUSHES, Along, Row, along
from triggerbot.core.patterns import Globs

EVERY = Globs(["*"])


@dataclass(frozen=True, slots=True)
class Alerts:
    """What a rule says of jobs that keep failing on a branch."""

    #: At how many consecutive pushes a job has to fail.
    pushes: int = PUSHES
    jobs: Globs = EVERY
    exclude_jobs: Globs = Globs([])
    #: Whether the shards of a job are looked at as one job.
    merge_shards: bool = False
    #: More jobs than that which begin to fail at one push are one message.
    many: int = MANY

    def covers(self, *names: str) -> bool:
        """Return whether a job is looked at, by any of its names."""
        return self.jobs.match_any(names) and not self.exclude_jobs.match_any(names)


@dataclass(frozen=True, slots=True)
class Grid:
    """The jobs of a branch by its pushes, and what keeps failing there."""

    #: Newest first, as the cells of each row.
    revisions: tuple[str, ...]
    rows: tuple[Row, ...]
    along: Along


def grid(rows: Sequence[Row], revisions: Sequence[str], alerts: Alerts, chosen: Globs = EVERY) -> Grid:
    """Find what keeps failing along a branch; `chosen`: the jobs to look at, of those that the alerts cover.

    Shards are recognised among all jobs. A merged job is looked at if one of its shards would be, or if it would be by
    its own name; it is left out if that or all of its shards are excluded.
    """
    known = shards(row.job for row in rows) if alerts.merge_shards else {}
    wanted = [
        row for row in rows
        for names in [(row.job, row.name or row.job, known[row.job].job if row.job in known else row.job)]
        if alerts.covers(*names) and chosen.match_any(names)
    ]  # fmt: skip
    kept = tuple(merged(wanted, known))
    return Grid(tuple(revisions), kept, along(kept, revisions, pushes=alerts.pushes, many=alerts.many))
