"""What retriggers came to, what runs cost and what was refused, counted purely and for every backend alike."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from triggerbot.core.model import Cause, Refusal, Result, Run, State
from triggerbot.store.records import TimelineEntry


class Bought(NamedTuple):
    """What one claim of a job asked its CI for."""

    #: Runs of the job that were known when it was decided.
    known: int
    #: Retriggers that the CI accepted.
    asked: int
    cause: Cause | None


#: A job: all its runs, oldest first, and what its claims asked for.
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
    """Choose the runs of a job that are retriggers: what came after those known, as many as were asked for.

    What one claim asked for is not what another did: each takes the next runs that are left.
    """
    taken: set[int] = set()
    for claim in sorted(claims, key=lambda one: one.known):
        left = [place for place in range(claim.known, len(runs)) if place not in taken]
        taken.update(left[: claim.asked])
    return [runs[place] for place in sorted(taken)]


def ended(jobs: Iterable[Job]) -> dict[str, int | float]:
    """Count how the retriggers of these jobs ended, and the seconds of those whose length is known (`timed`).

    `proved`: the jobs that failed, and of which a retrigger for that is the first run that passed. Those are left out
    for which somebody asked, a person or the push.
    """
    counted = _Ended()
    for runs, claims in jobs:
        own = retriggers(runs, claims)
        for run in own:
            counted.add(run)
        counted.proved += _proved(runs, claims, own)
    return asdict(counted)


def _proved(runs: Sequence[Run], claims: Iterable[Bought], own: Sequence[Run]) -> bool:
    if any(claim.asked and claim.cause is not Cause.FAILURE for claim in claims):
        return False
    first = next((run.key for run in runs if run.passed), None)
    return any(run.key == first for run in own) and any(map(_failed, runs))


def _failed(run: Run) -> bool:
    """Tell whether it proves something against the job."""
    return run.failed and run.result is not Result.INFRA


def machine(runs: Iterable[Run]) -> dict[str, int | float]:
    """Add up the seconds of the runs whose length is known, and count those."""
    lengths = [run.seconds for run in runs if run.seconds is not None]
    return {"seconds": sum(lengths, 0.0), "runs": len(lengths)}


#: Refusals that spare nothing: the CI would not have run it, or it had run already.
SPARES_NOTHING = (
    Refusal.NOT_FOUND, Refusal.REFUSED_BY_CI, Refusal.ALREADY_CLAIMED, Refusal.ENOUGH_RUNS, Refusal.REBUILD_REQUESTED,
)  # fmt: skip


def spared(story: Iterable[TimelineEntry], retriggered: Container[str]) -> Counter[str]:
    """Count the `jobs` of a push that a refusal, other than one of a dry run, kept from a retrigger; purely.

    `over_budget` of them for want of budget; `retriggered` are those that were all the same.
    """
    kept: dict[str, set[str]] = {"jobs": set(), "over_budget": set()}
    for entry in story:
        if entry.what != "refuse" or entry.dry or entry.job is None or entry.job in retriggered:
            continue
        if entry.reason not in SPARES_NOTHING:
            kept["jobs"].add(entry.job)
        if entry.reason == Refusal.OVER_BUDGET:
            kept["over_budget"].add(entry.job)
    return Counter({name: len(jobs) for name, jobs in kept.items()})


def refusals(story: Iterable[TimelineEntry], retriggered: Container[str]) -> dict[tuple[str, str], float]:
    """Tell which jobs of a push were refused for which reason, and when first; purely.

    A further failure of a job that was dealt with is no refusal of it: `retriggered` are the jobs to leave out.
    """
    first: dict[tuple[str, str], float] = {}
    for entry in story:
        new = entry.what == "refuse" and entry.reason != Refusal.ALREADY_CLAIMED
        if new and entry.job is not None and entry.job not in retriggered:
            key = (entry.job, entry.reason)
            first[key] = min(entry.at, first.get(key, entry.at))
    return first
