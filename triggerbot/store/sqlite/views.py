"""Reading for people and for the dispatcher; each function gets a connection that cannot write."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from triggerbot.model import Claim, Group, Push, PushFacts, Run, State
from triggerbot.store import Crash, DeadLetter, Entry, JobRecord, Pause, PushRecord, Work, in_order
from triggerbot.store.sqlite import claiming, rows


def due(connection: sqlite3.Connection, limit: int, full: Sequence[str]) -> list[tuple[float, Push | Group]]:
    """List what falls due next, except of some systems; no pushes while paused."""
    others = f"system NOT IN ({', '.join('?' * len(full))})"
    found: list[tuple[float, Push | Group]] = []
    if paused(connection) is None:
        query = f"SELECT due, system, project, branch, revision FROM pushes WHERE due IS NOT NULL AND {others} "
        pushes = connection.execute(f"{query} ORDER BY due LIMIT ?", (*full, limit))
        found += [(row[0], Push(*row[1:])) for row in pushes]
    query = f"SELECT due, system, name FROM lead_groups WHERE {others} ORDER BY due LIMIT ?"
    found += [(row[0], Group(row[1], row[2])) for row in connection.execute(query, (*full, limit))]
    return sorted(found, key=lambda one: one[0])[:limit]


def work(connection: sqlite3.Connection, push: Push) -> Work:
    """Read what is open about a push."""
    row = connection.execute(
        "SELECT id, asks, facts_tries, message, author, time, fork FROM pushes "
        "WHERE revision = ? AND project = ? AND branch = ? AND system = ?",
        (push.revision, push.project, push.branch, push.system),
    ).fetchone()
    if row is None:
        return Work(push, PushFacts(push), None, (), {}, 0, 0, 0)
    claims = rows.claims(connection, f"WHERE claims.push = ? AND claims.state IN {rows.OPEN_STATES}", (row[0],))
    runs: dict[str, list[Run]] = defaultdict(list)
    query = (
        f"{rows.SELECT_RUNS} WHERE runs.job IN (SELECT job FROM claims WHERE push = ? AND state IN "
        f"{rows.OPEN_STATES}) {rows.OLDEST_FIRST}"
    )
    for run in map(rows.run, connection.execute(query, (row[0],))):
        runs[run.job].append(run)
    return Work(
        push=push,
        facts=rows.facts(push, row[3:7]),
        asks=rows.asks(row[1]),
        claims=claims,
        runs={job: tuple(found) for job, found in runs.items()},
        total=claiming.jobs_of(connection, row[0]),
        spent=claiming.spending(connection, row[0], dry=False),
        spent_dry=claiming.spending(connection, row[0], dry=True),
        facts_tries=row[2],
        operations=frozenset(
            found[0] for found in connection.execute("SELECT id FROM operations WHERE push = ?", (row[0],))
        ),
        batches=frozenset(
            found[0]
            for found in connection.execute(
                "SELECT DISTINCT batch FROM runs JOIN jobs ON jobs.id = runs.job WHERE jobs.push = ? AND batch <> ''",
                (row[0],),
            )
        ),
    )


def known(connection: sqlite3.Connection, push: Push) -> dict[tuple[str, str, int], State]:
    """Read how far each run of a push is known to have come."""
    found = connection.execute(
        "SELECT jobs.name, runs.run_id, runs.attempt, runs.state FROM runs JOIN jobs ON jobs.id = runs.job "
        "WHERE jobs.push = ?",
        (rows.push_id(connection, push),),
    )
    return {(row[0], row[1], row[2]): State(row[3]) for row in found}


def record(connection: sqlite3.Connection, push: Push) -> PushRecord | None:
    """Read everything known of a push."""
    row = connection.execute(
        "SELECT id, asks, first_heard, last_heard, message, author, time, fork FROM pushes "
        "WHERE revision = ? AND project = ? AND branch = ? AND system = ?",
        (push.revision, push.project, push.branch, push.system),
    ).fetchone()
    if row is None:
        return None
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in map(
        rows.run, connection.execute(f"{rows.SELECT_RUNS} WHERE jobs.push = ? {rows.OLDEST_FIRST}", (row[0],))
    ):
        runs[run.job].append(run)
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in rows.claims(connection, "WHERE claims.push = ?", (row[0],)):
        claims[claim.job].append(claim)
    return PushRecord(
        push=push,
        facts=rows.facts(push, row[4:8]),
        asks=rows.asks(row[1]),
        jobs=tuple(JobRecord(job, tuple(runs[job]), tuple(claims[job])) for job in sorted(runs)),
        spent=claiming.spending(connection, row[0], dry=False),
        spent_dry=claiming.spending(connection, row[0], dry=True),
        first_heard=row[2],
        last_heard=row[3],
    )


def find(connection: sqlite3.Connection, project: str, revision: str) -> list[Push]:
    """Find pushes by project and the beginning of a revision, newest first."""
    prefix = revision.lower()
    found = connection.execute(
        f"{rows.SELECT_PUSH} WHERE project = ? AND revision >= ? AND revision < ? ORDER BY last_heard DESC LIMIT 50",
        (project, prefix, prefix + "\x7f"),
    )
    return [Push(*row) for row in found]


def recent(connection: sqlite3.Connection, limit: int, project: str | None) -> list[Push]:
    """List the pushes heard of last."""
    where, values = ("WHERE project = ?", (project, limit)) if project else ("", (limit,))
    found = connection.execute(f"{rows.SELECT_PUSH} {where} ORDER BY last_heard DESC, id DESC LIMIT ?", values)
    return [Push(*row) for row in found]


def story(connection: sqlite3.Connection, push: Push, job: str | None) -> list[Entry]:
    """Read what happened to a push, or to one of its jobs, in order."""
    push_id = rows.push_id(connection, push)
    found = connection.execute(
        "SELECT story.at, story.what, jobs.name, story.text, story.reason, story.count, story.dry, runs.run_id, "
        "runs.attempt FROM story LEFT JOIN jobs ON jobs.id = story.job LEFT JOIN runs ON runs.id = story.run "
        "WHERE story.push = ?1 AND (?2 IS NULL OR jobs.name = ?2 OR jobs.name IS NULL) ORDER BY story.id",
        (push_id, job),
    )
    return [
        Entry(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]), run_id=row[7], attempt=row[8])
        for row in found
    ]


def statistics(connection: sqlite3.Connection, since: float) -> dict[str, Any]:
    """Count what was decided and sent since then, and what is open now."""
    decided = connection.execute(
        "SELECT what, reason, dry, count(*), sum(count) FROM story WHERE at >= ? AND what IN ('trigger', 'refuse') "
        "GROUP BY what, reason, dry ORDER BY what DESC, count(*) DESC",
        (since,),
    )
    hours = connection.execute(
        "SELECT cast(at / 3600 AS INTEGER) * 3600, sum(CASE WHEN what = 'trigger' AND dry = 1 THEN count ELSE 0 END), "
        "sum(CASE WHEN what = 'accepted' THEN count ELSE 0 END) FROM story WHERE at >= ? "
        "AND what IN ('trigger', 'accepted') GROUP BY 1 ORDER BY 1",
        (since,),
    )
    branches = connection.execute(
        "SELECT pushes.project, pushes.branch, sum(CASE WHEN what = 'trigger' AND dry = 1 THEN count ELSE 0 END), "
        "sum(CASE WHEN what = 'accepted' THEN count ELSE 0 END), sum(what = 'refuse') FROM story "
        "JOIN pushes ON pushes.id = story.push WHERE at >= ? AND what IN ('trigger', 'accepted', 'refuse') "
        "GROUP BY 1, 2 ORDER BY 4 DESC, 3 DESC",
        (since,),
    ).fetchall()
    return {
        "decisions": [
            {"action": row[0], "reason": row[1], "dry_run": bool(row[2]), "jobs": row[3], "retriggers": row[4]}
            for row in decided
        ],
        "hours": [{"hour": row[0], "would_have_sent": row[1], "sent": row[2]} for row in hours],
        "branches": [
            {"project": row[0], "branch": row[1], "would_have_sent": row[2], "sent": row[3], "refused": row[4]}
            for row in branches
        ],
        "claims": dict(connection.execute("SELECT state, count(*) FROM claims GROUP BY state").fetchall()),
        "pushes": _one(connection, "SELECT count(*) FROM pushes WHERE last_heard >= ?", since),
        "runs": _one(
            connection,
            "SELECT count(*) FROM runs JOIN jobs ON jobs.id = runs.job JOIN pushes ON pushes.id = jobs.push "
            "WHERE pushes.last_heard >= ?",
            since,
        ),
        "dead_letters": _one(connection, "SELECT count(*) FROM dead_letters WHERE at >= ?", 0.0),
    }


def _one(connection: sqlite3.Connection, query: str, value: float) -> int:
    return int(connection.execute(query, (value,)).fetchone()[0])


def paused(connection: sqlite3.Connection) -> Pause | None:
    """Tell who stopped all sending, if anybody did."""
    row = connection.execute("SELECT value FROM settings WHERE name = 'pause'").fetchone()
    return None if row is None else Pause(**json.loads(row[0]))


def dead_letters(connection: sqlite3.Connection, limit: int) -> list[DeadLetter]:
    """List the oldest dead letters."""
    found = connection.execute(
        "SELECT id, at, system, intake, reason, body, headers FROM dead_letters ORDER BY id LIMIT ?", (limit,)
    )
    return [DeadLetter(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6])) for row in found]


def crashes(connection: sqlite3.Connection, limit: int) -> list[Crash]:
    """List how workers ended, newest first; those that died together in the order in which they did."""
    found = connection.execute(
        "SELECT at, worker, ended, error, trace, place FROM crashes ORDER BY id DESC LIMIT ?", (limit,)
    )
    newest = [Crash(*row) for row in found]
    return in_order(newest)
