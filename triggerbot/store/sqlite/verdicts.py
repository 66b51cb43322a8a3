"""Judging and reporting: which push is due, its last verdict, failure records and metadata."""

import sqlite3
from collections.abc import Sequence

from triggerbot.core import identity
from triggerbot.core.model import PROVING, Push, RunKey
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, Ran, Summary
from triggerbot.store.sqlite import codec, observe

#: The number of newest pushes of a project at which runs are counted.
_RAN_AT = 2000
_PROVING = str(tuple(map(str, sorted(PROVING))))
_PUSH = "id, system, project, branch, revision FROM pushes"
_DUE = (
    f"SELECT report_due, {_PUSH} WHERE report_due <= ?1 AND (report_lease IS NULL OR report_lease <= ?1) "
    "ORDER BY report_due LIMIT 1"
)
_LATE = f"SELECT report_lease, {_PUSH} WHERE report_lease <= ?1 ORDER BY report_lease LIMIT 1"


def take(connection: sqlite3.Connection, now: float, seconds: float) -> Push | None:
    """Take the push that has been due longest; one whose lease has expired is due since then."""
    found = [row for query in (_DUE, _LATE) for row in connection.execute(query, (now,))]
    if not found:
        return None
    _, number, *push = min(found)
    taken = "UPDATE pushes SET report_due = NULL, report_lease = ? WHERE id = ?"
    connection.execute(taken, (now + seconds, number))
    return Push(*push)


def end(connection: sqlite3.Connection, push: Push, due: float | None) -> None:
    """Give a push back; it is due again then (`None`: never), or earlier if it has changed."""
    connection.execute(
        "UPDATE pushes SET report_lease = NULL, report_due = min(coalesce(report_due, ?1), coalesce(?1, report_due)) "
        "WHERE id = ?2",
        (due, codec.push_id(connection, push)),
    )


def soon(connection: sqlite3.Connection, push: Push, now: float) -> None:
    """Make a push due, as a change of it does."""
    row = codec.push_id(connection, push)
    if row is not None:
        observe.changed(connection, row, now)


def judged(
    connection: sqlite3.Connection,
    summary: Summary,
    records: Sequence[FailureRecord],
    changes: Sequence[tuple[str, str]],
    now: float,
) -> None:
    """Record the verdict on a push, unless it was deleted."""
    push = codec.push_id(connection, summary.push)
    if push is None:
        return
    connection.execute(
        "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?, ?)",
        (push, summary.health, summary.sentence, codec.encode(dict(summary.counts)), now),
    )
    if records:
        _save_failure_records(connection, push, summary.push.project, records)
    # Inserted directly, because a verdict is no reason to judge the push again.
    connection.executemany(
        "INSERT INTO story (at, push, job, what, text) SELECT ?1, push, id, 'verdict', ?2 FROM jobs "
        "WHERE push = ?3 AND name = ?4",
        [(now, text, push, job) for job, text in changes],
    )


def _save_failure_records(
    connection: sqlite3.Connection, push: int, project: str, records: Sequence[FailureRecord]
) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO sightings SELECT id, ?1, ?2, ?3, ?4, ?5, ?6 FROM jobs WHERE push = ?7 AND name = ?8",
        [
            (
                project,
                one.at,
                one.failed,
                one.passed,
                codec.encode(one.shapes),
                codec.encode(one.passing),
                push,
                one.job,
            )
            for one in records
        ],
    )
    connection.execute(
        "DELETE FROM sightings WHERE job IN "
        "(SELECT job FROM sightings WHERE project = ? ORDER BY at DESC, job DESC LIMIT -1 OFFSET ?)",
        (project, FAILURE_RECORDS_MAX),
    )


def failure_records(connection: sqlite3.Connection, project: str) -> list[FailureRecord]:
    """Read the newest failure records of a project, newest first."""
    found = connection.execute(
        "SELECT pushes.system, pushes.project, pushes.branch, pushes.revision, jobs.name, at, failed, passed, shapes, "
        "passing FROM sightings JOIN jobs ON jobs.id = sightings.job JOIN pushes ON pushes.id = jobs.push "
        "WHERE sightings.project = ? ORDER BY at DESC, sightings.job DESC LIMIT ?",
        (project, FAILURE_RECORDS_MAX),
    )
    return [
        FailureRecord(
            Push(*row[:4]), identity.base(row[4]), row[5], row[6], row[7], codec.lines(row[8]), codec.lines(row[9])
        )
        for row in found
    ]


def ran(connection: sqlite3.Connection, project: str, jobs: Sequence[str], since: float) -> Ran:
    """Count, by job, the newest pushes of a project at which a run of the job passed or failed."""
    last = connection.execute(
        "SELECT last_heard FROM pushes WHERE project = ? ORDER BY last_heard DESC LIMIT 2 OFFSET ?",
        (project, _RAN_AT - 1),
    ).fetchall()
    if len(last) == 2:
        since = max(since, last[0][0])
    proving = (
        f"SELECT 1 FROM jobs JOIN runs ON runs.job = jobs.id AND state = 'finished' AND result IN {_PROVING} "
        "WHERE jobs.push = pushes.id AND"
    )
    query = (
        "SELECT count(*) FROM pushes WHERE project = ?1 AND last_heard >= ?2 AND ("
        f"EXISTS ({proving} jobs.name = ?3) OR EXISTS ({proving} jobs.name > ?4 AND jobs.name < ?5))"
    )
    counted = {
        job: int(connection.execute(query, (project, since, job, *identity.key_range(job))).fetchone()[0])
        for job in jobs
    }
    return Ran(counted, since)


def metadata(connection: sqlite3.Connection, push: Push) -> dict[str, str]:
    """Read the metadata of a push."""
    query = "SELECT name, value FROM kept WHERE push = ?"
    return dict(connection.execute(query, (codec.push_id(connection, push),)).fetchall())


def set_metadata(connection: sqlite3.Connection, push: Push, name: str, value: str) -> None:
    """Set one entry of a push's metadata, unless the push was deleted."""
    row = codec.push_id(connection, push)
    if row is not None:
        connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (row, name, value))


def add_failure_lines(connection: sqlite3.Connection, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
    """Append failure lines to a run, without duplicates; an unknown run is ignored."""
    row_of_push = codec.push_id(connection, push)
    row = connection.execute(
        "SELECT runs.id, runs.failures FROM runs JOIN jobs ON jobs.id = runs.job "
        "WHERE jobs.push = ? AND jobs.name = ? AND run_id = ? AND attempt = ?",
        (row_of_push, codec.key(connection, row_of_push, job), run.run_id, run.attempt),
    ).fetchone()
    if row is not None:
        known = () if row[1] is None else codec.lines(row[1])
        together = codec.encode(tuple(dict.fromkeys((*known, *lines))))
        connection.execute("UPDATE runs SET failures = ? WHERE id = ?", (together, row[0]))
