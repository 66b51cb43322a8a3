"""The web server: uvicorn, told to believe nobody and to say little."""

import logging

import uvicorn
from starlette.applications import Starlette

from triggerbot.web.connection import Connection

#: Seconds that requests get to come to an end when the daemon does.
_GRACEFUL = 3


def make(app: Starlette) -> uvicorn.Server:
    """Make the server of these routes; it does not listen yet."""
    # A line for each request that is none would let anybody flood the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            # Nothing here depends on who asks, so no header of a proxy is believed either.
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACEFUL,
        )
    )
