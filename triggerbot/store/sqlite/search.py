"""Finding and listing pushes, one line each, without reading their jobs and runs."""

import sqlite3
from typing import Any

import msgspec

from triggerbot.core.model import Push
from triggerbot.store import Search, Summary
from triggerbot.store.sqlite import codec

_TITLE_MAX = 200
_counts = msgspec.json.Decoder(dict[str, int])
#: SQLite's `lower` and `NOCASE` only know the case of ASCII letters.
_CONDITIONS = {
    "project": "project = :project COLLATE NOCASE",
    "branch": "branch = :branch COLLATE NOCASE",
    "author": "instr(lower(author), lower(:author))",
    "text": (
        "(instr(lower(message), lower(:text)) OR instr(lower(author), lower(:text)) OR "
        "instr(lower(branch), lower(:text)) OR instr(lower(project), lower(:text)) OR "
        "substr(lower(revision), 1, length(:text)) = lower(:text))"
    ),
    "health": "health = :health COLLATE NOCASE",
}


def find(connection: sqlite3.Connection, project: str, revision: str) -> list[Push]:
    """Find pushes by project and revision prefix, newest first."""
    prefix = revision.lower()
    found = connection.execute(
        # The plus makes SQLite use the index on revisions rather than read all pushes of the project.
        f"{codec.SELECT_PUSH} WHERE +project = ? COLLATE NOCASE AND revision >= ? AND revision < ? "
        "ORDER BY last_heard DESC LIMIT 50",
        (project, prefix, prefix + "\x7f"),
    )
    return [Push(*row) for row in found]


def recent(connection: sqlite3.Connection, limit: int, project: str | None) -> list[Push]:
    """List the pushes with the latest events."""
    where, values = ("WHERE project = ? COLLATE NOCASE", (project, limit)) if project else ("", (limit,))
    found = connection.execute(f"{codec.SELECT_PUSH} {where} ORDER BY last_heard DESC, id DESC LIMIT ?", values)
    return [Push(*row) for row in found]


def search(connection: sqlite3.Connection, wanted: Search, limit: int) -> list[Summary]:
    """List the pushes with the latest events that match, with their last verdict."""
    values = {name: value for name in _CONDITIONS if (value := getattr(wanted, name))}
    found = connection.execute(
        "SELECT system, project, branch, revision, health, sentence, author, substr(message, 1, :title), time, "
        "last_heard, judged, counts "
        "FROM pushes LEFT JOIN judgements ON judgements.push = pushes.id "
        f"WHERE {' AND '.join(_CONDITIONS[name] for name in values) or '1'} "
        "ORDER BY last_heard DESC, pushes.id DESC LIMIT :limit",
        values | {"title": _TITLE_MAX, "limit": limit},
    )
    return [_summary(row) for row in found]


def _summary(row: tuple[Any, ...]) -> Summary:
    return Summary(
        push=Push(*row[:4]),
        health=row[4] or "",
        sentence=row[5] or "",
        author=row[6],
        title=(row[7] or "").partition("\n")[0],
        time=row[8],
        last_heard=row[9],
        judged=row[10] or 0.0,
        counts={} if row[11] is None else _counts.decode(row[11]),
    )


def judged_since(connection: sqlite3.Connection, since: float, limit: int) -> list[tuple[float, Push]]:
    """List the pushes judged after a time, and when, oldest first."""
    found = connection.execute(
        "SELECT judged, system, project, branch, revision FROM judgements JOIN pushes ON pushes.id = judgements.push "
        "WHERE judged > ? ORDER BY judged, pushes.id LIMIT ?",
        (since, limit),
    )
    return [(row[0], Push(*row[1:])) for row in found]


def projects(connection: sqlite3.Connection) -> list[str]:
    """List the projects of all pushes, sorted; each is one step in an index, however many pushes it has."""
    found = connection.execute(
        "WITH RECURSIVE every(project) AS (SELECT min(project) FROM pushes UNION ALL "
        "SELECT (SELECT min(project) FROM pushes WHERE project > every.project) FROM every "
        "WHERE every.project IS NOT NULL) SELECT project FROM every WHERE project IS NOT NULL"
    )
    return [row[0] for row in found]


def previous(connection: sqlite3.Connection, push: Push) -> Push | None:
    """Find the previous push of the same branch, by when their first events came."""
    row = connection.execute(
        f"{codec.SELECT_PUSH} WHERE project = ?1 AND branch = ?2 AND system = ?3 AND revision <> ?4 AND first_heard < "
        "(SELECT first_heard FROM pushes WHERE project = ?1 AND branch = ?2 AND system = ?3 AND revision = ?4) "
        "ORDER BY first_heard DESC LIMIT 1",
        (push.project, push.branch, push.system, push.revision),
    ).fetchone()
    return None if row is None else Push(*row)
