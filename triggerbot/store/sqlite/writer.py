"""The single write connection, in a thread of its own: many callers share one commit (group commit).

SQLite before 3.51.3 may corrupt a WAL file when two connections write or checkpoint at once (the WAL-reset bug). So all
writes of a process go through this thread, and a lock file serialises those of several processes.
"""

import fcntl
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import IO, Any, TypeVar

from triggerbot.core.errors import StoreUnavailable

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], Any]

#: Changes per commit.
_BATCH = 256


class Writer:
    """Applies changes in order, each so that it fails by itself, and completes their futures once they are on disk."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], lock_file: IO[bytes] | None) -> None:
        self._connect = connect
        self._lock_file = lock_file
        self._queue: queue.SimpleQueue[tuple[Change, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, change: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Queue a change; its future is done after the commit."""
        future: Future[T] = Future()
        # A cancelled future must not take its change back.
        future.set_running_or_notify_cancel()
        if self._closed:
            future.set_exception(StoreUnavailable("the store is closed"))
        else:
            self._queue.put((change, future))
        return future

    def call(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change and wait until it is on disk."""
        return self.submit(change).result()

    def close(self) -> None:
        """Commit what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection = self._open()
        going = True
        while going:
            batch: list[tuple[Change, Future[Any]]] = []
            item = self._queue.get()
            while item is not None:
                batch.append(item)
                if len(batch) >= _BATCH or self._queue.empty():
                    break
                item = self._queue.get()
            going = item is not None
            # Opening is retried with each batch: the error may be temporary.
            connection = connection or self._open()
            if connection is None:
                _fail(batch, StoreUnavailable("the store cannot be opened for writing"))
            elif batch:
                self._commit(connection, batch)
        with _Lock(self._lock_file):
            if connection is not None:
                connection.close()
        if self._lock_file is not None:
            self._lock_file.close()

    def _open(self) -> sqlite3.Connection | None:
        try:
            return self._connect()
        except sqlite3.Error:
            return None

    def _commit(self, connection: sqlite3.Connection, batch: list[tuple[Change, Future[Any]]]) -> None:
        completions: list[Callable[[], None]] = []
        try:
            with _Lock(self._lock_file):
                connection.execute("BEGIN IMMEDIATE")
                apply = _apply if len(batch) > 1 else _apply_alone
                for change, future in batch:
                    completions.append(apply(connection, change, future))
                if connection.in_transaction:
                    connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error):
                # Some errors have ended the transaction already, and on a broken disk this fails, too.
                connection.execute("ROLLBACK")
            return _fail(batch, StoreUnavailable(f"the store cannot write: {error}"))
        for complete in completions:
            complete()


def _fail(batch: list[tuple[Change, Future[Any]]], failure: StoreUnavailable) -> None:
    for _, future in batch:
        future.set_exception(failure)


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
