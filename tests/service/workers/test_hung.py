"""Hung parts are detected, reported and restarted, and the watchdog of systemd gets no false sign of life."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.daemon import eventually
from tests.fakes.systemd import Systemd
from tests.service.workers.supervised import Supervised

#: Seconds without progress after which a part counts as hung in these tests.
LIMIT = "1.5"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    """Receive the notifications of a service."""
    with Systemd(tmp_path / "notify") as listening:
        yield listening


@pytest.fixture
def service(make_daemon: Callable[..., Supervised], systemd: Systemd) -> Supervised:
    """Return a daemon started by systemd, with a short limit of silence for its parts."""
    return make_daemon(FAULTS_LIMIT=LIMIT, **systemd.environment(1.0))


@pytest.mark.slow
def test_a_service_says_that_it_is_ready_that_it_lives_and_that_it_ends(service: Supervised, systemd: Systemd) -> None:
    """Ready when it has begun to answer, and in time for the watchdog from then on."""
    service.start()
    systemd.until("READY=1")
    assert service.health()["status"] == "ok"
    assert systemd.hear() == "WATCHDOG=1"

    os.kill(service.pid, signal.SIGHUP)
    before = systemd.until("READY=1")
    assert sum(word.startswith("RELOADING=1\nMONOTONIC_USEC=") for word in before) == 1

    assert service.stop() == 0
    assert set(systemd.until("STOPPING=1")) <= {"WATCHDOG=1"}
    assert systemd.silent()


@pytest.mark.slow
def test_a_dispatcher_that_hangs_ends_the_daemon(service: Supervised, systemd: Systemd) -> None:
    """With exit code 1 and the place where it hangs; the watchdog is no longer fed."""
    service.start()
    service.fault("hang")

    assert service.wait() == 1

    systemd.until("STOPPING=1")
    assert systemd.silent()
    [crash] = service.errors()
    assert crash["error"].startswith("triggerbot.core.errors.PartHung: dispatcher-0 is hung: ")
    assert "in fail\n    threading.Event().wait()" in crash["trace"]
    assert service.logged("daemon.part_hung")[0]["problem"].startswith("dispatcher-0 is hung")


@pytest.mark.slow
def test_a_worker_in_which_something_hangs_is_started_again(service: Supervised, systemd: Systemd) -> None:
    """The supervisor goes on, and systemd is not notified."""
    service.start("--workers", "1")
    systemd.until("READY=1")
    service.fault("hang")

    service.started(2)

    assert service.crashed()[0]["error"].startswith("triggerbot.core.errors.PartHung: dispatcher-0 is hung: ")
    assert service.stop() == 0
    assert set(systemd.until("STOPPING=1")) == {"WATCHDOG=1"}


@pytest.mark.slow
def test_a_worker_that_does_not_report_is_killed_and_started_again(service: Supervised, systemd: Systemd) -> None:
    """A worker that is stopped altogether cannot detect it itself."""
    service.start("--workers", "1")
    systemd.until("READY=1")
    service.fault("stop")

    service.started(2)

    assert service.logged("worker.hung")[0]["worker"] == 1
    [crash] = service.crashed()
    assert (crash["ended"], crash["error"]) == ("SIGKILL", "it hung: no sign of life for 2 s")


def test_the_heartbeat_names_what_hangs(make_daemon: Callable[..., Supervised]) -> None:
    """It also lists each part, system and queue, with its state."""
    daemon = make_daemon()
    daemon.start()

    checks = eventually(lambda: daemon.health()["checks"], "it tells")

    assert set(checks.values()) == {"ok"}
    assert {"store", "due", "dead letters", "system ci", "dispatcher-0", "publisher-0", "guard"} <= checks.keys()
