"""The loop of a thread that works off what is due."""

import threading
from collections.abc import Callable

import structlog

from triggerbot.core.errors import StoreRefused, StoreUnavailable

log = structlog.get_logger("triggerbot.publish")


def run(step: Callable[[], bool], stop: threading.Event, *, idle: float = 0.5) -> None:
    """Do one step after another until `stop` is set; `step` returns whether anything was due.

    No failure of the store ends it. `idle`: seconds between looks at the store when nothing is due.
    """
    while not stop.is_set():
        try:
            busy = step()
        except (StoreUnavailable, StoreRefused) as error:
            log.error("store.unavailable", error=str(error))
            busy = False
        if not busy:
            stop.wait(idle)
