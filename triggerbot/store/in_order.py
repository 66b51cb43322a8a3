"""Work that is done one after the other: in a thread of its own, or at once by whoever would only wait for it.

Handing work over to a thread, and its result back, takes about as long as a small transaction. So who waits anyway does
it, if nothing else is to be done before.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from triggerbot.core.errors import StoreUnavailable

A = TypeVar("A")
#: Something to do, and the future of who submitted it.
Item = tuple[A, "Future[Any]"]
#: Does some of it, and returns what completes the futures.
Work = Callable[[Sequence[Item[A]]], Sequence[Callable[[], None]]]


class InOrder(Generic[A]):
    """Works on what is submitted, in order, never at two at a time; `most`: how many that wait are done together."""

    def __init__(self, work: Work[A], most: int = 1) -> None:
        self._work = work
        self._most = most
        self._queue: queue.SimpleQueue[Item[A] | None] = queue.SimpleQueue()
        #: Guards the next two, and the order of the queue.
        self._lock = threading.Lock()
        #: The number of items that were queued and are not done yet.
        self._waiting = 0
        self._closed = False
        #: Held while something is done.
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._work_off, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, act: A, *, here: bool = False) -> "Future[Any]":
        """Queue something; `here`: who submits it waits for it, and so may do it."""
        future: Future[Any] = Future()
        # What is under way cannot be cancelled.
        future.set_running_or_notify_cancel()
        mine = False
        with self._lock:
            if self._closed:
                future.set_exception(StoreUnavailable("the store is closed"))
                return future
            mine = here and not self._waiting and self._turn.acquire(blocking=False)
            if not mine:
                self._waiting += 1
                self._queue.put((act, future))
        if mine:
            self._do([(act, future)], 0)
        return future

    def close(self) -> None:
        """Do what is queued, then stop."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        with self._turn:
            pass

    def _work_off(self) -> None:
        going = True
        while going:
            items: list[Item[A]] = []
            item = self._queue.get()
            while item is not None:
                items.append(item)
                if len(items) >= self._most or self._queue.empty():
                    break
                item = self._queue.get()
            going = item is not None
            if items:
                self._turn.acquire()
                self._do(items, len(items))

    def _do(self, items: Sequence[Item[A]], waited: int) -> None:
        """Do some items, then end the turn and complete their futures; so many of them were queued."""
        answers: Sequence[Callable[[], None]] = ()
        try:
            answers = self._work(items)
        except BaseException as error:  # noqa: BLE001 - an interrupted caller's, too, belongs to who waits
            answers = [_failing(future, error) for _, future in items]
        finally:
            self._turn.release()
            if waited:
                with self._lock:
                    self._waiting -= waited
        for answer in answers:
            answer()


def _failing(future: "Future[Any]", error: BaseException) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_exception(error)
