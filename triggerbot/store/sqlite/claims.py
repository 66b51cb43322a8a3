"""The life of a claim in SQLite, step by step; each step runs inside one transaction of the writer."""

import sqlite3
from collections.abc import Iterable, Mapping

from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.model import Push
from triggerbot.core.policy import rules
from triggerbot.core.policy.circuit_breaker import BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
from triggerbot.store.sqlite import codec, limits, observe
from triggerbot.store.sqlite.due import refresh_due
from triggerbot.store.sqlite.observe import record_entry


def _ids(connection: sqlite3.Connection, claim: int) -> tuple[int, int, int]:
    """Return the rows of a claim's push, job and run."""
    row = connection.execute("SELECT push, job, run FROM claims WHERE id = ?", (claim,)).fetchone()
    return (0, 0, 0) if row is None else (int(row[0]), int(row[1]), int(row[2]))


def decide(
    connection: sqlite3.Connection, claim: Claim, decision: Decision | None, budget: Budget | None, now: float
) -> Decision | None:
    """Record a decision; budget is counted and spent in the same transaction."""
    push, job, run = _ids(connection, claim.id)
    undecided = "SELECT asked FROM claims WHERE id = ? AND state = ? AND state IN ('open', 'owed')"
    row = connection.execute(undecided, (claim.id, claim.state)).fetchone()
    if row is None:
        # Another process came first: a claim never leaves a final state.
        return None
    if decision is None:
        connection.execute("DELETE FROM claims WHERE id = ?", (claim.id,))
        observe.changed(connection, push, now)
        refresh_due(connection, push)
        return None
    proving = codec.encode(sorted(decision.proving))
    known, counted = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE state <> 'finished' OR result IN (SELECT value FROM json_each(?))) "
        "FROM runs WHERE job = ?",
        (proving, job),
    ).fetchone()
    decision = rules.with_runs(decision, counted)
    if decision.cause is Cause.FAILURE:
        spent, total = spending(connection, push, claim.dry), jobs_of(connection, push)
        decision = rules.within_budget(decision, budget, spent, total, dry=claim.dry)
    failure = decision.cause is Cause.FAILURE
    if decision.cause is None and row[0]:
        # What was asked for so far keeps its decision and its budget.
        ended = "UPDATE claims SET state = 'done', due = ?, note = ?, tries = 0 WHERE id = ?"
        connection.execute(ended, (now, decision.detail, claim.id))
    else:
        state = ClaimState.REFUSED if decision.cause is None else ClaimState.WOULD if claim.dry else ClaimState.OWED
        connection.execute(
            "UPDATE claims SET state = ?, cause = ?, refusal = ?, wanted = ?, spent = ?, known_runs = ?, due = ?, "
            "note = ?, tries = 0 WHERE id = ?",
            (state, decision.cause, decision.refusal, decision.count, failure, known, now, decision.detail, claim.id),
        )
    what = "trigger" if decision.cause is not None else "refuse"
    record_entry(
        connection, push, job, what, now, reason=decision.reason, text=decision.detail, count=decision.count,
        dry=claim.dry, run=run, origin=claim.origin,
    )  # fmt: skip
    refresh_due(connection, push)
    return decision


def spending(connection: sqlite3.Connection, push: int, dry: bool) -> int:
    """Count the jobs of a push that were retriggered because they failed."""
    query = "SELECT count(*) FROM claims WHERE push = ? AND spent = 1 AND dry = ?"
    return int(connection.execute(query, (push, dry)).fetchone()[0])


def jobs_of(connection: sqlite3.Connection, push: int) -> int:
    """Count the different jobs of a push."""
    return int(connection.execute("SELECT count(*) FROM jobs WHERE push = ?", (push,)).fetchone()[0])


def is_paused(connection: sqlite3.Connection) -> bool:
    """Whether sending is paused."""
    return connection.execute("SELECT 1 FROM settings WHERE name = 'pause'").fetchone() is not None


