"""Going back to a copy: checked before anything is replaced, and the old store is kept."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import World, failure, push
from tests.store.older_stores import write_sqlite
from triggerbot.core.errors import StoreUnusable
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.store.factory import open_file
from triggerbot.store.sqlite import schema
from triggerbot.store.sqlite.backup import backup
from triggerbot.store.sqlite.restore import restore

MADE, NOW = 1_000_000_000.0, 1_000_000_900.0


def hear(path: Path, revision: str) -> None:
    """Let a store hear of a push."""
    with World(path, {}, (Rule(Globs(["try"])),), Clock()) as world:
        world.hear(failure(push=push(revision)))


def known(path: Path) -> set[str]:
    """Return the revisions that a store knows, and nothing of it is left open."""
    store = open_file(path)
    try:
        return {one.revision for one in store.pushes.recent(100)}
    finally:
        store.close()


def everything(directory: Path) -> dict[str, bytes]:
    """Return all files but locks, and what SQLite leaves where it read a log."""
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.is_file() and not path.name.endswith(("-lock", "-daemon", "bad.db-wal", "bad.db-shm"))
    }


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A store that heard of another push since it was copied."""
    hear(tmp_path / "state.db", "aaaaaaaa")
    backup(tmp_path / "state.db", tmp_path / "copy.db", now=MADE)
    hear(tmp_path / "state.db", "bbbbbbbb")
    return tmp_path


def test_the_copy_is_in_its_place_and_the_old_store_beside_it(copied: Path) -> None:
    """Both can be worked on; the daemon that starts knows that it is on a copy, and of which moment."""
    found = restore(copied / "copy.db", copied / "state.db", NOW)

    assert (found.version, found.made, found.exact) == (schema.VERSION, MADE, True)
    assert found.kept == copied / "state.db.replaced-20010909T020140Z"
    assert known(copied / "state.db") == {"aaaaaaaa"}
    assert known(found.kept) == {"aaaaaaaa", "bbbbbbbb"}
    assert (copied / "state.db").stat().st_mode & 0o777 == 0o600
    daemon = open_file(copied / "state.db", daemon=True, clock=lambda: NOW)
    distrust = daemon.distrust()
    daemon.close()
    assert distrust is not None
    assert distrust.why == "it is a copy made at 2001-09-09T01:46:40Z"
    assert known(copied / "copy.db") == {"aaaaaaaa"}


def test_what_the_log_of_the_old_store_has_is_kept(copied: Path) -> None:
    """A daemon that was killed left its last commits there; and they must not get into the copy."""
    with closing(sqlite3.connect(copied / "state.db")) as reader:
        reader.execute("SELECT count(*) FROM parts").fetchone()
        hear(copied / "state.db", "cccccccc")
        assert (copied / "state.db-wal").stat().st_size
        found = restore(copied / "copy.db", copied / "state.db", NOW)

    assert found.kept is not None
    assert known(copied / "state.db") == {"aaaaaaaa"}
    assert known(found.kept) == {"aaaaaaaa", "bbbbbbbb", "cccccccc"}


def test_two_in_one_second_keep_both(copied: Path) -> None:
    """What was kept is not written over."""
    first = restore(copied / "copy.db", copied / "state.db", NOW)
    second = restore(copied / "copy.db", copied / "state.db", NOW)

    assert first.kept is not None
    assert second.kept is not None
    assert known(first.kept) == {"aaaaaaaa", "bbbbbbbb"}
    assert known(second.kept) == {"aaaaaaaa"}


def test_where_no_store_was_none_is_kept(copied: Path) -> None:
    """As on a new machine."""
    (copied / "new").mkdir()

    found = restore(copied / "copy.db", copied / "new/state.db", NOW)

    assert found.kept is None
    assert known(copied / "new/state.db") == {"aaaaaaaa"}


def test_a_damaged_store_can_be_replaced(copied: Path) -> None:
    """That is what copies are for; what is left of it is kept."""
    (copied / "state.db").write_text("nothing that can be read")

    found = restore(copied / "copy.db", copied / "state.db", NOW)

    assert found.kept is not None
    assert found.kept.read_text() == "nothing that can be read"
    assert known(copied / "state.db") == {"aaaaaaaa"}


