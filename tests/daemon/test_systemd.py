"""What systemd is told, over real sockets."""

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
    """Listen in either way that systemd has."""
    with Systemd(tmp_path / "notify" if request.param == "path" else f"@{uuid.uuid4()}") as listening:
        yield listening


def test_each_word_is_one_datagram(systemd: Systemd) -> None:
    """As sd_notify(3) has it; a reload tells when it began, so that systemd can put words in order."""
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
    """The variables are taken out of the environment."""
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
    """At least twice, as systemd advises, and every second in any case; one that is not ours does not matter."""
    assert Notifier.from_environment(environment).every == every


def test_nobody_who_listens_ends_nothing(tmp_path: Path) -> None:
    """No service manager, one that went away, and one that does not read."""
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
