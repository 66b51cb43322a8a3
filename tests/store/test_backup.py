"""Copies of the store: consistent while somebody writes, whole or not at all, and good to start from."""

import errno
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import World, failure, push
from triggerbot.core.errors import StoreUnusable
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.store import Distrust
from triggerbot.store.factory import open_file
from triggerbot.store.sqlite.backup import backup


def test_a_copy_of_one_moment(tmp_path: Path) -> None:
    """While events are observed; every push of the copy is whole, and the copy can be worked on."""
    stop, heard = threading.Event(), []
    with World(tmp_path / "state.db", {}, (Rule(Globs(["try"])),), Clock()) as world:

        def write() -> None:
            while not stop.is_set():
                number = len(heard)
                where = push(f"{number:010x}")
                world.hear(failure("a", f"{number}-1", push=where), failure("b", f"{number}-2", push=where))
                heard.append(where)

        writer = threading.Thread(target=write)
        writer.start()
        while len(heard) < 50:
            stop.wait(0.001)
        before = len(heard)
        size = backup(tmp_path / "state.db", tmp_path / "copy.db")
        stop.set()
        writer.join()

    assert size == (tmp_path / "copy.db").stat().st_size
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("copy")) == ["copy.db"]
    copy = open_file(tmp_path / "copy.db")
    try:
        found = copy.pushes.recent(100_000)
        assert before <= len(found) <= len(heard)
        for where in found:
            record = copy.pushes.record(where)
            assert record is not None
            assert [job.job for job in record.jobs] == ["a", "b"]
    finally:
        copy.close()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    open_file(tmp_path / "state.db").close()
    (tmp_path / "copy.db").write_text("precious")

    with pytest.raises(StoreUnusable, match="is there already"):
        backup(tmp_path / "state.db", tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "precious"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("none.db", "copy.db", "no store"),
        ("text.db", "copy.db", "cannot copy"),
        ("other.db", "copy.db", "another program"),
        ("state.db", "no/where.db", "cannot copy"),
    ],
)
def test_what_cannot_be_says_why(tmp_path: Path, source: str, target: str, words: str) -> None:
    """And leaves nothing behind."""
    open_file(tmp_path / "state.db").close()
    (tmp_path / "text.db").write_text("no database at all, but long enough to be taken for one " * 50)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = sorted(path.name for path in tmp_path.iterdir())

    with pytest.raises(StoreUnusable, match=words):
        backup(tmp_path / source, tmp_path / target)

    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_damaged_store_is_not_passed_on(tmp_path: Path) -> None:
    """A copy that would be no better than nothing is not made."""
    with World(tmp_path / "state.db", {}, (Rule(Globs(["try"])),), Clock()) as world:
        for number in range(200):
            world.hear(failure("a" * 50, str(number), push=push(f"{number:010x}")))
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with (tmp_path / "state.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 3)

    with pytest.raises(StoreUnusable):
        backup(tmp_path / "state.db", tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()


def test_no_file_of_anybody_is_written_to(tmp_path: Path) -> None:
    """Whatever name a copy has while it is made: neither the store itself, nor something that a link leads to."""
    open_file(tmp_path / "copy.db.part").close()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "other.db.part").symlink_to("precious")

    for name in ("copy.db", "other.db"):
        backup(tmp_path / "copy.db.part", tmp_path / name)
        open_file(tmp_path / name).close()

    assert (tmp_path / "precious").read_text() == "precious"
    open_file(tmp_path / "copy.db.part").close()


def test_a_link_to_nowhere_is_left_alone(tmp_path: Path) -> None:
    """It is there, though there is nothing behind it."""
    open_file(tmp_path / "state.db").close()
    (tmp_path / "copy.db").symlink_to("nowhere")

    with pytest.raises(StoreUnusable, match="is there already"):
        backup(tmp_path / "state.db", tmp_path / "copy.db")

    assert not (tmp_path / "nowhere").exists()


def test_a_place_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies are kept on disks of all sorts; there as here nothing is written over."""
    open_file(tmp_path / "state.db").close()
    monkeypatch.setattr(os, "link", _no_links)

    backup(tmp_path / "state.db", tmp_path / "copy.db")
    with pytest.raises(StoreUnusable, match="is there already"):
        backup(tmp_path / "state.db", tmp_path / "copy.db")

    open_file(tmp_path / "copy.db").close()
    assert not list(tmp_path.glob("*.part*"))


def _no_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_daemon_recognises_a_copy(tmp_path: Path) -> None:
    """From its start on, and for good; who only reads it, or works on the store itself, sees nothing of it."""
    open_file(tmp_path / "state.db").close()
    backup(tmp_path / "state.db", tmp_path / "copy.db", now=1_000_000_000.0)

    def distrust(name: str, *, daemon: bool, now: float = 0.0) -> Distrust | None:
        store = open_file(tmp_path / name, daemon=daemon, clock=lambda: now)
        try:
            return store.distrust()
        finally:
            store.close()

    assert distrust("state.db", daemon=True) is None
    assert distrust("copy.db", daemon=False) is None
    found = distrust("copy.db", daemon=True, now=1_000_000_900.0)
    assert found == Distrust(1_000_000_900.0, "it is a copy made at 2001-09-09T01:46:40Z")
    assert distrust("copy.db", daemon=True, now=2_000_000_000.0) == found
    backup(tmp_path / "copy.db", tmp_path / "second.db", now=1_000_002_000.0)
    assert distrust("second.db", daemon=True, now=1_000_003_000.0) == Distrust(
        1_000_003_000.0, "it is a copy made at 2001-09-09T02:20:00Z"
    )
