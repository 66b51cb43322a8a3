"""Marks of branches: what was told of their newest commits (see `core.heads`)."""

import sqlite3

from triggerbot.core import heads
from triggerbot.core.heads import DEFAULT, MARKS_MAX, Told
from triggerbot.core.model import Head, Push
from triggerbot.store import Outcome
from triggerbot.store.sqlite.due import refresh_due


def observe(connection: sqlite3.Connection, head: Head, now: float) -> Outcome:
    """Keep what is told of a branch; if that is new, the other pushes of the branch with something owed are due now."""
    place = heads.place(head.system, head.project, head.branch)
    news = [_keep(connection, place, mark) for mark in heads.marks(head, now)]
    if not news[0]:
        return Outcome(news=False)
    connection.execute(
        "DELETE FROM heads WHERE system = ?1 AND project = ?2 AND branch = ?3 AND mark IN (SELECT mark FROM heads "
        "WHERE system = ?1 AND project = ?2 AND branch = ?3 ORDER BY at DESC, mark LIMIT -1 OFFSET ?4)",
        (*place, MARKS_MAX),
    )
    return Outcome(due=_wake(connection, head, place, now))


def _keep(connection: sqlite3.Connection, place: heads.Place, mark: heads.Mark) -> bool:
    """Keep a mark; return whether that is news: of one whose earliest time counts only if it was not known."""
    known = connection.execute(
        "SELECT at FROM heads WHERE system = ? AND project = ? AND branch = ? AND mark = ?", (*place, mark.text)
    ).fetchone()
    if known is None:
        connection.execute("INSERT INTO heads VALUES (?, ?, ?, ?, ?)", (*place, mark.text, mark.at))
        return True
    if (mark.at < known[0]) if mark.least else (mark.at > known[0]):
        query = "UPDATE heads SET at = ? WHERE system = ? AND project = ? AND branch = ? AND mark = ?"
        connection.execute(query, (mark.at, *place, mark.text))
        return not mark.least
    return False


def _wake(connection: sqlite3.Connection, head: Head, place: heads.Place, now: float) -> bool:
    """Make due what is owed at the branch's other pushes; on a default branch nothing ends by the news alone."""
    default = "SELECT 1 FROM heads WHERE system = ? AND project = ? AND branch = ? AND mark = ?"
    if connection.execute(default, (*place, DEFAULT)).fetchone() is not None:
        return False
    found = connection.execute(
        "SELECT id FROM pushes WHERE project = ? AND branch = ? AND system = ? AND revision <> ? AND due IS NOT NULL",
        (head.project, head.branch, head.system, head.revision),
    ).fetchall()
    woken = 0
    for (push,) in found:
        changed = connection.execute(
            "UPDATE claims SET due = ?1 WHERE push = ?2 AND origin = '' AND due > ?1 AND state IN ('open', 'owed')",
            (now, push),
        ).rowcount
        if changed:
            refresh_due(connection, push)
        woken += changed
    return woken > 0


def read(connection: sqlite3.Connection, place: heads.Place) -> tuple[Told, ...]:
    """Read what was told of a branch."""
    query = "SELECT mark, at FROM heads WHERE system = ? AND project = ? AND branch = ?"
    found = (heads.told(*row) for row in connection.execute(query, place))
    return tuple(one for one in found if one is not None)


def of_push(connection: sqlite3.Connection, push: Push) -> tuple[Told, ...]:
    """Read what was told of a push's branch."""
    return read(connection, heads.place(push.system, push.project, push.branch))
