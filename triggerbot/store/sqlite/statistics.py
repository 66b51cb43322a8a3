"""Counting what was decided and sent, and what came of it."""

import sqlite3
from collections import defaultdict
from typing import Any

from triggerbot.model import Run
from triggerbot.store import counting
from triggerbot.store.sqlite import rows

_WOULD = "sum(CASE WHEN what = 'trigger' AND dry = 1 THEN count ELSE 0 END)"
_SENT = "sum(CASE WHEN what = 'accepted' THEN count ELSE 0 END)"
_DECIDED = "sum(CASE WHEN what = 'trigger' AND dry = 0 THEN count ELSE 0 END)"
_REFUSED = "sum(what = 'refuse')"
_COUNTED = "at >= ? AND what IN ('trigger', 'accepted', 'refuse')"


def statistics(connection: sqlite3.Connection, since: float) -> dict[str, Any]:
    """Count what was decided and sent since then and what came of it, and what is open now."""
    runs, timed, seconds = connection.execute(
        "SELECT count(*), count(length), total(length) FROM (SELECT CASE WHEN runs.state = 'finished' "
        "THEN max(0.0, runs.time - runs.started) END AS length FROM runs JOIN jobs ON jobs.id = runs.job "
        "JOIN pushes ON pushes.id = jobs.push WHERE pushes.last_heard >= ?)",
        (since,),
    ).fetchone()
    return {
        "decisions": _decisions(connection, since),
        "hours": _hours(connection, since),
        "branches": _branches(connection, since),
        "claims": dict(connection.execute("SELECT state, count(*) FROM claims GROUP BY state").fetchall()),
        "pushes": connection.execute("SELECT count(*) FROM pushes WHERE last_heard >= ?", (since,)).fetchone()[0],
        "runs": runs,
        "dead_letters": connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0],
        "ended": _ended(connection, since),
        "machine": {"seconds": seconds, "runs": timed},
    }


def _decisions(connection: sqlite3.Connection, since: float) -> list[dict[str, Any]]:
    found = connection.execute(
        "SELECT what, reason, dry, count(*), sum(count) FROM story WHERE at >= ? AND what IN ('trigger', 'refuse') "
        "GROUP BY what, reason, dry ORDER BY what DESC, count(*) DESC",
        (since,),
    )
    return [
        {"action": row[0], "reason": row[1], "dry_run": bool(row[2]), "jobs": row[3], "retriggers": row[4]}
        for row in found
    ]


def _hours(connection: sqlite3.Connection, since: float) -> list[dict[str, Any]]:
    found = connection.execute(
        f"SELECT cast(at / 3600 AS INTEGER) * 3600, {_WOULD}, {_SENT}, {_DECIDED}, {_REFUSED} FROM story "
        f"WHERE {_COUNTED} GROUP BY 1 ORDER BY 1",
        (since,),
    )
    reasons: dict[int, dict[str, int]] = defaultdict(dict)
    refusals = connection.execute(
        "SELECT cast(at / 3600 AS INTEGER) * 3600, reason, count(*) FROM story WHERE at >= ? AND what = 'refuse' "
        "GROUP BY 1, 2",
        (since,),
    )
    for hour, reason, number in refusals:
        reasons[hour][reason] = number
    return [
        {"hour": row[0], "would_have_sent": row[1], "sent": row[2], "decided": row[3], "refused": row[4]}
        | {"reasons": reasons.get(row[0], {})}
        for row in found
    ]


def _branches(connection: sqlite3.Connection, since: float) -> list[dict[str, Any]]:
    found = connection.execute(
        f"SELECT pushes.project, pushes.branch, {_WOULD}, {_SENT}, {_REFUSED} FROM story "
        f"JOIN pushes ON pushes.id = story.push WHERE {_COUNTED} GROUP BY 1, 2 ORDER BY 4 DESC, 3 DESC",
        (since,),
    )
    return [
        {"project": row[0], "branch": row[1], "would_have_sent": row[2], "sent": row[3], "refused": row[4]}
        for row in found
    ]


def _ended(connection: sqlite3.Connection, since: float) -> dict[str, int | float]:
    asked = "FROM claims JOIN pushes ON pushes.id = claims.push WHERE asked > 0 AND last_heard >= ?"
    claims: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for job, known, number in connection.execute(f"SELECT claims.job, known_runs, asked {asked}", (since,)):
        claims[job].append((known, number))
    runs: dict[int, list[Run]] = defaultdict(list)
    query = f"{rows.SELECT_RUNS} WHERE runs.job IN (SELECT claims.job {asked}) {rows.BY_JOB}"
    for row in connection.execute(query, (since,)):
        runs[row[rows.JOB]].append(rows.run(row))
    return counting.ended((runs[job], found) for job, found in claims.items())
