"""Polling, and the sweep: asking a system every so often what happened lately.

Events are hints and the CI is the truth: whatever a lost webhook or a deleted queue kept from us, the next sweep finds.
"""

import threading
import time
from collections.abc import Callable

import structlog

from triggerbot.core.errors import CIError, CIUnavailable, StoreUnavailable
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Store
from triggerbot.systems import System

log = structlog.get_logger("triggerbot.poll")

#: Seconds that each question reaches back before the last one, for clocks that differ and lists that lag.
_OVERLAP = 300.0
#: Seconds that the very first question reaches back, and the longest that any does.
_FIRST, _LONGEST = 3600.0, 3 * 86_400.0
#: Events that are observed together.
_BATCH = 200
#: Seconds to the second try after a failure, doubled up to the interval.
_RETRY = 5.0
#: Seconds between two questions, however great the hurry, and between looks whether it is time to stop.
_LEAST, _LOOK = 1.0, 0.5


def cursor(system: str) -> str:
    """Name what is kept of the polling of a system: when it was answered last."""
    return f"poll:{system}"


def refusal(system: str) -> str:
    """Name what is kept of a system that cannot be asked: when it said so. How far we came stays what it was."""
    return f"unsupported:{system}"


class Poll:
    """Asks one system, at start and every so many seconds."""

    def __init__(
        self,
        system: System,
        every: float,
        store: Store,
        observer: Observer,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._system = system
        self.every = every
        self._store = store
        self._observer = observer
        self._clock = clock
        self._metrics = metrics
        self._cursor = cursor(system.name)
        self._supported = True
        self._answered = clock()
        self._soon = threading.Event()

    @property
    def name(self) -> str:
        """The system it asks."""
        return self._system.name

    def hurry(self) -> None:
        """Ask at once: something is known to have been missed."""
        self._soon.set()

    def late(self, now: float) -> bool:
        """Tell whether it has been without an answer for several rounds."""
        return self._supported and now - self._answered > 3 * self.every + 60

    def run(self, stop: threading.Event) -> None:
        """Poll until told to stop, or for as long as the system supports it."""
        failures = 0
        while not stop.is_set() and self._supported:
            try:
                self.once()
                failures, wait = 0, self.every
            except (CIError, StoreUnavailable) as error:
                failures += 1
                wait = min(self.every, _RETRY * 2 ** min(failures, 10))
                if isinstance(error, CIUnavailable) and error.after is not None:
                    wait = max(wait, error.after)
                self._metrics.sweeps.labels(self._system.name, "failed").inc()
                log.warning("poll.failed", system=self._system.name, error=str(error), again_in=round(wait))
            except Exception:
                wait = self.every
                self._metrics.sweeps.labels(self._system.name, "failed").inc()
                log.exception("poll.broken", system=self._system.name)
            self._rest(stop, wait)

    def _rest(self, stop: threading.Event, seconds: float) -> None:
        """Wait, unless there is a hurry; a CI that was just asked is not asked again at once."""
        until = time.monotonic() + seconds
        stop.wait(min(seconds, _LEAST))
        while not self._soon.is_set() and not stop.is_set() and time.monotonic() < until:
            self._soon.wait(min(_LOOK, max(0.0, until - time.monotonic())))
        self._soon.clear()

    def once(self) -> int:
        """Ask once and observe what it tells; gives the number of things heard. Raises `CIError`."""
        now = self._clock()
        known = self._store.cursor(self._cursor)
        # A clock that was ahead has left a time to come: it tells nothing of how far we came.
        since = now - _FIRST if known is None or float(known) > now else float(known) - _OVERLAP
        heard = self._system.recent(max(since, now - _LONGEST))
        if heard is None:
            self._supported = False
            self._observer.observe([], cursor=(refusal(self.name), repr(now)))
            log.warning("poll.unsupported", system=self._system.name, note="lost events cannot be made up for")
            return 0
        for start in range(0, len(heard), _BATCH):
            self._observer.observe(heard[start : start + _BATCH])
        self._observer.observe([], cursor=(self._cursor, repr(now)))
        self._answered = now
        self._metrics.sweeps.labels(self._system.name, "answered").inc()
        return len(heard)
