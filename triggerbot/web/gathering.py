"""Many webhooks, one commit: what arrives while one batch is being written is the next batch.

A request is still answered only after its own events are on the disk; it shares the way there.
"""

import asyncio
from collections.abc import Sequence

from triggerbot.errors import StoreUnavailable
from triggerbot.model import Heard
from triggerbot.observe import Observer

#: Requests that share one commit at most.
_MOST = 200

_Waiting = tuple[Sequence[Heard], "asyncio.Future[None]"]


class Gathering:
    """Belongs to one event loop; crosses over to the store's thread once a batch rather than once a request."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waiting: list[_Waiting] = []
        self._busy = False
        #: After a fault, so many requests go one by one.
        self._singly = 0

    async def observe(self, heard: Sequence[Heard]) -> None:
        """Have something observed; returns when it is durable, raises what observing it raised."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((heard, answer))
        if not self._busy:
            self._send()
        await answer

    def _send(self) -> None:
        most = 1 if self._singly else _MOST
        self._singly = max(0, self._singly - 1)
        batch, self._waiting = self._waiting[:most], self._waiting[most:]
        self._busy = bool(batch)
        if not batch:
            return
        loop = asyncio.get_running_loop()
        try:
            stored = self._observer.observe_soon([one for heard, _ in batch for one in heard])
        except Exception as error:  # noqa: BLE001 - it belongs to the request that caused it
            loop.call_soon(self._end, batch, error)
        else:
            stored.add_done_callback(lambda done: loop.call_soon_threadsafe(self._end, batch, done.exception()))

    def _end(self, batch: list[_Waiting], error: BaseException | None) -> None:
        if error is not None and len(batch) > 1 and not isinstance(error, StoreUnavailable):
            # One request's fault is no other's: each is tried by itself.
            self._singly = len(batch)
            self._waiting = batch + self._waiting
        else:
            for _, answer in batch:
                if answer.done():
                    continue  # whoever asked has gone away
                if error is None:
                    answer.set_result(None)
                else:
                    answer.set_exception(error)
        self._send()