def test_a_place_without_hard_links(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old store is kept all the same."""

    def none(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", none)

    found = restore(copied / "copy.db", copied / "state.db", NOW)

    assert found.kept is not None
    assert known(found.kept) == {"aaaaaaaa", "bbbbbbbb"}


def test_a_copy_that_somebody_made_with_cp_is_recognised_too(copied: Path) -> None:
    """By the time of its file; without a mark the daemon would take it for what it knew itself."""
    with closing(sqlite3.connect(copied / "state.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (copied / "plain.db").write_bytes((copied / "state.db").read_bytes())
    os.utime(copied / "plain.db", (MADE, MADE))

    found = restore(copied / "plain.db", copied / "state.db", NOW)

    assert (found.made, found.exact) == (MADE, False)
    daemon = open_file(copied / "state.db", daemon=True, clock=lambda: NOW)
    assert daemon.distrust() is not None
    daemon.close()


def test_a_copy_of_an_earlier_version_is_brought_to_this_one(tmp_path: Path) -> None:
    """Before it is put in place; the copy itself stays what it was."""
    write_sqlite(tmp_path / "copy.db", 6)
    before = (tmp_path / "copy.db").read_bytes()

    found = restore(tmp_path / "copy.db", tmp_path / "state.db", NOW)

    assert (found.version, found.exact) == (6, False)
    assert not schema.is_older(tmp_path / "state.db")
    assert known(tmp_path / "state.db")
    assert (tmp_path / "copy.db").read_bytes() == before
    daemon = open_file(tmp_path / "state.db", daemon=True)
    assert daemon.distrust() is not None
    daemon.close()


def _damaged(path: Path) -> None:
    with World(path, {}, (Rule(Globs(["try"])),), Clock()) as world:
        for number in range(200):
            world.hear(failure("a" * 50, str(number), push=push(f"{number:010x}")))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 3)


def _newer(path: Path) -> None:
    open_file(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")


def _theirs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "there is no file"),
        (Path.mkdir, "there is no file"),
        (lambda path: path.write_text("some text " * 100), "no store of triggerbot"),
        (Path.touch, "it is empty"),
        (_theirs, "another program"),
        (_newer, "with the newer triggerbot that made it"),
        (_damaged, "damaged|malformed"),
    ],
)
def test_what_is_no_good_changes_nothing(copied: Path, make: object, words: str) -> None:
    """Neither the store nor anything beside it."""
    assert callable(make)
    make(copied / "bad.db")
    before = everything(copied)

    with pytest.raises(StoreUnusable, match=words):
        restore(copied / "bad.db", copied / "state.db", NOW)

    assert everything(copied) == before
    assert known(copied / "state.db") == {"aaaaaaaa", "bbbbbbbb"}


def test_a_daemon_that_runs_is_left_alone(copied: Path) -> None:
    """It would go on with a file that is no longer there."""
    daemon = open_file(copied / "state.db", daemon=True)
    try:
        with pytest.raises(StoreUnusable, match="stop it first"):
            restore(copied / "copy.db", copied / "state.db", NOW)
    finally:
        daemon.close()

    assert known(copied / "state.db") == {"aaaaaaaa", "bbbbbbbb"}


@pytest.mark.parametrize(("store", "words"), [("copy.db", "itself"), (".", "cannot be"), ("no/state.db", "cannot be")])
def test_a_place_that_cannot_be(copied: Path, store: str, words: str) -> None:
    """The copy itself, a directory, and one that is not there."""
    with pytest.raises(StoreUnusable, match=words):
        restore(copied / "copy.db", copied / store, NOW)
    assert known(copied / "copy.db") == {"aaaaaaaa"}


def test_cut_off_before_the_last_step_the_old_store_is_whole(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power fails: the store is as it was, and once more does it."""

    def cut(*_: object) -> None:
        raise OSError(errno.EIO, "cut off")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        with pytest.raises(StoreUnusable, match="cut off"):
            restore(copied / "copy.db", copied / "state.db", NOW)

    assert known(copied / "state.db") == {"aaaaaaaa", "bbbbbbbb"}
    restore(copied / "copy.db", copied / "state.db", NOW)
    assert known(copied / "state.db") == {"aaaaaaaa"}
