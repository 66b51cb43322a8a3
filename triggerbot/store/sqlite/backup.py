"""Backup of the store while the daemon works on it: consistent, durable, and complete or absent."""

import errno
import os
import re
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from triggerbot.core.errors import StoreUnusable
from triggerbot.store.sqlite import change, copies, schema

#: The time in the name of a copy.
_TIME = "%Y%m%dT%H%M%SZ"
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


def backup(source: Path, target: Path, now: float | None = None) -> int:
    """Copy a store to a new file; returns the copy's size in bytes. Raises `StoreUnusable`.

    The copy says that it is one, so that a daemon that is started on it knows what it cannot know. `now`: Unix time, s.

    SQLite's backup reads everything in one transaction, so the copy is a consistent snapshot; writers are not blocked.
    """
    if not source.is_file():
        raise StoreUnusable(f"there is no store {source} to copy: triggerbot has not run with this config")
    if target.exists():
        raise StoreUnusable(f"{target} is there already, and is left as it is: name a file that is not")
    try:
        # A unique name: neither another file, nor one that another backup is writing.
        number, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise StoreUnusable(f"cannot copy the store {source} to {target}: {error.strerror or error}") from None
    os.close(number)
    part = Path(name)
    try:
        address = f"{source.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=30)) as original,
            closing(sqlite3.connect(part)) as copy,
        ):
            schema.check_own(original, source)
            original.backup(copy)
            _mark(copy, time.time() if now is None else now)
            _check(copy)
        _sync(part)
        _rename(part, target)
        _sync(target.parent)
    except FileExistsError:
        raise StoreUnusable(f"{target} is there already, and is left as it is: name a file that is not") from None
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"cannot copy the store {source} to {target}: {error}") from None
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)
    return target.stat().st_size


def dated(source: Path, now: float) -> str:
    """Return the name of a copy of a store made at a time: such names sort by it, and are kept apart from others."""
    return f"{source.stem}-{datetime.fromtimestamp(now, UTC):{_TIME}}{source.suffix}"


def prune(source: Path, directory: Path, keep: int) -> int:
    """Delete all copies of a store with a name of `dated` but the latest; return how many. Raises `StoreUnusable`."""
    name = re.compile(rf"{re.escape(source.stem)}-\d{{8}}T\d{{6}}Z{re.escape(source.suffix)}")
    try:
        copies_there = sorted(one for one in directory.iterdir() if name.fullmatch(one.name) and one.is_file())
        gone = copies_there[:-keep]
        for one in gone:
            one.unlink()
    except OSError as error:
        raise StoreUnusable(f"cannot delete older copies in {directory}: {error.strerror or error}") from None
    return len(gone)


def _mark(copy: sqlite3.Connection, now: float) -> None:
    if copy.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION:
        with copy:
            change(copy, lambda transaction: copies.mark(transaction, now))


def _check(copy: sqlite3.Connection) -> None:
    found = copy.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged, and so may be the store: {found}")
    # The copy has to be a single file, without a log beside it.
    copy.execute("PRAGMA journal_mode = DELETE")


def _rename(part: Path, target: Path) -> None:
    """Give the copy its final name, without overwriting a file that appeared meanwhile."""
    try:
        os.link(part, target)
    except OSError as error:
        # Some file systems have no hard links.
        if error.errno not in _NO_LINKS or os.path.lexists(target):
            raise
        part.rename(target)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
