"""Backoff: how long to wait before the next attempt. Pure; everything is in seconds."""

#: Delay before the second attempt when a CI gives no usable answer; doubled each time, up to `_LONGEST`.
_FIRST, _LONGEST = 5.0, 900.0
#: Bounds of a delay that the CI asks for: the least (doubled with each attempt, up to a minute), and the most.
_REQUESTED_MIN, _REQUESTED_MAX = 1.0, 21_600.0
#: How long a replica may work on a push, requests included, before another may take it over.
LEASE = 90.0
#: Interval of looks at a claim that dry run holds back.
HELD = 120.0
#: Interval of look-backs at a run that still runs: its end is told by a webhook, or else found by polls and sweeps.
RUNNING = 600.0
#: Minimum time that a CI is given to list a new run, whatever its own grace time.
GRACE_LEAST = 1.0


def exponential(tries: int) -> float:
    """Return the delay after this number of failed attempts."""
    return float(min(_LONGEST, _FIRST * 2 ** min(tries, 10)))


def slower(waited: float) -> float:
    """Return the delay after having waited this long altogether, where attempts are not counted."""
    return min(_LONGEST, waited / 10)


def remaining(until: float, now: float) -> float:
    """Return the time left until a moment; 0 if it is longer than any delay, which means the clock was set back."""
    return until - now if 0 < until - now <= _REQUESTED_MAX + _LONGEST else 0.0


def delay(tries: int, after: float | None) -> float:
    """Return the delay before the next attempt: `after` if the CI asked for it, bounded on both sides."""
    if after is None:
        return exponential(tries)
    return min(max(after, min(_REQUESTED_MIN * 2.0 ** min(tries, 10), 60.0)), _REQUESTED_MAX)
