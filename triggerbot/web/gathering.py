"""Many webhooks, one commit: what arrives while one batch is being written is the next batch.

A request is still answered only after its own events are on the disk; it shares the way there.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Heard
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Outcome

#: Requests that share one commit at most.
_MOST = 200


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """One request."""

    heard: Sequence[Heard]
    delivery: str
    #: Whether it had been stored before.
    answer: "asyncio.Future[bool]"


class Gathering:
    """Belongs to one event loop; crosses over to the store's thread once a batch rather than once a request."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waiting: list[_Waiting] = []
        self._busy = False
        #: After a fault, so many requests go one by one.
        self._singly = 0

    async def observe(self, heard: Sequence[Heard], delivery: str = "") -> bool:
        """Have what a webhook told observed, unless the same delivery (see `System.verify`) was stored before.

        Returns when it is durable, and tells whether it was before; raises what observing it raised.
        """
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(heard, delivery, answer))
        if not self._busy:
            self._send()
        return await answer

    def _send(self) -> None:
        most = 1 if self._singly else _MOST
        self._singly = max(0, self._singly - 1)
        batch, self._waiting = self._waiting[:most], self._waiting[most:]
        self._busy = bool(batch)
        if not batch:
            return
        loop = asyncio.get_running_loop()
        # The same delivery twice in one batch is observed once, like the same in two.
        firsts = {one.delivery or id(one): one for one in reversed(batch)}
        sent = [one for one in batch if firsts[one.delivery or id(one)] is one]
        heard = [thing for one in sent for thing in one.heard]
        deliveries = [one.delivery for one in sent for _ in one.heard]
        try:
            stored = self._observer.observe_soon(heard, deliveries=deliveries)
        except Exception as error:  # noqa: BLE001 - it belongs to the request that caused it
            loop.call_soon(self._fail, batch, error)
        else:
            stored.add_done_callback(lambda done: loop.call_soon_threadsafe(self._end, batch, sent, done))

    def _end(self, batch: list[_Waiting], sent: list[_Waiting], stored: "Future[list[Outcome]]") -> None:
        error = stored.exception()
        if error is not None:
            return self._fail(batch, error)
        outcomes = iter(stored.result())
        told = {one: [next(outcomes) for _ in one.heard] for one in sent}
        fresh = {one for one, each in told.items() if not any(outcome.repeated for outcome in each)}
        for one in batch:
            if not one.answer.done():  # whoever asked may have gone away
                one.answer.set_result(one not in fresh)
        self._send()

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        if len(batch) > 1 and not isinstance(error, StoreUnavailable):
            # One request's fault is no other's: each is tried by itself.
            self._singly = len(batch)
            self._waiting = batch + self._waiting
        else:
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        self._send()
