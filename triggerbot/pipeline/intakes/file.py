"""The file intake: a file of canonical events, one JSON object per line, followed as it grows."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from triggerbot.core import event_json
from triggerbot.core.errors import NotUnderstood, StoreUnavailable
from triggerbot.core.model import Event
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Store

log = structlog.get_logger("triggerbot.file")

#: Seconds between reads of a file that does not grow.
_EVERY = 0.5
#: Bytes read at a time, and the longest line.
_CHUNK, _LINE_MAX = 1 << 20, 1 << 20


class File:
    """Follows one file; its position is stored in one commit with the events before it."""

    def __init__(
        self,
        system: str,
        path: Path,
        store: Store,
        observer: Observer,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._system = system
        self._path = path
        self._store = store
        self._observer = observer
        self._clock = clock
        self._metrics = metrics
        self._cursor = f"file:{system}:{path}"

    def run(self, stop: threading.Event) -> None:
        """Follow the file until stopped; it need not exist yet."""
        logged = False
        while not stop.is_set():
            try:
                if not self.once():
                    stop.wait(_EVERY)
                logged = False
            except (OSError, StoreUnavailable) as error:
                if not logged:
                    log.warning("file.unreadable", path=str(self._path), error=str(error))
                logged = True
                stop.wait(5 * _EVERY)

    def once(self) -> bool:
        """Read and observe what was added, and store the new position; return false if nothing was added."""
        with self._path.open("rb") as file:
            status = os.fstat(file.fileno())
            offset = self._offset(status.st_ino, status.st_size)
            file.seek(offset)
            chunk = file.read(_CHUNK)
        end = chunk.rfind(b"\n") + 1
        if not end and len(chunk) < _LINE_MAX:
            return False
        end = end or len(chunk)
        events = self._events(chunk[:end])
        self._observer.observe(events, cursor=(self._cursor, f"{status.st_ino}:{offset + end}"))
        return True

    def _offset(self, inode: int, size: int) -> int:
        """Return the stored position, or 0 if the file was replaced or truncated."""
        known, _, offset = (self._store.cursor(self._cursor) or "0:0").partition(":")
        return int(offset) if int(known) == inode and int(offset) <= size else 0

    def _events(self, chunk: bytes) -> list[Event]:
        """Parse lines into events; store those that cannot be parsed as dead letters."""
        events, letters = [], []
        for line in chunk.splitlines():
            if not line.strip():
                continue
            try:
                events.append(event_json.decode(line, self._system))
            except NotUnderstood as error:
                letters.append(DeadLetter(0, self._clock(), self._system, "file", str(error), line[:65_536]))
        if letters:
            self._metrics.dead_letters.labels(self._system).inc(len(letters))
            self._store.letters.add(letters)
        return events
