"""Decoding rows into values, and encoding values as the JSON stored in columns."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from triggerbot.core import identity
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Batch, Kind, Push, PushFacts, Result, Run, RunKey, State
from triggerbot.core.policy.try_syntax import PushOptions

_RUN = (
    "jobs.name, runs.run_id, runs.attempt, runs.state, runs.result, runs.kind, runs.tier, runs.pool, runs.step, "
    "runs.url, runs.time, runs.retrigger_of, runs.batch, runs.failures, runs.started, "
    "runs.event, runs.allowed_to_fail, runs.needs"
)
_RUN_WIDTH = 18
_STATES = {str(one): one for one in State}
_RESULTS: dict[str | None, Result | None] = {None: None} | {str(one): one for one in Result}
_KINDS = {str(one): one for one in Kind}
_asks_decoder = msgspec.json.Decoder(PushOptions)
_claims_decoder = msgspec.json.Decoder(tuple[int, ...])
#: Decodes a list of texts that `encode` wrote.
lines = msgspec.json.Decoder(tuple[str, ...]).decode
_baseline_decoder = msgspec.json.Decoder(dict[str, tuple[RunKey, ...]])

#: The columns of a run, and the row of its job at the end (`JOB`).
SELECT_RUNS = f"SELECT {_RUN}, runs.job FROM runs JOIN jobs ON jobs.id = runs.job "
JOB = _RUN_WIDTH
#: By job, oldest first (see `Run.age`); those of the same age stay in the order in which they were observed.
BY_JOB = (
    "ORDER BY jobs.name, jobs.id, coalesce(runs.time, CASE runs.state WHEN 'finished' THEN 0.0 ELSE 9e999 END), "
    "runs.attempt, runs.id"
)
SELECT_CLAIMS = (
    f"SELECT {_RUN}, claims.id, claims.state, claims.dry, claims.created, claims.due, claims.origin, claims.cause, "
    "claims.refusal, claims.wanted, claims.asked, claims.known_runs, claims.lookups, claims.tries, claims.note, "
    "operations.id, operations.claims, operations.count, operations.started, operations.baseline, operations.sends, "
    "operations.misses, pushes.system, pushes.project, pushes.branch, pushes.revision, "
    "(SELECT behind FROM held WHERE held.claim = claims.id) "
    "FROM claims JOIN runs ON runs.id = claims.run JOIN jobs ON jobs.id = claims.job "
    "JOIN pushes ON pushes.id = claims.push LEFT JOIN operations ON operations.id = claims.operation "
)
OPEN_STATES = "('open', 'owed', 'sending', 'unknown')"
SELECT_PUSH = "SELECT system, project, branch, revision FROM pushes "


def encode(value: Any) -> str:
    """Encode a value as JSON."""
    return msgspec.json.encode(value).decode()


def asks(text: str | None) -> PushOptions | None:
    """Decode a push's options."""
    return None if text is None else _asks_decoder.decode(text)


def run(row: tuple[Any, ...]) -> Run:
    """Decode a run from a row of `SELECT_RUNS`."""
    # Positional and with plain dictionaries for speed: a page shows thousands of runs.
    return Run(
        row[0],
        row[1],
        row[2],
        _STATES[row[3]],
        _RESULTS[row[4]],
        _KINDS[row[5]],
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        () if row[13] is None else lines(row[13]),
        row[14],
        row[15],
        bool(row[16]),
        () if row[17] is None else lines(row[17]),
    )


def claim(row: tuple[Any, ...]) -> Claim:
    """Decode a claim from a row of `SELECT_CLAIMS`."""
    rest = row[_RUN_WIDTH:]
    return Claim(
        id=rest[0],
        push=Push(*rest[21:25]),
        job=row[0],
        state=ClaimState(rest[1]),
        run=run(row[:_RUN_WIDTH]),
        dry=bool(rest[2]),
        created=rest[3],
        due=rest[4] or 0.0,
        origin=rest[5],
        cause=None if rest[6] is None else Cause(rest[6]),
        refusal=None if rest[7] is None else Refusal(rest[7]),
        wanted=rest[8],
        asked=rest[9],
        known_runs=rest[10],
        lookups=rest[11],
        tries=rest[12],
        note=rest[13],
        operation=None if rest[14] is None else _operation(rest[14:21]),
        behind=rest[25] or "",
    )


def _operation(row: tuple[Any, ...]) -> Operation:
    return Operation(
        id=row[0],
        claims=_claims_decoder.decode(row[1]),
        count=row[2],
        started=row[3],
        baseline=_baseline_decoder.decode(row[4]),
        sends=row[5],
        misses=row[6],
    )


def claims(connection: sqlite3.Connection, where: str, values: Iterable[Any]) -> tuple[Claim, ...]:
    """Read the claims that match a condition, oldest first."""
    return tuple(claim(row) for row in connection.execute(f"{SELECT_CLAIMS} {where} ORDER BY claims.id", tuple(values)))


def batches(connection: sqlite3.Connection, push: int | None) -> dict[str, Batch]:
    """Read what is known of the batches of a push, by their ids."""
    found = connection.execute("SELECT id, event, source, fork FROM batches WHERE push = ?", (push,))
    return {row[0]: Batch(row[0], row[1], row[2], None if row[3] is None else bool(row[3])) for row in found}


def names(connection: sqlite3.Connection, push: int | None) -> dict[str, str]:
    """Return what people call the jobs of a push that are of one batch alone, by what they are kept under."""
    found = connection.execute("SELECT name FROM jobs WHERE push = ?", (push,))
    jobs = [row[0] for row in found]
    return identity.names(jobs, batches(connection, push)) if any(map(identity.is_per_batch, jobs)) else {}


def key(connection: sqlite3.Connection, push: int | None, job: str) -> str:
    """Return what a job is kept under, by that or by what people call it."""
    if connection.execute("SELECT 1 FROM jobs WHERE push = ? AND name = ?", (push, job)).fetchone():
        return job
    return next((kept for kept, name in names(connection, push).items() if name == job), job)


def push_id(connection: sqlite3.Connection, push: Push) -> int | None:
    """Return the row of a push, if it exists."""
    row = connection.execute(
        "SELECT id FROM pushes WHERE revision = ? AND project = ? AND branch = ? AND system = ?",
        (push.revision, push.project, push.branch, push.system),
    ).fetchone()
    return None if row is None else int(row[0])


def facts(push: Push, row: tuple[Any, ...]) -> PushFacts:
    """Decode facts from (message, author, time, fork)."""
    return PushFacts(push, row[0], row[1], row[2], None if row[3] is None else bool(row[3]))
