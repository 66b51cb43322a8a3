"""How long to wait before trying again; purely, in seconds."""

#: To the second try when a CI gives no usable answer; doubled each time, up to the longest.
_FIRST, _LONGEST = 5.0, 900.0
#: What a CI's own wish for a wait can come to: at least (doubled each time, up to a minute), and at most.
_ASKED_LEAST, _ASKED_MOST = 1.0, 21_600.0
#: For which a replica may work on a push, requests included, before another may take it over.
LEASE = 90.0
#: Between looks at a run that was waited for and whose end nobody told us.
HELD = 120.0
#: That any CI is given to list a run, whatever it says of itself.
GRACE_LEAST = 1.0


def exponential(tries: int) -> float:
    """Tell how long to wait after so many tries in vain."""
    return float(min(_LONGEST, _FIRST * 2 ** min(tries, 10)))


def slower(waited: float) -> float:
    """Tell how long to wait after having waited for so long, where nothing counts the tries."""
    return min(_LONGEST, waited / 10)


def remaining(until: float, now: float) -> float:
    """Tell how long it is until then; nothing if that is longer than we ever wait: the clock was set back."""
    return until - now if 0 < until - now <= _ASKED_MOST + _LONGEST else 0.0


def delay(tries: int, after: float | None) -> float:
    """Tell how long to wait: what the CI asks for, if it does, but neither a busy loop nor for ever."""
    if after is None:
        return exponential(tries)
    return min(max(after, min(_ASKED_LEAST * 2.0 ** min(tries, 10), 60.0)), _ASKED_MOST)
