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

#: Seconds until a store that was unavailable is tried again.
_RETRY_EVERY = 10.0
#: Seconds for the last try when the supervisor ends.
_LAST_TRY = 5.0


def record(address: str, crashes: Sequence[Crash]) -> bool:
    """Record crashes in the store; log and return false if that fails."""
    try:
        store = open_store(address)
        try:
            store.crashes.add(crashes)
        finally:
            store.close()
    except (TriggerbotError, OSError) as error:
        log.warning("crashes.not_kept", error=str(error), crashes=len(crashes))
        return False
    return True


class CrashRecorder:
    """Records crashes in a thread of its own, because a store without an answer must not block the supervisor."""

    def __init__(self, address: str) -> None:
        self._address = address
        #: Groups of crashes of one incident, recorded together so that those of other supervisors do not mix in.
        self._waiting: deque[Sequence[Crash]] = deque(maxlen=CRASHES_MAX)
        self._added = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crash-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, group: Sequence[Crash]) -> None:
        """Queue the crashes of one incident for recording."""
        self._waiting.append(group)
        self._added.set()

    def end(self) -> None:
        """Try once more to record what is queued, log what is lost, and end."""
        self._ending.set()
        self._added.set()
        self._thread.join(_LAST_TRY)
        if self._waiting:
            log.error("crashes.lost", crashes=sum(map(len, self._waiting)))

    def _run(self) -> None:
        while not self._ending.is_set():
            self._added.wait()
            self._added.clear()
            while not self._record_all() and not self._ending.wait(_RETRY_EVERY):
                pass
        self._record_all()

    def _record_all(self) -> bool:
        while self._waiting:
            group = self._waiting[0]
            if not record(self._address, group):
                return False
            self._waiting.remove(group)
        return True


#: Seconds within which deaths belong to one incident.
INCIDENT_SECONDS = 3.0


def name_of(number: int) -> str:
    """Return the name of a worker, unique among all machines: host/number."""
    return f"{socket.gethostname()}/{number}"


def group_by_incident(crashes: Sequence[Crash]) -> list[list[Crash]]:
    """Group crashes by incident, in order of time; each gets its `order` within the group, from 1.

    A worker that dies again starts a new group: that is not the same incident.
    """
    groups: list[list[Crash]] = []
    for crash in sorted(crashes, key=lambda one: one.at):
        group = groups[-1] if groups else []
        if group and crash.at - group[0].at <= INCIDENT_SECONDS and all(one.worker != crash.worker for one in group):
            group.append(replace(crash, order=len(group) + 1))
        else:
            groups.append([replace(crash, order=1)])
    return groups
