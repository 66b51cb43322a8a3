"""Turns: where a CI limits writes, all of triggerbot's processes write to it one after another.

A turn is asked for before anything is read or recorded for a request: whoever has to wait has spent nothing.
"""

from collections.abc import Callable
from contextlib import suppress

from triggerbot.core.errors import StoreRefused, StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.core.policy import slots
from triggerbot.core.policy.slots import Rank
from triggerbot.store import Store
from triggerbot.systems import LimitsWrites, System

#: Seconds that a thread sleeps until its turn; for a longer wait its push is looked at again later.
_NAP = 1.0
#: Seconds after a look-back within which a turn is waited for: then what it found may be out of date.
_FRESH = 10.0


class StoreSlots:
    """The slots that all processes on one store share. See `systems.Slots`."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def ask(self, queue: str, caller: str, rank: Rank) -> float:
        """Return the seconds until a writer may write; 0 if it may now. Raises `StoreUnavailable`."""
        now = self._clock()
        return max(0.0, self._store.limits.ask_slot(queue, caller, rank, now) - now)

    def leave(self, queue: str, caller: str, *, used: bool) -> None:
        """Leave the queue; raises `StoreUnavailable`."""
        self._store.limits.leave_slot(queue, caller, self._clock(), used=used)

    def close(self, queue: str, seconds: float) -> None:
        """Let nobody write for so long, on any replica; without the store each replica learns it for itself."""
        now = self._clock()
        with suppress(StoreUnavailable, StoreRefused):
            self._store.limits.leave_slot(queue, "", now, used=False, closed=now + seconds)


class Turns:
    """The turns of retriggers; a push has one at a time."""

    def __init__(self, store: Store, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._slots = StoreSlots(store, clock)
        self._clock = clock
        self._sleep = sleep

    def ask(self, system: System, push: Push) -> float:
        """Return the seconds until the next request for a push may be sent; 0 if it may now."""
        if not isinstance(system, LimitsWrites):
            return 0.0
        return self._slots.ask(system.queue(push.project), _caller(push), Rank.RERUN)

    def take(self, system: System, push: Push, looked: float) -> float:
        """Like `ask`, but sleep where it is almost the push's turn, and the look-back was made just now."""
        wait = self.ask(system, push)
        if 0 < wait <= _NAP and 0 <= self._clock() + wait - looked <= _FRESH:
            self._sleep(wait)
            wait = self.ask(system, push)
        return wait

    def leave(self, system: System, push: Push, *, used: bool) -> None:
        """End the turn of a push; without one nothing happens."""
        if isinstance(system, LimitsWrites):
            self._slots.leave(system.queue(push.project), _caller(push), used=used)


def _caller(push: Push) -> str:
    return slots.caller(push.project, f"rerun {push.branch} {push.revision}")
