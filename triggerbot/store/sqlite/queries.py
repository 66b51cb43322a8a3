"""Reading pushes, for people and for the dispatcher; all functions get a connection that cannot write."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from triggerbot.core.claim import Claim
from triggerbot.core.model import Group, Push, PushFacts, Run, State
from triggerbot.store import PushRecord, TimelineEntry, Work, job_records
from triggerbot.store.sqlite import codec, heads
from triggerbot.store.sqlite.claims import is_paused, jobs_of, spending


def due(connection: sqlite3.Connection, limit: int, full: Sequence[str]) -> list[tuple[float, Push | Group]]:
    """List what falls due next, without the systems in `full`; no pushes while paused."""
    others = f"system NOT IN ({', '.join('?' * len(full))})"
    found: list[tuple[float, Push | Group]] = []
    if not is_paused(connection):
        query = f"SELECT due, system, project, branch, revision FROM pushes WHERE due IS NOT NULL AND {others} "
        pushes = connection.execute(f"{query} ORDER BY due LIMIT ?", (*full, limit))
        found += [(row[0], Push(*row[1:])) for row in pushes]
    query = f"SELECT due, system, name FROM lead_groups WHERE {others} ORDER BY due LIMIT ?"
    found += [(row[0], Group(row[1], row[2])) for row in connection.execute(query, (*full, limit))]
    return sorted(found, key=lambda one: one[0])[:limit]


def work(connection: sqlite3.Connection, push: Push) -> Work:
    """Read a push with its open claims."""
    row = connection.execute(
        "SELECT id, asks, facts_tries, message, author, time, fork FROM pushes "
        "WHERE revision = ? AND project = ? AND branch = ? AND system = ?",
        (push.revision, push.project, push.branch, push.system),
    ).fetchone()
    if row is None:
        return Work(push, PushFacts(push), None, (), {}, 0, 0, 0)
    opened = codec.claims(connection, f"WHERE claims.push = ? AND claims.state IN {codec.OPEN_STATES}", (row[0],))
    among = f"runs.job IN (SELECT job FROM claims WHERE push = ? AND state IN {codec.OPEN_STATES})"
    return Work(
        push=push,
        facts=codec.facts(push, row[3:7]),
        asks=codec.asks(row[1]),
        claims=opened,
        runs=dict(_runs(connection, among, row[0])),
        total=jobs_of(connection, row[0]),
        spent=spending(connection, row[0], dry=False),
        spent_dry=spending(connection, row[0], dry=True),
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
        told=codec.batches(connection, row[0]),
        heads=heads.of_push(connection, push),
    )


def _runs(connection: sqlite3.Connection, where: str, push: int) -> Iterator[tuple[str, tuple[Run, ...]]]:
    """Read the runs of each job, oldest first."""
    found = map(codec.run, connection.execute(f"{codec.SELECT_RUNS} WHERE {where} {codec.BY_JOB}", (push,)))
    return ((job, tuple(runs)) for job, runs in groupby(found, attrgetter("job")))


def known(connection: sqlite3.Connection, push: Push) -> dict[tuple[str, str, int], State]:
    """Read the known state of each run of a push."""
    found = connection.execute(
        "SELECT jobs.name, runs.run_id, runs.attempt, runs.state FROM runs JOIN jobs ON jobs.id = runs.job "
        "WHERE jobs.push = ?",
        (codec.push_id(connection, push),),
    )
    return {(row[0], row[1], row[2]): State(row[3]) for row in found}


def record(connection: sqlite3.Connection, push: Push) -> PushRecord | None:
    """Read everything known about a push."""
    row = connection.execute(
        "SELECT id, asks, last_heard, message, author, time, fork FROM pushes "
        "WHERE revision = ? AND project = ? AND branch = ? AND system = ?",
        (push.revision, push.project, push.branch, push.system),
    ).fetchone()
    if row is None:
        return None
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in codec.claims(connection, "WHERE claims.push = ?", (row[0],)):
        claims[claim.job].append(claim)
    return PushRecord(
        push=push,
        facts=codec.facts(push, row[3:7]),
        asks=codec.asks(row[1]),
        jobs=job_records(
            [(job, runs, tuple(claims.get(job, ()))) for job, runs in _runs(connection, "jobs.push = ?", row[0])],
            codec.batches(connection, row[0]),
        ),
        spent=spending(connection, row[0], dry=False),
        spent_dry=spending(connection, row[0], dry=True),
        last_heard=row[2],
        told=codec.batches(connection, row[0]),
        heads=heads.of_push(connection, push),
    )


def timeline(connection: sqlite3.Connection, push: Push, job: str | None) -> list[TimelineEntry]:
    """Read the timeline of a push, or of one of its jobs, in order."""
    push_id = codec.push_id(connection, push)
    names = codec.names(connection, push_id)
    found = connection.execute(
        "SELECT story.at, story.what, jobs.name, story.text, story.reason, story.count, story.dry, runs.run_id, "
        "runs.attempt FROM story LEFT JOIN jobs ON jobs.id = story.job LEFT JOIN runs ON runs.id = story.run "
        "WHERE story.push = ?1 AND (?2 IS NULL OR jobs.name = ?2 OR jobs.name IS NULL) ORDER BY story.id",
        (push_id, None if job is None else codec.key(connection, push_id, job)),
    )
    return [
        TimelineEntry(
            row[0],
            row[1],
            names.get(row[2], row[2]),
            row[3],
            row[4],
            row[5],
            bool(row[6]),
            run_id=row[7],
            attempt=row[8],
        )
        for row in found
    ]


def claims(connection: sqlite3.Connection, push: Push) -> tuple[Claim, ...]:
    """Read all claims of a push, oldest first."""
    return codec.claims(connection, "WHERE claims.push = ?", (codec.push_id(connection, push),))
