"""Limits on sending in SQLite: circuit breakers, hourly caps, and the claims held behind them."""

import sqlite3
from collections.abc import Mapping

import msgspec

from triggerbot.core.claim import Operation
from triggerbot.core.policy import limits, slots
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.slots import Rank, SlotQueue
from triggerbot.store.sqlite import codec
from triggerbot.store.sqlite.due import refresh_due

_breaker = msgspec.json.Decoder(Breaker)
_slots = msgspec.json.Decoder(SlotQueue)
_charged = msgspec.json.Decoder(tuple[tuple[str, ...], int, int])


def is_blocked(connection: sqlite3.Connection, passes: Mapping[BreakerKey, int]) -> bool:
    """Whether one of these breakers is open in another version than the one that admitted the claim."""
    return any(
        connection.execute(
            "SELECT 1 FROM breakers WHERE place = ? AND open = 1 AND version <> ?", (place.key, version)
        ).fetchone()
        for place, version in passes.items()
    )


def breakers(connection: sqlite3.Connection) -> list[Breaker]:
    """Read all breakers."""
    return [_breaker.decode(row[0]) for row in connection.execute("SELECT value FROM breakers ORDER BY place")]


def save_breaker(connection: sqlite3.Connection, breaker: Breaker, now: float) -> bool:
    """Write a breaker if the stored version is the one that it is based on; a closed one releases its held claims."""
    row = connection.execute("SELECT version FROM breakers WHERE place = ?", (breaker.place.key,)).fetchone()
    if (0 if row is None else row[0]) != breaker.version:
        return False
    written = breaker.next()
    connection.execute(
        "INSERT OR REPLACE INTO breakers VALUES (?, ?, ?, ?, ?)",
        (breaker.place.key, written.version, written.open, now, msgspec.json.encode(written).decode()),
    )
    if not written.open:
        release_held(connection, breaker.place.key, -1, now)
    return True


def release_held(connection: sqlite3.Connection, behind: str, most: int, now: float) -> int:
    """Release up to `most` (-1: all) of the claims held behind a key, oldest first; returns how many."""
    found = connection.execute(
        "SELECT claims.id, claims.push FROM held JOIN claims ON claims.id = held.claim WHERE behind = ? "
        "AND claims.state IN ('open', 'owed') ORDER BY claims.created, claims.id LIMIT ?",
        (behind, most),
    ).fetchall()
    for place, (claim, _) in enumerate(found):
        # One microsecond apart, so that they are taken in this order.
        connection.execute("UPDATE claims SET due = ? WHERE id = ?", (now - (len(found) - place) * 1e-6, claim))
        connection.execute("DELETE FROM held WHERE claim = ?", (claim,))
    for push in {push for _, push in found}:
        refresh_due(connection, push)
    if len(found) < most or most < 0:
        # The claims that are left have ended.
        connection.execute("DELETE FROM held WHERE behind = ?", (behind,))
    return len(found)


def held(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Count the held claims, by the key of what they are held behind."""
    query = "SELECT behind, count(*) FROM held JOIN claims ON claims.id = held.claim WHERE state IN ('open', 'owed') "
    return dict(connection.execute(query + "GROUP BY behind").fetchall())


def sent(connection: sqlite3.Connection, now: float) -> Mapping[str, int]:
    """Count the retriggers sent within the last hour, by cap."""
    since = limits.piece(now) - limits.PIECES
    return dict(
        connection.execute("SELECT name, sum(count) FROM sent WHERE piece > ? GROUP BY name", (since,)).fetchall()
    )


def charge(connection: sqlite3.Connection, caps: Mapping[str, int | None], count: int, now: float) -> str | Capped:
    """Count retriggers against caps, or return the first cap that they would exceed.

    Returns the record of it that `refund` needs, as JSON; '' if there are no caps.
    """
    piece = limits.piece(now)
    query = "SELECT coalesce(sum(count), 0) FROM sent WHERE name = ? AND piece > ?"
    for name, limit in caps.items():
        if limit is not None:
            before = int(connection.execute(query, (name, piece - limits.PIECES)).fetchone()[0])
            if before + count > limit:
                return Capped(name, limit, before)
    connection.executemany(
        "INSERT INTO sent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(name, piece, count) for name in caps],
    )
    return codec.encode((tuple(caps), piece, count)) if caps else ""


def refund(connection: sqlite3.Connection, operation: Operation) -> None:
    """Take back from the caps what the CI certainly did not accept."""
    row = connection.execute("SELECT charged FROM operations WHERE id = ?", (operation.id,)).fetchone()
    if row is None or not row[0]:
        return
    names, piece, count = _charged.decode(row[0])
    connection.executemany(
        "UPDATE sent SET count = max(0, count - ?) WHERE name = ? AND piece = ?",
        [(count, name, piece) for name in names],
    )
    connection.execute("UPDATE operations SET charged = '' WHERE id = ?", (operation.id,))


def ask_slot(connection: sqlite3.Connection, queue: str, caller: str, rank: Rank, now: float) -> float:
    """Return when a writer may write."""
    before = _slot_queue(connection, queue)
    after, time = slots.ask(before, caller, rank, now)
    _save_slot_queue(connection, queue, before, after)
    return time


def leave_slot(connection: sqlite3.Connection, queue: str, caller: str, now: float, used: bool, closed: float) -> None:
    """Take a writer out of its queue."""
    before = _slot_queue(connection, queue)
    _save_slot_queue(connection, queue, before, slots.leave(before, caller, now, used=used, closed=closed))


def _slot_queue(connection: sqlite3.Connection, queue: str) -> SlotQueue:
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (f"slots {queue}",)).fetchone()
    return SlotQueue() if row is None else _slots.decode(row[0])


def _save_slot_queue(connection: sqlite3.Connection, queue: str, before: SlotQueue, after: SlotQueue) -> None:
    if after != before:
        text = codec.encode(after)
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (f"slots {queue}", text))
