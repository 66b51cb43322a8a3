"""GitHub's rate limits: reading them from answers, and waiting them out. Writes are paced by `core.policy.slots`.

Source: GitHub's documentation, "Rate limits for the REST API" and "Best practices for using the REST API" (2026):
the primary limit is `x-ratelimit-remaining` 0 until `x-ratelimit-reset` (seconds since the epoch); a secondary limit
is a 403 or 429 with `retry-after`, or else means a minute at least, and longer each time. Sending requests while
limited can get an integration banned.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from triggerbot.core.policy import slots
from triggerbot.systems.http import Reply

#: Seconds to wait at a secondary limit without `retry-after`: doubled each time, up to the second figure.
_SECONDARY, _SECONDARY_MAX = 60.0, 3600.0
#: Seconds; the primary limit's window is an hour, so a reset further ahead means that a clock is wrong.
_RESET_MAX = 3900.0
#: The share of the primary limit that reports leave to reruns, which look back at a push first.
_RESERVE = 0.2
#: Seconds that a report may sleep until its turn to write; for a longer wait it is made later.
NAP_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Quota:
    """The primary limit: requests remaining, of `limit`, until `reset` (seconds since the epoch)."""

    remaining: int
    limit: int
    reset: float


def quota(reply: Reply) -> Quota | None:
    """Read the primary limit from an answer's headers; `None` if it has none."""
    names = ("x-ratelimit-remaining", "x-ratelimit-limit", "x-ratelimit-reset")
    values = [reply.headers.get(name, "") for name in names]
    if not all(value.isascii() and value.isdigit() and len(value) < 13 for value in values):
        return None
    return Quota(int(values[0]), int(values[1]), float(values[2]))


def is_limited(reply: Reply) -> bool:
    """Return whether an answer is a refusal because of a rate limit, primary or secondary."""
    if reply.status == 429:
        return True
    left = quota(reply)
    exhausted = left is not None and left.remaining == 0
    return reply.status == 403 and (exhausted or reply.retry_after is not None or _says_limited(reply))


def _says_limited(reply: Reply) -> bool:
    text = reply.body[:2000].lower()
    return b"rate limit" in text or b"abuse detection" in text


class Limits:
    """The rate limits of each account (a token, or an installation). Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._strikes: dict[str, int] = {}
        self._left: dict[str, Quota] = {}

    def wait(self, account: str, *, report: bool = False) -> float:
        """Return the seconds until the account may send requests, for a `report` or a rerun; 0 if it may now."""
        with self._lock:
            until, known = self._until.get(account, 0.0), self._left.get(account)
            if report and known is not None and known.remaining < _RESERVE * known.limit:
                until = max(until, known.reset)
            left = until - self._clock()
            # Longer than any limit lasts: the clock was set back.
            return max(0.0, left) if left <= _RESET_MAX else 0.0

    def note(self, account: str, reply: Reply) -> float:
        """Record what an answer says of the limits; return the seconds for which it forbids requests."""
        now = self._clock()
        left = quota(reply)
        with self._lock:
            if left is not None:
                self._left[account] = left
            if left is not None and left.remaining == 0:
                self._extend(account, now, min(max(left.reset - now, 1.0), _RESET_MAX))
            elif is_limited(reply):
                self._extend(account, now, self._secondary(account, reply, now))
            else:
                if reply.status < 400:
                    self._strikes.pop(account, None)
                return 0.0
            return self._until[account] - now

    def _extend(self, account: str, now: float, seconds: float) -> None:
        known = self._until.get(account, 0.0)
        self._until[account] = max(known if known <= now + _RESET_MAX else 0.0, now + seconds)

    def _secondary(self, account: str, reply: Reply, now: float) -> float:
        strikes = self._strikes.get(account, 0)
        if now >= self._until.get(account, 0.0):  # concurrent requests that were limited together count once
            self._strikes[account] = strikes + 1
        if reply.retry_after is not None:
            return min(max(reply.retry_after, 1.0), _SECONDARY_MAX)
        return min(_SECONDARY * 2.0 ** min(strikes, 10), _SECONDARY_MAX)


class OwnSlots:
    """Slots that nobody shares, where there is no store. See `systems.Slots`. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: dict[str, slots.SlotQueue] = {}

    def ask(self, queue: str, caller: str, rank: slots.Rank) -> float:
        """Return the seconds until a writer may write; 0 if it may now."""
        with self._lock:
            now = self._clock()
            self._queues[queue], time = slots.ask(self._queues.get(queue, slots.SlotQueue()), caller, rank, now)
            return max(0.0, time - now)

    def leave(self, queue: str, caller: str, *, used: bool) -> None:
        """Leave the queue."""
        with self._lock:
            known = self._queues.get(queue, slots.SlotQueue())
            self._queues[queue] = slots.leave(known, caller, self._clock(), used=used)

    def close(self, queue: str, seconds: float) -> None:
        """Let nobody write for so long."""
        with self._lock:
            now, known = self._clock(), self._queues.get(queue, slots.SlotQueue())
            self._queues[queue] = slots.leave(known, "", now, used=False, closed=now + seconds)
