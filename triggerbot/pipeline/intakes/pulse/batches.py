"""Batches of messages on their way to the store: parsed, observed while the next batch is collected, then committed."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from triggerbot.core.errors import NotUnderstood, StoreUnavailable
from triggerbot.core.model import Heard
from triggerbot.core.policy import backoff
from triggerbot.metrics import Metrics
from triggerbot.pipeline.intakes.pulse.connection import Message
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Outcome, Store
from triggerbot.systems import ReadsMessages

log = structlog.get_logger("triggerbot.pulse")

#: Messages of a batch at most; they share a commit.
_MOST = 250
#: Batches under way: one is written while the next one is parsed.
_DEPTH = 2
#: Bytes of a body that are stored in a dead letter.
_LETTER_MAX = 262_144
#: Headers that are stored in a dead letter, and characters of each name and value.
_HEADERS_MAX, _TEXT_MAX = 50, 2000


@dataclass(slots=True)
class _Batch:
    """Messages on their way into the store."""

    #: The delivery tag of the last message.
    tag: int
    size: int
    parsed: list[tuple[Message, Sequence[Heard]]]
    letters: list[DeadLetter]
    stored: "Future[list[Outcome]] | None" = None
    tries: int = 0
    #: When to try again (Unix, s) after the store was unavailable.
    retry_at: float = 0.0


class Batches:
    """The batches of one connection, in order; belongs to the thread that consumes."""

    def __init__(
        self, system: ReadsMessages, store: Store, observer: Observer, *, clock: Callable[[], float], metrics: Metrics
    ) -> None:
        self._system = system
        self._store = store
        self._observer = observer
        self._clock = clock
        self._metrics = metrics
        self._under_way: deque[_Batch] = deque()
        self.most = _MOST

    @property
    def system(self) -> str:
        """The system whose messages these are."""
        return self._system.name

    @property
    def busy(self) -> bool:
        """Whether a batch is under way."""
        return bool(self._under_way)

    @property
    def free(self) -> bool:
        """Whether there is room for another batch."""
        return len(self._under_way) < _DEPTH

    def clear(self) -> None:
        """Drop all batches for a new connection, on which the broker delivers what was not acknowledged again."""
        self._under_way.clear()

    def take(self, messages: Sequence[Message]) -> None:
        """Parse messages and start to store them; those that cannot be parsed become dead letters."""
        batch = _Batch(messages[-1].tag, len(messages), [], [])
        for message in messages:
            try:
                batch.parsed.append((message, self._system.parse_message(message.exchange, message.body)))
            except NotUnderstood as error:
                batch.letters.append(self._letter(message, str(error)))
            except Exception as error:
                log.exception("pulse.message_failed", system=self.system, exchange=message.exchange)
                batch.letters.append(self._letter(message, f"{type(error).__name__}: {error}"))
        self._under_way.append(batch)
        self._start_storing(batch)

    def settle(self) -> int | None:
        """Remove the batches that are committed; return the tag up to which messages may be acknowledged, if any."""
        tag = None
        while self._under_way and self._committed(self._under_way[0]):
            batch = self._under_way.popleft()
            tag = batch.tag
            self._metrics.messages.labels(self.system, "stored").inc(batch.size - len(batch.letters))
            self._metrics.messages.labels(self.system, "dead_letter").inc(len(batch.letters))
            self._metrics.dead_letters.labels(self.system).inc(len(batch.letters))
        return tag

    def _start_storing(self, batch: _Batch) -> None:
        heard = [one for _, several in batch.parsed for one in several]
        try:
            batch.stored = self._observer.observe_soon(heard)
        except Exception as error:  # noqa: BLE001 - handled per batch, like the future's own exception
            batch.stored = Future()
            batch.stored.set_exception(error)

    def _committed(self, batch: _Batch) -> bool:
        """Return whether a batch is on disk, its dead letters included; retry what failed once its wait is over."""
        if batch.stored is None:
            if self._clock() >= batch.retry_at:
                self._start_storing(batch)
            return False
        if not batch.stored.done():
            return False
        error = batch.stored.exception()
        try:
            if error is not None:
                self._observe_one_by_one(batch, error)
            if batch.letters:
                self._store.letters.add(batch.letters)
        except StoreUnavailable as unavailable:
            self._retry_later(batch, unavailable)
            return False
        return True

    def _observe_one_by_one(self, batch: _Batch, error: BaseException) -> None:
        """Observe each message of a failed batch by itself, and make those that fail again dead letters."""
        if isinstance(error, StoreUnavailable):
            raise error
        log.error(
            "pulse.batch_failed", system=self.system, messages=batch.size, error=f"{type(error).__name__}: {error}"
        )
        for message, heard in batch.parsed:
            try:
                self._observer.observe(heard)
            except StoreUnavailable:
                raise
            except Exception as failed:
                log.exception("pulse.message_failed", system=self.system, exchange=message.exchange)
                batch.letters.append(self._letter(message, f"{type(failed).__name__}: {failed}"))
        batch.parsed.clear()

    def _retry_later(self, batch: _Batch, error: StoreUnavailable) -> None:
        """Retry a batch after ever longer waits (30 s at most); later messages stay with the broker meanwhile."""
        wait = min(backoff.exponential(batch.tries) / 10, 30.0)
        batch.tries += 1
        batch.stored, batch.retry_at = None, self._clock() + wait
        log.error("pulse.store_unavailable", system=self.system, error=str(error), again_in=round(wait, 1))

    def _letter(self, message: Message, reason: str) -> DeadLetter:
        headers = {**message.headers, "exchange": message.exchange, "routing_key": message.routing_key}
        stored = {_clean(name): _clean(value) for name, value in list(headers.items())[-_HEADERS_MAX:]}
        return DeadLetter(0, self._clock(), self.system, "pulse", _clean(reason), message.body[:_LETTER_MAX], stored)


def _clean(text: str) -> str:
    """Return foreign text cut, and without lone surrogates, so that any store can encode it."""
    return text[:_TEXT_MAX].encode("utf-8", "replace").decode()
