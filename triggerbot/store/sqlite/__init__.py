"""The store for one machine: one SQLite file, nothing to install, no server."""

import fcntl
import os
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, TypeVar

from triggerbot.breaker import Breaker, Place
from triggerbot.caps import Capped
from triggerbot.errors import StoreUnavailable, StoreUnusable
from triggerbot.model import Claim, Decision, Group, Lead, Operation, Push, State
from triggerbot.policy import Budget
from triggerbot.store import (
    CRASHES_MAX,
    LEASES_PER_SYSTEM,
    NO_CAPS,
    NO_PASSES,
    Crash,
    DeadLetter,
    Distrust,
    Entry,
    Item,
    Leads,
    Outcome,
    Pause,
    PushRecord,
    Work,
)
from triggerbot.store.sqlite import claiming, hearing, holding, leads, rows, views
from triggerbot.store.sqlite.schema import MIGRATIONS, VERSION
from triggerbot.store.sqlite.writer import Writer

T = TypeVar("T")

#: Pushes that one transaction of a purge forgets, so that it never holds up others for long.
_PURGE_BATCH = 20


class SqliteStore:
    """A `Store` in one file. Any number of processes may read it and ask things; one daemon works on it.

    `durable=False` gives up `synchronous=FULL`; it is for replays, whose store is thrown away.
    """

    def __init__(self, path: str | Path, *, durable: bool = True) -> None:
        self._path = Path(path)
        self._durable = durable
        #: Connections that nobody reads with now.
        self._idle: deque[sqlite3.Connection] = deque()
        self._leases: set[Push | Group] = set()
        self._lease_lock = threading.Lock()
        self._daemon_lock: IO[bytes] | None = None
        self._prepare()
        try:
            self._writer = Writer(self._connect, self._beside("-lock"))
        except OSError as error:
            raise StoreUnusable(f"cannot open {self._beside('-lock')}: {error.strerror or error}") from None

    # -- opening ------------------------------------------------------------------------------------------------

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _prepare(self) -> None:
        """Create the file or bring it up to date, under the lock that keeps writers apart."""
        try:
            new = not self._path.exists()
            if new:
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            with self._beside("-lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                connection = self._connect()
                try:
                    self._migrate(connection)
                finally:
                    connection.close()
        except (OSError, sqlite3.Error) as error:
            raise StoreUnusable(f"cannot open the store {self._path}: {error}") from None

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreUnusable(f"{self._path} is the database of another program: name another file as `store`")
        if version > VERSION:
            raise StoreUnusable(
                f"the store {self._path} was written by a newer triggerbot (its version is {version}, this program "
                f"knows up to {VERSION}): use the newer program, or another file"
            )
        for number in range(version, VERSION):
            connection.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -8192")
        return connection

    def claim_daemon(self) -> None:
        """Become the one daemon that works on this file; raises `StoreUnusable` if there is one already."""
        path = self._beside("-daemon")
        try:
            lock = path.open("ab")
        except OSError as error:
            raise StoreUnusable(f"cannot open {path}: {error.strerror or error}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise StoreUnusable(f"another triggerbot works on the store {self._path} already") from None
        self._daemon_lock = lock

    def close(self) -> None:
        """Finish what is being written and let go."""
        self._writer.close()
        while self._idle:
            self._idle.pop().close()
        if self._daemon_lock is not None:
            self._daemon_lock.close()

    # -- reading and writing ------------------------------------------------------------------------------------

    def _read(self, view: Callable[..., T], *arguments: Any, **named: Any) -> T:
        try:
            connection = self._reader()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from None
        try:
            connection.execute("BEGIN")
            try:
                return view(connection, *arguments, **named)
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be read: {error}") from None
        finally:
            self._idle.append(connection)

    def _reader(self) -> sqlite3.Connection:
        """Take a connection that is idle, or make one: as many as ever read at once, however many threads there are."""
        try:
            return self._idle.pop()
        except IndexError:
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA query_only = ON")
            return connection

    # -- hearing ------------------------------------------------------------------------------------------------

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record what was heard, claim what is to be claimed, and move a cursor, all at once."""
        return self.observe_soon(items, now, dry=dry, cursor=cursor, deliveries=deliveries).result()

    def observe_soon(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> "Future[list[Outcome]]":
        """Like `observe`, but answers by a future, once the commit that many callers may share is on the disk."""
        return self._writer.submit(lambda connection: hearing.observe(connection, items, now, dry, cursor, deliveries))

    # -- the dispatcher -----------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Take what is due. One daemon works on this file, so leases are kept in memory and die with the process."""
        with self._lease_lock:
            for due, found in self._read(views.due, len(self._leases) + 1, self._full()):
                if due <= now and found not in self._leases:
                    self._leases.add(found)
                    return found
        return None

    def _full(self) -> list[str]:
        """Name the systems that enough is under way of: one that hangs must not hold up the others."""
        count = Counter(leased.system for leased in self._leases)
        return [system for system, number in count.items() if number >= LEASES_PER_SYSTEM]

    def release(self, leased: Push | Group, owner: str) -> None:
        """Give back what was leased."""
        with self._lease_lock:
            self._leases.discard(leased)

    def next_due(self) -> float | None:
        """Tell when the next that is not leased falls due; no push does while paused."""
        with self._lease_lock:
            leased, full = self._leases.copy(), self._full()
        return next((due for due, found in self._read(views.due, len(leased) + 1, full) if found not in leased), None)

    def leads(self, group: Group) -> Leads:
        """Read what was heard of a group and not asked about yet, failures first."""
        return self._read(leads.read, group)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Forget leads that were asked about, unless more was heard of their runs meanwhile."""
        self._writer.call(lambda connection: leads.settle(connection, group, tuple(settled)))

    def put_off_leads(self, group: Group, due: float) -> None:
        """Ask about a group again when due; counts as a try in vain."""
        self._writer.call(lambda connection: leads.put_off(connection, group, due))

    def distrust(self) -> Distrust | None:
        """A file forgets nothing while one triggerbot works on it; that it is another file cannot be told."""
        return None

    def work(self, push: Push) -> Work:
        """Read what is open about a push."""
        return self._read(views.work, push)

    def claims(self, push: Push, ids: Collection[int]) -> tuple[Claim, ...]:
        """Read some claims of a push, final or not, oldest first."""
        return tuple(claim for claim in self._read(_claims_of, push) if claim.id in ids)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read how far each run (job, run id, attempt) of a push is known to have come."""
        return self._read(views.known, push)

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget."""
        return self._writer.call(lambda connection: claiming.decide(connection, claim, decision, budget, now))

    def begin(
        self,
        operation: Operation,
        push: Push,
        note: str,
        now: float,
        *,
        passes: Mapping[Place, int] = NO_PASSES,
        caps: Mapping[str, int | None] = NO_CAPS,
    ) -> bool | Capped:
        """Write down that a request is about to leave; see `Store.begin`."""
        return self._writer.call(
            lambda connection: claiming.begin(connection, operation, push, note, now, passes, caps)
        )

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Write down that the same operation is about to leave once more; false while paused."""
        return self._writer.call(lambda connection: claiming.resend(connection, operation, note, now))

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """The CI took it: what remains of its claims is owed when due (`since`: as with `wait`), or they are done."""
        later = now if due is None else due
        self._writer.call(lambda connection: claiming.accepted(connection, operation, note, now, later, since))

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """The CI will never take it: its claims end; budget that bought nothing is given back."""
        self._writer.call(lambda connection: claiming.refused(connection, operation, decision, now))

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """The CI did not take it now: its claims are owed again later."""
        self._writer.call(lambda connection: claiming.postponed(connection, operation, due, note, now))

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Nobody knows whether the CI took it: look again when due."""
        self._writer.call(lambda connection: claiming.doubted(connection, operation, due, note, now, missed))

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Put a claim off."""
        self._writer.call(lambda connection: claiming.wait(connection, claim, due, note, now, since, lookup))

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim: nothing more is needed."""
        self._writer.call(lambda connection: claiming.finish(connection, claim, note, now))

    def breakers(self) -> list[Breaker]:
        """Read every breaker that anything is known of."""
        return self._read(holding.breakers)

    def keep_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker, in place of the version that it names; one that is closed lets go of all behind it."""
        return self._writer.call(lambda connection: holding.keep_breaker(connection, breaker, now))

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Put a claim off until what it is held behind lets it go; in any case until then."""
        self._writer.call(lambda connection: claiming.hold(connection, claim, behind, until, note, now))

    def let_go(self, behind: str, most: int, now: float) -> int:
        """Make so many of the claims that are held behind something due, the oldest first; tells how many."""
        return self._writer.call(lambda connection: holding.let_go(connection, behind, most, now))

    def held(self) -> Mapping[str, int]:
        """Count the claims that are held, by what they are held behind."""
        return self._read(holding.held)

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers that left within the last hour, by the names of caps."""
        return self._read(holding.sent, now)

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Ask for a push's facts again when due, or never."""

        def change(connection: sqlite3.Connection) -> None:
            row = rows.push_id(connection, push)
            if row is not None:
                # Somebody else may have learned them meanwhile.
                connection.execute(
                    "UPDATE pushes SET facts_due = CASE WHEN asks IS NULL THEN ? END, facts_tries = facts_tries + 1 "
                    "WHERE id = ?",
                    (due, row),
                )
                hearing.refresh_due(connection, row)

        self._writer.call(change)

    # -- what people ask ----------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record what a person asks for, as a claim of its own; `None` if no run of the job is known."""
        return self._writer.call(lambda connection: claiming.ask(connection, push, job, count, origin, dry, now))

    def pause(self, pause: Pause | None) -> None:
        """Stop all sending, or (`None`) go on."""

        def change(connection: sqlite3.Connection) -> None:
            if pause is None:
                connection.execute("DELETE FROM settings WHERE name = 'pause'")
            else:
                text = rows.encode({"at": pause.at, "by": pause.by, "note": pause.note})
                connection.execute("INSERT OR REPLACE INTO settings VALUES ('pause', ?)", (text,))

        self._writer.call(change)

    def paused(self) -> Pause | None:
        """Tell whether sending is stopped."""
        return self._read(views.paused)

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""
        values = [
            (letter.at, letter.system, letter.intake, letter.reason, letter.body, rows.encode(dict(letter.headers)))
            for letter in letters
        ]
        query = "INSERT INTO dead_letters (at, system, intake, reason, body, headers) VALUES (?, ?, ?, ?, ?, ?)"
        self._writer.call(lambda connection: connection.executemany(query, values) and None)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List them, oldest first."""
        return self._read(views.dead_letters, limit)

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Forget some of them; tells how many there were."""

        def change(connection: sqlite3.Connection) -> int:
            return sum(connection.execute("DELETE FROM dead_letters WHERE id = ?", (one,)).rowcount for one in ids)

        return self._writer.call(change)

    def keep_crashes(self, crashes: Sequence[Crash]) -> None:
        """Keep how workers ended; the oldest make room for new ones."""

        def change(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO crashes (at, worker, ended, error, trace, place) VALUES (?, ?, ?, ?, ?, ?)",
                [(one.at, one.worker, one.ended, one.error, one.trace, one.order) for one in crashes],
            )
            connection.execute("DELETE FROM crashes WHERE id <= (SELECT max(id) FROM crashes) - ?", (CRASHES_MAX,))

        self._writer.call(change)

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List how workers ended, newest first; those that died together in the order in which they did."""
        return self._read(views.crashes, limit)

    def cursor(self, name: str) -> str | None:
        """Read how far an intake has come."""
        return self._read(_cursor, name)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and the beginning of a revision, newest first."""
        return self._read(views.find, project, revision)

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known of a push."""
        return self._read(views.record, push)

    def story(self, push: Push, job: str | None = None) -> list[Entry]:
        """Read what happened to a push, or to one job of it, in order."""
        return self._read(views.story, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes heard of last."""
        return self._read(views.recent, limit, project)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since then."""
        return self._read(views.statistics, since)

    def purge(self, before: float) -> int:
        """Forget pushes that nothing was heard of since then, with all their claims; tells how many."""
        query = "DELETE FROM pushes WHERE id IN (SELECT id FROM pushes WHERE last_heard < ? AND due IS NULL LIMIT ?)"
        self._writer.call(lambda connection: holding.purge(connection, before))
        gone = 0
        while True:
            batch = self._writer.call(lambda connection: connection.execute(query, (before, _PURGE_BATCH)).rowcount)
            gone += batch
            if batch < _PURGE_BATCH:
                return gone


def _claims_of(connection: sqlite3.Connection, push: Push) -> tuple[Claim, ...]:
    return rows.claims(connection, "WHERE claims.push = ?", (rows.push_id(connection, push),))


def _cursor(connection: sqlite3.Connection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM cursors WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
