"""Handover from supervisor to worker through the environment: the worker's number, and open file descriptors."""

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
from triggerbot.daemon.workers import crash_file

log = structlog.get_logger("triggerbot.workers")

#: The environment variable that holds the handover.
VARIABLE = "TRIGGERBOT_WORKER"
#: Seconds for a worker to end before it is killed; more than a daemon gives to what it has in flight.
GRACE = 10.0
_STDERR = 2


@dataclass(frozen=True, slots=True)
class Handover:
    """What one worker gets from its supervisor. All files are descriptors that it inherits."""

    #: The worker's number, from 1.
    number: int
    #: Its crash file.
    errors: int
    #: The pipe for its heartbeats.
    beats: int
    #: A pipe into which nothing is ever written: reading it ends when the supervisor does.
    lifeline: int
    #: The socket on which all workers accept; `None`: nothing is served.
    listening: int | None
    #: The supervisor's stderr; until it is taken (see `take_stderr`), that of the worker is a file.
    stderr: int

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self | None:
        """Parse the handover and remove it from the environment; return `None` if no supervisor started this process.

        Raises:
            UsageError: the variable holds something else; it is for supervisors only.
        """
        value = environ.pop(VARIABLE, None)
        if value is None:
            return None
        try:
            handover = cls(**json.loads(value))
            for descriptor in handover.descriptors:
                os.set_inheritable(descriptor, False)  # noqa: FBT003 - a signature of the standard library
        except (ValueError, TypeError, OSError):
            raise UsageError(f"{VARIABLE} is set by `triggerbot run --workers` only: unset it") from None
        return handover

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The descriptors that the worker inherits."""
        return tuple(
            one for one in (self.errors, self.beats, self.lifeline, self.listening, self.stderr) if one is not None
        )

    def environment(self) -> dict[str, str]:
        """Return the environment variable for the worker."""
        return {VARIABLE: json.dumps(asdict(self))}

    def manager(self) -> "SupervisorPipe":
        """Return the supervisor as the worker's process manager."""
        return SupervisorPipe(self.beats)

    def take_stderr(self) -> None:
        """Write to the supervisor's stderr from now on: everything is imported, so what fails now is reported."""
        crash_file.pass_on(_STDERR, self.stderr)

    def socket(self) -> socket.socket | None:
        """Return the inherited socket; `None` if nothing is served."""
        return None if self.listening is None else socket.socket(fileno=self.listening)

    def end_with_supervisor(self) -> None:
        """End this process when its supervisor is gone, even by `kill -9`: by SIGTERM first, then at once."""
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def _watch(self) -> None:
        os.read(self.lifeline, 1)
        log.warning("worker.orphaned")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os._exit(1)


class SupervisorPipe:
    """Reports to the supervisor that every part of the worker works, by one byte on a pipe each time."""

    every = EVERY

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def ready(self) -> None:
        """Report that every part works."""
        self.alive()

    def alive(self) -> None:
        """Report that every part works."""
        # A full pipe is no problem: the supervisor reads it later. That it is gone is noticed by the lifeline.
        with suppress(OSError):
            os.write(self._descriptor, b".")

    def reloading(self) -> None:
        """Do nothing: the supervisor does not need to know."""

    def stopping(self) -> None:
        """Do nothing: the supervisor sees the process end."""
