"""A bounded memory of answers by address, for conditional reads.

GitHub's documentation ("Best practices for using the REST API", 2026): a read with `If-None-Match` that is answered
304 does not count against the primary rate limit.
"""

import threading
from collections import OrderedDict

from triggerbot.systems.http import Reply

#: Bytes of bodies kept; a page of 100 jobs with their steps has up to some 500 kB.
_BYTES_MAX = 32 * 1024 * 1024
_COUNT_MAX = 2000


class Etags:
    """The newest answers with an ETag, the least recently used forgotten first. Safe for threads."""

    def __init__(self, bytes_max: int = _BYTES_MAX, count_max: int = _COUNT_MAX) -> None:
        self._bytes_max = bytes_max
        self._count_max = count_max
        self._lock = threading.Lock()
        self._replies: OrderedDict[str, Reply] = OrderedDict()
        self._bytes = 0

    def known(self, address: str) -> Reply | None:
        """Find the answer kept for an address."""
        with self._lock:
            if address in self._replies:
                self._replies.move_to_end(address)
            return self._replies.get(address)

    def keep(self, address: str, reply: Reply) -> None:
        """Keep an answer, if it has an ETag and is not too large to be worth it."""
        if "etag" not in reply.headers or len(reply.body) > self._bytes_max // 4:
            return
        with self._lock:
            self._drop(address)
            self._replies[address] = reply
            self._bytes += len(reply.body)
            while self._bytes > self._bytes_max or len(self._replies) > self._count_max:
                self._drop(next(iter(self._replies)))

    def _drop(self, address: str) -> None:
        old = self._replies.pop(address, None)
        self._bytes -= len(old.body) if old else 0
