"""Webhooks that were refused: told in the log, and in the health of the service where no good one comes in between.

A wrong secret is the likeliest first mistake, and the sweep hides it. Strangers who try their luck are no trouble.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger("triggerbot.hooks")

#: Seconds after which refusals are no longer told of.
_KEPT = 86_400.0


@dataclass(frozen=True, slots=True)
class _Row:
    """Refusals of one system with no good webhook in between."""

    number: int
    last: float
    why: str


class Refused:
    """Counts refusals; written by the thread that serves, read by any."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, _Row] = {}

    def accepted(self, system: str) -> None:
        """A good one came."""
        self._rows.pop(system, None)

    def refused(self, system: str, status: int, why: str) -> None:
        """One was refused with this HTTP status."""
        row = self._rows.get(system)
        self._rows[system] = _Row(1 if row is None else row.number + 1, self._clock(), f"HTTP {status}, {why}")
        log.warning("hook.refused", system=system, status=status, error=why)

    def trouble(self, system: str) -> str:
        """Say what is wrong with the webhooks of a system; nothing is while good ones come."""
        row = self._rows.get(system)
        if row is None or self._clock() - row.last > _KEPT:
            return ""
        many = "1 webhook was" if row.number == 1 else f"{row.number} webhooks were"
        return f"{many} refused and none accepted since, the last with: {row.why}"
