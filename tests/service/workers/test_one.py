"""A supervisor and one worker, as real processes: the cause of a worker's death is recorded, and another one starts."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import SECRET, TOKEN, eventually
from tests.service.workers.supervised import Supervised

REVISION = "0123456789abcdef"


def test_a_killed_worker_is_started_again_and_its_signal_is_recorded(one: Supervised, ci: FakeCI) -> None:
    """After `kill -9` of the worker the same address is served on, and `stats --errors` names the signal."""
    os.kill(one.pids()[0], signal.SIGKILL)
    one.started(2)

    assert one.hook(ci.run(REVISION, "job", result="failure")).status_code == 202

    [crash] = one.crashed()
    assert (crash["ended"], crash["error"], crash["trace"], crash["order"]) == ("SIGKILL", "", "", 1)
    assert crash["worker"].endswith("/1")
    died = one.logged("worker.died")[0]
    assert (died["worker"], died["ended"], died["again_in"]) == (1, "SIGKILL", 1.0)
    assert "SIGKILL" in one.command("stats", "--errors").stdout


@pytest.mark.slow
def test_an_exception_is_recorded_with_its_traceback_and_without_secrets(one: Supervised) -> None:
    """The cause of a thread's death is logged at once, and stored with its place."""
    one.fault("raise CI_TOKEN WEBHOOK_SECRET")

    [crash] = one.crashed()

    assert crash["error"] == "ZeroDivisionError: ('told to', '***', '***')"
    assert crash["ended"] == "exit code 1"
    assert crash["trace"].startswith("Traceback (most recent call last):")
    assert crash["trace"].strip().endswith(crash["error"])
    assert crash["where"].startswith("triggerbot/daemon/engine.py:")
    died = one.logged("worker.died")[0]
    assert (died["error"], died["exception"]) == (crash["error"], crash["trace"])
    assert one.logged("daemon.part_died")[0]["worker"] == 1
    for text in (one.log.read_text(), one.command("stats", "--errors", "-v").stdout):
        assert "ZeroDivisionError" in text
        assert TOKEN not in text
        assert SECRET not in text


@pytest.mark.slow
def test_a_signal_leaves_the_stacks_of_all_threads(one: Supervised) -> None:
    """When the interpreter itself is killed by a signal, it dumps its stacks."""
    one.fault("signal SIGSEGV")

    [crash] = one.crashed()

    assert crash["ended"] == "SIGSEGV"
    assert crash["error"] == "Fatal Python error: Segmentation fault"
    assert "Current thread" in crash["trace"]
    assert crash["where"].startswith("triggerbot/daemon/process.py:")


@pytest.mark.slow
def test_a_thread_that_nobody_watches_brings_the_whole_down(one: Supervised) -> None:
    """A daemon without one of its threads would only seem to work."""
    one.fault("thread raise")

    [crash] = one.crashed()

    assert (crash["error"], crash["ended"]) == ("ZeroDivisionError: told to", "exit code 1")
    assert one.logged("daemon.part_died")[0]["part"] == "unguarded"
    one.started(2)


@pytest.mark.slow
def test_a_worker_that_does_not_get_done_with_dying_is_killed(one: Supervised) -> None:
    """It reported its cause and hangs; another one takes its place, and the cause is not lost."""
    one.fault("linger raise")

    one.started(2)

    [crash] = one.crashed()
    assert (crash["error"], crash["ended"]) == ("ZeroDivisionError: told to", "SIGKILL")


@pytest.mark.slow
def test_a_worker_that_keeps_dying_is_started_later_each_time(one: Supervised) -> None:
    """The delay grows, and each death is stored separately: deaths in sequence form no group."""
    one.fault("always exit 7")

    crashes = one.crashed(2)

    assert [line["again_in"] for line in one.logged("worker.died")][:2] == [1.0, 2.0]
    assert [(crash["ended"], crash["order"]) for crash in crashes[-2:]] == [("exit code 7", 1)] * 2


