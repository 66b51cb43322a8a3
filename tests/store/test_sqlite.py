"""What is SQLite's own: the file, its locks, other processes, and being killed."""

import errno
import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests import ROOT
from tests.fakes.store_items import every, own, seen
from tests.fakes.world import failure, push
from triggerbot.core.errors import StoreUnavailable, StoreUnusable
from triggerbot.store import Pause, Search, Store
from triggerbot.store.factory import open_file, open_store
from triggerbot.store.sqlite.schema import MIGRATIONS, VERSION


def python(script: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a process of its own that knows our fakes."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", script, *arguments], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


WRITES = """
import sys
from tests.fakes.store_items import FAILURE, operation, own, seen
from tests.fakes.world import failure, push
from triggerbot.core.policy.budget import Budget
from triggerbot.store.factory import open_store

store = open_store("sqlite:" + sys.argv[1], daemon=True)
for number in range(100_000):
    job = f"job-{number}"
    store.observe([seen(failure(job))], float(number), dry=False, cursor=("at", str(number)))
    print("heard", number, flush=True)
    store.claims.decide(own(store, job), FAILURE, None, 1.0)
    print("decided", number, flush=True)
    store.claims.begin(operation(own(store, job), job), push(), "", 2.0)
    print("begun", number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 5, 40])
def test_what_was_acknowledged_survives_being_killed(tmp_path: Path, lines: int) -> None:
    """SIGKILL in the middle of writing: everything that was said to be written is there, and the file is sound."""
    path = tmp_path / "state.db"
    with python(WRITES, str(path)) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL

    store = open_store(f"sqlite:{path}", daemon=True)
    try:
        claims = {claim.job: claim for claim in every(store)}
        for line in told:
            if not line.endswith("\n"):
                continue
            what, number = line.split()
            claim = claims[f"job-{number}"]
            if what == "heard":
                assert int(store.cursor("at") or -1) >= int(number)
            if what in ("decided", "begun"):
                assert claim.state in ("owed", "sending")
            if what == "begun":
                assert claim.operation is not None
                assert claim.operation.id == claim.job
    finally:
        store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


ASKS = """
import sys
from tests.fakes.world import push
from triggerbot.store import Pause, Search
from triggerbot.store.factory import open_store

store = open_store("sqlite:" + sys.argv[1])
for number in range(60):
    store.limits.pause(Pause(float(number), "the other process"))
    assert store.claims.ask(push(), "job", 1, f"person-{number}", dry=False, now=float(number))
    store.limits.pause(None)
store.close()
print("done")
"""


def test_another_process_writes_at_the_same_time(tmp_path: Path) -> None:
    """The daemon goes on hearing while a command pauses, asks and resumes: nothing fails and nothing is lost."""
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:{path}", daemon=True)
    try:
        store.observe([seen(failure())], 0.0, dry=False)
        with python(ASKS, str(path)) as process:
            number = 0
            while process.poll() is None:
                number += 1
                store.observe([seen(failure(f"job-{number}"))], 1.0, dry=False)
            assert process.stdout is not None
            assert process.stdout.read() == "done\n"

        claims = every(store)
        assert sum(claim.manual for claim in claims) == 60
        assert sum(not claim.manual for claim in claims) == number + 1
        assert store.limits.paused() is None
    finally:
        store.close()


def test_what_another_process_writes_is_seen_at_once(tmp_path: Path) -> None:
    """A pause by a command holds the daemon's very next step."""
    daemon, command = open_file(tmp_path / "state.db"), open_file(tmp_path / "state.db")
    try:
        daemon.observe([seen(failure())], 0.0, dry=False)
        command.limits.pause(Pause(1.0, "me"))
        assert daemon.due.lease(5.0, "daemon", 60) is None
        command.limits.pause(None)
        assert daemon.due.lease(5.0, "daemon", 60) == push()
    finally:
        daemon.close()
        command.close()


