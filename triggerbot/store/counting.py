"""What retriggers came to and what runs cost, counted purely and for every backend alike."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from triggerbot.model import Result, Run, State

#: A job: all its runs, oldest first, and of each of its claims how many runs were known when it was decided, and how
#: many retriggers were asked for.
Job = tuple[Sequence[Run], Sequence[tuple[int, int]]]


@dataclass(slots=True)
class _Ended:
    passed: int = 0
    failed: int = 0
    other: int = 0
    unfinished: int = 0
    seconds: float = 0.0
    timed: int = 0

    def add(self, run: Run) -> None:
        if run.state is not State.FINISHED:
            self.unfinished += 1
        elif run.passed:
            self.passed += 1
        elif run.failed and run.result is not Result.INFRA:
            self.failed += 1
        else:
            self.other += 1
        if run.seconds is not None:
            self.seconds += run.seconds
            self.timed += 1


def retriggers(runs: Sequence[Run], claims: Iterable[tuple[int, int]]) -> list[Run]:
    """Choose the runs of a job that are retriggers: what came after those known, as many as were asked for.

    A run that two claims cover is one retrigger.
    """
    places = {place for known, asked in claims for place in range(known, min(known + asked, len(runs)))}
    return [runs[place] for place in sorted(places)]


def ended(jobs: Iterable[Job]) -> dict[str, int | float]:
    """Count how the retriggers of these jobs ended, and the seconds of those whose length is known (`timed`)."""
    counted = _Ended()
    for runs, claims in jobs:
        for run in retriggers(runs, claims):
            counted.add(run)
    return asdict(counted)


def machine(runs: Iterable[Run]) -> dict[str, int | float]:
    """Add up the seconds of the runs whose length is known, and count those."""
    lengths = [run.seconds for run in runs if run.seconds is not None]
    return {"seconds": sum(lengths, 0.0), "runs": len(lengths)}
