"""What a supervisor hands to a worker, in its environment: its number, and open files by their descriptors."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Self

import structlog

from triggerbot.core.errors import UsageError
from triggerbot.daemon.systemd import EVERY

log = structlog.get_logger("triggerbot.workers")

#: Where the seat is written.
VARIABLE = "TRIGGERBOT_WORKER"
#: Seconds that a worker gets to end; then it is ended. More than a daemon gives to what it has in flight.
GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Handover:
    """The place of one worker. All files are descriptors that it inherits."""

    #: From 1.
    number: int
    #: Where it tells what it dies of.
    errors: int
    #: Where it shows, again and again, that it works.
    beats: int
    #: Nothing is ever written to it, and it comes to its end when the supervisor does.
    lifeline: int
    #: The socket that all workers accept on; `None`: nothing is served.
    listening: int | None

    @classmethod
    def taken(cls, environ: MutableMapping[str, str]) -> Self | None:
        """Take the seat that the environment names; `None`: nobody supervises this process.

        Raises:
            UsageError: it is no seat; the variable is for supervisors only.
        """
        written = environ.pop(VARIABLE, None)
        if written is None:
            return None
        try:
            seat = cls(**json.loads(written))
            for descriptor in seat.descriptors:
                os.set_inheritable(descriptor, False)  # noqa: FBT003 - a signature of the standard library
        except (ValueError, TypeError, OSError):
            raise UsageError(f"{VARIABLE} is set by `triggerbot run --workers` only: unset it") from None
        return seat

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that is inherited."""
        return tuple(one for one in (self.errors, self.beats, self.lifeline, self.listening) if one is not None)

    def environment(self) -> dict[str, str]:
        """Write it down for the worker."""
        return {VARIABLE: json.dumps(asdict(self))}

    def outside(self) -> "SupervisorPipe":
        """Tell the supervisor by this that the worker works."""
        return SupervisorPipe(self.beats)

    def socket(self) -> socket.socket | None:
        """Take hold of the inherited socket."""
        return None if self.listening is None else socket.socket(fileno=self.listening)

    def end_with_supervisor(self) -> None:
        """End this process, decently if it lets itself, when its supervisor is gone, even by `kill -9`."""
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def _watch(self) -> None:
        os.read(self.lifeline, 1)
        log.warning("worker.orphaned")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)


class SupervisorPipe:
    """A worker's word to its supervisor, a byte each time, that every part of it works."""

    every = EVERY

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self) -> None:
        """Every part works."""
        self.alive()

    def alive(self) -> None:
        """Every part works."""
        # A supervisor that does not read now has enough to read later; one that is gone is told by the lifeline.
        with suppress(OSError):
            os.write(self._descriptor, b".")

    def reloading(self) -> None:
        """That is no concern of the supervisor's."""

    def stopping(self) -> None:
        """It sees that itself."""