def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    """With a sentence; once the first is gone, the next may."""
    address = f"sqlite:{tmp_path / 'state.db'}"
    first = open_store(address, daemon=True)
    with pytest.raises(StoreUnusable, match="another triggerbot works on the store"):
        open_store(address, daemon=True)
    reader = open_store(address)
    reader.close()
    first.close()
    open_store(address, daemon=True).close()


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    """With a sentence that says what to do."""
    path = tmp_path / "state.db"
    open_file(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StoreUnusable, match=r"newer triggerbot.*99.*use the newer program"):
        open_file(path)

    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the umask, nobody else may read the store or what SQLite keeps beside it."""
    path = tmp_path / "state.db"
    before = os.umask(0)
    try:
        store = open_file(path)
        store.observe([seen(failure())], 0.0, dry=False)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("state.db*")}
        store.close()
    finally:
        os.umask(before)

    assert {modes[name] for name in modes if not name.endswith(("-lock", "-daemon"))} == {0o600}
    assert "state.db-wal" in modes


@pytest.mark.parametrize("where", ["missing/state.db", "a-file/state.db", "."])
def test_a_place_that_cannot_be_written_is_an_unusable_store(tmp_path: Path, where: str) -> None:
    """No such directory, a file in its place, a directory itself: one sentence with the path."""
    (tmp_path / "a-file").write_text("x")

    with pytest.raises(StoreUnusable, match="cannot open the store"):
        open_file(tmp_path / where)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_an_unusable_store(tmp_path: Path) -> None:
    """No permission: one sentence with the path."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreUnusable, match="cannot open the store"):
            open_file(tmp_path / "state.db")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_system_that_takes_nothing_is_an_unusable_store() -> None:
    """Not even root may write in /proc."""
    with pytest.raises(StoreUnusable, match="cannot open the store"):
        open_file("/proc/self/state.db")


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be looked at" * 50, b"SQLite format 3\0"]
)
def test_another_sort_of_file_is_an_unusable_store(tmp_path: Path, content: bytes) -> None:
    """Its content stays as it is."""
    path = tmp_path / "state.db"
    path.write_bytes(content)

    with pytest.raises(StoreUnusable, match="cannot open the store"):
        open_file(path)

    assert path.read_bytes() == content


@pytest.mark.parametrize("address", ["", "state.db", "sqlite:", "mysql:state.db", "sqlite"])
def test_an_address_that_is_none_is_an_unusable_store(address: str) -> None:
    """The message says what to write."""
    with pytest.raises(StoreUnusable, match="sqlite:PATH"):
        open_store(address)


def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    """A command that only reads leaves no file behind."""
    with pytest.raises(StoreUnusable, match="no store at"):
        open_store(f"sqlite:{tmp_path / 'state.db'}", must_exist=True)

    assert list(tmp_path.iterdir()) == []


def test_a_path_may_have_any_characters(tmp_path: Path) -> None:
    """Spaces, percent signs and question marks are a name like any other."""
    path = tmp_path / "a b%20?mode=memory#é.db"
    store = open_store(f"sqlite:{path}")
    store.observe([seen(failure())], 0.0, dry=False)
    store.close()

    store = open_store(f"sqlite:{path}")
    assert own(store).job == "job"
    store.close()
    assert path.exists()


