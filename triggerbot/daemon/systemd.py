"""Notifications to systemd: ready, alive, reloading, stopping (sd_notify(3)).

The protocol is one datagram of `NAME=VALUE` lines to the socket in `NOTIFY_SOCKET`. Its variables are set for services
of `Type=notify`, and by podman and others.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

#: Seconds between two `alive`, unless the watchdog of systemd needs them more often.
EVERY = 1.0
#: Seconds to wait for room in the socket of systemd.
_SEND_TIMEOUT = 0.5
#: The variables of the protocol, removed from the environment: a child must not send notifications for this process.
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(frozen=True, slots=True)
class Notifier:
    """Notifies systemd of the state of this process; does nothing where there is none or it does not listen."""

    #: The path of a Unix socket, abstract if it starts with @ (unix(7)). `None`: no notifications are wanted.
    address: str | None = None
    #: Seconds without `alive` after which systemd ends this process; `None`: it does not.
    watchdog: float | None = None

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self:
        """Build one from the environment, and remove the variables from it."""
        address, usec, process = (environ.pop(name, None) for name in _VARIABLES)
        ours = process in (None, "", str(os.getpid()))
        watched = usec is not None and usec.isascii() and usec.isdigit() and int(usec) > 0 and ours
        return cls(address or None, int(usec) / 1e6 if usec is not None and watched else None)

    @property
    def every(self) -> float:
        """Seconds from one `alive` to the next; systemd recommends half of the watchdog's time at most."""
        return EVERY if self.watchdog is None else min(EVERY, self.watchdog / 4)

    def ready(self) -> None:
        """Notify that the start or a reload is complete and everything works."""
        self._send("READY=1")

    def alive(self) -> None:
        """Reset the watchdog of systemd."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Notify that the configuration is being read again, until `ready`."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Notify that the process has begun to stop."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if self.address is None:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        # A notification that cannot be sent must neither block the daemon for long nor end it.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.settimeout(_SEND_TIMEOUT)
            out.sendto(state.encode(), address)


#: For a process that nothing supervises.
NOBODY = Notifier()
