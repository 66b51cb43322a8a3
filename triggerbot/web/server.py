"""The web server: uvicorn, with the bounds on request heads, stalled writes and connections that it lacks.

uvicorn waits for a request head for ever, accepts one of any size, and closes no connection before everything is sent.
A client that opens many connections and sends a byte now and then, or never reads, would hold all of them. Bodies are
bounded where they are read (`webhooks`, `actions`); one that no handler reads is discarded as it arrives, within a
time limit.
"""

import asyncio
import itertools
import logging
import socket
from collections import Counter
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Seconds from the start of a connection, or the end of an answer, to the complete head of the next request.
HEAD_SECONDS = 15.0
#: Seconds for which a client may read nothing of an answer.
STALL_SECONDS = 15.0
#: Most bytes and lines of a head.
HEAD_MAX, HEAD_LINES = 32_768, 100
#: Most connections of one process; beyond that one makes room: of the address with the most of them the one that has
#: kept us waiting longest, for a head or for the rest of a body.
CONNECTIONS_MAX = 500
#: Seconds by which a body that is under way goes before a head that is.
BODY_GRACE = 2.0
REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
#: Seconds that requests get to finish when the daemon stops.
_GRACEFUL = 3
_serials = itertools.count()


class Server(uvicorn.Server):
    """A server that announces that it stops, so that endless answers can end, and that proves its loop is alive.

    `beat` is called some times a second.
    """

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None], beat: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._beat = beat

    async def on_tick(self, counter: int) -> bool:
        """Beat, then return whether it is time to stop."""
        self._beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: accept no more connections, and wait for the answers in progress."""
        self._stopping()
        await super().shutdown(sockets)


def make(app: ASGIApp, stopping: Callable[[], None] = lambda: None, beat: Callable[[], None] = lambda: None) -> Server:
    """Create the server of an application; it does not listen yet.

    `stopping` is called when it begins to stop, `beat` again and again for as long as its loop is alive.
    """
    # uvicorn logs a line for each malformed request, with which anybody could flood the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            # Only the pages need the client's identity, and they read the headers of proxies themselves (`session`).
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACEFUL,
        ),
        stopping,
        beat,
    )


class Connection(HttpToolsProtocol):
    """A connection that is closed when it is too slow, sends too large a head, or has to make room for others."""

    #: When it is closed, by the loop's clock, and a serial number that orders those of the same moment (the loop reads
    #: its clock once for many); `None` while a request is being answered.
    deadline: tuple[float, int] | None = None
    #: The same for a request whose body is incomplete, only to order it among the others: its handler bounds its time.
    body: tuple[float, int] | None = None
    #: Checks the deadline; one timer for each connection, as one for each request would cost more than the request.
    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    #: Bytes of the head's complete lines, and bytes that arrived while it was incomplete.
    _head_size = 0
    _received = 0
    _in_head = False
    _refused = False

    # -- time ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first request; if there are too many connections, let one make room."""
        super().connection_made(transport)
        self._set_deadline()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._check_deadline)
        if len(self.connections) > CONNECTIONS_MAX:
            self._make_room()

    def _make_room(self) -> None:
        """Close the connection that has kept us waiting longest, of the address with the most connections.

        So whoever opens many closes its own, and behind a proxy, where all have one address, the slowest go.
        """
        ours = [one for one in self.connections if isinstance(one, Connection)]
        count = Counter(one.address for one in ours)
        most = max(count.values())
        waiting = {since: one for one in ours if one is not self and (since := one.deadline or one.body) is not None}
        crowded = {since: one for since, one in waiting.items() if count[one.address] == most}
        slowest = crowded or waiting
        (slowest[min(slowest)] if slowest else self).give_up()

    @property
    def address(self) -> str:
        """The address of the other side."""
        return self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        for timer in (self._timer, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start waiting for the next request, even if the body of this one or its answer is still in transit."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._set_deadline()

    def pause_writing(self) -> None:
        """Stop writing, as the client has too much left to read; abort if that lasts."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_SECONDS, self.give_up)

    def resume_writing(self) -> None:
        """Continue writing."""
        if self._stalled is not None:
            self._stalled.cancel()
        super().resume_writing()

    def _set_deadline(self) -> None:
        self.deadline = self.loop.time() + HEAD_SECONDS, next(_serials)

    def _check_deadline(self) -> None:
        left = HEAD_SECONDS if self.deadline is None else self.deadline[0] - self.loop.time()
        if left <= 0:
            self.give_up()
        else:
            self._timer = self.loop.call_later(left, self._check_deadline)

    def give_up(self) -> None:
        """Abort the connection."""
        self.connections.discard(self)
        # Closing it properly would wait until everything is sent.
        self.transport.abort()

    # -- size ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse received bytes. The parser reports a line only at its end, so endless lines are counted here."""
        if self._refused:
            return
        inside = self._in_head
        super().data_received(data)
        if inside and self._in_head and not self._refused:
            self._received += len(data)
            if self._received > HEAD_MAX:
                self._refused = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """Reset the counters for a new head."""
        self._head_size, self._received, self._in_head = 0, 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a part of the request's target."""
        self._check_size(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header line."""
        self._check_size(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Clear the deadline: from here on the handler bounds the request."""
        self._in_head = False
        self.deadline = None
        self.body = self.loop.time() + HEAD_SECONDS + BODY_GRACE, next(_serials)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the whole request is there: from here on it waits for us."""
        self.body = None
        super().on_message_complete()

    def _check_size(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_MAX or len(self.headers) >= HEAD_LINES:
            self._refused = True
            raise ValueError("the head is too large")  # makes the parser stop and treat the request as malformed

    def send_400_response(self, msg: str) -> None:
        """Reject a malformed request, or one whose head is too large (431)."""
        if not self._refused:
            return super().send_400_response(msg)
        self.transport.write(REFUSAL)
        self.transport.close()