def begin(
    connection: sqlite3.Connection,
    operation: Operation,
    push: Push,
    note: str,
    now: float,
    passes: Mapping[BreakerKey, int],
    caps: Mapping[str, int | None],
) -> bool | Capped:
    """Record an operation before its first byte is sent."""
    row = codec.push_id(connection, push)
    if row is None or is_paused(connection) or limits.is_blocked(connection, passes):
        return False
    # A caller that looked before another process sent may want more than is left.
    owed = connection.execute(
        "SELECT count(*) FROM claims WHERE state = 'owed' AND asked + ? <= wanted "
        f"AND id IN ({', '.join('?' * len(operation.claims))})",
        (operation.count, *operation.claims),
    ).fetchone()[0]
    if owed < len(operation.claims):
        return False
    charged = limits.charge(connection, caps, operation.count * len(operation.claims), now)
    if isinstance(charged, Capped):
        return charged
    connection.execute(
        "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (operation.id, row, codec.encode(operation.claims), operation.count, operation.started)
        + (codec.encode(operation.baseline), operation.sends, operation.misses, charged),
    )
    _set(connection, operation.claims, "state = 'sending', held = 0, note = '', operation = ?", (operation.id,))
    connection.executemany("DELETE FROM held WHERE claim = ?", [(claim,) for claim in operation.claims])
    _record_each(connection, operation.claims, "send", note, now, operation.count)
    return True


def resend(connection: sqlite3.Connection, operation: Operation, note: str, now: float) -> bool:
    """Record that an operation is sent again, unless another process settled or repeated it meanwhile."""
    mine = _open_on(connection, operation)
    if is_paused(connection) or not mine:
        return False
    again = "UPDATE operations SET started = ?, sends = sends + 1, misses = 0 WHERE id = ? AND sends = ?"
    if not connection.execute(again, (now, operation.id, operation.sends)).rowcount:
        return False
    _set(connection, mine, "state = 'sending', note = ''", ())
    _record_each(connection, mine, "send", note, now, operation.count)
    return True


def accepted(
    connection: sqlite3.Connection, operation: Operation, note: str, now: float, due: float, since: float | None
) -> None:
    """Count what was accepted; a claim with nothing left to request is done."""
    mine = _open_on(connection, operation)
    _set(
        connection,
        mine,
        "asked = asked + ?, operation = NULL, tries = 0, note = ?, due = ?, held = 0, "
        "state = CASE WHEN asked + ? >= wanted THEN 'done' ELSE 'owed' END",
        (operation.count, note, due, operation.count),
    )
    _wait_for_settle(connection, mine, since, now)
    _record_each(connection, mine, "accepted", note, now, operation.count)
    _refresh(connection, mine)


def refused(connection: sqlite3.Connection, operation: Operation, decision: Decision, now: float) -> None:
    """End the claims of an operation; budget that bought nothing is refunded."""
    mine = _open_on(connection, operation)
    if mine:
        limits.refund(connection, operation)
    _set(
        connection,
        mine,
        "operation = NULL, note = ?, refusal = CASE WHEN asked = 0 THEN ? ELSE refusal END, "
        "spent = CASE WHEN asked = 0 THEN 0 ELSE spent END, "
        "state = CASE WHEN asked = 0 THEN 'refused' ELSE 'done' END",
        (decision.detail, decision.refusal),
    )
    for claim in mine:
        push, job, run = _ids(connection, claim)
        origin = connection.execute("SELECT origin FROM claims WHERE id = ?", (claim,)).fetchone()[0]
        record_entry(
            connection, push, job, "refuse", now, reason=decision.reason, text=decision.detail, run=run, origin=origin
        )
    _refresh(connection, mine)


def postponed(connection: sqlite3.Connection, operation: Operation, due: float, note: str, now: float) -> None:
    """Postpone what the CI certainly did not accept."""
    mine = _open_on(connection, operation)
    if mine:
        limits.refund(connection, operation)
    _record_if_new(connection, mine, "wait", note, now)
    changed = "state = 'owed', operation = NULL, tries = tries + 1, due = ?, note = ?, held = 0"
    _set(connection, mine, changed, (due, note))
    _refresh(connection, mine)


def doubted(
    connection: sqlite3.Connection, operation: Operation, due: float, note: str, now: float, missed: bool
) -> None:
    """Mark an operation as in doubt until a look-back settles it."""
    mine = _open_on(connection, operation)
    if missed and mine:
        connection.execute("UPDATE operations SET misses = misses + 1 WHERE id = ?", (operation.id,))
    _record_if_new(connection, mine, "doubt", note, now)
    _set(connection, mine, "state = 'unknown', due = ?, note = ?", (due, note))
    _refresh(connection, mine)


def wait(
    connection: sqlite3.Connection, claim: Claim, due: float, note: str, now: float, since: float | None, lookup: bool
) -> None:
    """Postpone a claim, unless it ended meanwhile."""
    if _is_in(connection, claim, codec.OPEN_STATES):
        _record_if_new(connection, (claim.id,), "wait", note, now)
        tries = 0 if since is not None or lookup else 1
        _set(
            connection,
            (claim.id,),
            "due = ?, note = ?, held = 0, lookups = lookups + ?, tries = tries + ?",
            (due, note, lookup, tries),
        )
        _wait_for_settle(connection, (claim.id,), since, now)
        _refresh(connection, (claim.id,))