@pytest.mark.slow
def test_a_worker_that_is_stopped_is_no_crash(one: Supervised) -> None:
    """A clean end is no crash; another worker starts, and no crash is recorded."""
    os.kill(one.pids()[0], signal.SIGTERM)
    one.started(2)

    assert one.logged("worker.ended")[0]["worker"] == 1
    assert one.stop() == 0
    assert "No worker crashed in the last 7 d." in one.command("stats", "--errors").stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_supervisor_ends_its_workers(one: Supervised, number: signal.Signals) -> None:
    """On a signal it stops them cleanly, and exits with 0."""
    os.kill(one.pid, number)

    assert one.wait() == 0
    assert one.gone()
    assert [line["event"] for line in one.lines()[-2:]] == ["daemon.stopped", "supervisor.stopped"]


@pytest.mark.slow
def test_a_worker_that_does_not_end_is_killed(one: Supervised) -> None:
    """The supervisor waits for a while, then kills it, and exits with an error code."""
    os.kill(one.pids()[0], signal.SIGSTOP)

    assert one.stop() == 1

    assert one.logged("worker.killed")[0]["worker"] == 1
    assert one.gone()


@pytest.mark.slow
def test_workers_end_with_a_supervisor_that_is_killed(one: Supervised) -> None:
    """After `kill -9` of the supervisor nothing is left over, and the next one can begin."""
    one.kill()
    eventually(one.gone, "the worker ends")
    eventually(lambda: one.logged("daemon.stopped"), "in good order")

    one.start("--workers", "1")

    assert one.logged("worker.orphaned")[0]["worker"] == 1


@pytest.mark.slow
def test_what_cannot_work_is_reported_once_and_not_tried_again(one: Supervised) -> None:
    """A store that is in use ends it all with exit code 2: no worker is started again."""
    second = one.command("run", "--workers", "1")

    assert second.returncode == 2
    assert second.stderr.count("another triggerbot works on the store") == 1
    assert second.stderr.count("worker.started") == 1
    assert "worker.died" not in second.stderr
    assert "Traceback" not in second.stderr


def test_several_workers_need_a_store_for_several(make_daemon: Callable[..., Supervised]) -> None:
    """With SQLite the command refuses, and names a suitable store."""
    ended = make_daemon().command("run", "--workers", "2")

    assert ended.returncode == 2
    assert "redis://" in ended.stderr
    assert "--workers 1" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("nonsense", ["1", "{}", '{"number": 1, "errors": 999, "lifeline": 998, "listening": null}'])
def test_a_seat_that_is_none_is_a_wrong_use(
    make_daemon: Callable[..., Supervised], monkeypatch: pytest.MonkeyPatch, nonsense: str
) -> None:
    """Nobody but a supervisor may set the variable that it passes to its workers."""
    monkeypatch.setenv("TRIGGERBOT_WORKER", nonsense)

    ended = make_daemon().command("run")

    assert ended.returncode == 2
    assert "TRIGGERBOT_WORKER" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_process_alone_keeps_what_it_died_of(make_daemon: Callable[..., Supervised]) -> None:
    """Without `--workers` nothing restarts it, but the cause is still recorded."""
    daemon = make_daemon()
    daemon.start()
    daemon.fault("raise CI_TOKEN")

    assert daemon.wait() == 1

    [crash] = daemon.errors()
    assert (crash["error"], crash["ended"]) == ("ZeroDivisionError: ('told to', '***')", "exit code 1")
    assert TOKEN not in daemon.log.read_text()


@pytest.mark.slow
def test_a_signal_while_it_starts_is_not_lost(make_daemon: Callable[..., Supervised]) -> None:
    """A signal that comes before its server handles signals still ends it."""
    daemon = make_daemon()
    daemon.fault("signal SIGTERM")

    ended = daemon.command("run")

    assert ended.returncode == 0, ended.stderr
    assert "daemon.stopped" in ended.stderr
