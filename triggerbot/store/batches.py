"""Observing the batches of many callers together: those that wait share one transaction."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from triggerbot.core.errors import StoreUnavailable
from triggerbot.store import observe
from triggerbot.store.engine import Transaction
from triggerbot.store.records import Item, Outcome


class Submit(Protocol):
    """Runs a transaction, perhaps later, in order; see `Engine.submit`."""

    def __call__(self, body: Callable[[Transaction], list[Outcome]], *, here: bool = False) -> "Future[list[Outcome]]":
        """Submit it."""


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
    """Observes batches, in order: those that wait and fit together are one group, which is one transaction."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._lock = threading.Lock()
        #: The groups whose transactions have not begun yet, one for each that was submitted.
        self._waiting: deque[list[_Batch]] = deque()
        #: The number of items in the last of them.
        self._size = 0

    def submit(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None,
        deliveries: Sequence[str],
        here: bool = False,
    ) -> "Future[list[Outcome]]":
        """Queue a batch; its future is done once it is stored. `here`: see `Engine.submit`."""
        batch = _Batch(items, now, dry, cursor, deliveries)
        with self._lock:
            joins = bool(self._waiting) and self._fits(self._waiting[-1][-1], batch)
            if joins:
                self._waiting[-1].append(batch)
                self._size += len(items)
            else:
                self._waiting.append([batch])
                self._size = len(items)
        if not joins:
            self._begin(_Together(self._take), here=here)
        return batch.answer

    def _fits(self, last: _Batch, following: _Batch) -> bool:
        """Whether a batch may join the last group; one that moves a cursor is observed alone."""
        return self._size < _ITEMS_MAX and last.dry == following.dry and not (last.cursor or following.cursor)

    def _take(self) -> list[_Batch]:
        """Take the group that is observed next."""
        with self._lock:
            return self._waiting.popleft()

    def _begin(self, together: "_Together", *, here: bool = False) -> None:
        self._submit(together, here=here).add_done_callback(lambda stored: self._end(together, stored))

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
    """A transaction that observes a group, which is taken when it first runs, and stays the same when it runs again."""

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
        last = batches[-1]
        items, deliveries = last.items, last.deliveries
        if len(batches) > 1:
            items = [item for batch in batches for item in batch.items]
            deliveries = [name for batch in batches for name in batch.deliveries or [""] * len(batch.items)]
        return observe.observe(transaction, items, last.now, last.dry, last.cursor, deliveries)
