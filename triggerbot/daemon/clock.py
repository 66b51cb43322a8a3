"""Notices that the clock of this machine was set back, and makes what waits due as much earlier.

Due times are moments. By a clock that was five hours ahead, what waits for a minute is due five hours late, and a
restart changes nothing. So each machine keeps in the store the latest time that it has seen; of the clocks of other
machines that says nothing.
"""

import socket
from collections.abc import Callable

import structlog

from triggerbot.core.formatting import duration
from triggerbot.store import Store

log = structlog.get_logger("triggerbot.clock")

#: Seconds by which a clock may be set back unnoticed, as time services do it; waits are longer by no more than that.
TOLERANCE = 60.0
#: Seconds for which the health tells of it.
_TOLD = 86_400.0


class ClockWatch:
    """Compares the clock with the latest time seen; `check` is called by one thread, `trouble` by any."""

    def __init__(self, store: Store, clock: Callable[[], float], host: str = "") -> None:
        self._store = store
        self._clock = clock
        self._cursor = f"clock {host or socket.gethostname()}"
        self._noticed: tuple[float, float] | None = None

    def check(self) -> None:
        """Keep the time, and make up for a clock that was set back. Raises `StoreUnavailable`."""
        now = self._clock()
        latest = float(self._store.cursor(self._cursor) or now)
        back = latest - now
        if back > TOLERANCE:
            shifted = self._store.set_back(back, now)
            self._noticed = now, back
            log.warning("clock.set_back", seconds=round(back), due_earlier=shifted)
        if back <= 0 or back > TOLERANCE:
            # Last: if this process is killed before, the next one finds it again.
            self._store.observe([], now, dry=True, cursor=(self._cursor, repr(now)))

    def trouble(self, now: float) -> str:
        """Describe that the clock was set back lately; empty if it was not."""
        if self._noticed is None or not 0 <= now - self._noticed[0] < _TOLD:
            return ""
        return f"it was set back by {duration(self._noticed[1])}, and what waited is due as much earlier: see why"
