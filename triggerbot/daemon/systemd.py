"""What systemd is told of this process: that it is ready, that it lives, that it ends (sd_notify(3)).

The protocol is one datagram of `NAME=VALUE` lines to the socket that `NOTIFY_SOCKET` names; its variables are set for
services of `Type=notify`, and by podman and others, too.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

#: Seconds between two signs of life where nobody wants them sooner.
EVERY = 1.0
#: Seconds that systemd may take to make room for a word.
_PATIENCE = 0.5
#: The variables of the protocol; who was started by us must not speak for us.
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells systemd how this process is; where there is none, or it does not listen, nothing happens."""

    #: The path of a Unix socket; one that begins with @ is abstract (unix(7)). `None`: nobody asked.
    address: str | None = None
    #: Seconds without `alive` after which systemd ends this process; `None`: it does not.
    watchdog: float | None = None

    @classmethod
    def taken(cls, environ: MutableMapping[str, str]) -> Self:
        """Take what the environment says, out of it."""
        address, usec, process = (environ.pop(name, None) for name in _VARIABLES)
        ours = process in (None, "", str(os.getpid()))
        watched = usec is not None and usec.isascii() and usec.isdigit() and int(usec) > 0 and ours
        return cls(address or None, int(usec) / 1e6 if usec is not None and watched else None)

    @property
    def every(self) -> float:
        """Seconds from one `alive` to the next; systemd advises half of its patience at most."""
        return EVERY if self.watchdog is None else min(EVERY, self.watchdog / 4)

    def ready(self) -> None:
        """Say that the start, or a reload, is over and everything works."""
        self._send("READY=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Say that the config is read again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # A word to systemd is not worth a long wait, and none is worth an end.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(_PATIENCE)
            out.sendto(state.encode(), address)


#: Nobody asked.
NOBODY = Notifier()
