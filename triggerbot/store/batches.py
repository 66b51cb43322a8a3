"""A thread that observes the batches of many callers: those that wait share one transaction."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from triggerbot.core.errors import StoreUnavailable
from triggerbot.store.records import Item, Outcome

#: Observes items: they, now, whether in dry run, a cursor, and the deliveries.
Observe = Callable[[Sequence[Item], float, bool, tuple[str, str] | None, Sequence[str]], list[Outcome]]
#: Items per transaction, unless a single batch has more.
_ITEMS_MAX = 1000


@dataclass(frozen=True, slots=True)
class _Batch:
    """The items of one caller."""

    items: Sequence[Item]
    now: float
    dry: bool
    cursor: tuple[str, str] | None
    deliveries: Sequence[str]
    answer: "Future[list[Outcome]]"


class Batches:
    """Observes batches, in order."""

    def __init__(self, observe: Observe) -> None:
        self._observe_all = observe
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-observer", daemon=True)
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
        """Queue a batch; its future is done once it is stored."""
        answer: Future[list[Outcome]] = Future()
        answer.set_running_or_notify_cancel()
        if self._closed:
            answer.set_exception(StoreUnavailable("the store is closed"))
        else:
            self._queue.put(_Batch(items, now, dry, cursor, deliveries or [""] * len(items), answer))
        return answer

    def close(self) -> None:
        """Observe what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        waiting: deque[_Batch | None] = deque()
        while True:
            first = waiting.popleft() if waiting else self._queue.get()
            if first is None:
                return
            together, size = [first], len(first.items)
            while size < _ITEMS_MAX and not first.cursor and not self._queue.empty():
                following = self._queue.get()
                if following is None or following.cursor or following.dry != first.dry:
                    waiting.append(following)
                    break
                together.append(following)
                size += len(following.items)
            self._send(together)

    def _send(self, together: Sequence[_Batch]) -> None:
        try:
            answers = self._observe(together)
        except StoreUnavailable as error:
            for batch in together:
                batch.answer.set_exception(error)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, not to this thread
            self._send_apart(together, error)
        else:
            for batch, outcomes in zip(together, answers, strict=True):
                batch.answer.set_result(outcomes)

    def _send_apart(self, together: Sequence[_Batch], error: Exception) -> None:
        """Send each batch alone, so that a bad one does not fail the others; a single batch gets the error."""
        if len(together) == 1:
            return together[0].answer.set_exception(error)
        for batch in together:
            self._send([batch])

    def _observe(self, together: Sequence[_Batch]) -> list[list[Outcome]]:
        last = together[-1]
        items = [item for batch in together for item in batch.items]
        deliveries = [name for batch in together for name in batch.deliveries]
        outcomes = iter(self._observe_all(items, last.now, last.dry, last.cursor, deliveries))
        return [[next(outcomes) for _ in batch.items] for batch in together]
