"""What is kept of a process that ended without a word, at real processes."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.daemon import SECRET, TOKEN, eventually
from tests.service.workers.supervised import Supervised

Make = Callable[..., Supervised]


def alone(make_daemon: Make, **named: str) -> Supervised:
    """Return a started process without a supervisor."""
    daemon = make_daemon(**named)
    daemon.start()
    return daemon


def test_a_process_alone_that_is_killed_is_a_crash(make_daemon: Make) -> None:
    """The next start finds its mark; that one is stopped, and is none."""
    daemon = alone(make_daemon)
    pid = daemon.pid
    time.sleep(1.5)
    daemon.kill()
    daemon.start()

    [crash] = daemon.errors()
    assert (crash["ended"], crash["class"], crash["pid"], crash["trace"]) == ("killed", "killed", pid, "")
    assert "for want of memory" in crash["error"]
    assert 0.5 < crash["lived"] < 60
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    assert len(daemon.errors()) == 1
    assert not list(daemon.directory.glob("*crash*"))


@pytest.mark.parametrize(("name", "error"), [
    ("SIGSEGV", "Segmentation fault"), pytest.param("SIGABRT", "Aborted", marks=pytest.mark.slow),
])  # fmt: skip
def test_a_signal_of_a_process_alone_leaves_its_stacks(make_daemon: Make, name: str, error: str) -> None:
    """They are kept in the store at the next start, and logged then."""
    daemon = alone(make_daemon)
    daemon.fault(f"signal {name}")
    assert daemon.wait() == -signal.Signals[name]
    daemon.start()

    [crash] = daemon.errors()
    assert (crash["ended"], crash["class"], crash["error"]) == (name, "bug", f"Fatal Python error: {error}")
    assert "Current thread" in crash["trace"]
    assert daemon.logged("daemon.died_before")[0]["exception"] == crash["trace"]


@pytest.mark.slow
def test_an_exception_of_a_process_alone_is_recorded_once(make_daemon: Make) -> None:
    """By itself, before it ends: the next start finds no mark."""
    daemon = alone(make_daemon)
    daemon.fault("raise")
    assert daemon.wait() == 1
    daemon.start()

    [crash] = daemon.errors()
    assert (crash["ended"], crash["class"], crash["error"]) == ("exit code 1", "bug", "ZeroDivisionError: told to")
    assert crash["pid"]
    assert crash["lived"] is not None


def test_a_copy_of_the_store_is_no_crash(make_daemon: Make) -> None:
    """Neither one that `backup` made of a running daemon, nor one of the files themselves."""
    daemon = alone(make_daemon)
    assert daemon.command("backup", "copy.db").returncode == 0
    files = {path: path.read_bytes() for path in daemon.directory.glob("state.db*")}
    assert daemon.stop() == 0
    for path in files:
        path.unlink(missing_ok=True)
    (daemon.directory / "copy.db").rename(daemon.directory / "state.db")
    daemon.start()
    assert daemon.errors() == []
    assert daemon.stop() == 0

    for path, content in files.items():
        path.unlink(missing_ok=True)
        path.write_bytes(content)
    daemon.start()
    assert daemon.errors() == []


@pytest.mark.slow
def test_replicas_on_one_redis_do_not_take_each_other_for_dead(
    make_daemon: Make, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One that starts while another one runs records nothing; the one that was killed is recorded once."""
    first = alone(make_daemon, store=redis)
    pid = first.pid
    second = Supervised(tmp_path_factory.mktemp("second"), "http://127.0.0.1:9", store=redis)
    try:
        second.start()
        assert first.errors() == []
        first.kill()
        first.start()
        [crash] = first.errors()
        assert (crash["pid"], crash["ended"]) == (pid, "killed")
        assert second.stop() == 0
        assert first.stop() == 0
        first.start()
        assert len(first.errors()) == 1
    finally:
        second.end()


