"""Statistics: counting decisions, requests and their outcomes in SQL."""

import sqlite3
from collections import defaultdict
from typing import Any

from triggerbot.core.decision import Cause
from triggerbot.core.model import Run
from triggerbot.store import outcomes
from triggerbot.store.sqlite import codec

_WOULD = "sum(CASE WHEN what = 'trigger' AND dry = 1 THEN count ELSE 0 END)"
_SENT = "sum(CASE WHEN what = 'accepted' THEN count ELSE 0 END)"
_DECIDED = "sum(CASE WHEN what = 'trigger' AND dry = 0 THEN count ELSE 0 END)"
_COUNTED = "at >= ? AND what IN ('trigger', 'accepted')"
_HOUR = "cast(at / 3600 AS INTEGER) * 3600"
#: Forces the index on time: another would save sorting, but read the whole table for the sums of one day.
_STORY = "story INDEXED BY story_at"
#: See `outcomes.refusals`.
_REFUSED = (
    f"FROM {_STORY} WHERE at >= ? AND what = 'refuse' AND NOT EXISTS (SELECT 1 FROM claims "
    "WHERE claims.job = story.job AND origin = '' AND cause IS NOT NULL AND refusal IS NULL)"
)
_REFUSALS = f"(SELECT push, reason, min(at) AS at {_REFUSED} AND reason <> 'already_claimed' GROUP BY job, reason)"
_SPARES_NOTHING = str(tuple(map(str, outcomes.SPARES_NOTHING)))


def statistics(connection: sqlite3.Connection, since: float) -> dict[str, Any]:
    """Count decisions, requests and their outcomes since a time, and what is open now."""
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
        "spared": _spared(connection, since),
    }


def _decisions(connection: sqlite3.Connection, since: float) -> list[dict[str, Any]]:
    found = connection.execute(
        "SELECT what, reason, dry, count(DISTINCT job), sum(count) FROM story WHERE at >= ? "
        "AND what IN ('trigger', 'refuse') GROUP BY what, reason, dry ORDER BY what DESC, 4 DESC, reason, dry",
        (since,),
    )
    return [
        {"action": row[0], "reason": row[1], "dry_run": bool(row[2]), "jobs": row[3], "retriggers": row[4]}
        for row in found
    ]


def _hours(connection: sqlite3.Connection, since: float) -> list[dict[str, Any]]:
    reasons: dict[int, dict[str, int]] = defaultdict(dict)
    for hour, reason, number in connection.execute(
        f"SELECT {_HOUR}, reason, count(*) FROM {_REFUSALS} GROUP BY 1, 2", (since,)
    ):
        reasons[hour][reason] = number
    found = connection.execute(
        f"SELECT {_HOUR}, {_WOULD}, {_SENT}, {_DECIDED} FROM story WHERE {_COUNTED} GROUP BY 1", (since,)
    )
    counted: dict[int, tuple[int, int, int]] = {row[0]: row[1:] for row in found}
    hours = {hour: counted.get(hour, (0, 0, 0)) for hour in sorted(counted.keys() | reasons)}
    return [
        {"hour": hour, "would_have_sent": would, "sent": sent, "decided": decided}
        | {"refused": sum(reasons[hour].values()), "reasons": reasons[hour]}
        for hour, (would, sent, decided) in hours.items()
    ]


def _branches(connection: sqlite3.Connection, since: float) -> list[dict[str, Any]]:
    found = connection.execute(
        "SELECT project, branch, sum(would), sum(sent), sum(refused) FROM ("
        f"SELECT push, {_WOULD} AS would, {_SENT} AS sent, 0 AS refused FROM {_STORY} WHERE {_COUNTED} GROUP BY push "
        f"UNION ALL SELECT push, 0, 0, 1 FROM {_REFUSALS}) JOIN pushes ON pushes.id = push "
        "GROUP BY 1, 2 ORDER BY 4 DESC, 3 DESC, 1, 2",
        (since, since),
    )
    return [
        {"project": row[0], "branch": row[1], "would_have_sent": row[2], "sent": row[3], "refused": row[4]}
        for row in found
    ]


def _spared(connection: sqlite3.Connection, since: float) -> dict[str, int]:
    """Count what refusals spared; see `outcomes.spared`."""
    row = connection.execute(
        "SELECT count(DISTINCT job), count(DISTINCT CASE WHEN reason = 'over_budget' THEN job END) "
        f"{_REFUSED} AND dry = 0 AND reason NOT IN {_SPARES_NOTHING}",
        (since,),
    ).fetchone()
    return {"jobs": row[0], "over_budget": row[1]}


def _ended(connection: sqlite3.Connection, since: float) -> dict[str, int | float]:
    asked = "FROM claims JOIN pushes ON pushes.id = claims.push WHERE asked > 0 AND last_heard >= ?"
    claims: dict[int, list[outcomes.Bought]] = defaultdict(list)
    own = f"SELECT claims.job, known_runs, asked, cause {asked}"
    for job, known, number, cause in connection.execute(own, (since,)):
        claims[job].append(outcomes.Bought(known, number, None if cause is None else Cause(cause)))
    runs: dict[int, list[Run]] = defaultdict(list)
    query = f"{codec.SELECT_RUNS} WHERE runs.job IN (SELECT claims.job {asked}) {codec.BY_JOB}"
    for row in connection.execute(query, (since,)):
        runs[row[codec.JOB]].append(codec.run(row))
    return outcomes.ended((runs[job], found) for job, found in claims.items())
