"""Crashes of workers: recorded in the store (in memory while it cannot be reached), grouped by what died together."""

import socket
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import structlog

from triggerbot.core.errors import TriggerbotError
from triggerbot.store import CRASHES_MAX, Crash
from triggerbot.store.factory import open_store

log = structlog.get_logger("triggerbot.workers")

#: Seconds until a store that could not be had is tried again.
_AGAIN = 10.0
#: Seconds that the last try may take at the end.
_LAST = 5.0


def record(address: str, crashes: Sequence[Crash]) -> bool:
    """Write crashes to the store; false, and logged, if it cannot be had."""
    try:
        store = open_store(address)
        try:
            store.add_crashes(crashes)
        finally:
            store.close()
    except (TriggerbotError, OSError) as error:
        log.warning("crashes.not_kept", error=str(error), crashes=len(crashes))
        return False
    return True


class CrashRecorder:
    """Keeps crashes from a thread of its own: a store that does not answer must not hold up the supervisor."""

    def __init__(self, address: str) -> None:
        self._address = address
        #: Those that died together are kept together, for no other process's to come between them.
        self._waiting: deque[Sequence[Crash]] = deque(maxlen=CRASHES_MAX)
        self._news = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crash-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def keep(self, group: Sequence[Crash]) -> None:
        """Keep those that died together, soon."""
        self._waiting.append(group)
        self._news.set()

    def end(self) -> None:
        """Try once more to keep what is not kept, and stop."""
        self._ending.set()
        self._news.set()
        self._thread.join(_LAST)
        if self._waiting:
            log.error("crashes.lost", crashes=sum(map(len, self._waiting)))

    def _run(self) -> None:
        while not self._ending.is_set():
            self._news.wait()
            self._news.clear()
            while not self._keep_all() and not self._ending.wait(_AGAIN):
                pass
        self._keep_all()

    def _keep_all(self) -> bool:
        while self._waiting:
            group = self._waiting[0]
            if not record(self._address, group):
                return False
            self._waiting.remove(group)
        return True


#: Seconds within which deaths belong together.
TOGETHER = 3.0


def name_of(number: int) -> str:
    """Name a worker so that it can be told from those of other machines."""
    return f"{socket.gethostname()}/{number}"


def in_groups(crashes: Sequence[Crash]) -> list[list[Crash]]:
    """Put together those that died together, the earliest of each group first and all in order.

    A worker that dies again begins a group of its own: that is not the same incident.
    """
    groups: list[list[Crash]] = []
    for crash in sorted(crashes, key=lambda one: one.at):
        group = groups[-1] if groups else []
        if group and crash.at - group[0].at <= TOGETHER and all(one.worker != crash.worker for one in group):
            group.append(replace(crash, order=len(group) + 1))
        else:
            groups.append([replace(crash, order=1)])
    return groups
