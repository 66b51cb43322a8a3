"""Counting how retriggers ended, what runs cost and what was refused: pure, and shared by all backends."""

import math
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Result, Run, State
from triggerbot.store.records import TimelineEntry


class Bought(NamedTuple):
    """The retriggers that one claim bought."""

    #: Runs of the job that were known at the decision.
    known: int
    #: Retriggers that the CI accepted.
    asked: int
    cause: Cause | None


#: A job: all its runs, oldest first, and what its claims bought.
Job = tuple[Sequence[Run], Sequence[Bought]]


@dataclass(slots=True)
class _Ended:
    passed: int = 0
    failed: int = 0
    other: int = 0
    unfinished: int = 0
    seconds: float = 0.0
    timed: int = 0
    proved: int = 0

    def add(self, run: Run) -> None:
        if run.state is not State.FINISHED:
            self.unfinished += 1
        elif run.passed:
            self.passed += 1
        elif _failed(run):
            self.failed += 1
        else:
            self.other += 1
        if run.seconds is not None:
            self.seconds += run.seconds
            self.timed += 1


def retriggers(runs: Sequence[Run], claims: Iterable[Bought]) -> list[Run]:
    """Return the runs of a job that are retriggers: those after the known ones, as many as were requested.

    Each claim takes the next runs that no other claim has taken.
    """
    taken: set[int] = set()
    for claim in sorted(claims, key=lambda one: one.known):
        left = [place for place in range(claim.known, len(runs)) if place not in taken]
        taken.update(left[: claim.asked])
    return [runs[place] for place in sorted(taken)]


def ended(jobs: Iterable[Job]) -> dict[str, int | float]:
    """Count how the retriggers of these jobs ended, and the seconds of those whose duration is known (`timed`).

    `proved`: the jobs that failed and whose first passing run is a retrigger for that failure, except jobs that a
    person or the push asked for.
    """
    counted = _Ended()
    for runs, claims in jobs:
        own = [run for run in retriggers(runs, claims) if not run.calibrates]
        for run in own:
            counted.add(run)
        counted.proved += _proved(runs, claims, own)
    return asdict(counted)


def _proved(runs: Sequence[Run], claims: Iterable[Bought], own: Sequence[Run]) -> bool:
    if any(claim.asked and claim.cause not in (Cause.FAILURE, Cause.CALIBRATION) for claim in claims):
        return False
    first = next((run.key for run in runs if run.passed and not run.calibrates), None)
    return any(run.key == first for run in own) and any(map(_failed, runs))


def _failed(run: Run) -> bool:
    """Whether the run failed for a reason other than infrastructure."""
    return run.failed and run.result is not Result.INFRA


def machine(seconds: Iterable[float | None]) -> dict[str, int | float]:
    """Sum how long runs took, of which that is known, and count these."""
    lengths = [one for one in seconds if one is not None]
    return {"seconds": sum(lengths, 0.0), "runs": len(lengths)}


class Weighed(NamedTuple):
    """A claim that has ended, as far as its retriggers went by what runs prove, or by another job."""

    #: Retriggers that the CI accepted, and how many there might have been; 0: it was a number.
    asked: int
    most: int
    #: Retriggers that the job got on which this one was left alone; `None`: it was not.
    first: int | None


def saved(claims: Iterable[Weighed]) -> dict[tuple[str, str], int]:
    """Count what evidence and a common cause saved: jobs, and retriggers; of evidence those asked for, and the most."""
    found: Counter[tuple[str, str]] = Counter()
    for claim in claims:
        if claim.first is not None:
            found["same_cause", "jobs"] += 1
            found["same_cause", "retriggers"] += claim.first
        elif claim.most and claim.asked:
            found["evidence", "jobs"] += 1
            found["evidence", "asked"] += claim.asked
            found["evidence", "most"] += claim.most
    return dict(found)


#: Refusals that save nothing: the CI would not have run the job, or it had run already.
SPARES_NOTHING = (
    Refusal.NOT_FOUND, Refusal.REFUSED_BY_CI, Refusal.ALREADY_CLAIMED, Refusal.ENOUGH_RUNS, Refusal.REBUILD_REQUESTED,
)  # fmt: skip


class Spared(NamedTuple):
    """When a job was last refused so that a retrigger was spared, and for the budget; -inf: never."""

    jobs: float = -math.inf
    over_budget: float = -math.inf


def spared(timeline: Iterable[TimelineEntry], retriggered: Container[str]) -> dict[str, Spared]:
    """Return the jobs of a push that a refusal, other than one in a dry run, kept from a retrigger.

    `retriggered`: the jobs that were retriggered nevertheless.
    """
    found: dict[str, Spared] = {}
    for entry in timeline:
        if entry.what != "refuse" or entry.dry or entry.job is None or entry.job in retriggered:
            continue
        known = found.get(entry.job, Spared())
        found[entry.job] = Spared(
            known.jobs if entry.reason in SPARES_NOTHING else max(known.jobs, entry.at),
            max(known.over_budget, entry.at) if entry.reason == Refusal.OVER_BUDGET else known.over_budget,
        )
    return found


def refusals(timeline: Iterable[TimelineEntry], retriggered: Container[str]) -> dict[tuple[str, str], float]:
    """Return when each (job, reason) of a push was first refused.

    Further failures of a claimed job do not count as refusals; `retriggered`: the jobs to leave out.
    """
    first: dict[tuple[str, str], float] = {}
    for entry in timeline:
        new = entry.what == "refuse" and entry.reason != Refusal.ALREADY_CLAIMED
        if new and entry.job is not None and entry.job not in retriggered:
            key = (entry.job, entry.reason)
            first[key] = min(entry.at, first.get(key, entry.at))
    return first
