"""The engine for one machine: a SQLite file, with nothing to install and no server."""

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from triggerbot.core.model import Group, Push
from triggerbot.store.engine import Changes, Doc, Reader, Transaction
from triggerbot.store.records import Distrust
from triggerbot.store.sqlite import copies
from triggerbot.store.sqlite.connection import Database
from triggerbot.store.sqlite.schema import VERSION

T = TypeVar("T")
#: Seconds for which free pages are given back at once: others wait to write meanwhile.
_VACUUM = 0.01
#: Pages between two looks at the clock.
_PAGES = 16
_ABOVE = "\U0010ffff"


class SqliteView:
    """A `Reader` on a connection, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._parts: dict[str, int | None] = {}
        self._indexes: dict[str, int | None] = {}

    def _part(self, name: str) -> int | None:
        if name not in self._parts:
            row = self._execute("SELECT id FROM parts WHERE name = ?", (name,)).fetchone()
            self._parts[name] = None if row is None else row[0]
        return self._parts[name]

    def _index(self, name: str) -> int | None:
        if name not in self._indexes:
            row = self._execute("SELECT id FROM indexes WHERE name = ?", (name,)).fetchone()
            self._indexes[name] = None if row is None else row[0]
        return self._indexes[name]

    def get(self, docs: Sequence[Doc]) -> list[bytes | None]:
        """Read documents."""
        found: list[bytes | None] = []
        query = "SELECT value FROM documents WHERE part = ? AND kind = ? AND name = ?"
        for name, kind, document in docs:
            part = self._part(name)
            row = None if part is None else self._execute(query, (part, kind, document)).fetchone()
            found.append(None if row is None else row[0])
        return found

    def all(self, part: str, kind: str) -> dict[str, bytes]:
        """Read all documents of one kind in a part."""
        query = "SELECT name, value FROM documents WHERE part = ? AND kind = ?"
        return dict(self._execute(query, (self._part(part), kind)).fetchall())

    def log(self, part: str) -> list[bytes]:
        """Read a log."""
        query = "SELECT value FROM logs WHERE part = ? ORDER BY number"
        return [row[0] for row in self._execute(query, (self._part(part),))]

    def first(
        self, index: str, limit: int, *, least: float = -math.inf, most: float = math.inf, descending: bool = False
    ) -> list[tuple[float, str]]:
        """List members by number."""
        way = "DESC" if descending else "ASC"
        return self._execute(
            f"SELECT number, member FROM ranks WHERE list = ? AND number >= ? AND number <= ? "
            f"ORDER BY number {way}, member {way} LIMIT ?",
            (self._index(index), least, most, limit),
        ).fetchall()

    def ranks(self, index: str, members: Sequence[str]) -> list[float | None]:
        """Read the numbers of members."""
        number, query = self._index(index), "SELECT number FROM ranks WHERE list = ? AND member = ?"
        rows = (self._execute(query, (number, member)).fetchone() for member in members)
        return [None if row is None else row[0] for row in rows]

    def absent(self, index: str, members: Sequence[str], least: float) -> list[bool]:
        """Tell which members are not in an index at `least` or more."""
        number, query = self._index(index), "SELECT 1 FROM ranks WHERE list = ? AND member = ? AND number >= ?"
        return [self._execute(query, (number, member, least)).fetchone() is None for member in members]

    def starting(self, index: str, prefix: str, limit: int) -> list[str]:
        """List members by prefix."""
        query = "SELECT member FROM ranks WHERE list = ? AND member >= ? AND member < ? ORDER BY member LIMIT ?"
        return [row[0] for row in self._execute(query, (self._index(index), prefix, prefix + _ABOVE, limit))]

    def size(self, index: str) -> int:
        """Count the members of an index."""
        return int(self._execute("SELECT count(*) FROM ranks WHERE list = ?", (self._index(index),)).fetchone()[0])

    def sums(self, keys: Sequence[str], fields: Sequence[str] | None = None) -> list[dict[str, float]]:
        """Read sums."""
        query = "SELECT field, amount FROM sums WHERE key = ? AND amount <> 0"
        if fields is None:
            return [dict(self._execute(query, (key,)).fetchall()) for key in keys]
        one = f"{query} AND field = ?"
        return [
            dict(row for field in fields if (row := self._execute(one, (key, field)).fetchone()) is not None)
            for key in keys
        ]

    # -- changes ------------------------------------------------------------------------------------------------

    def apply(self, connection: sqlite3.Connection, changes: Changes) -> None:
        """Apply what a transaction changes; most are small, so nothing is done for what there is none of."""
        for name in changes.dropped:
            part = self._part(name)
            for table, column in (("documents", "part"), ("logs", "part"), ("parts", "id")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (part,))
            self._parts.pop(name, None)
        if changes.documents:
            self._put(connection, changes.documents)
        if changes.logs:
            self._append(connection, changes.logs)
        for name, (below, limit) in changes.trimmed.items():
            connection.execute(
                "DELETE FROM ranks WHERE list = ?1 AND member IN "
                "(SELECT member FROM ranks WHERE list = ?1 AND number < ?2 ORDER BY number LIMIT ?3)",
                (self._index(name), below, limit),
            )
        if changes.ranks:
            self._rank(connection, changes.ranks)
        if changes.sums:
            _add(connection, changes.sums)

    def _put(self, connection: sqlite3.Connection, documents: Mapping[Doc, bytes | None]) -> None:
        connection.executemany(
            "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [
                (self._own_part(part), kind, name, value)
                for (part, kind, name), value in documents.items()
                if value is not None
            ],
        )
        gone = [doc for doc, value in documents.items() if value is None]
        if gone:
            connection.executemany(
                "DELETE FROM documents WHERE part = ? AND kind = ? AND name = ?",
                [(self._part(doc.part), doc.kind, doc.name) for doc in gone],
            )

    def _append(self, connection: sqlite3.Connection, logs: Sequence[tuple[str, bytes]]) -> None:
        last: dict[str, int] = {}
        for part, value in logs:
            number = self._own_part(part)
            if part not in last:
                last[part] = (
                    connection.execute("SELECT max(number) FROM logs WHERE part = ?", (number,)).fetchone()[0] or 0
                )
            last[part] += 1
            connection.execute("INSERT INTO logs VALUES (?, ?, ?)", (number, last[part], value))

    def _rank(self, connection: sqlite3.Connection, ranks: Mapping[tuple[str, str], float | None]) -> None:
        put, gone = [], []
        for (index, member), number in ranks.items():
            if number is None:
                gone.append((self._own_index(index), member))
            else:
                put.append((self._own_index(index), member, number))
        if put:
            connection.executemany("INSERT OR REPLACE INTO ranks VALUES (?, ?, ?)", put)
        if gone:
            connection.executemany("DELETE FROM ranks WHERE list = ? AND member = ?", gone)

    def _own_part(self, name: str) -> int:
        found = self._part(name)
        if found is None:
            found = self._execute("INSERT INTO parts (name) VALUES (?)", (name,)).lastrowid
            assert found is not None
            self._parts[name] = found
        return found

    def _own_index(self, name: str) -> int:
        found = self._index(name)
        if found is None:
            found = self._execute("INSERT INTO indexes (name) VALUES (?)", (name,)).lastrowid
            assert found is not None
            self._indexes[name] = found
        return found


def _add(connection: sqlite3.Connection, sums: Mapping[tuple[str, str], float]) -> None:
    connection.executemany(
        "INSERT INTO sums VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        [(key, field, amount) for (key, field), amount in sums.items()],
    )
    lowered = [place for place, amount in sums.items() if amount < 0]
    if lowered:
        connection.executemany("DELETE FROM sums WHERE key = ? AND field = ? AND amount = 0", lowered)


def change(connection: sqlite3.Connection, body: Callable[[Transaction], T]) -> T:
    """Run a transaction of the store within one of SQLite."""
    view = SqliteView(connection)
    transaction = Transaction(view)
    value = body(transaction)
    view.apply(connection, transaction.changes)
    return value


def _vacuum_some(connection: sqlite3.Connection) -> bool:
    """Give some free pages back; return whether there are more."""
    until = time.monotonic() + _VACUUM
    before = left = connection.execute("PRAGMA freelist_count").fetchone()[0]
    while left and time.monotonic() < until:
        for _ in range(_PAGES):
            # Whatever number is written there: Python's driver stops after the first step, which is one page.
            connection.execute("PRAGMA incremental_vacuum(1)")
        left = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return bool(0 < left < before)


class SqliteEngine:
    """An `Engine` in one file. Any number of processes may read and change it; one daemon works on it.

    `durable=False` gives up `synchronous=FULL`, for what is thrown away.
    """

    def __init__(self, path: str | Path, *, durable: bool = True, clock: Callable[[], float] = time.time) -> None:
        self._file = Database(path, change, durable=durable)
        self._clock = clock
        self._leases: dict[Push | Group, str] = {}
        self._lock = threading.Lock()
        self._distrust = self.read(copies.distrust)

    def claim_daemon(self) -> None:
        """Lock the file as its one daemon. Raises `StoreUnusable` if there is one already."""
        self._file.claim_daemon()
        self.run(lambda transaction: copies.recognise(transaction, self._clock()))
        self._distrust = self.read(copies.distrust)

    def read(self, view: Callable[[Reader], T]) -> T:
        """Run a view."""
        return self._file.read(lambda connection: view(SqliteView(connection)))

    def run(self, body: Callable[[Transaction], T]) -> T:
        """Run a transaction; other threads' may share its commit."""
        return self.submit(body, here=True).result()

    def submit(self, body: Callable[[Transaction], T], *, here: bool = False) -> "Future[T]":
        """Run a transaction later, in order; its future is done after the commit."""
        return self._file.writer.submit(lambda connection: change(connection, body), here=here)

    def distrust(self) -> Distrust | None:
        """Return since when it is used although it is a copy, if it is one that `backup` made.

        A file loses no data while in use; a copy that was made otherwise cannot be recognised.
        """
        return self._distrust

    def lease(self, candidates: Iterable[Push | Group], owner: str, now: float, seconds: float) -> Push | Group | None:
        """Lease the first candidate that is free. Only one daemon works on the file, so leases die with the process."""
        with self._lock:
            found = next((one for one in candidates if one not in self._leases), None)
            if found is not None:
                self._leases[found] = owner
            return found

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        with self._lock:
            self._leases.pop(leased, None)

    def leased(self, owner: str | None = None) -> set[Push | Group]:
        """Return what is leased: in this process, whoever it is."""
        with self._lock:
            return set(self._leases)

    def compact(self) -> None:
        """Give free pages back to the file system, some at a time."""
        while self._file.write(_vacuum_some):
            pass

    def close(self) -> None:
        """Finish pending writes and close."""
        self._file.close()


def read_only(path: str, view: Callable[[Reader], T]) -> T | None:
    """Read a file of the present version without changing anything; `None` if it is no such file."""
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
            current = connection.execute("PRAGMA user_version").fetchone()[0] == VERSION
            return view(SqliteView(connection)) if current else None
    except sqlite3.Error:
        return None
