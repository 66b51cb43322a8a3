"""A bad network: a TCP proxy before the CI, Redis or RabbitMQ that is slow, cuts, resets, swallows, and drips.

What happens to a connection follows from the seed and from its number. A connection has one fault at most; the next
connection gets another one.
"""

import contextlib
import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self


class Kind(StrEnum):
    """The fault of a connection."""

    FINE = "fine"
    #: Everything is delayed.
    LATENCY = "latency"
    #: It is closed properly before, within or after a request.
    CUT = "cut"
    #: It is closed properly within an answer.
    HALF_ANSWER = "half_answer"
    #: It ends with a reset.
    RESET = "reset"
    #: Both directions are black-holed; after a while it is reset.
    BLACK_HOLE = "black_hole"
    #: Answers drip, a few bytes at a time.
    SLOW_BYTES = "slow_bytes"


#: How likely each is, in percent; the others are fine.
BAD: Mapping[Kind, int] = {
    Kind.LATENCY: 10, Kind.CUT: 10, Kind.HALF_ANSWER: 10, Kind.RESET: 10, Kind.BLACK_HOLE: 5, Kind.SLOW_BYTES: 10
}  # fmt: skip
#: The longest duration of a black hole, and the longest delay of a piece, in seconds.
_HOLE, _LATE = 4.0, 0.1
#: A drip: bytes per piece, seconds between pieces, and bytes in all.
_DRIP, _APART, _DRIPS = 5, 0.002, 400


@dataclass(frozen=True, slots=True)
class Fate:
    """The plan of one connection: its fault, after how many bytes of which direction, and for how long."""

    kind: Kind
    after: int
    answer: bool
    seconds: float


class Wire:
    """The proxy; `reach`: bytes of a connection within which its fault comes."""

    def __init__(self, target: int, seed: int, *, reach: int, chances: Mapping[Kind, int] = BAD) -> None:
        self._target = target
        self._seed = seed
        self._reach = reach
        self._chances = chances
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listening.getsockname()[1])
        #: How often each fault occurred.
        self.done: Counter[str] = Counter()
        self._number = 0
        self._calm = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="wire", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._listening.close()

    def calm(self) -> None:
        """Give new connections no faults."""
        self._calm.set()

    def fate(self, number: int) -> Fate:
        """Return the fate of a connection; it depends on seed and number only."""
        dice = random.Random(f"{self._seed}/{number}")
        (kind,) = dice.choices(
            [*self._chances, Kind.FINE], [*self._chances.values(), max(0, 100 - sum(self._chances.values()))]
        )
        answer = kind is Kind.HALF_ANSWER or dice.random() < 0.5
        seconds = dice.uniform(0, _LATE if kind is Kind.LATENCY else _HOLE)
        return Fate(kind, dice.randint(0, self._reach), answer, seconds)

    def _accept(self) -> None:
        while not self._ending.is_set():
            if not select.select([self._listening], [], [], 0.05)[0]:
                continue
            client, _ = self._listening.accept()
            fate = Fate(Kind.FINE, 0, answer=False, seconds=0.0) if self._calm.is_set() else self.fate(self._number)
            self._number += 1
            threading.Thread(target=self._connect, args=(client, fate), name="wire-pair", daemon=True).start()

    def _connect(self, client: socket.socket, fate: Fate) -> None:
        with contextlib.closing(client):
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                # The server is down: let the client see that, too.
                return _reset(client)
            with contextlib.closing(server), contextlib.suppress(OSError):
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._pass_on(client, server, fate)

    def _pass_on(self, client: socket.socket, server: socket.socket, fate: Fate) -> None:
        """Pass bytes on both ways until either side closes, or the fault is due."""
        passed = {client: 0, server: 0}
        faulty = server if fate.answer else client
        while not self._ending.is_set():
            for source in select.select([client, server], [], [], 0.1)[0]:
                sink = server if source is client else client
                data = source.recv(65_536)
                if not data:
                    return
                if source is not faulty or passed[source] + len(data) <= fate.after or fate.kind is Kind.FINE:
                    sink.sendall(data)
                elif not self._befall(client, server, sink, data, fate, max(0, fate.after - passed[source])):
                    return
                passed[source] += len(data)

    def _befall(
        self, client: socket.socket, server: socket.socket, sink: socket.socket, data: bytes, fate: Fate, rest: int
    ) -> bool:
        """Apply a fault to a piece, of which `rest` bytes still pass; return whether the connection goes on."""
        self.done[fate.kind] += 1
        match fate.kind:
            case Kind.LATENCY:
                self._ending.wait(fate.seconds)
                sink.sendall(data)
            case Kind.SLOW_BYTES:
                for at in range(0, min(len(data), _DRIPS), _DRIP):
                    sink.sendall(data[at : at + _DRIP])
                    time.sleep(_APART)
                sink.sendall(data[_DRIPS:])
            case Kind.CUT | Kind.HALF_ANSWER:
                sink.sendall(data[:rest])
                return False
            case Kind.RESET | Kind.BLACK_HOLE:
                sink.sendall(data[:rest])
                if fate.kind is Kind.BLACK_HOLE:
                    self._ending.wait(fate.seconds)
                _reset(client)
                _reset(server)
                return False
            case Kind.FINE:
                sink.sendall(data)
        return True


def _reset(connection: socket.socket) -> None:
    """Make closing the connection send a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
