"""What this process knows of parts, so that most transactions have nothing to read.

Of each part some documents are kept, as of a version of it. The script compares the versions of all parts on which a
transaction rests with those that are there, so what has become wrong here costs another try, and nothing else.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from triggerbot.store.engine import Changes, Doc

#: The version of a part that does not exist.
ABSENT = "0"
#: Bytes that are kept, and those that a document and a part take besides their values.
_BYTES_MAX, _BYTES_DOCUMENT, _BYTES_PART = 2_000_000, 250, 700
#: Seconds for which a part is not kept after another process was found to change it.
_CONTESTED = 2.0


@dataclass(slots=True)
class _Part:
    """Documents as of a version."""

    version: str
    #: There are no others.
    complete: bool = False
    documents: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    size: int = _BYTES_PART
    #: It was changed by another process: nothing is kept until then (monotonic, s).
    contested: float = 0.0

    def put(self, place: tuple[str, str], value: bytes | None) -> None:
        """Keep a document, by its kind and name; `None`: it does not exist."""
        documents = self.documents
        more = _BYTES_DOCUMENT if place not in documents else -len(documents[place] or b"")
        documents[place] = value
        self.size += more + len(value or b"")


class Cache:
    """The parts used last. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[str, _Part] = {}
        self._size = 0

    def get(self, docs: Iterable[Doc], versions: dict[str, str]) -> dict[Doc, bytes | None]:
        """Return the documents that are known as of `versions`; adds the versions of parts that are not among these."""
        found: dict[Doc, bytes | None] = {}
        with self._lock:
            for doc in docs:
                part = self._parts.get(doc.part)
                if part is None or part.contested or versions.setdefault(doc.part, part.version) != part.version:
                    continue
                value = part.documents.get((doc.kind, doc.name))
                if value is not None or part.complete or (doc.kind, doc.name) in part.documents:
                    found[doc] = value
        return found

    def applied(
        self, versions: Mapping[str, str], read: Mapping[Doc, bytes | None], changes: Changes, version: str
    ) -> None:
        """Keep what a transaction has read, as of `versions`, and changed: its parts have a new version now."""
        changed = {doc.part for doc in changes.documents} | {part for part, _ in changes.logs}
        with self._lock:
            parts = {}
            for name in versions.keys() | changed:
                before = versions.get(name)
                part = self._take(name)
                if part is not None and part.contested > time.monotonic():
                    self._keep(name, part)
                elif name not in changes.dropped:
                    if part is None or part.version != before:
                        part = _Part(before or "", before == ABSENT)
                    parts[name] = part
                    if name in changed:
                        part.version = version
            for known in (read, changes.documents):
                for (name, kind, document), value in known.items():
                    changed_part = parts.get(name)
                    if changed_part is not None:
                        changed_part.put((kind, document), value)
            for name, part in parts.items():
                self._keep(name, part)
            while self._size > _BYTES_MAX:
                self._take(next(iter(self._parts)))

    def stale(self, name: str, version: str) -> None:
        """Forget a part, which has another version than this by now."""
        with self._lock:
            part = self._parts.get(name)
            # Another thread may have changed it, and told so, meanwhile.
            if part is not None and part.version == version:
                self._take(name)
                self._keep(name, _Part(version, contested=time.monotonic() + _CONTESTED))

    def _keep(self, name: str, part: _Part) -> None:
        self._parts[name] = part
        self._size += part.size

    def _take(self, name: str) -> _Part | None:
        part = self._parts.pop(name, None)
        if part is not None:
            self._size -= part.size
        return part
