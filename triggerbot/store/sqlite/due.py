"""When the dispatcher has to look at a push."""

import sqlite3

from triggerbot.store.sqlite import codec


def refresh_due(connection: sqlite3.Connection, push: int) -> None:
    """Recompute when the dispatcher has to look at a push."""
    connection.execute(
        "UPDATE pushes SET due = (SELECT min(due) FROM (SELECT due FROM claims WHERE push = ?1 AND state IN "
        f"{codec.OPEN_STATES} UNION ALL SELECT facts_due FROM pushes WHERE id = ?1)) WHERE id = ?1",
        (push,),
    )
