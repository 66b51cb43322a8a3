"""Small things that are kept beside what is heard: a pause, dead letters, crashes, cursors."""

import json
import sqlite3
from collections.abc import Sequence

from triggerbot.store import CRASHES_MAX, LETTERS_MAX, Crash, DeadLetter, Pause, in_order
from triggerbot.store.sqlite import codec


def pause(connection: sqlite3.Connection, wanted: Pause | None) -> None:
    """Stop all sending, or (`None`) go on."""
    if wanted is None:
        connection.execute("DELETE FROM settings WHERE name = 'pause'")
    else:
        text = codec.encode({"at": wanted.at, "by": wanted.by, "note": wanted.note})
        connection.execute("INSERT OR REPLACE INTO settings VALUES ('pause', ?)", (text,))


def paused(connection: sqlite3.Connection) -> Pause | None:
    """Tell who stopped all sending, if anybody did."""
    row = connection.execute("SELECT value FROM settings WHERE name = 'pause'").fetchone()
    return None if row is None else Pause(**json.loads(row[0]))


def bury(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Keep messages that could not be handled; the oldest make room for new ones."""
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


def dead_letters_kept(connection: sqlite3.Connection) -> int:
    """Count the dead letters."""
    return int(connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0])


def drop_dead_letters(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Forget some of them; tells how many there were."""
    return sum(connection.execute("DELETE FROM dead_letters WHERE id = ?", (one,)).rowcount for one in ids)


def keep_crashes(connection: sqlite3.Connection, crashes: Sequence[Crash]) -> None:
    """Keep how workers ended; the oldest make room for new ones."""
    connection.executemany(
        "INSERT INTO crashes (at, worker, ended, error, trace, place) VALUES (?, ?, ?, ?, ?, ?)",
        [(one.at, one.worker, one.ended, one.error, one.trace, one.order) for one in crashes],
    )
    connection.execute("DELETE FROM crashes WHERE id <= (SELECT max(id) FROM crashes) - ?", (CRASHES_MAX,))


def crashes(connection: sqlite3.Connection, limit: int) -> list[Crash]:
    """List how workers ended, newest first; those that died together in the order in which they did."""
    found = connection.execute(
        "SELECT at, worker, ended, error, trace, place FROM crashes ORDER BY id DESC LIMIT ?", (limit,)
    )
    newest = [Crash(*row) for row in found]
    return in_order(newest)


def cursor(connection: sqlite3.Connection, name: str) -> str | None:
    """Read how far an intake has come."""
    row = connection.execute("SELECT value FROM cursors WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
