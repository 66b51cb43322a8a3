"""How often jobs are intermittent, worst first. A rate from few pushes is told with how little it is worth.

All is computed purely; only `everywhere` reads the store.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from triggerbot.core import event_json
from triggerbot.core.model import Push
from triggerbot.store import FAILURE_RECORDS_MAX, Store

#: The 97.5th percentile of the normal distribution: 2.5 % lie beyond each end of an interval.
_Z = 1.959964


#: Jobs of one project for which it is counted how often they ran: those that were intermittent most often.
_COUNTED_MAX = 200


class Seen(Protocol):
    """A job of which a run failed at some push (see `store.Sighting`)."""

    @property
    def push(self) -> Push:
        """Where."""

    @property
    def job(self) -> str:
        """Which job."""

    @property
    def at(self) -> float:
        """When."""

    @property
    def failed(self) -> int:
        """How many runs failed."""

    @property
    def passed(self) -> int:
        """How many runs passed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At how many of its pushes a job failed and passed; between `low` and `high` with a probability of 95 %."""

    job: str
    project: str
    #: Pushes at which it was intermittent, of those at which it passed or failed.
    intermittent: int
    ran: int
    low: float
    high: float
    #: When it was intermittent last.
    last_seen: float

    @property
    def rate(self) -> float:
        """The share of pushes, from 0 to 1."""
        return self.intermittent / self.ran

    def as_json(self) -> dict[str, Any]:
        """Tell it to programs."""
        return {
            "job": self.job,
            "project": self.project,
            "intermittent": self.intermittent,
            "ran": self.ran,
            "rate": round(self.rate, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "last_seen": event_json.format_time(self.last_seen),
        }

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"{_percent(self.rate)} ({_percent(self.low)} to {_percent(self.high)}): {self.intermittent} of {self.ran}"
        )


def interval(hits: int, tries: int) -> tuple[float, float]:
    """Tell between which shares the true one lies with 95 %, by what was counted (Wilson's score interval, 1927).

    It never leaves 0 to 1 and is of use from the first try on, which that of the textbooks (Wald's) is not.
    """
    if tries <= 0:
        return 0.0, 1.0
    share = hits / tries
    squared = _Z * _Z / tries
    middle = (share + squared / 2) / (1 + squared)
    half = _Z * math.sqrt(share * (1 - share) / tries + squared / (4 * tries)) / (1 + squared)
    # The formula ends at 0 and 1 there; in floats it may miss them by a hair.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == tries else min(1.0, middle + half)
    return low, high


def worst(sightings: Iterable[Seen], ran: Mapping[str, int], limit: int) -> list[Rate]:
    """List the intermittent jobs of one project, the worst first: by what their rate is at least.

    `ran`: at how many pushes each of these jobs passed or failed.
    """
    at: dict[tuple[str, str], dict[Push, float]] = defaultdict(dict)
    for seen in sightings:
        if seen.failed and seen.passed:
            pushes = at[seen.push.project, seen.job]
            pushes[seen.push] = max(seen.at, pushes.get(seen.push, 0.0))
    rates = []
    for (project, job), pushes in at.items():
        # What was forgotten meanwhile may be missing from the one or the other.
        tries = max(ran.get(job, 0), len(pushes))
        rates.append(Rate(job, project, len(pushes), tries, *interval(len(pushes), tries), max(pushes.values())))
    return ranked(rates, limit)


def everywhere(store: Store, limit: int) -> list[Rate]:
    """Read the worst jobs of all projects, over all that is remembered, of very many pushes over the newest.

    Raises `StoreUnavailable`.
    """
    rates: list[Rate] = []
    for project in store.projects():
        kept = store.failure_records(project)
        sightings = [seen for seen in kept if seen.failed and seen.passed]
        often = [job for job, _ in Counter(seen.job for seen in sightings).most_common(_COUNTED_MAX)]
        # A share is one of the same pushes above and below the line: no list reaches back further than the other.
        ran = store.ran(project, often, kept[-1].at if len(kept) >= FAILURE_RECORDS_MAX else 0.0)
        rates += worst((seen for seen in sightings if seen.job in ran.at and seen.at >= ran.since), ran.at, limit)
    return ranked(rates, limit)


def ranked(rates: Sequence[Rate], limit: int) -> list[Rate]:
    """Put rates of whatever projects in order, the worst first."""
    return sorted(rates, key=lambda one: (-one.low, -one.intermittent, one.project, one.job))[:limit]


def _percent(share: float) -> str:
    """Write a share with one digit after the point, where that says something."""
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"
