"""Why a file cannot be the store: what the system's own words for it ("unable to open database file") leave out."""

import errno
import os
import pwd
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

#: What belongs to the store beside the file itself.
_BESIDE = ("-wal", "-shm", "-lock", "-daemon")
#: Errors that are about who may do what.
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


def why_not(path: Path, error: OSError | sqlite3.Error) -> str:
    """Tell what keeps the store at a path from being opened, and what to do about it; else what the error says."""
    if _is_directory(path):
        return "it is a directory: name a file in it as `store`"
    if isinstance(error, OSError):
        words = error.strerror or str(error)
        return (_not_allowed(path) or words) if error.errno in _CLOSED else words
    # The lower byte of what is told more precisely; a fault of the module itself has none.
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
        # Then a directory above it is closed to us.
        return False


def _not_allowed(path: Path) -> str:
    """Name the first place on the way to the store that this user may not use."""
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
    """Say what is to be done about a place of this owner, which is closed to us."""
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
    """Yield what is used, from the root on, and how."""
    above, directory = list(path.parents)[:0:-1], path.parent
    yield from ((one, os.X_OK) for one in above)
    yield directory, os.W_OK | os.X_OK
    yield from ((path.with_name(path.name + suffix), os.R_OK | os.W_OK) for suffix in ("", *_BESIDE))


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
