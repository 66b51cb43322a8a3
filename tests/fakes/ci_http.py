"""The HTTP layer of the fake CI: faults, recorded POSTs, and connections that can be cut."""

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.fakes.ci import FakeCI

Call = Literal["retrigger", "look_back", "recent"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one request. Without a status, body or cut it is only slow."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"error": "a fault"}'
    #: A retrigger is carried out in spite of the fault.
    accept: bool = False
    #: The connection ends: before any answer, or in the middle of one.
    cut: Literal["", "before", "within"] = ""
    #: Seconds before anything happens.
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Post:
    """One POST that arrived: its body, whether it made runs, and the status of the answer (0: none)."""

    body: dict[str, Any]
    accepted: bool
    status: int
    runs: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The operation id that it carried."""
        return str(self.body.get("operation"))

    @property
    def count(self) -> int:
        """How many runs it requested."""
        return int(self.body.get("count", 0))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type["Handler"], ci: "FakeCI") -> None:
        self.ci = ci
        self._open: dict[int, tuple[socket.socket, threading.Thread]] = {}
        self._open_lock = threading.Lock()
        super().__init__(address, handler)

    def opened(self, connection: socket.socket) -> None:
        """Register a connection, to end it on closing."""
        with self._open_lock:
            self._open[id(connection)] = (connection, threading.current_thread())

    def gone(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._open_lock:
            self._open.pop(id(connection), None)

    def hang_up(self) -> None:
        """End every connection and wait for its thread."""
        with self._open_lock:
            still = list(self._open.values())
        for connection, _ in still:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for _, thread in still:
            thread.join(5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that go away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    # Send an answer in one piece, at once, without waiting for a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            pass
        finally:
            self.server.gone(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the parent's
        """Log nothing."""

    def do_GET(self) -> None:
        """Serve reads."""
        ci, parts = self.server.ci, urlsplit(self.path)
        call: Call = "look_back" if parts.path.startswith("/pushes/") else "recent"
        fault = ci.take_fault(call)
        if fault is not None and (fault.status is not None or fault.cut):
            ci.gets.append(self.path)
        if self._spoilt(fault):
            return
        if not ci.authorized(self.headers):
            self._answer(401, {"error": "no token"})
        elif call == "look_back":
            self._answer(*ci.look(parts.path))
        elif parts.path == "/runs":
            self._answer(*ci.recent(parts.path, parts.query))
        else:
            self._answer(404, {"error": "no such path"})

    def do_POST(self) -> None:
        """Serve `POST /retrigger`."""
        ci = self.server.ci
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = ci.take_fault("retrigger", body)
        known = body if isinstance(body, dict) else {"raw": raw.decode("utf-8", "replace")}
        if fault is not None and (fault.status is not None or fault.cut):
            runs = ci.retrigger(body)[2] if fault.accept else ()
            ci.note(Post(known, bool(runs), 0 if fault.cut else fault.status or 0, runs, headers))
            self._spoilt(fault)
            return
        if fault is not None:
            time.sleep(fault.delay)
        if not ci.authorized(self.headers):
            status, answer, runs = 401, {"error": "no token"}, ()
        elif self.path != "/retrigger":
            status, answer, runs = 404, {"error": "no such path"}, ()
        else:
            status, answer, runs = ci.retrigger(body)
        ci.note(Post(known, bool(runs), status, runs, headers))
        self._answer(status, answer)

    def _spoilt(self, fault: Fault | None) -> bool:
        """Apply a fault; return false if the request is to be answered properly."""
        if fault is None:
            return False
        if fault.delay:
            time.sleep(fault.delay)
        if fault.cut == "before":
            self._hang_up()
            return True
        if fault.cut == "within":
            self.send_response(fault.status or 200)
            self.send_header("content-length", str(len(fault.body) + 100))
            self.end_headers()
            self.wfile.write(fault.body)
            self.wfile.flush()
            self._hang_up()
            return True
        if fault.status is None:
            return False
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(fault.body)))
        self.end_headers()
        self._write(fault.body)
        return True

    def _hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self._write(body)

    def _write(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            # The client has hung up.
            self.close_connection = True
