"""Silenced jobs of a branch: nobody wants to hear of them until their streak ends. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from triggerbot.core.branch.grid import Grid
from triggerbot.core.branch.streaks import Along, Streak


def still(silenced: Mapping[str, str], found: Grid) -> dict[str, str]:
    """Return the jobs that stay silenced, given since which revision each failed; what failed anew is not among them.

    A streak that is longer than the pushes that are looked at goes on; one that begins after the revision since which
    the job failed when it was silenced is another one, for the job passed in between.
    """
    began = {one.job: one.since for one in reversed(found.along.failing) if not one.test}
    return {job: began[job] for job, since in silenced.items() if job in began and _goes_on(since, began[job], found)}


def _goes_on(since: str, began: str, found: Grid) -> bool:
    place: Sequence[str] = found.revisions
    return since not in place or place.index(began) >= place.index(since)


def without(along: Along, silenced: Mapping[str, str], many: int) -> tuple[Along, tuple[Streak, ...]]:
    """Return what keeps failing without the silenced jobs, and the streaks of those.

    `many`: with more jobs than that their beginnings are one message.
    """
    quiet = tuple(one for one in along.failing if one.job in silenced)
    if not quiet:
        return along, ()
    beginnings = (
        replace(one, jobs=tuple(job for job in one.jobs if job not in silenced)) for one in along.beginnings
    )  # fmt: skip
    heard = replace(
        along,
        failing=tuple(one for one in along.failing if one.job not in silenced),
        beginnings=tuple(one for one in beginnings if len(one.jobs) > many),
    )
    return heard, quiet
