"""Pause, dead letters, crashes, cursors, and purging of what is older than the retention."""

import json
import sqlite3
from collections.abc import Sequence

from triggerbot.core.policy import limits
from triggerbot.store import CRASHES_MAX, DELIVERY_KEPT, LETTERS_MAX, Crash, DeadLetter, Pause, in_order
from triggerbot.store.sqlite import codec


def pause(connection: sqlite3.Connection, wanted: Pause | None) -> None:
    """Pause sending, or (`None`) resume."""
    if wanted is None:
        connection.execute("DELETE FROM settings WHERE name = 'pause'")
    else:
        text = codec.encode({"at": wanted.at, "by": wanted.by, "note": wanted.note})
        connection.execute("INSERT OR REPLACE INTO settings VALUES ('pause', ?)", (text,))


def paused(connection: sqlite3.Connection) -> Pause | None:
    """Read the current pause, if any."""
    row = connection.execute("SELECT value FROM settings WHERE name = 'pause'").fetchone()
    return None if row is None else Pause(**json.loads(row[0]))


def add_dead_letters(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Store messages that could not be handled; the oldest make room."""
    connection.executemany(
        "INSERT INTO dead_letters (at, system, intake, reason, body, headers) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (letter.at, letter.system, letter.intake, letter.reason, letter.body, codec.encode(dict(letter.headers)))
            for letter in letters
        ],
    )
    connection.execute("DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?", (LETTERS_MAX,))


def dead_letters(connection: sqlite3.Connection, limit: int) -> list[DeadLetter]:
    """List the oldest dead letters."""
    found = connection.execute(
        "SELECT id, at, system, intake, reason, body, headers FROM dead_letters ORDER BY id LIMIT ?", (limit,)
    )
    return [DeadLetter(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6])) for row in found]


def count_dead_letters(connection: sqlite3.Connection) -> int:
    """Count the dead letters."""
    return int(connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0])


def drop_dead_letters(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Delete dead letters; returns how many existed."""
    return sum(connection.execute("DELETE FROM dead_letters WHERE id = ?", (one,)).rowcount for one in ids)


def add_crashes(connection: sqlite3.Connection, crashes: Sequence[Crash]) -> None:
    """Store crashes of workers; the oldest make room."""
    connection.executemany(
        "INSERT INTO crashes (at, worker, ended, error, trace, place) VALUES (?, ?, ?, ?, ?, ?)",
        [(one.at, one.worker, one.ended, one.error, one.trace, one.order) for one in crashes],
    )
    connection.execute("DELETE FROM crashes WHERE id <= (SELECT max(id) FROM crashes) - ?", (CRASHES_MAX,))


def crashes(connection: sqlite3.Connection, limit: int) -> list[Crash]:
    """List the crashes of workers, newest first; those that died together in the order of their deaths."""
    found = connection.execute(
        "SELECT at, worker, ended, error, trace, place FROM crashes ORDER BY id DESC LIMIT ?", (limit,)
    )
    newest = [Crash(*row) for row in found]
    return in_order(newest)


def cursor(connection: sqlite3.Connection, name: str) -> str | None:
    """Read the cursor of an intake."""
    row = connection.execute("SELECT value FROM cursors WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


#: Pushes deleted per transaction, so that it never blocks other writes for long.
_PURGE_BATCH = 20


def purge(connection: sqlite3.Connection, before: float) -> None:
    """Delete everything old except pushes."""
    connection.execute("DELETE FROM lead_groups WHERE since < ?", (before,))
    connection.execute("DELETE FROM breakers WHERE open = 0 AND changed < ?", (before,))
    connection.execute("DELETE FROM heads WHERE at < ?", (before,))
    connection.execute("DELETE FROM sent WHERE piece < ?", (limits.piece(before),))
    # Including commands that were never settled.
    connection.execute("DELETE FROM wishes WHERE since < ?", (before - DELIVERY_KEPT,))


def purge_pushes(connection: sqlite3.Connection, before: float) -> int:
    """Delete a batch of pushes without events since then, with everything that belongs to them; returns how many."""
    query = "DELETE FROM pushes WHERE id IN (SELECT id FROM pushes WHERE last_heard < ? AND due IS NULL LIMIT ?)"
    return connection.execute(query, (before, _PURGE_BATCH)).rowcount
