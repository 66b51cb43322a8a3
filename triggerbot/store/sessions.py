"""The sessions of people who logged in at the pages: open until they end, or their time is over."""

import math

from triggerbot.store.engine import Reader, Transaction
from triggerbot.store.room import Reads, Room, Writes

#: The index of open sessions, by the time at which they end by themselves.
_SESSIONS = "sessions"
_EVERYTHING = 1_000_000


def begin(transaction: Transaction, name: str, until: float) -> None:
    """Open a session."""
    transaction.rank(_SESSIONS, name, until)


def end(transaction: Transaction, name: str) -> None:
    """End a session, if it is open."""
    transaction.rank(_SESSIONS, name, None)


def is_open(view: Reader, name: str, now: float) -> bool:
    """Whether a session is open."""
    until = view.ranks(_SESSIONS, [name])[0]
    return until is not None and now < until


def purge(transaction: Transaction, now: float) -> None:
    """Forget the sessions whose time was over by then."""
    for _, name in transaction.first(_SESSIONS, _EVERYTHING, most=math.nextafter(now, -math.inf)):
        end(transaction, name)


class Sessions(Room):
    """The sessions of people."""

    begin = Writes(begin)
    end = Writes(end)
    is_open = Reads(is_open)
