"""What people ask for where they are, until it is settled, and known for a while after."""

import sqlite3

import msgspec

from triggerbot.core.model import Wish
from triggerbot.store import DELIVERY_KEPT, Asked, Outcome
from triggerbot.store.sqlite import codec

_wish = msgspec.json.Decoder(Wish)


def hear(connection: sqlite3.Connection, wish: Wish, now: float) -> Outcome:
    """Keep a wish, due at once, and forget some settled ones that are too old: as many as ever come."""
    connection.execute(
        "DELETE FROM wishes WHERE id IN (SELECT id FROM wishes WHERE since < ? AND due IS NULL LIMIT 2)",
        (now - DELIVERY_KEPT,),
    )
    news = connection.execute(
        "INSERT OR IGNORE INTO wishes (system, name, value, since, due) VALUES (?, ?, ?, ?, ?)",
        (wish.system, wish.id, codec.encode(wish), now, now),
    ).rowcount
    return Outcome(news=bool(news))


def take(connection: sqlite3.Connection, now: float, seconds: float) -> Asked | None:
    """Take the wish that has been due longest, for so many seconds."""
    row = connection.execute(
        "SELECT id, value, since, tries FROM wishes WHERE due <= ? ORDER BY due, id LIMIT 1", (now,)
    ).fetchone()
    if row is None:
        return None
    connection.execute("UPDATE wishes SET due = ? WHERE id = ?", (now + seconds, row[0]))
    return Asked(_wish.decode(row[1]), row[2], row[3])


def end(connection: sqlite3.Connection, wish: Wish, due: float | None) -> None:
    """Settle a wish (`None`), or let it be tried again when due."""
    mine = "WHERE name = ? AND system = ? AND due IS NOT NULL"
    if due is None:
        settled = f"UPDATE wishes SET due = NULL, value = '' {mine}"
        connection.execute(settled, (wish.id, wish.system))
    else:
        again = f"UPDATE wishes SET due = ?, tries = tries + 1 {mine}"
        connection.execute(again, (due, wish.id, wish.system))