def finish(connection: sqlite3.Connection, claim: Claim, note: str, now: float) -> None:
    """End a decided claim early, unless a request for it is in flight."""
    if _is_in(connection, claim, "('open', 'owed')"):
        ended = "state = 'done', note = ?, spent = CASE WHEN asked = 0 THEN 0 ELSE spent END"
        _set(connection, (claim.id,), ended, (note,))
        _record_each(connection, (claim.id,), "ended", note, now, 0)
        _refresh(connection, (claim.id,))


def _is_in(connection: sqlite3.Connection, claim: Claim, states: str) -> bool:
    query = f"SELECT 1 FROM claims WHERE id = ? AND state IN {states}"
    return connection.execute(query, (claim.id,)).fetchone() is not None


def ask(
    connection: sqlite3.Connection, push: Push, job: str, count: int, origin: str, dry: bool, now: float
) -> Claim | None:
    """Record a person's request as a claim; `None` if no run of the job is known."""
    row = connection.execute(
        "SELECT pushes.id, jobs.id, max(runs.id) FROM pushes JOIN jobs ON jobs.push = pushes.id "
        "JOIN runs ON runs.job = jobs.id WHERE system = ? AND project = ? AND branch = ? AND revision = ? "
        "AND jobs.name = ? GROUP BY jobs.id",
        (*push, codec.key(connection, codec.push_id(connection, push), job)),
    ).fetchone()
    if row is None:
        return None
    if not connection.execute("SELECT 1 FROM claims WHERE job = ? AND origin = ?", (row[1], origin)).fetchone():
        observe.insert_claim(connection, row[0], row[1], row[2], origin, dry, now, count)
    return codec.claims(connection, "WHERE claims.job = ? AND claims.origin = ?", (row[1], origin))[0]


def _set(connection: sqlite3.Connection, claims: Iterable[int], changes: str, values: tuple[object, ...]) -> None:
    connection.executemany(f"UPDATE claims SET {changes} WHERE id = ?", [(*values, claim) for claim in claims])


def _open_on(connection: sqlite3.Connection, operation: Operation) -> list[int]:
    """Return the claims whose open operation is still this one: recording an answer twice changes nothing."""
    among = ", ".join("?" * len(operation.claims))
    query = f"SELECT id FROM claims WHERE operation = ? AND id IN ({among}) ORDER BY id"
    return [row[0] for row in connection.execute(query, (operation.id, *operation.claims))]


def _wait_for_settle(connection: sqlite3.Connection, claims: Iterable[int], since: float | None, now: float) -> None:
    """Make claims wait for something of their push to settle; if that has happened since, they are due now.

    By a clock that is ahead, it may have settled later than now: then they are due at that time by our clock.
    """
    if since is None:
        return
    settled = "(SELECT coalesce(settled, 0) FROM pushes WHERE pushes.id = claims.push)"
    _set(
        connection,
        claims,
        f"held = NOT ({settled} > ?1 AND {settled} <= ?2), "
        f"due = CASE WHEN {settled} > ?1 THEN min(due, max(?2, {settled})) ELSE due END",
        (since, now),
    )


def _refresh(connection: sqlite3.Connection, claims: Iterable[int]) -> None:
    for push in {_ids(connection, claim)[0] for claim in claims}:
        refresh_due(connection, push)


def _record_each(
    connection: sqlite3.Connection, claims: Iterable[int], what: str, text: str, now: float, count: int
) -> None:
    for claim in claims:
        push, job, run = _ids(connection, claim)
        record_entry(connection, push, job, what, now, text=text, count=count, run=run)


def hold(connection: sqlite3.Connection, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
    """Hold a claim behind a breaker or cap, at the latest until a time."""
    if _is_in(connection, claim, "('open', 'owed')"):
        _record_if_new(connection, (claim.id,), "wait", note, now)
        _set(connection, (claim.id,), "due = ?, note = ?, held = 0", (until, note))
        connection.execute("DELETE FROM held WHERE claim = ?", (claim.id,))
        connection.execute("INSERT INTO held VALUES (?, ?)", (behind, claim.id))
        _refresh(connection, (claim.id,))


def _record_if_new(connection: sqlite3.Connection, claims: Iterable[int], what: str, text: str, now: float) -> None:
    """Record the text for claims that do not wait for the same thing already."""
    for claim in claims:
        row = connection.execute("SELECT note FROM claims WHERE id = ?", (claim,)).fetchone()
        if row is not None and row[0] != text:
            _record_each(connection, (claim,), what, text, now, 0)
