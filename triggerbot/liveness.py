"""Liveness of the parts of the daemon: a heartbeat per thread, a watchdog over all of them, and the result of a check.

A part that does not beat for longer than its work can take is hung. Nothing inside the process can fix that: the
`Watchdog` reports it, with the stack of the part, and the process manager starts a clean process.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol

from triggerbot.core.errors import PartHung

#: Seconds that one lap counts at most: while the whole process was suspended, no part could beat.
_LAP_MAX = 5.0
#: Seconds between checks until every part has started.
_STARTUP_INTERVAL = 0.05


class ProcessManager(Protocol):
    """What watches this process from outside: systemd, the supervisor of several workers, or nothing."""

    @property
    def every(self) -> float:
        """Seconds from one `alive` to the next."""

    def ready(self) -> None:
        """Report that every part works: at the start, and after `reloading`."""

    def reloading(self) -> None:
        """Report that the configuration is being read again."""

    def alive(self) -> None:
        """Report that every part works."""

    def stopping(self) -> None:
        """Report that the process has begun to stop."""


class Stopwatch:
    """Measures the time between checks, without the time for which the whole process was suspended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def lap(self) -> float:
        """Return the seconds since the previous call, at most `_LAP_MAX`."""
        now = self._clock()
        elapsed, self._last = now - self._last, now
        return min(elapsed, _LAP_MAX)


class Heartbeat:
    """The heartbeat of one part: counted by the part's own thread, checked by another one."""

    def __init__(self, name: str, limit: float) -> None:
        self.name = name
        #: Seconds without a beat that its work can take.
        self.limit = limit
        #: Seconds on top of `limit`: the part is sleeping for that long.
        self.sleep = 0.0
        #: Beats so far.
        self.beats = 0
        #: Seconds since the last beat, as of the last check.
        self.silent = 0.0
        #: The thread of the part.
        self.thread: int | None = None
        self._checked_beats = 0

    def beat(self) -> None:
        """Show that the part works."""
        self.beats += 1

    def check(self, elapsed: float) -> None:
        """Add the seconds since the previous check to the silence, or end it if the part has beaten since."""
        before, self._checked_beats = self._checked_beats, self.beats
        self.silent = 0.0 if self.beats != before else self.silent + elapsed

    @property
    def hung(self) -> bool:
        """Whether it has been silent for longer than its work and its sleep can take."""
        return self.silent > self.limit + self.sleep


_this_thread = threading.local()


def beat() -> None:
    """Beat for the part that runs in this thread, from deep within its work; do nothing in any other thread."""
    heartbeat: Heartbeat | None = getattr(_this_thread, "heartbeat", None)
    if heartbeat is not None:
        heartbeat.beat()


class Stop(threading.Event):
    """The event that stops every part, as one part sees it: each check of it is a heartbeat of the part."""

    def __init__(self, heartbeat: Heartbeat, stop: threading.Event) -> None:
        super().__init__()
        self._heartbeat = heartbeat
        self._stop = stop

    def is_set(self) -> bool:
        """Beat, and return whether the part has to stop."""
        self._heartbeat.beat()
        return self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until the timeout (seconds) or the stop; no beat is expected meanwhile."""
        self._heartbeat.sleep = float("inf") if timeout is None else timeout
        try:
            return self._stop.wait(timeout)
        finally:
            # In this order: a check in between must not see the sleep ended but the beat missing.
            self._heartbeat.beat()
            self._heartbeat.sleep = 0.0

    def set(self) -> None:
        """Stop every part."""
        self._stop.set()


class Liveness:
    """The heartbeats of all parts. One thread checks them; any thread may list the hung ones."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = Stopwatch(clock)
        self._heartbeats: list[Heartbeat] = []

    def register(self, name: str, limit: float) -> Heartbeat:
        """Add a part that takes at most `limit` seconds from beat to beat."""
        heartbeat = Heartbeat(name, limit)
        self._heartbeats.append(heartbeat)
        return heartbeat

    @contextmanager
    def part(self, name: str, limit: float) -> Iterator[Heartbeat]:
        """Register the calling thread as a part for as long as the block runs; `limit` in seconds from beat to beat."""
        heartbeat = self.register(name, limit)
        heartbeat.thread = threading.get_ident()
        heartbeat.beat()
        _this_thread.heartbeat = heartbeat
        try:
            yield heartbeat
        finally:
            self._heartbeats.remove(heartbeat)

    @property
    def started(self) -> bool:
        """Whether every part has beaten at least once."""
        return all(heartbeat.beats for heartbeat in self._heartbeats)

    def check(self) -> Heartbeat | None:
        """Check every heartbeat and return a hung one, if any."""
        elapsed = self._stopwatch.lap()
        for heartbeat in list(self._heartbeats):
            heartbeat.check(elapsed)
        return next(iter(self.hung()), None)

    def hung(self) -> list[Heartbeat]:
        """List the parts that were hung at the last check."""
        return [heartbeat for heartbeat in list(self._heartbeats) if heartbeat.hung]


class Watchdog:
    """Checks the heartbeats, and reports to the process manager for as long as all parts work."""

    def __init__(self, liveness: Liveness, manager: ProcessManager, on_hung: Callable[[PartHung], None]) -> None:
        self._liveness = liveness
        self._manager = manager
        self._on_hung = on_hung

    def run(self, stop: threading.Event) -> None:
        """Check until stopped, or until a part is hung."""
        ready = False
        while not stop.wait(self._manager.every if ready else _STARTUP_INTERVAL):
            heartbeat = self._liveness.check()
            if heartbeat is not None:
                return self._on_hung(_hung_error(heartbeat))
            if not ready and self._liveness.started:
                ready = True
                self._manager.ready()
            self._manager.alive()


def _hung_error(heartbeat: Heartbeat) -> PartHung:
    """Build the error of a hung part, with the present stack of its thread as the traceback."""
    error = PartHung(f"{heartbeat.name} is hung: it has shown no progress for {heartbeat.silent:.0f} s")
    frame = sys._current_frames().get(heartbeat.thread or 0)  # noqa: SLF001 - the only way to see another thread's stack
    trace = None
    while frame is not None:
        trace = TracebackType(trace, frame, max(frame.f_lasti, 0), frame.f_lineno or 0)
        frame = frame.f_back
    return error.with_traceback(trace)


class Condition(StrEnum):
    """The condition of one part."""

    OK = "ok"
    #: A person should look at it; the service works on.
    WARNING = "warning"
    #: It does not work.
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """The result of checking one part."""

    condition: Condition = Condition.OK
    #: What is wrong.
    note: str = ""

    @classmethod
    def warn_if(cls, note: str) -> "Check":
        """Return a warning with this note, or OK if the note is empty."""
        return cls(Condition.WARNING, note) if note else cls()

    @classmethod
    def fail_if(cls, note: str) -> "Check":
        """Return an error with this note, or OK if the note is empty."""
        return cls(Condition.ERROR, note) if note else cls()

    @property
    def failed(self) -> bool:
        """Whether the service is unhealthy because of this part."""
        return self.condition is Condition.ERROR
