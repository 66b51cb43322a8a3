"""Polls and sweeps: asking a system at intervals what happened recently.

Events are hints and the CI is the truth: the next sweep finds what a lost webhook or a deleted queue did not deliver.
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

#: Seconds that each poll reaches back before the last one, for clocks that differ and lists that lag.
_OVERLAP = 300.0
#: Seconds that the very first poll reaches back, and the most that any does.
_FIRST, _LONGEST = 3600.0, 3 * 86_400.0
#: Events that are observed together.
_BATCH = 200
#: Seconds that are doubled with each failure, up to the interval, to get the time to the next try.
_RETRY = 5.0
#: Seconds between two polls at least, and between checks of the stop event.
_LEAST, _STOP_CHECK = 1.0, 0.5


def cursor(system: str) -> str:
    """Return the name of the cursor of a system's polls: when it answered last (Unix, s)."""
    return f"poll:{system}"


def began(system: str) -> str:
    """Return the name of the cursor that stands in for the one of the polls until the first answer (Unix, s)."""
    return f"began:{system}"


def first_asked(store: Store, system: str) -> float | None:
    """Return when a system was asked first that has not answered since (Unix, s)."""
    known = store.cursor(began(system))
    return None if known is None else float(known) + _FIRST - _OVERLAP


def refusal(system: str) -> str:
    """Return the name of the cursor of a system that does not support polling: when it said so (Unix, s).

    It is one of its own, so that the cursor of the polls stays what it was.
    """
    return f"unsupported:{system}"


class Poll:
    """Polls one system, at start and then every `every` seconds."""

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
        self._now = threading.Event()

    @property
    def name(self) -> str:
        """The system it polls."""
        return self._system.name

    def poll_now(self) -> None:
        """Poll at once, because events are known to have been missed."""
        self._now.set()

    def late(self, now: float) -> bool:
        """Return whether it has had no answer for more than three intervals and a minute."""
        return self._supported and now - self._answered > 3 * self.every + 60

    def run(self, stop: threading.Event) -> None:
        """Poll until stopped, or until the system turns out not to support it."""
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
            self._wait(stop, seconds=wait)

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        """Wait for the next poll, at least `_LEAST` even if `poll_now` was called."""
        until = time.monotonic() + seconds
        stop.wait(min(seconds, _LEAST))
        while not self._now.is_set() and not stop.is_set() and time.monotonic() < until:
            self._now.wait(min(_STOP_CHECK, max(0.0, until - time.monotonic())))
        self._now.clear()

    def once(self) -> int:
        """Poll once and observe the answer; return the number of events and facts in it. Raises `CIError`."""
        now = self._clock()
        known = self._store.cursor(self._cursor) or self._store.cursor(began(self.name))
        if known is None:
            # However long the first answer takes to come, nothing since now is missed.
            known = repr(now - _FIRST + _OVERLAP)
            self._observer.observe([], cursor=(began(self.name), known))
        # A cursor in the future was written by a clock that was ahead, and does not say how far the polls came.
        since = now - _FIRST if float(known) > now else float(known) - _OVERLAP
        recent = self._system.recent(max(since, now - _LONGEST))
        if recent is None:
            self._supported = False
            self._observer.observe([], cursor=(refusal(self.name), repr(now)))
            log.warning("poll.unsupported", system=self._system.name, note="lost events cannot be made up for")
            return 0
        for start in range(0, len(recent), _BATCH):
            self._observer.observe(recent[start : start + _BATCH])
        self._observer.observe([], cursor=(self._cursor, repr(now)))
        self._answered = now
        self._metrics.sweeps.labels(self._system.name, "answered").inc()
        return len(recent)
