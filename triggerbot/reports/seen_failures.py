"""Failures as they are seen over time, at many pushes and jobs: one entry for each, however often it is seen. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from triggerbot.core import event_json
from triggerbot.core.model import Push, Result, Run
from triggerbot.core.verdict import fingerprint

#: Different failures that are told apart; what is seen beyond them is rare.
FAILURES_MAX = 50


@dataclass(frozen=True, slots=True)
class Sighting:
    """A failure of a job at one push."""

    push: Push
    job: str
    #: When it was seen first and last there, in seconds since the epoch.
    first: float
    last: float
    #: Runs that failed and passed there.
    failed: int
    passed: int
    shapes: tuple[str, ...]
    #: As the CI sent it; empty where only its shape is kept.
    line: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure, and the pushes at which it is seen, newest first."""

    line: str
    shapes: tuple[str, ...]
    seen: tuple[Sighting, ...]

    @property
    def first(self) -> Sighting:
        """Where it began, as far as that is kept."""
        return min(self.seen, key=lambda one: one.first)

    @property
    def last(self) -> Sighting:
        """Where it was seen last."""
        return max(self.seen, key=lambda one: one.last)

    @property
    def intermittent(self) -> int:
        """The number of pushes at which another run passed."""
        return len({one.push for one in self.seen if one.passed})

    @property
    def pushes(self) -> int:
        """The number of pushes at which it is seen."""
        return len({one.push for one in self.seen})

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "line": self.line,
            "pushes": self.pushes,
            "intermittent": self.intermittent,
            "first_seen": event_json.format_time(self.first.first),
            "first_revision": self.first.push.revision,
            "last_seen": event_json.format_time(self.last.last),
            "last_revision": self.last.push.revision,
        }


def sighting(push: Push, job: str, runs: Iterable[Run], now: float) -> Sighting | None:
    """Return the failure of a job at a push by its runs; `None` if none failed but for the CI itself."""
    runs = list(runs)
    failed = [run for run in runs if run.failed and run.result is not Result.INFRA]
    if not failed:
        return None
    evidence = tuple(line for run in failed for line in run.evidence)
    lines = [line for run in failed for line in run.lines]
    told = fingerprint.telling(evidence)
    times = [run.time for run in failed if run.time is not None] or [now]
    return Sighting(
        push, job, min(times), max(times), len(failed), sum(run.passed for run in runs),
        tuple(one.shape for one in told), lines[told[0].place] if told else next(iter(lines), ""),
    )  # fmt: skip


def grouped(sightings: Iterable[Sighting]) -> list[Failure]:
    """Put sightings of the same failure together, those seen at the most pushes first."""
    found: dict[tuple[str, ...], list[Sighting]] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for one in sightings:
        of = known.get(one.shapes)
        if of is None:
            of = next((other for other in found if fingerprint.same(one.shapes, other)), one.shapes)
            known[one.shapes] = of
        if of in found or len(found) < FAILURES_MAX:
            found.setdefault(of, []).append(one)
    failures = [Failure(_line(seen), shapes, tuple(seen)) for shapes, seen in found.items()]
    return sorted(failures, key=lambda one: (-one.pushes, -one.last.last, one.line))


def _line(seen: Iterable[Sighting]) -> str:
    listed = list(seen)
    shape = next((one.shapes[0] for one in listed if one.shapes), "")
    return next((one.line for one in listed if one.line), shape)
