"""The bad network: each fault is what it is called, the same seed has the same fates, and nothing is lost by it."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.fakes.rabbit import Rabbit
from tests.service.chaos.faulty_network import BAD, Kind, Wire
from tests.service.chaos.harness import IntakeName, StoreName
from tests.service.chaos.network import network

SAID = b"x" * 2000


@pytest.fixture
def echo() -> Iterator[int]:
    """Run an echo server."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    while data := connection.recv(65_536):
                        connection.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1])
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)


def exchange(port: int) -> tuple[bytes, bool]:
    """Send bytes; return the echo, and whether the connection ended with a reset."""
    received = b""
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    except ConnectionResetError:
        return received, True
    with connection:
        try:
            connection.sendall(SAID)
            while len(received) < len(SAID) and (data := connection.recv(65_536)):
                received += data
        except ConnectionResetError:
            return received, True
    return received, False


@pytest.mark.parametrize("kind", [Kind.FINE, Kind.LATENCY, Kind.SLOW_BYTES])
def test_what_is_slow_comes_whole(echo: int, kind: Kind) -> None:
    """No byte is missing."""
    with Wire(echo, 1, reach=500, chances={kind: 100}) as wire:
        assert exchange(wire.port) == (SAID, False)


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.HALF_ANSWER])
def test_what_is_cut_ends_early(echo: int, kind: Kind) -> None:
    """A part arrives, and then the end; after `calm` all of it arrives."""
    with Wire(echo, 1, reach=500, chances={kind: 100}) as wire:
        received, _ = exchange(wire.port)
        assert len(received) <= 500
        assert wire.done[kind] == 1
        wire.calm()
        assert exchange(wire.port) == (SAID, False)


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.BLACK_HOLE])
def test_what_is_reset_says_so(echo: int, kind: Kind) -> None:
    """At once, or after a silence."""
    with Wire(echo, 1, reach=500, chances={kind: 100}) as wire:
        received, reset = exchange(wire.port)
        assert len(received) <= 500
        assert reset


def test_nobody_there(echo: int) -> None:
    """Without a server the proxy refuses as well."""
    with Wire(1, 1, reach=500) as wire:
        assert exchange(wire.port) == (b"", True)


def test_the_same_seed_has_the_same_fates() -> None:
    """Every kind of fault occurs."""
    with Wire(1, 7, reach=500) as one, Wire(1, 7, reach=500) as same, Wire(1, 8, reach=500) as other:
        fates = [one.fate(number) for number in range(300)]
        assert fates == [same.fate(number) for number in range(300)]
        assert fates != [other.fate(number) for number in range(300)]
        assert {fate.kind for fate in fates} == {*BAD, Kind.FINE}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("store", "intake"), [("sqlite", "webhook"), ("redis", "amqp")])
def test_nothing_is_lost_or_doubled(store: StoreName, intake: IntakeName, request: pytest.FixtureRequest) -> None:
    """All connections are faulty."""
    rabbit: Rabbit | None = request.getfixturevalue("rabbit") if intake == "amqp" else None
    verdict, about = network(store, intake, 60, 1, rabbit)
    assert about["settled"], (verdict, about)
    assert verdict.good, (verdict, about)
    assert sum(about["faults"].values()) > 0
