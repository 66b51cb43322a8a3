"""The web server: uvicorn, quiet and with bounds on heads, stalls and connections where its own are missing.

uvicorn waits for a head for ever, and takes one of any size; and it closes no connection before all is sent. Whoever
opens many connections and sends a byte now and then, or never reads, would hold all of them. Bodies are bounded by
whoever reads them (`hooks`); what nobody reads is thrown away as it comes, but not for ever.
"""

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Seconds that requests get to come to an end when the daemon does.
_GRACEFUL = 3


class Server(uvicorn.Server):
    """A server that says when it begins to stop, so that answers without an end can come to theirs.

    And it shows, some times a second, that its loop goes round.
    """

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None], beat: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._beat = beat

    async def on_tick(self, counter: int) -> bool:
        """Go round; tells whether it is time to stop."""
        self._beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: no more connections, and wait for the answers that are under way."""
        self._stopping()
        await super().shutdown(sockets)


def make(app: ASGIApp, stopping: Callable[[], None] = lambda: None, beat: Callable[[], None] = lambda: None) -> Server:
    """Make the server of these routes; it does not listen yet.

    `stopping` is called when it begins to stop, `beat` again and again for as long as it works.
    """
    # A line for each request that is none would let anybody flood the log.
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
            # Only the page asks who it is, and looks at headers of proxies itself (`session`).
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACEFUL,
        ),
        stopping,
        beat,
    )


#: Seconds from the beginning of a connection, or the end of an answer, until the head of the next request is there.
HEAD_SECONDS = 15.0
#: Seconds for which nothing more of an answer is taken.
STALL_SECONDS = 15.0
#: Bytes and lines of a head.
HEAD_MAX, HEAD_LINES = 32_768, 100
#: Connections of one process; beyond that the one that has waited longest for a head makes room.
CONNECTIONS_MAX = 500

_turns = itertools.count()
REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(HttpToolsProtocol):
    """A connection that ends when it is too slow, asks with too large a head, or stands in the way of others."""

    #: When it is given up, by the loop's clock, and its turn among those of the same moment (the loop reads its clock
    #: once for many); `None` while a request is being answered.
    deadline: tuple[float, int] | None = None
    #: Looks after the deadline; made once, for a timer for each request would cost more than the request.
    _watch: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    #: Bytes of the head's lines so far, and bytes that came while a line was incomplete.
    _size = 0
    _raw = 0
    _in_head = False
    _refused = False

    # -- time ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request, in the place of another connection if there are too many."""
        super().connection_made(transport)
        self._wait()
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look)
        if len(self.connections) > CONNECTIONS_MAX:
            ours = [one for one in self.connections if isinstance(one, Connection)]
            waiting = {one.deadline: one for one in ours if one.deadline is not None}
            waiting[min(waiting)].give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        for timer in (self._watch, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request, also if the rest of this one's body is still coming or its answer not gone."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait()

    def pause_writing(self) -> None:
        """Stop writing, for too much waits to be read at the other side already."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_SECONDS, self.give_up)

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._stalled is not None:
            self._stalled.cancel()
        super().resume_writing()

    def _wait(self) -> None:
        self.deadline = self.loop.time() + HEAD_SECONDS, next(_turns)

    def _look(self) -> None:
        left = HEAD_SECONDS if self.deadline is None else self.deadline[0] - self.loop.time()
        if left <= 0:
            self.give_up()
        else:
            self._watch = self.loop.call_later(left, self._look)

    def give_up(self) -> None:
        """End it at once."""
        self.connections.discard(self)
        # To close it properly would mean to wait until all is sent.
        self.transport.abort()

    # -- size ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what arrived. One line that goes on and on is not told of before its end, so it is counted here."""
        if self._refused:
            return
        inside = self._in_head
        super().data_received(data)
        if inside and self._in_head and not self._refused:
            self._raw += len(data)
            if self._raw > HEAD_MAX:
                self._refused = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._size, self._raw, self._in_head = 0, 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._check(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a line."""
        self._check(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there: whoever answers takes care of the rest."""
        self._in_head = False
        self.deadline = None
        super().on_headers_complete()

    def _check(self, size: int) -> None:
        self._size += size
        if self._size > HEAD_MAX or len(self.headers) >= HEAD_LINES:
            self._refused = True
            raise ValueError("the head is too large")  # the parser stops, and takes it for a request that is none

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or too large a one."""
        if not self._refused:
            return super().send_400_response(msg)
        self.transport.write(REFUSAL)
        self.transport.close()
