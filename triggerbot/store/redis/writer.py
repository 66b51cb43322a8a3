"""One thread that brings what many callers heard to Redis: what waits meanwhile goes together, in one round trip."""

import queue
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from triggerbot.core.errors import StoreUnavailable
from triggerbot.store import Item, Outcome
from triggerbot.store.redis import observe
from triggerbot.store.redis.connection import RedisConnection

#: Items that go together at most, unless one caller brings more.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one caller heard."""

    items: Sequence[Item]
    now: float
    dry: bool
    cursor: tuple[str, str] | None
    deliveries: Sequence[str]
    answer: "Future[list[Outcome]]"


class Writer:
    """Observes batches, in order."""

    def __init__(self, link: RedisConnection) -> None:
        self._link = link
        self._queue: queue.SimpleQueue[_Heard | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None,
        deliveries: Sequence[str],
    ) -> "Future[list[Outcome]]":
        """Queue a batch; its future is answered after Redis has it."""
        answer: Future[list[Outcome]] = Future()
        answer.set_running_or_notify_cancel()
        if self._closed:
            answer.set_exception(StoreUnavailable("the store is closed"))
        else:
            self._queue.put(_Heard(items, now, dry, cursor, deliveries or [""] * len(items), answer))
        return answer

    def close(self) -> None:
        """Bring what is queued, and stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        waiting: deque[_Heard | None] = deque()
        while True:
            first = waiting.popleft() if waiting else self._queue.get()
            if first is None:
                return
            together, size = [first], len(first.items)
            while size < _MOST and not first.cursor and not self._queue.empty():
                following = self._queue.get()
                if following is None or following.cursor or following.dry != first.dry:
                    waiting.append(following)
                    break
                together.append(following)
                size += len(following.items)
            self._bring(together)

    def _bring(self, together: Sequence[_Heard]) -> None:
        try:
            answers = self._observe(together)
        except StoreUnavailable as error:
            for heard in together:
                heard.answer.set_exception(error)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, not to this thread
            self._apart(together, error)
        else:
            for heard, outcomes in zip(together, answers, strict=True):
                heard.answer.set_result(outcomes)

    def _apart(self, together: Sequence[_Heard], error: Exception) -> None:
        """What one caller brought must not spoil what others did."""
        if len(together) == 1:
            return together[0].answer.set_exception(error)
        for heard in together:
            self._bring([heard])

    def _observe(self, together: Sequence[_Heard]) -> list[list[Outcome]]:
        last = together[-1]
        items = [item for heard in together for item in heard.items]
        deliveries = [name for heard in together for name in heard.deliveries]
        answer = self._link.call(
            "observe", **observe.arguments(items, deliveries, last.now, dry=last.dry, cursor=last.cursor)
        )
        outcomes = iter(observe.outcomes(items, answer) if items else [])
        return [[next(outcomes) for _ in heard.items] for heard in together]