@pytest.mark.slow
def test_a_killed_replica_is_recorded_by_another_one(
    make_daemon: Make, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It need not come back for that."""
    first = alone(make_daemon, store=redis)
    second = Supervised(tmp_path_factory.mktemp("second"), "http://127.0.0.1:9", store=redis)
    try:
        second.start()
        first.kill()
        [crash] = first.crashed()
        assert crash["class"] == "killed"
    finally:
        second.end()


def test_a_worker_that_cannot_import_what_it_needs_leaves_its_last_words(make_daemon: Make) -> None:
    """They are recorded and logged, without secrets, and a worker that can goes on."""
    daemon = make_daemon()
    (daemon.directory / "no-library").touch()
    daemon.start("--workers", "1")

    [crash] = daemon.crashed()

    assert crash["error"].startswith("ModuleNotFoundError: ")
    assert "starlette" in crash["error"]
    assert (crash["ended"], crash["class"]) == ("exit code 1", "configuration")
    assert crash["pid"] == daemon.pids()[0]
    assert crash["trace"].endswith(crash["error"])
    assert 'File "' in crash["trace"]
    assert len(crash["trace"]) <= 2000
    assert TOKEN not in json.dumps(crash)
    assert daemon.logged("worker.died")[0]["exception"] == crash["trace"]
    assert TOKEN not in daemon.log.read_text()


@pytest.mark.slow
def test_a_worker_in_a_crash_loop_is_an_error(make_daemon: Make) -> None:
    """Health and metrics tell of it, also while the worker seems to work between two crashes."""
    daemon = make_daemon()
    daemon.start("--workers", "1")
    assert daemon.health()["checks"]["crashes"] == "ok"
    assert daemon.metric("triggerbot_crash_loops") == 0
    for number in range(2, 5):
        daemon.fault("exit 7")
        daemon.started(number)
    daemon.crashed(3)

    health = eventually(lambda: (found := daemon.health())["status"] == "error" and found, "it is seen")
    assert health["checks"]["crashes"] == "error"
    assert "crashed 3 times in 10 min: triggerbot stats --errors" in health["wrong"]["crashes"]
    assert daemon.metric("triggerbot_crash_loops") == 1
    assert daemon.metric('triggerbot_day_crashes{kind="unknown"}') == 3


@pytest.mark.slow
def test_the_root_cause_stands_above_the_table(make_daemon: Make, redis: str) -> None:
    """Of those that died together, the first."""
    daemon = make_daemon(store=redis)
    daemon.start("--workers", "2")
    daemon.started(2)
    daemon.fault("after 2 exit 3", worker=1)
    daemon.fault("raise", worker=2)
    daemon.crashed(2)

    out = " ".join(daemon.command("stats", "--errors").stdout.split())

    assert "Root cause: worker 2, ZeroDivisionError: told to, a bug of triggerbot or of a library, after" in out
    assert "one other followed." in out
    assert out.index("Root cause") < out.index("ended by")


# -- the file for whoever runs us -------------------------------------------------------------------------------------


def first_error(file: Path) -> tuple[str, str, int]:
    """Check the layout of torch elastic, and return message, call stack and error code."""
    whole = json.loads(file.read_text())
    assert list(whole) == ["message"]
    message = whole["message"]
    assert list(message) == ["message", "extraInfo", "errorCode"]
    assert list(message["extraInfo"]) == ["py_callstack", "timestamp"]
    assert abs(int(message["extraInfo"]["timestamp"]) - time.time()) < 120
    assert len(file.read_bytes()) <= 4096
    text = file.read_text()
    assert TOKEN not in text
    assert SECRET not in text
    return message["message"], message["extraInfo"]["py_callstack"], message["errorCode"]


def test_a_process_alone_writes_the_error_file(make_daemon: Make, tmp_path: Path) -> None:
    """Into a file that is there, as /dev/termination-log is."""
    file = tmp_path / "termination-log"
    file.write_text("x" * 9000)
    daemon = alone(make_daemon, TRIGGERBOT_ERROR_FILE=str(file))
    daemon.fault("raise CI_TOKEN WEBHOOK_SECRET")
    assert daemon.wait() == 1

    message, stack, code = first_error(file)
    assert (message, code) == ("ZeroDivisionError: ('told to', '***', '***')", 1)
    assert stack.rstrip().endswith(message)


@pytest.mark.slow
def test_a_supervisor_writes_the_first_cause_of_its_workers(make_daemon: Make, redis: str, tmp_path: Path) -> None:
    """Of two that die together, that of the first."""
    file = tmp_path / "error.json"
    daemon = make_daemon(store=redis, TRIGGERBOT_ERROR_FILE=str(file))
    daemon.start("--workers", "2")
    daemon.started(2)
    daemon.fault("after 2 exit 3", worker=1)
    daemon.fault("raise CI_TOKEN", worker=2)
    daemon.crashed(2)

    assert first_error(file)[0] == "ZeroDivisionError: ('told to', '***')"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    os.kill(daemon.pids(worker=1)[-1], signal.SIGKILL)
    daemon.crashed(3)
    assert first_error(file) == ("SIGKILL", "", -9)


@pytest.mark.parametrize("arguments", [
    ("run",), pytest.param(("run", "--workers", "1"), marks=pytest.mark.slow),
])  # fmt: skip
def test_a_wrong_config_is_in_the_error_file(make_daemon: Make, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """With each mistake, and no secret that somebody wrote into the config itself."""
    file = tmp_path / "error.json"
    daemon = make_daemon(TRIGGERBOT_ERROR_FILE=str(file))
    daemon.config.write_text(f"{daemon.config.read_text()}\nretries: 3\npage: {{token: {TOKEN}}}\n")

    assert daemon.command(*arguments).returncode == 2
    daemon.config.unlink()

    message, _, code = first_error(file)
    assert message.startswith("ConfigError: ")
    assert "retries" in message
    assert code == 2


@pytest.mark.slow
def test_a_store_that_is_away_is_in_the_error_file(make_daemon: Make, tmp_path: Path) -> None:
    """With the exit code that has it started again; a password in the address is not there."""
    file = tmp_path / "error.json"
    daemon = make_daemon(store=f"redis://:{TOKEN}@127.0.0.1:1/0", TRIGGERBOT_ERROR_FILE=str(file))

    assert daemon.command("run").returncode == 1
    daemon.config.unlink()

    message, _, code = first_error(file)
    assert message.startswith("StoreAway: ")
    assert code == 1


@pytest.mark.slow
def test_an_error_file_that_cannot_be_written_changes_nothing(make_daemon: Make) -> None:
    """It is logged."""
    daemon = make_daemon(TRIGGERBOT_ERROR_FILE="/nowhere/at/all.json")
    daemon.config.write_text("nonsense: 1\n")

    ended = daemon.command("run")

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "nonsense" in ended.stderr
