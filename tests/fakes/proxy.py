"""A TCP proxy with faults on demand: it passes bytes on, swallows them, or hangs up."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Proxy:
    """Listens on a port of its own and passes everything on to another."""

    def __init__(self, target: int) -> None:
        #: Where connections go.
        self.target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._silent: list[tuple[socket.socket, socket.socket]] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        #: Swallow the bytes of both sides, as a network that is silently cut.
        self.black_hole = False
        #: Called with each piece of an answer before it is passed on; false: hang up instead.
        self.on_answer: Callable[[bytes], bool] = lambda _: True
        self.connections = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        self._listening.close()
        self.hang_up()

    def swallow(self) -> None:
        """Silently cut the open connections; new ones are served."""
        self._silent += self._pairs
        self._pairs = []

    def hang_up(self) -> None:
        """Close all connections."""
        for pair in (*self._pairs, *self._silent):
            for one in pair:
                one.close()
        self._pairs, self._silent = [], []

    def _run(self) -> None:
        while not self._ending.is_set():
            ends = [end for pair in self._pairs for end in pair if end.fileno() >= 0]
            readable, _, _ = select.select([self._listening, *([] if self.black_hole else ends)], [], [], 0.05)
            if self._listening in readable:
                self._accept()
            for client, server in list(self._pairs):
                if server in readable:
                    self._pass_on(server, client, answer=True)
                elif client in readable:
                    self._pass_on(client, server, answer=False)

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        self.connections += 1
        try:
            self._pairs.append((client, socket.create_connection(("127.0.0.1", self.target), timeout=5)))
        except OSError:
            client.close()

    def _pass_on(self, source: socket.socket, sink: socket.socket, *, answer: bool) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = source.recv(65_536)
            if data and (not answer or self.on_answer(data)):
                return sink.sendall(data)
        source.close()
        sink.close()
        self._pairs = [pair for pair in self._pairs if source not in pair]
