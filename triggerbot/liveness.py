"""Who still works: every part of the daemon has a heart that beats as its loop goes round.

A part that does not beat for longer than its work can take is hung. Nothing inside can mend that; the `Watchman` tells
it, with the place where the part is stuck, and whoever watches from outside starts a clean process.
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

#: Seconds that count at most from one look to the next: when the whole process stood still, nobody in it could beat.
_STEP_MOST = 5.0
#: Seconds between looks while not every part has begun.
_EAGER = 0.05


class ProcessManager(Protocol):
    """Who watches this process from outside: systemd, the supervisor of several workers, or nobody."""

    @property
    def every(self) -> float:
        """Seconds from one `alive` to the next."""

    def ready(self) -> None:
        """Every part works: at the start, and after `reloading`."""

    def reloading(self) -> None:
        """The configuration is being read anew."""

    def alive(self) -> None:
        """Every part works."""

    def stopping(self) -> None:
        """The end has begun."""


class Lapse:
    """Tells whoever looks again and again how much time has passed since it looked last, with standstills left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()

    def seconds(self) -> float:
        """Count from the last look to this one."""
        now = self._clock()
        passed, self._looked = now - self._looked, now
        return min(passed, _STEP_MOST)


class Heartbeat:
    """Shows that one part works; belongs to the thread of that part, and is looked at by another one."""

    def __init__(self, name: str, limit: float) -> None:
        self.name = name
        #: Seconds without a beat that its work can take.
        self.limit = limit
        #: Seconds more for which it said to rest now.
        self.rest = 0.0
        #: How often it has beaten.
        self.beats = 0
        #: Seconds since the last beat, as the latest look counted them.
        self.silent = 0.0
        #: The thread it beats in.
        self.thread: int | None = None
        self._seen = 0

    def beat(self) -> None:
        """Show that the part works."""
        self.beats += 1

    def look(self, passed: float) -> None:
        """Count the seconds that have passed since the last look."""
        seen, self._seen = self._seen, self.beats
        self.silent = 0.0 if self.beats != seen else self.silent + passed

    @property
    def hung(self) -> bool:
        """Tell whether it has been silent for too long."""
        return self.silent > self.limit + self.rest


_mine = threading.local()


def beat() -> None:
    """Let the heart of this thread beat, from deep within its work; a thread without one does nothing."""
    heart: Heartbeat | None = getattr(_mine, "heart", None)
    if heart is not None:
        heart.beat()


class Stop(threading.Event):
    """The event that tells every part to stop, as one part sees it: to look at it is to show that the part works."""

    def __init__(self, heart: Heartbeat, stop: threading.Event) -> None:
        super().__init__()
        self._heart = heart
        self._stop = stop

    def is_set(self) -> bool:
        """Tell whether it is time to stop."""
        self._heart.beat()
        return self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Rest, at most until it is time to stop; nothing is expected of the part meanwhile."""
        self._heart.rest = float("inf") if timeout is None else timeout
        try:
            return self._stop.wait(timeout)
        finally:
            # In this order: a look in between must not find the end of the rest without the beat.
            self._heart.beat()
            self._heart.rest = 0.0

    def set(self) -> None:
        """Tell everybody."""
        self._stop.set()


class Liveness:
    """The hearts of all parts. One thread looks at them; any may ask who is hung."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lapse = Lapse(clock)
        self._hearts: list[Heartbeat] = []

    def heart(self, name: str, limit: float) -> Heartbeat:
        """Expect one more part, that needs no more than so many seconds from beat to beat."""
        made = Heartbeat(name, limit)
        self._hearts.append(made)
        return made

    @contextmanager
    def part(self, name: str, limit: float) -> Iterator[Heartbeat]:
        """Expect of this thread, for as long as it works here, that it needs no longer from beat to beat."""
        heart = self.heart(name, limit)
        heart.thread = threading.get_ident()
        heart.beat()
        _mine.heart = heart
        try:
            yield heart
        finally:
            self._hearts.remove(heart)

    @property
    def begun(self) -> bool:
        """Tell whether every part works, for the first time."""
        return all(heart.beats for heart in self._hearts)

    def look(self) -> Heartbeat | None:
        """Look at all of them; gives one that is hung."""
        passed = self._lapse.seconds()
        for heart in list(self._hearts):
            heart.look(passed)
        return next(iter(self.hung()), None)

    def hung(self) -> list[Heartbeat]:
        """List the parts that were hung at the last look."""
        return [heart for heart in list(self._hearts) if heart.hung]


class Watchdog:
    """Looks after the hearts, and tells whoever watches from outside for as long as all of them beat."""

    def __init__(self, liveness: Liveness, outside: ProcessManager, hung: Callable[[PartHung], None]) -> None:
        self._liveness = liveness
        self._outside = outside
        self._hung = hung

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop, or until something is hung."""
        ready = False
        while not stop.wait(self._outside.every if ready else _EAGER):
            heart = self._liveness.look()
            if heart is not None:
                return self._hung(_stuck(heart))
            if not ready and self._liveness.begun:
                ready = True
                self._outside.ready()
            self._outside.alive()


def _stuck(heart: Heartbeat) -> PartHung:
    """Say of a part that it is hung, and where."""
    error = PartHung(f"{heart.name} is hung: it has shown no progress for {heart.silent:.0f} s")
    frame = sys._current_frames().get(heart.thread or 0)  # noqa: SLF001 - the only way to see another thread's stack
    trace = None
    while frame is not None:
        trace = TracebackType(trace, frame, max(frame.f_lasti, 0), frame.f_lineno or 0)
        frame = frame.f_back
    return error.with_traceback(trace)


class Condition(StrEnum):
    """How one part is."""

    OK = "ok"
    #: It needs a look by somebody; this service works on.
    WARNING = "warning"
    #: It does not work.
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """What a look at one part found."""

    condition: Condition = Condition.OK
    #: What is the matter.
    note: str = ""

    @classmethod
    def warns(cls, note: str) -> "Check":
        """Make one that warns, or is fine where there is nothing to say."""
        return cls(Condition.WARNING, note) if note else cls()

    @classmethod
    def fails(cls, note: str) -> "Check":
        """Make one that fails, or is fine where there is nothing to say."""
        return cls(Condition.ERROR, note) if note else cls()

    @property
    def failed(self) -> bool:
        """Tell whether this service is not well."""
        return self.condition is Condition.ERROR
