"""Observing the batches of many callers together: those that wait share one transaction."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from triggerbot.core.errors import StoreUnavailable
from triggerbot.store import observe
from triggerbot.store.engine import Transaction
from triggerbot.store.records import Item, Outcome

#: Runs a transaction later, in order; see `Engine.submit`.
Submit = Callable[[Callable[[Transaction], list[Outcome]]], "Future[list[Outcome]]"]
#: Items per transaction, unless a single batch has more.
_ITEMS_MAX = 1000


def _future() -> "Future[list[Outcome]]":
    future: Future[list[Outcome]] = Future()
    # What is under way cannot be cancelled.
    future.set_running_or_notify_cancel()
    return future


@dataclass(slots=True)
class _Batch:
    """The items of one caller."""

    items: Sequence[Item]
    now: float
    dry: bool
    cursor: tuple[str, str] | None
    deliveries: Sequence[str]
    answer: "Future[list[Outcome]]" = field(default_factory=_future)


class Batches:
    """Observes batches, in order. Each submits a transaction; the first that runs takes all that wait by then."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._lock = threading.Lock()
        self._waiting: deque[_Batch] = deque()

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
        batch = _Batch(items, now, dry, cursor, deliveries)
        with self._lock:
            self._waiting.append(batch)
        self._begin(_Together(self._take))
        return batch.answer

    def _take(self) -> list[_Batch]:
        """Take the batches that are observed next; one that moves a cursor is observed alone."""
        with self._lock:
            together: list[_Batch] = []
            size = 0
            while self._waiting and (not together or self._fits(together[-1], self._waiting[0], size)):
                together.append(self._waiting.popleft())
                size += len(together[-1].items)
        return together

    @staticmethod
    def _fits(last: _Batch, following: _Batch, size: int) -> bool:
        return size < _ITEMS_MAX and last.dry == following.dry and not (last.cursor or following.cursor)

    def _begin(self, together: "_Together") -> None:
        self._submit(together).add_done_callback(lambda stored: self._end(together, stored))

    def _end(self, together: "_Together", stored: "Future[list[Outcome]]") -> None:
        """Tell the callers; a bad batch is sent apart from those that it would make fail."""
        batches, error = together.batches(), stored.exception()
        if error is not None and len(batches) > 1 and not isinstance(error, StoreUnavailable):
            for batch in batches:
                self._begin(_Together(lambda batch=batch: [batch]))  # type: ignore[misc]
        elif error is not None:
            for batch in batches:
                batch.answer.set_exception(error)
        else:
            outcomes = iter(stored.result())
            for batch in batches:
                batch.answer.set_result([next(outcomes) for _ in batch.items])


class _Together:
    """A transaction that observes batches, which are taken when it first runs, and stay the same when it runs again."""

    def __init__(self, take: Callable[[], list[_Batch]]) -> None:
        self._take = take
        self._taken: list[_Batch] | None = None

    def batches(self) -> list[_Batch]:
        """Return the batches; where it never ran, they are taken now."""
        if self._taken is None:
            self._taken = self._take()
        return self._taken

    def __call__(self, transaction: Transaction) -> list[Outcome]:
        """Observe the batches."""
        batches = self.batches()
        if not batches:
            return []
        last = batches[-1]
        items, deliveries = last.items, last.deliveries
        if len(batches) > 1:
            items = [item for batch in batches for item in batch.items]
            deliveries = [name for batch in batches for name in batch.deliveries or [""] * len(batch.items)]
        return observe.observe(transaction, items, last.now, last.dry, last.cursor, deliveries)
