"""The connections to the database file: settings, migration, locks, and why a file cannot be opened."""

import errno
import fcntl
import os
import pwd
import sqlite3
import stat
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar

import msgspec

from triggerbot.core.errors import StoreUnavailable, StoreUnusable
from triggerbot.store.sqlite import older, schema
from triggerbot.store.sqlite.lock_file import open_lock
from triggerbot.store.sqlite.schema import MIGRATIONS, VERSION
from triggerbot.store.sqlite.writer import Writer

#: Bytes to which the write-ahead log shrinks; during a backup or a burst of writes it is longer.
_LOG_SIZE_LIMIT = 8_388_608

#: Seconds to wait for another process's lock: GitHub gives a webhook up after 10 seconds, and has to get an answer that
#: asks for redelivery before that.
_BUSY = 4.0

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """One SQLite file. `durable=False` gives up `synchronous=FULL`. Raises `StoreUnusable`."""

    def __init__(self, path: str | Path, change: older.Change, *, durable: bool) -> None:
        self._path = Path(path)
        self._change = change
        self._durable = durable
        #: Read connections that are not in use.
        self._idle: deque[sqlite3.Connection] = deque()
        self._daemon_lock: IO[bytes] | None = None
        self._prepare()
        try:
            self.writer = Writer(self._connect, self._lock("-lock"))
        except OSError as error:
            raise StoreUnusable(f"cannot open the store {self._path}: {why_not(self._path, error)}") from None

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _lock(self, suffix: str) -> IO[bytes]:
        return open_lock(self._beside(suffix), self._path)

    def _prepare(self) -> None:
        """Create the file or migrate it, under the lock that serialises writers."""
        try:
            new = not self._path.exists()
            if new:
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            elif not os.access(self._path, os.R_OK | os.W_OK):
                # SQLite would open it nevertheless, and fail later.
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            with self._lock("-lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with closing(self._connect()) as connection:
                    self._migrate(connection)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnusable(f"cannot open the store {self._path}: {why_not(self._path, error)}") from None

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = schema.check_own(connection, self._path)
        if version > VERSION:
            raise StoreUnusable(
                f"the store {self._path} was written by a newer triggerbot (its version is {version}, this program "
                f"knows up to {VERSION}): use the newer program, or another file"
            )
        with ExitStack() as held:
            if 0 < version < VERSION:
                taken = f"an older triggerbot works on the store {self._path}: stop that one, and start this one"
                held.enter_context(self._lock_daemon(taken))
            # With them, dropping a table would look for the rows that refer to each of its rows.
            connection.execute("PRAGMA foreign_keys = OFF")
            for number in range(version or VERSION - 1, VERSION):
                connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1};")
                if version and number + 1 == VERSION:
                    self._take_over(connection)
                connection.execute("COMMIT")
            if 0 < version < VERSION:
                # A file from before `auto_vacuum` can only be shortened after that; for want of space it stays long.
                with suppress(sqlite3.Error):
                    connection.execute("VACUUM")

    def _take_over(self, connection: sqlite3.Connection) -> None:
        try:
            older.take_over(connection, self._change)
        except (ValueError, LookupError, msgspec.MsgspecError) as error:
            raise StoreUnusable(f"cannot take over what is in the store {self._path}: {error!r}") from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        # Before the first table: it says how a new file is laid out.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_SIZE_LIMIT}")
        return connection

    def claim_daemon(self) -> None:
        """Lock the file as its one daemon. Raises `StoreUnusable` if there is one already."""
        self._daemon_lock = self._lock_daemon(f"another triggerbot works on the store {self._path} already")

    def _lock_daemon(self, taken: str) -> IO[bytes]:
        """Lock other daemons out while the returned file is open. Raises `StoreUnusable`, with `taken`, if one runs."""
        try:
            lock = self._lock("-daemon")
        except OSError as error:
            raise StoreUnusable(f"cannot open {self._beside('-daemon')}: {why_not(self._path, error)}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise StoreUnusable(taken) from None
        return lock

    def close(self) -> None:
        """Finish pending writes and close."""
        self.writer.close()
        while self._idle:
            self._idle.pop().close()
        if self._daemon_lock is not None:
            self._daemon_lock.close()

    def read(
        self, view: Callable[Concatenate[sqlite3.Connection, P], T], /, *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Run a read in one transaction, with a connection that cannot write. Raises `StoreUnavailable`."""
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
            if connection.in_transaction:
                # The transaction could not be ended, so the connection is useless.
                connection.close()
            else:
                self._idle.append(connection)

    def _reader(self) -> sqlite3.Connection:
        """Take an idle connection or open one: there are as many as reads at once, not as many as threads."""
        try:
            return self._idle.pop()
        except IndexError:
            connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA query_only = ON")
            return connection

    def write(
        self, change: Callable[Concatenate[sqlite3.Connection, P], T], /, *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Make a change and wait until it is on disk. Raises `StoreUnavailable`."""
        return self.writer.call(lambda connection: change(connection, *arguments, **named))


#: Suffixes of the files that belong to the store apart from the database itself.
_BESIDE = ("-wal", "-shm", "-lock", "-daemon")
#: Errors about permissions.
_NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)


def why_not(path: Path, error: OSError | sqlite3.Error) -> str:
    """Explain why the store at a path cannot be opened, with a remedy if there is one; else return the error's text."""
    if _is_directory(path):
        return "it is a directory: name a file in it as `store`"
    if isinstance(error, OSError):
        words = error.strerror or str(error)
        return (_not_allowed(path) or words) if error.errno in _NOT_PERMITTED else words
    # The lower byte of an extended error code is the plain one; errors of the module itself have no code.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_NOTADB:
            return "it is no SQLite database: name another file as `store`, or put a backup in its place"
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return _not_allowed(path) or str(error)
        case _:
            return str(error)


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # A directory above it may not be searched.
        return False


def _not_allowed(path: Path) -> str:
    """Explain the first path on the way to the store that this user may not access."""
    for place, mode in _needed(path.absolute()):
        try:
            status = place.stat()
        except OSError:
            continue
        if os.access(place, mode, effective_ids=os.access in os.supports_effective_ids):
            continue
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return f"{place} is on a file system that is read-only"
        mode_now = stat.S_IMODE(status.st_mode)
        me = _user(os.geteuid())
        who = f"{place} belongs to {_user(status.st_uid)} (mode {mode_now:04o}), and this runs as {me}"
        return f"{who}: {_remedy(path, status.st_uid)}"
    return ""


def _remedy(path: Path, owner: int) -> str:
    """Return what to do about an inaccessible path of this owner."""
    try:
        of_store = path.stat().st_uid
    except OSError:
        of_store = None
    if owner == os.geteuid():
        return "change its mode (chmod)"
    if of_store is None:
        return f"run this as {_user(owner)}, or name another file as `store`"
    return "give it to that user (chown)" if of_store == os.geteuid() else f"run this as {_user(of_store)}"


def _needed(path: Path) -> Iterator[tuple[Path, int]]:
    """Yield each path that is needed, from the root down, and the access needed."""
    above, directory = list(path.parents)[:0:-1], path.parent
    yield from ((one, os.X_OK) for one in above)
    yield directory, os.W_OK | os.X_OK
    yield from ((path.with_name(path.name + suffix), os.R_OK | os.W_OK) for suffix in ("", *_BESIDE))


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
