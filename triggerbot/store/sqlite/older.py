"""Taking over the tables of versions 1 to 6, which the migrations have brought to version 6: they become documents.

All of it is one transaction, so that a crash leaves what was there; push by push, so that a large file needs little
memory.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from triggerbot import logs
from triggerbot.core.claim import ClaimState, Operation
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Batch, CommentCommand, Group, Kind, Lead, Push, Result, Run, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.policy.slots import SlotQueue
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store.documents import StoredClaim, StoredEntry, StoredJob, StoredOperation, StoredPush, stored_run
from triggerbot.store.engine import Transaction
from triggerbot.store.records import FailureRecord, Leads, Pause
from triggerbot.store.takeover import (
    Older,
    OlderCommand,
    OlderDelivery,
    OlderLeads,
    OlderPush,
    OlderRest,
    with_canary,
    write,
)
from triggerbot.store.troubles import Crash, DeadLetter

log = logs.get_logger("triggerbot.store")

#: Runs a transaction of the store on a connection.
Change = Callable[[sqlite3.Connection, Callable[[Transaction], None]], None]
_TABLES = (
    "held", "sightings", "kept", "judgements", "batches", "story", "operations", "claims", "runs", "jobs", "pushes",
    "leads", "lead_groups", "breakers", "sent", "deliveries", "wishes", "crashes", "dead_letters", "cursors",
    "settings",
)  # fmt: skip
_SLOTS = "slots "
_STATES = {str(one): one for one in State}
_RESULTS: dict[str | None, Result | None] = {None: None} | {str(one): one for one in Result}
_KINDS = {str(one): one for one in Kind}
_asks = msgspec.json.Decoder(PushOptions).decode
_ids = msgspec.json.Decoder(tuple[int, ...]).decode
_lines = msgspec.json.Decoder(tuple[str, ...]).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_baseline = msgspec.json.Decoder(dict[str, tuple[RunKey, ...]]).decode
_charged = msgspec.json.Decoder(tuple[tuple[str, ...], int, int]).decode
_breaker = msgspec.json.Decoder(Breaker).decode
_slots = msgspec.json.Decoder(SlotQueue).decode
_command = msgspec.json.Decoder(CommentCommand).decode


def take_over(connection: sqlite3.Connection, change: Change) -> None:
    """Write what is in the tables as documents, and drop them; within the transaction of the caller."""
    log.info("store.is_taken_over", note="a store of an earlier version; this may take minutes")
    for values in _read(connection):
        change(connection, partial(write, values=values))
    for table in _TABLES:
        connection.execute(f"DROP TABLE {table}")


def _read(connection: sqlite3.Connection) -> Iterator[list[Older]]:
    """Read everything, some of it at a time."""
    yield [_rest(connection)]
    for many in (_letters(connection), _deliveries(connection), _commands(connection), _leads(connection)):
        while some := list(islice(many, _AT_ONCE)):
            yield some
    for row in connection.execute(f"SELECT {_PUSH} FROM pushes LEFT JOIN judgements ON push = pushes.id ORDER BY id"):
        yield [_push(connection, row)]


# -- what belongs to no push ------------------------------------------------------------------------------------------

#: Letters, webhooks and so on that are read at once.
_AT_ONCE = 500


def _rest(connection: sqlite3.Connection) -> OlderRest:
    settings = dict(connection.execute("SELECT name, value FROM settings").fetchall())
    sent: dict[str, dict[int, int]] = {}
    for name, piece, count in connection.execute("SELECT name, piece, count FROM sent"):
        sent.setdefault(name, {})[piece] = count
    crashes = connection.execute("SELECT at, worker, ended, error, trace, place FROM crashes ORDER BY id")
    breakers = connection.execute("SELECT value, changed FROM breakers ORDER BY place").fetchall()
    return OlderRest(
        pause=Pause(**json.loads(settings["pause"])) if "pause" in settings else None,
        breakers=[(_with_canary(connection, _breaker(value)), changed) for value, changed in breakers],
        sent=sent,
        slots={name.removeprefix(_SLOTS): _slots(value) for name, value in settings.items() if name.startswith(_SLOTS)},
        cursors=dict(connection.execute("SELECT name, value FROM cursors").fetchall()),
        crashes=[Crash(*row) for row in crashes],
        last_letter=connection.execute("SELECT max(id) FROM dead_letters").fetchone()[0] or 0,
    )


def _with_canary(connection: sqlite3.Connection, breaker: Breaker) -> Breaker:
    push = breaker.canary.push if breaker.canary is not None else ("",) * 4
    found = connection.execute(
        "SELECT claims.id FROM claims JOIN pushes ON pushes.id = claims.push "
        "WHERE system = ? AND project = ? AND branch = ? AND revision = ?",
        push,
    )
    return with_canary(breaker, [row[0] for row in found])


def _letters(connection: sqlite3.Connection) -> Iterator[Older]:
    found = connection.execute("SELECT id, at, system, intake, reason, body, headers FROM dead_letters ORDER BY id")
    for number, at, system, intake, reason, body, headers in found:
        yield DeadLetter(number, at, system, intake, reason, body, json.loads(headers))


def _deliveries(connection: sqlite3.Connection) -> Iterator[Older]:
    return (OlderDelivery(*row) for row in connection.execute("SELECT name, at FROM deliveries"))


def _commands(connection: sqlite3.Connection) -> Iterator[Older]:
    for system, name, value, since, due, tries in connection.execute(
        "SELECT system, name, value, since, due, tries FROM wishes ORDER BY id"
    ):
        yield OlderCommand(system, name, since, None if due is None else _command(value), due, tries)


def _leads(connection: sqlite3.Connection) -> Iterator[Older]:
    groups = connection.execute("SELECT id, system, name, due, tries, since FROM lead_groups ORDER BY id")
    for number, system, name, due, tries, since in groups:
        group = Group(system, name)
        found = connection.execute(
            "SELECT run_id, state, result, attempt, time FROM leads WHERE lead_group = ?", (number,)
        )
        leads = tuple(
            Lead(group, run_id, _STATES[state], _RESULTS[result], attempt, time)
            for run_id, state, result, attempt, time in found
        )
        yield OlderLeads(Leads(group, leads, tries, since), since if due is None else due)


# -- pushes -----------------------------------------------------------------------------------------------------------

_PUSH = (
    "id, system, project, branch, revision, first_heard, last_heard, author, message, time, fork, asks, settled, "
    "facts_due, facts_tries, report_due, report_lease, health, sentence, judged, counts"
)
_RUN = (
    "job, id, run_id, attempt, state, result, kind, tier, pool, step, url, time, retrigger_of, batch, failures, "
    "started, event, allowed_to_fail, needs"
)
_CLAIM = (
    "id, job, run, dry, created, due, origin, state, cause, refusal, wanted, asked, known_runs, lookups, tries, note, "
    "operation, behind, spent, claims.held"
)


def _push(connection: sqlite3.Connection, row: tuple[Any, ...]) -> OlderPush:
    number, push = row[0], Push(*row[1:5])
    first, last, author, message, time, fork, asks, settled, facts_due, facts_tries, due, lease, *judged = row[5:]
    health, sentence, judged_at, counts = judged
    head = StoredPush(
        push, first, last, author, message, time, None if fork is None else bool(fork),
        None if asks is None else _asks(asks), settled or 0.0, facts_due, facts_tries, report_due=due,
        report_lease=lease, health=health or "", sentence=sentence or "", judged=judged_at or 0.0,
        counts=_counts(counts) if counts else {},
    )  # fmt: skip
    found = connection.execute("SELECT id, event, source, fork FROM batches WHERE push = ?", (number,))
    head.told = {
        batch: Batch(batch, event, source, None if of_fork is None else bool(of_fork))
        for batch, event, source, of_fork in found
    }
    older = OlderPush(head)
    names = dict(connection.execute("SELECT id, name FROM jobs WHERE push = ? ORDER BY id", (number,)).fetchall())
    runs = _add_jobs(connection, number, older)
    _add_claims(connection, number, older, names, runs)
    _add_operations(connection, number, older)
    _add_timeline(connection, number, older, names, runs)
    older.metadata = dict(connection.execute("SELECT name, value FROM kept WHERE push = ?", (number,)).fetchall())
    sightings = connection.execute(
        "SELECT job, at, failed, passed, shapes, passing FROM sightings "
        "WHERE job IN (SELECT id FROM jobs WHERE push = ?)",
        (number,),
    )
    older.failures = [
        FailureRecord(push, names[job], at, failed, passed, _lines(shapes), _lines(passing))
        for job, at, failed, passed, shapes, passing in sightings
    ]
    return older


def _add_jobs(connection: sqlite3.Connection, push: int, older: OlderPush) -> dict[int, RunKey]:
    """Read the jobs of a push with their runs, in the order in which they came; returns the keys of runs by row."""
    jobs: dict[int, tuple[str, StoredJob]] = {}
    keys: dict[int, RunKey] = {}
    for number, name, groups in connection.execute(
        "SELECT id, name, groups FROM jobs WHERE push = ? ORDER BY id", (push,)
    ):
        job = older.jobs[name] = StoredJob(groups.split())
        jobs[number] = name, job
    among = "SELECT id FROM jobs WHERE push = ?"
    batches: dict[str, None] = {}
    for row in connection.execute(f"SELECT {_RUN} FROM runs WHERE job IN ({among}) ORDER BY id", (push,)):
        name, job = jobs[row[0]]
        (
            _, number, run_id, attempt, state, result, kind, tier, pool, step, url, time, origin, batch, failures,
            started, event, allowed, needs,
        ) = row  # fmt: skip
        run = Run(
            name, run_id, attempt, _STATES[state], _RESULTS[result], _KINDS[kind], tier, pool, step, url, time,
            origin, batch, () if failures is None else _lines(failures), started, event, bool(allowed),
            () if needs is None else _lines(needs),
        )  # fmt: skip
        job.runs.append(stored_run(run))
        keys[number] = RunKey(run_id, attempt)
        if batch:
            batches[batch] = None
    older.head.batches = list(batches)
    return keys


def _add_claims(
    connection: sqlite3.Connection, push: int, older: OlderPush, names: dict[int, str], runs: dict[int, RunKey]
) -> None:
    found = connection.execute(
        f"SELECT {_CLAIM} FROM claims LEFT JOIN held ON held.claim = claims.id WHERE push = ? ORDER BY id", (push,)
    )
    for number, job, run, dry, created, due, origin, state, cause, refusal, *rest in found:
        wanted, asked, known_runs, lookups, tries, note, operation, behind, spent, waits = rest
        older.claims.append(
            StoredClaim(
                number, names[job], runs[run], bool(dry), created, due or 0.0, origin, ClaimState(state),
                Cause(cause) if cause else None, Refusal(refusal) if refusal else None, wanted, asked, known_runs,
                lookups, tries, note, operation or "", behind or "", bool(spent),
            )
        )  # fmt: skip
        if waits:
            older.waiting.add(number)


def _add_operations(connection: sqlite3.Connection, push: int, older: OlderPush) -> None:
    for name, claims, count, started, baseline, sends, misses, charged in connection.execute(
        "SELECT id, claims, count, started, baseline, sends, misses, charged FROM operations WHERE push = ? "
        "ORDER BY rowid",
        (push,),
    ):
        operation = Operation(
            name, older.head.push, _ids(claims), count, started, _baseline(baseline), sends, misses
        )  # fmt: skip
        caps = _charged(charged) if charged else ((), 0, 0)
        older.operations.append(StoredOperation(operation, *caps))


def _add_timeline(
    connection: sqlite3.Connection, push: int, older: OlderPush, names: dict[int, str], runs: dict[int, RunKey]
) -> None:
    for at, what, job, text, reason, count, dry, run, origin in connection.execute(
        "SELECT at, what, job, text, reason, count, dry, run, origin FROM story WHERE push = ? ORDER BY id", (push,)
    ):
        name, (run_id, attempt) = names.get(job, ""), runs.get(run, ("", 0))
        older.timeline.append(StoredEntry(at, what, name, text, reason, count, bool(dry), run_id, attempt))
        if what == "refuse" and name:
            older.jobs[name].refused.append((run_id, attempt, reason, origin))
