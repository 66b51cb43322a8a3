"""The queues other than that of pushes: leads (unresolved events) and comment commands."""

import sqlite3

import msgspec

from triggerbot.core.model import CommentCommand, Group, Lead, Result, State
from triggerbot.store import DELIVERY_KEPT, LEAD_DELAY, Leads, Outcome, PendingCommand
from triggerbot.store.sqlite import codec


def add_lead(connection: sqlite3.Connection, lead: Lead, now: float) -> Outcome:
    """Store a lead, only the most advanced one of each run; a failure is due at once."""
    due = now if lead.failed else now + LEAD_DELAY
    group = _group(connection, lead.group, due, now)
    news = connection.execute(
        "INSERT INTO leads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET state = ?4, rank = ?5, "
        "result = ?6, failed = ?7, time = coalesce(?8, time) WHERE rank < ?5",
        (group, lead.run_id, lead.attempt, lead.state, lead.state.rank, lead.result, lead.failed, lead.time),
    ).rowcount
    return Outcome(due=bool(news) and lead.failed, news=bool(news))


def _group(connection: sqlite3.Connection, group: Group, due: float, now: float) -> int:
    row = connection.execute(
        "SELECT id, due FROM lead_groups WHERE name = ? AND system = ?", (group.id, group.system)
    ).fetchone()
    if row is None:
        added = connection.execute(
            "INSERT INTO lead_groups (system, name, due, since) VALUES (?, ?, ?, ?)",
            (group.system, group.id, due, now),
        )
        return int(added.lastrowid or 0)
    if row[1] > due:
        # A postponed group stays postponed: its CI did not answer, and asking more often does not help.
        connection.execute("UPDATE lead_groups SET due = ? WHERE id = ? AND tries = 0", (due, row[0]))
    return int(row[0])


def read_leads(connection: sqlite3.Connection, group: Group) -> Leads:
    """Read the leads of a group, failures first."""
    row = connection.execute(
        "SELECT id, tries, since FROM lead_groups WHERE name = ? AND system = ?", (group.id, group.system)
    ).fetchone()
    if row is None:
        return Leads(group, ())
    found = connection.execute(
        "SELECT run_id, state, result, attempt, time FROM leads WHERE lead_group = ? "
        "ORDER BY failed DESC, run_id, attempt",
        (row[0],),
    )
    leads = tuple(
        Lead(group, run_id, State(state), None if result is None else Result(result), attempt, time)
        for run_id, state, result, attempt, time in found
    )
    return Leads(group, leads, row[1], row[2])


def settle_leads(connection: sqlite3.Connection, group: Group, leads: tuple[Lead, ...]) -> None:
    """Delete resolved leads, except those whose runs have got further since; an empty group is deleted, too."""
    row = connection.execute(
        "SELECT id FROM lead_groups WHERE name = ? AND system = ?", (group.id, group.system)
    ).fetchone()
    if row is None:
        return
    connection.executemany(
        "DELETE FROM leads WHERE lead_group = ? AND run_id = ? AND attempt = ? AND rank <= ?",
        [(row[0], lead.run_id, lead.attempt, lead.state.rank) for lead in leads],
    )
    if connection.execute("SELECT 1 FROM leads WHERE lead_group = ?", row).fetchone() is None:
        connection.execute("DELETE FROM lead_groups WHERE id = ?", row)
    elif leads:
        connection.execute("UPDATE lead_groups SET tries = 0 WHERE id = ?", row)


def put_off_leads(connection: sqlite3.Connection, group: Group, due: float) -> None:
    """Postpone a group; counts as a failed attempt."""
    connection.execute(
        "UPDATE lead_groups SET due = ?, tries = tries + 1 WHERE name = ? AND system = ?",
        (due, group.id, group.system),
    )


_command_decoder = msgspec.json.Decoder(CommentCommand)


def add_command(connection: sqlite3.Connection, command: CommentCommand, now: float) -> Outcome:
    """Store a comment command, due at once. Deletes up to two settled ones that are too old."""
    connection.execute(
        "DELETE FROM wishes WHERE id IN (SELECT id FROM wishes WHERE since < ? AND due IS NULL LIMIT 2)",
        (now - DELIVERY_KEPT,),
    )
    news = connection.execute(
        "INSERT OR IGNORE INTO wishes (system, name, value, since, due) VALUES (?, ?, ?, ?, ?)",
        (command.system, command.id, codec.encode(command), now, now),
    ).rowcount
    return Outcome(news=bool(news))


def take_command(connection: sqlite3.Connection, now: float, seconds: float) -> PendingCommand | None:
    """Take the comment command that has been due longest, for a number of seconds."""
    row = connection.execute(
        "SELECT id, value, since, tries FROM wishes WHERE due <= ? ORDER BY due, id LIMIT 1", (now,)
    ).fetchone()
    if row is None:
        return None
    connection.execute("UPDATE wishes SET due = ? WHERE id = ?", (now + seconds, row[0]))
    return PendingCommand(_command_decoder.decode(row[1]), row[2], row[3])


def end_command(connection: sqlite3.Connection, command: CommentCommand, due: float | None) -> None:
    """Settle a comment command (`None`), or make it due again."""
    mine = "WHERE name = ? AND system = ? AND due IS NOT NULL"
    if due is None:
        settled = f"UPDATE wishes SET due = NULL, value = '' {mine}"
        connection.execute(settled, (command.id, command.system))
    else:
        again = f"UPDATE wishes SET due = ?, tries = tries + 1 {mine}"
        connection.execute(again, (due, command.id, command.system))
