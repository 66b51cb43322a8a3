"""Who was slow and in vain: nobody else waits for the same, for a report that hangs must not hold up the others."""

from collections.abc import Callable

from triggerbot.core.policy import backoff

#: Seconds after which no answer is worth remembering, how many times as long it is remembered, and at most.
_SLOW, _TIMES, _MOST = 5.0, 5.0, 300.0


class Slowness:
    """Remembers it by names. Safe for threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def left(self, name: str) -> float:
        """Tell for how many seconds nobody should try."""
        return backoff.left(self._until.get(name, 0.0), self._clock())

    def in_vain(self, name: str, began: float) -> None:
        """Remember a try that began then, and was in vain."""
        now = self._clock()
        if now - began > _SLOW:
            self._until[name] = now + min(_MOST, _TIMES * (now - began))
