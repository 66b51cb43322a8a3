"""Going back to a copy of the store: nothing is replaced before it is known that the copy will do."""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from triggerbot.core.errors import StoreUnusable
from triggerbot.store.sqlite import SqliteEngine, SqliteView, change, copies, schema
from triggerbot.store.sqlite.backup import backup
from triggerbot.store.sqlite.connection import why_not
from triggerbot.store.sqlite.lock_file import open_lock


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in the store's place now: of which version and moment the copy was, and what became of the old store."""

    version: int
    #: When the copy was made; `exact`: it says so itself, else it is the time of the file.
    made: float
    exact: bool
    size: int
    #: Where the store is that was there before; `None` if there was none.
    kept: Path | None


def restore(copy: Path, store: Path, now: float) -> Restored:
    """Put a copy in the place of a store, which is kept beside it. Raises `StoreUnusable`, having changed nothing.

    The daemon that starts on it knows that it is a copy, whatever made it. One of an earlier version is brought to this
    one before it is put there.
    """
    if not copy.is_file():
        raise StoreUnusable(f"there is no file {copy}")
    if store.exists() and copy.samefile(store):
        raise StoreUnusable(f"{copy} is the store itself: name a copy of it")
    if store.is_dir() or not store.parent.is_dir():
        raise StoreUnusable(f"{store} cannot be a store: name a file in a directory that is there")
    version = _version(copy)
    try:
        with _no_daemon(store, copy), tempfile.TemporaryDirectory(dir=store.parent, prefix=f"{store.name}.") as work:
            ready = Path(work) / store.name
            backup(copy, ready, now)
            made = _prepared(ready, copy)
            size = ready.stat().st_size
            return Restored(version, *made, size, _exchanged(ready, store, now))
    except OSError as error:
        raise StoreUnusable(f"cannot put {copy} in the place of {store}: {why_not(store, error)}") from None


def _version(copy: Path) -> int:
    """Return the version of a copy. Raises `StoreUnusable` if it is not one that this program can work on."""
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            version = schema.check_own(connection, copy)
            whole = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreUnusable(f"{copy} is no store of triggerbot: {error}") from None
    if version == 0:
        raise StoreUnusable(f"{copy} is no store of triggerbot: it is empty")
    if whole != "ok":
        raise StoreUnusable(f"{copy} is damaged, take another copy: {whole}")
    if version > schema.VERSION:
        raise StoreUnusable(
            f"{copy} is a store of version {version}, and this program knows up to {schema.VERSION}: go back to it "
            "with the newer triggerbot that made it"
        )
    return version


@contextmanager
def _no_daemon(store: Path, copy: Path) -> Iterator[None]:
    """Keep daemons, and commands that write, off a store meanwhile. Raises `StoreUnusable` if a daemon works on it."""
    model = store if store.exists() else copy
    with ExitStack() as stack:
        daemon, writer = (
            stack.enter_context(open_lock(store.with_name(store.name + suffix), model))
            for suffix in ("-daemon", "-lock")
        )
        try:
            fcntl.flock(daemon, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreUnusable(f"a daemon works on {store}: stop it first, and start it again afterwards") from None
        fcntl.flock(writer, fcntl.LOCK_EX)
        if store.exists():
            for lock in (daemon, writer):
                _give(lock.fileno(), store)
        yield


def _give(file: int | Path, like: Path) -> None:
    """Give a file to the user who has another one: run as root, it still has to be the daemon's."""
    with suppress(OSError):
        os.chown(file, like.stat().st_uid, like.stat().st_gid)


def _prepared(ready: Path, copy: Path) -> tuple[float, bool]:
    """Bring a copy to the present version and mark it; return when it was made, and whether it says so itself."""
    with closing(SqliteEngine(ready)):
        pass
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as original:
        own = copies.made(SqliteView(original)) if schema.check_own(original, copy) == schema.VERSION else None
    made = copy.stat().st_mtime if own is None else own
    with closing(sqlite3.connect(ready)) as connection:
        with connection:
            change(connection, lambda transaction: copies.mark(transaction, made))
        connection.execute("PRAGMA journal_mode = DELETE")
    return made, own is not None


def _exchanged(ready: Path, store: Path, now: float) -> Path | None:
    """Put a store in the place of another one, which is kept; at any moment one of them is whole in its place."""
    kept = None
    if store.exists():
        _give(ready, store)
        kept = _kept(store, now)
    for suffix in ("-wal", "-shm"):
        # What is in there belongs to the old store.
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    ready.replace(store)
    number = os.open(store.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
    return kept


def _kept(store: Path, now: float) -> Path:
    """Keep a store beside itself, with what is in its log; damaged as it may be."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = store.with_name(f"{store.name}.replaced-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}")
    number = 1
    while os.path.lexists(kept):
        number += 1
        kept = kept.with_name(f"{kept.name.partition('~')[0]}~{number}")
    for suffix in ("-wal", ""):
        source, target = store.with_name(store.name + suffix), kept.with_name(kept.name + suffix)
        if source.exists():
            try:
                os.link(source, target)
            except OSError:
                # Some file systems have no hard links.
                shutil.copy2(source, target)
    return kept
