"""A copy of the store while the daemon works on it: consistent, durable, and there as a whole or not at all."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from triggerbot.errors import StoreUnusable


def backup(source: Path, target: Path) -> int:
    """Copy a store to a file that is not there yet; gives the copy's size in bytes. Raises `StoreUnusable`.

    SQLite's own backup reads everything in one transaction, so it is the store of one moment; writers go on.
    """
    if not source.is_file():
        raise StoreUnusable(f"there is no store {source} to copy: triggerbot has not run with this config")
    if target.exists():
        raise StoreUnusable(f"{target} is there already, and is left as it is: name a file that is not")
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        address = f"{source.absolute().as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=30)) as original,
            closing(sqlite3.connect(part)) as copy,
        ):
            original.backup(copy)
            _check(copy)
        _sync(part)
        # A copy that appeared meanwhile is not written over.
        os.link(part, target)
        _sync(target.parent)
    except FileExistsError:
        raise StoreUnusable(f"{target} is there already, and is left as it is: name a file that is not") from None
    except (OSError, sqlite3.Error) as error:
        raise StoreUnusable(f"cannot copy the store {source} to {target}: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _check(copy: sqlite3.Connection) -> None:
    found = copy.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged, and so may be the store: {found}")
    # The copy is one file: nothing of it must be in a log beside it.
    copy.execute("PRAGMA journal_mode = DELETE")


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
