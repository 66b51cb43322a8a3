"""The web server: uvicorn, told to believe nobody and to say little."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from triggerbot.web.connection import Connection

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
