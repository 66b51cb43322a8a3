"""A service manager, as far as a service sees it: a socket that receives its notifications (sd_notify(3))."""

import queue
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.daemon import PATIENCE


class Systemd:
    """Listens at a path, or in the abstract namespace where the address begins with @."""

    def __init__(self, address: Path | str) -> None:
        self.address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0", 1) if self.address.startswith("@") else self.address)
        self._received: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listening = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._listening.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RD)
        self._listening.join()
        self._socket.close()

    def _listen(self) -> None:
        while word := self._socket.recv(4096):
            self._received.put(word.decode())

    def environment(self, seconds: float = 60.0) -> dict[str, str]:
        """Return the environment of a service with this timeout of its watchdog."""
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(round(seconds * 1e6))}

    def hear(self) -> str:
        """Wait for one notification."""
        return self._received.get(timeout=PATIENCE)

    def until(self, word: str) -> list[str]:
        """Wait for a notification, and return those before it."""
        before: list[str] = []
        while (received := self.hear()) != word:
            before.append(received)
        return before

    def silent(self) -> bool:
        """Return whether no notification is waiting."""
        return self._received.empty()
