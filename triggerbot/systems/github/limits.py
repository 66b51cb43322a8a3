"""GitHub's rate limits: reading them from answers, waiting them out, and pacing writes.

Source: GitHub's documentation, "Rate limits for the REST API" and "Best practices for using the REST API" (2026):
the primary limit is `x-ratelimit-remaining` 0 until `x-ratelimit-reset` (seconds since the epoch); a secondary limit
is a 403 or 429 with `retry-after`, or else means a minute at least, and longer each time; writes at least a second
apart, at most 80 a minute and 500 an hour. Sending requests while limited can get an integration banned.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from triggerbot.systems.http import Reply

#: Seconds to wait at a secondary limit without `retry-after`: doubled each time, up to the second figure.
_SECONDARY, _SECONDARY_MAX = 60.0, 3600.0
#: Seconds; the primary limit's window is an hour, so a reset further ahead means that a clock is wrong.
_RESET_MAX = 3900.0
#: The share of the primary limit that reports leave to reruns, which look back at a push first.
_RESERVE = 0.2
#: All writes: (number, in this many seconds).
_WRITES = ((1, 1.0), (80, 60.0), (500, 3600.0))
#: The same for reports, of all writes, so that there is always room for reruns.
_REPORTS = ((1, 1.0), (40, 60.0), (250, 3600.0))
#: Seconds; no report is asked to wait longer, however many wait.
_QUEUE_MAX = 600.0
#: Seconds that a write may sleep until its turn; for a longer wait it is planned again later.
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

    def note(self, account: str, reply: Reply) -> None:
        """Record what an answer says of the limits."""
        now = self._clock()
        left = quota(reply)
        with self._lock:
            if left is not None:
                self._left[account] = left
            if left is not None and left.remaining == 0:
                self._extend(account, now, min(max(left.reset - now, 1.0), _RESET_MAX))
            elif is_limited(reply):
                self._extend(account, now, self._secondary(account, reply, now))
            elif reply.status < 400:
                self._strikes.pop(account, None)

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


class Pace:
    """Paces writes as GitHub asks. Thread-safe; each process has its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: deque[float] = deque(maxlen=max(count for count, _ in _WRITES))
        #: The latest turn given to a waiting report.
        self._last_turn = 0.0

    def reserve(self, *, report: bool = False) -> float:
        """Return the seconds until the next turn, and take it if they are at most `NAP_MAX`.

        `report`: the write can wait, and leaves half of the turns to others.
        """
        with self._lock:
            now = self._clock()
            if self._slots and self._slots[-1] > now + 2 * NAP_MAX:  # the clock was set back
                self._slots.clear()
            slot = self._next(now, report=report)
            if slot - now <= NAP_MAX:
                self._slots.append(slot)
            return slot - now

    def queue(self) -> float:
        """Return the seconds after which a report should try for its turn; 0 if it may take one now. Takes none.

        Waiting reports get different times: if all came back at once, all but one would have to wait again.
        """
        with self._lock:
            now = self._clock()
            slot = self._next(now, report=True)
            if not NAP_MAX < slot - now <= _WRITES[-1][1]:  # longer than any window: the clock was set back
                return 0.0
            last = self._last_turn if self._last_turn <= now + _QUEUE_MAX else 0.0
            self._last_turn = max(slot, last + _REPORTS[1][1] / _REPORTS[1][0])
            return self._last_turn - now

    def _next(self, now: float, *, report: bool) -> float:
        windows = _REPORTS if report else _WRITES
        return max([now, *(self._earliest(count, seconds) for count, seconds in windows)])

    def _earliest(self, count: int, seconds: float) -> float:
        """Return when a window of `seconds` with at most `count` turns has room again."""
        return self._slots[-count] + seconds if len(self._slots) >= count else 0.0
