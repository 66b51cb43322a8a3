"""The single write connection, which one thread uses at a time: many callers share one commit (group commit).

SQLite before 3.51.3 may corrupt a WAL file when two connections write or checkpoint at once (the WAL-reset bug). So all
writes of a process go through this connection, and a lock file serialises those of several processes.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import IO, Any, TypeVar

from triggerbot.core.errors import StoreUnavailable
from triggerbot.store.in_order import InOrder, Item

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], Any]

#: Changes per commit.
_BATCH = 256


class Writer:
    """Applies changes in order, each so that it fails by itself, and completes their futures once they are on disk."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], lock_file: IO[bytes] | None) -> None:
        self._connect = connect
        self._lock_file = lock_file
        self._connection: sqlite3.Connection | None = None
        self._changes: InOrder[Change] = InOrder(self._commit, _BATCH)

    def submit(self, change: Callable[[sqlite3.Connection], T], *, here: bool = False) -> "Future[T]":
        """Queue a change; its future is done after the commit. `here`: see `InOrder.submit`."""
        return self._changes.submit(change, here=here)

    def call(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change and wait until it is on disk."""
        return self.submit(change, here=True).result()

    def close(self) -> None:
        """Commit what is queued, then stop."""
        self._changes.close()
        if self._lock_file is None or not self._lock_file.closed:
            with _Lock(self._lock_file):
                if self._connection is not None:
                    self._connection.close()
        if self._lock_file is not None:
            self._lock_file.close()

    def _open(self) -> sqlite3.Connection:
        """Return the connection. Opening it is tried again for each commit: the error may be temporary."""
        if self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.Error:
                raise StoreUnavailable("the store cannot be opened for writing") from None
        return self._connection

    def _commit(self, batch: Sequence[Item[Change]]) -> list[Callable[[], None]]:
        connection = self._open()
        completions: list[Callable[[], None]] = []
        try:
            with _Lock(self._lock_file):
                connection.execute("BEGIN IMMEDIATE")
                apply = _apply if len(batch) > 1 else _apply_alone
                for change, future in batch:
                    completions.append(apply(connection, change, future))
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                # Some errors have ended the transaction already, and on a broken disk this fails, too.
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error | OSError):
                raise StoreUnavailable(f"the store cannot write: {error}") from None
            raise
        return completions


def _apply(connection: sqlite3.Connection, change: Change, future: "Future[Any]") -> Callable[[], None]:
    """Apply one of several changes so that its failure undoes only itself; see `_apply_alone`."""
    connection.execute("SAVEPOINT change")
    complete = _apply_alone(connection, change, future, undo="ROLLBACK TO change")
    connection.execute("RELEASE change")
    return complete


def _apply_alone(
    connection: sqlite3.Connection, change: Change, future: "Future[Any]", undo: str = "ROLLBACK"
) -> Callable[[], None]:
    """Apply a change, or undo it if it fails; returns how to complete its future after the commit."""
    try:
        value = change(connection)
    except sqlite3.OperationalError:
        # A full disk or an I/O error is not the change's fault: the whole commit fails.
        raise
    except BaseException as error:  # noqa: BLE001 - it belongs to the caller, not to this thread
        connection.execute(undo)
        failure = error
        return lambda: future.set_exception(failure)
    return lambda: future.set_result(value)


class _Lock:
    """The lock between processes, for the duration of one transaction (including its checkpoint)."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file

    def __enter__(self) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
