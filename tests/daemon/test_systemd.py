"""Notifications to systemd, over real sockets."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes.systemd import Systemd
from triggerbot.daemon.systemd import NOBODY, Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    """Listen on either kind of address that systemd uses."""
    with Systemd(tmp_path / "notify" if request.param == "path" else f"@{uuid.uuid4()}") as listening:
        yield listening


def test_each_word_is_one_datagram(systemd: Systemd) -> None:
    """As in sd_notify(3); a reload carries its start time, so that systemd can order the messages."""
    notifier = Notifier.from_environment(systemd.environment())

    notifier.ready()
    notifier.alive()
    notifier.reloading()
    notifier.stopping()

    ready, alive, reloading, stopping = (systemd.hear() for _ in range(4))
    assert (ready, alive, stopping) == ("READY=1", "WATCHDOG=1", "STOPPING=1")
    state, _, usec = reloading.partition("\nMONOTONIC_USEC=")
    assert (state, int(usec) > 0) == ("RELOADING=1", True)


def test_what_is_started_by_us_cannot_speak_for_us() -> None:
    """The variables are removed from the environment."""
    environment = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "", "HOME": "/"}

    assert Notifier.from_environment(environment) == Notifier("/nowhere", 2.0)
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    ("environment", "every"),
    [
        ({}, 1.0),
        ({"WATCHDOG_USEC": "60000000"}, 1.0),
        ({"WATCHDOG_USEC": "2000000"}, 0.5),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, 1.0),
        ({"WATCHDOG_USEC": "0"}, 1.0),
        ({"WATCHDOG_USEC": "soon"}, 1.0),
    ],
)
def test_the_watchdog_is_fed_well_within_its_patience(environment: dict[str, str], every: float) -> None:
    """At least twice per period, as systemd advises, and every second; another process' watchdog is ignored."""
    assert Notifier.from_environment(environment).every == every


def test_nobody_who_listens_ends_nothing(tmp_path: Path) -> None:
    """No service manager, one that is gone, and one that does not read: none of them ends the daemon."""
    NOBODY.ready()
    Notifier(str(tmp_path / "gone")).ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        filled = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b"x", str(tmp_path / "deaf"))
                filled += 1
        Notifier(str(tmp_path / "deaf")).alive()
        assert {deaf.recv(64) for _ in range(filled)} == {b"x"}
