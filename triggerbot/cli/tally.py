"""What a replay comes to in figures."""

from collections import Counter, defaultdict

from rich.console import Group, RenderableType
from rich.table import Table

from triggerbot.cli.output import duration, plural
from triggerbot.core.model import Event
from triggerbot.pipeline.replay import Replayed

_HOUR = 3600.0


class Tally:
    """Counts events and decisions; keeps a number for each job, not the events, so that a large file fits."""

    def __init__(self) -> None:
        self.events = 0
        self._jobs: set[int] = set()
        self._retriggered: set[int] = set()
        self._reasons: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._asked: Counter[tuple[str, str]] = Counter()
        self._first: float | None = None
        self._last: float | None = None

    def hear(self, event: Event) -> None:
        """Count one event."""
        self.events += 1
        self._jobs.add(hash((*event.push[1:], event.job)))
        if event.time is not None:
            self._first = event.time if self._first is None else min(self._first, event.time)
            self._last = event.time if self._last is None else max(self._last, event.time)

    def decided(self, told: Replayed) -> None:
        """Count one decision."""
        key = (told.decision.action, told.decision.reason)
        job = hash((*told.push[1:], told.job))
        self._reasons[key].add(job)
        self._asked[key] += told.decision.count
        if told.decision.cause is not None:
            self._retriggered.add(job)

    def summary(self) -> RenderableType:
        """Put it all together for people."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("decision")
        table.add_column("reason")
        table.add_column("jobs", justify="right")
        table.add_column("retriggers", justify="right")
        for (action, reason), jobs in sorted(
            self._reasons.items(), key=lambda item: (item[0][0] != "trigger", -len(item[1]))
        ):
            asked = self._asked[action, reason]
            table.add_row(
                action, reason, str(len(jobs)), str(asked or ""), style="green" if action == "trigger" else "yellow"
            )
        return Group("", table, "", *self._sentences()) if self._reasons else Group("", *self._sentences())

    def _sentences(self) -> list[str]:
        total = self._asked.total()
        share = 100 * len(self._retriggered) / len(self._jobs) if self._jobs else 0.0
        asked = f"{plural(total, 'retrigger')} of {plural(len(self._retriggered), 'job')}"
        lines = [
            f"{plural(self.events, 'event')} of {plural(len(self._jobs), 'different job')}.",
            f"{asked}: {share:.1f} % of all different jobs.",
        ]
        if not self.events:
            return lines[:1]
        if self._first is None or self._last is None:
            return [*lines, "The events carry no time, so there are no retriggers per hour to tell."]
        span = self._last - self._first
        if span < _HOUR:
            return [
                *lines,
                f"All of it within {duration(span)} of the events' time: too short for retriggers per hour.",
            ]
        return [*lines, f"{total * _HOUR / span:.1f} retriggers per hour over {duration(span)} of the events' time."]
