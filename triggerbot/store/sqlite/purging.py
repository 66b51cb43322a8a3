"""Forgetting what is too old to matter."""

import sqlite3

from triggerbot.core.policy import limits
from triggerbot.store import DELIVERY_KEPT

#: Pushes that one transaction forgets, so that it never holds up others for long.
_BATCH = 20


def purge(connection: sqlite3.Connection, before: float) -> None:
    """Forget all but pushes."""
    connection.execute("DELETE FROM lead_groups WHERE since < ?", (before,))
    connection.execute("DELETE FROM breakers WHERE open = 0 AND changed < ?", (before,))
    connection.execute("DELETE FROM sent WHERE piece < ?", (limits.piece(before),))
    # Such as nobody settled in all that time, too.
    connection.execute("DELETE FROM wishes WHERE since < ?", (before - DELIVERY_KEPT,))


def purge_pushes(connection: sqlite3.Connection, before: float) -> int:
    """Forget some pushes that nothing was heard of since then, with all that belongs to them; tells how many."""
    query = "DELETE FROM pushes WHERE id IN (SELECT id FROM pushes WHERE last_heard < ? AND due IS NULL LIMIT ?)"
    return connection.execute(query, (before, _BATCH)).rowcount