def test_two_threads_that_open_a_new_store_at_once_both_may(tmp_path: Path) -> None:
    """The tables are made once."""
    stores: list[Store] = []
    start = threading.Barrier(4)

    def opening() -> None:
        start.wait()
        stores.append(open_file(tmp_path / "state.db"))

    threads = [threading.Thread(target=opening) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, store in enumerate(stores):
        store.observe([seen(failure(str(number)))], 0.0, dry=False)
    assert len(stores) == 4
    assert len(every(stores[0])) == 4
    for store in stores:
        store.close()


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """A file that holds other tables is refused with a sentence, and its tables stay as they are."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (a)")
    connection.close()

    with pytest.raises(StoreUnusable, match="another program"):
        open_file(path)

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]
    connection.close()


def test_a_store_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Step by step, and with what was in it."""
    path = tmp_path / "state.db"
    for version in range(1, VERSION):
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript("".join(MIGRATIONS[:version]) + f"PRAGMA user_version = {version};")
        connection.execute("INSERT INTO cursors VALUES ('poll:ci', '7.0')")
        connection.commit()
        connection.close()

        store = open_file(path)
        assert store.cursor("poll:ci") == "7.0"
        assert store.crashes.read() == []
        store.close()


BEFORE_REPORTS = """
INSERT INTO pushes (id, system, project, branch, revision, author, message, first_heard, last_heard)
    VALUES (1, 'ci', 'try', 'try', 'abcdef1', 'ann', 'a title', 1.0, 2.0);
INSERT INTO jobs VALUES (1, 1, 'job', '');
INSERT INTO runs VALUES (1, 1, '1', 1, 'finished', 'failure', 'test', 1, 9.0, NULL, NULL, NULL, NULL, '', '["a line"]');
INSERT INTO claims (push, job, run, origin, state, dry, created, asked, known_runs)
    VALUES (1, 1, 1, '', 'done', 0, 1.0, 2, 1);
"""


def test_a_store_from_before_reports_keeps_its_pushes(tmp_path: Path) -> None:
    """Nobody knows when their runs began; they are reported when something is heard of them."""
    path = tmp_path / "state.db"
    connection = sqlite3.connect(path)
    connection.executescript("".join(MIGRATIONS[:3]) + f"{BEFORE_REPORTS} PRAGMA user_version = 3;")
    connection.close()

    store = open_file(path)
    try:
        (claim,) = every(store)
        assert (claim.run.started, claim.run.time, claim.run.failures) == (None, 9.0, ("a line",))
        assert store.reports.take(1e6, 1.0) is None
        assert [(one.title, one.health, one.judged) for one in store.pushes.search(Search(), 5)] == [
            ("a title", "", 0.0)
        ]

        store.observe([seen(failure("new", started=7.0))], 5.0, dry=False)

        assert store.reports.take(6.0, 1.0) == push()
        assert own(store, "new").run.started == 7.0
    finally:
        store.close()


def _older(path: Path) -> None:
    """Make a store of the version before this one."""
    connection = sqlite3.connect(path)
    connection.executescript("".join(MIGRATIONS[:-1]) + f"PRAGMA user_version = {VERSION - 1};")
    connection.close()


def test_a_store_that_an_older_daemon_works_on_is_left_alone(tmp_path: Path) -> None:
    """A command of the new version, run before the old daemon was stopped, must not change tables under it."""
    path = tmp_path / "state.db"
    _older(path)
    with (tmp_path / "state.db-daemon").open("ab") as older:
        fcntl.flock(older, fcntl.LOCK_EX)
        with pytest.raises(StoreUnusable, match="an older triggerbot works on the store"):
            open_store(f"sqlite:{path}", must_exist=True)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION - 1,)

    open_store(f"sqlite:{path}", daemon=True).close()


def test_the_log_of_changes_gets_short_again(tmp_path: Path) -> None:
    """A long backup, or anything else that reads for long, makes it as long as all that is written meanwhile."""
    path, log = tmp_path / "state.db", tmp_path / "state.db-wal"
    store = open_file(path)
    store.observe([seen(failure())], 0.0, dry=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchone()
        store.facts.set_metadata(push(), "much", "x" * 20_000_000)
        reader.execute("COMMIT")
    assert log.stat().st_size > 20_000_000

    for number in range(3):
        store.facts.set_metadata(push(), "little", str(number))

    assert log.stat().st_size < 10_000_000
    store.close()


def test_a_lock_that_cannot_be_had_is_told_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network's file system may be out of locks: what was to be written fails, and the thread that writes goes on."""
    store = open_file(tmp_path / "state.db")
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", _no_lock)
        with pytest.raises(StoreUnavailable, match="No locks available"):
            store.limits.pause(Pause(1.0, "me"))
    store.limits.pause(Pause(2.0, "me"))
    assert store.limits.paused() == Pause(2.0, "me")
    store.close()


def _no_lock(*_: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
