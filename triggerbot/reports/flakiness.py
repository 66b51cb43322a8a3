"""Rates at which jobs are intermittent, the worst first, each with its confidence interval.

Pure but for `everywhere`, which reads the store.
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
#: The chance to either side at which two shares that are the same are taken for different.
_ERROR = 0.025


#: Jobs of one project whose runs are counted: those that were intermittent most often.
_COUNTED_MAX = 200


class Seen(Protocol):
    """A job of which a run failed at a push (see `store.FailureRecord`)."""

    @property
    def push(self) -> Push:
        """The push."""

    @property
    def job(self) -> str:
        """The job's name."""

    @property
    def at(self) -> float:
        """When, in seconds since the epoch."""

    @property
    def failed(self) -> int:
        """The number of runs that failed."""

    @property
    def passed(self) -> int:
        """The number of runs that passed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of a job's pushes at which it was intermittent; `low` to `high` is its 95 % confidence interval."""

    job: str
    project: str
    #: Pushes at which it was intermittent, and pushes at which it passed or failed.
    intermittent: int
    ran: int
    low: float
    high: float
    #: When it was last intermittent, in seconds since the epoch.
    last_seen: float

    @property
    def rate(self) -> float:
        """The share of pushes, from 0 to 1."""
        return self.intermittent / self.ran

    def as_json(self) -> dict[str, Any]:
        """Return the rate as JSON-able values."""
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
        """Describe the rate in words."""
        return f"{percent(self.rate)} ({percent(self.low)} to {percent(self.high)}): {self.intermittent} of {self.ran}"


def interval(hits: int, tries: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson's score interval, 1927).

    It stays within 0 to 1 and is useful from the first try on, unlike the one in textbooks (Wald's).
    """
    if tries <= 0:
        return 0.0, 1.0
    share = hits / tries
    squared = _Z * _Z / tries
    middle = (share + squared / 2) / (1 + squared)
    half = _Z * math.sqrt(share * (1 - share) / tries + squared / (4 * tries)) / (1 + squared)
    # The exact ends are 0 and 1 there; floats may miss them slightly.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == tries else min(1.0, middle + half)
    return low, high


def differs(hits: int, tries: int, other_hits: int, other_tries: int, *, of: int = 1) -> int:
    """Return 1 if a share is higher than another beyond chance, -1 if it is lower, and 0 if they cannot be told apart.

    By Fisher's exact test, which holds for few tries, too: an error of 2.5 % to either side. `of`: how many such
    questions are asked at once, over which the error is divided (Bonferroni).
    """
    every, total = hits + other_hits, tries + other_tries
    ways = math.comb(total, every)

    def chance(least: int, most: int) -> float:
        found = range(max(least, every - other_tries), min(most, every, tries) + 1)
        return sum(math.comb(tries, one) * math.comb(other_tries, every - one) for one in found) / ways

    if chance(hits, tries) <= _ERROR / of:
        return 1
    return -1 if chance(0, hits) <= _ERROR / of else 0


def worst(sightings: Iterable[Seen], ran: Mapping[str, int], limit: int) -> list[Rate]:
    """List the intermittent jobs of one project, the worst first, by the lower end of their interval.

    `ran`: the number of pushes at which each of these jobs passed or failed.
    """
    at: dict[tuple[str, str], dict[Push, float]] = defaultdict(dict)
    for seen in sightings:
        if seen.failed and seen.passed:
            pushes = at[seen.push.project, seen.job]
            pushes[seen.push] = max(seen.at, pushes.get(seen.push, 0.0))
    rates = []
    for (project, job), pushes in at.items():
        # Old data may have been deleted from one of them and not yet from the other.
        tries = max(ran.get(job, 0), len(pushes))
        rates.append(Rate(job, project, len(pushes), tries, *interval(len(pushes), tries), max(pushes.values())))
    return ranked(rates, limit)


def of_job(store: Store, project: str, job: str) -> Rate | None:
    """Return the rate of one job, over all that is kept of its failures; `None` if it never was intermittent.

    Raises `StoreUnavailable`.
    """
    window = store.reports.windows(project, [job])[job]
    ran = store.reports.ran(project, [job], window.since)
    found = worst((seen for seen in window.records if seen.intermittent and seen.at >= ran.since), ran.at, 1)
    return found[0] if found else None


def everywhere(store: Store, limit: int) -> list[Rate]:
    """Return the worst jobs of all projects, over all stored failures (of a project the newest `FAILURE_RECORDS_MAX`).

    Raises `StoreUnavailable`.
    """
    rates: list[Rate] = []
    for project in store.pushes.projects():
        stored = store.reports.failure_records(project)
        sightings = [seen for seen in stored if seen.intermittent]
        often = [job for job, _ in Counter(seen.job for seen in sightings).most_common(_COUNTED_MAX)]
        # Both numbers of a share have to cover the same pushes, so neither list may reach back further.
        ran = store.reports.ran(project, often, stored[-1].at if len(stored) >= FAILURE_RECORDS_MAX else 0.0)
        rates += worst((seen for seen in sightings if seen.job in ran.at and seen.at >= ran.since), ran.at, limit)
    return ranked(rates, limit)


def ranked(rates: Sequence[Rate], limit: int) -> list[Rate]:
    """Sort rates of any projects, the worst first."""
    return sorted(rates, key=lambda one: (-one.low, -one.intermittent, one.project, one.job))[:limit]


def percent(share: float) -> str:
    """Format a share in percent, with a decimal where it is below 10 %."""
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"
