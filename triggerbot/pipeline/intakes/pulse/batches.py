"""From messages to the store: read, observed in batches while the next one is collected, told when they are safe."""

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

#: Messages that share a commit.
_MOST = 250
#: Batches under way: one is being written while the next one is read.
_DEEP = 2
#: Bytes of a body that a dead letter keeps.
_LETTER_MAX = 262_144
#: As many headers as it keeps, and as many characters of each.
_HEADERS_MAX, _TEXT_MAX = 50, 2000


@dataclass(slots=True)
class _Batch:
    """Messages on their way into the store."""

    #: Of the last message.
    tag: int
    size: int
    read: list[tuple[Message, Sequence[Heard]]]
    letters: list[DeadLetter]
    stored: "Future[list[Outcome]] | None" = None
    tries: int = 0
    again: float = 0.0


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
        """Whether something is under way."""
        return bool(self._under_way)

    @property
    def free(self) -> bool:
        """Whether another batch may be taken."""
        return len(self._under_way) < _DEEP

    def forget(self) -> None:
        """Begin anew, on a new connection: what was not acknowledged is delivered again."""
        self._under_way.clear()

    def take(self, messages: Sequence[Message]) -> None:
        """Read messages and let the store have them; what cannot be read becomes a dead letter."""
        batch = _Batch(messages[-1].tag, len(messages), [], [])
        for message in messages:
            try:
                batch.read.append((message, self._system.parse_message(message.exchange, message.body)))
            except NotUnderstood as error:
                batch.letters.append(self._letter(message, str(error)))
            except Exception as error:
                log.exception("pulse.message_failed", system=self.system, exchange=message.exchange)
                batch.letters.append(self._letter(message, f"{type(error).__name__}: {error}"))
        self._under_way.append(batch)
        self._store_soon(batch)

    def settle(self) -> int | None:
        """See what is safe by now; gives the tag up to which messages may be acknowledged."""
        tag = None
        while self._under_way and self._safe(self._under_way[0]):
            batch = self._under_way.popleft()
            tag = batch.tag
            self._metrics.messages.labels(self.system, "stored").inc(batch.size - len(batch.letters))
            self._metrics.messages.labels(self.system, "dead_letter").inc(len(batch.letters))
            self._metrics.dead_letters.labels(self.system).inc(len(batch.letters))
        return tag

    def _store_soon(self, batch: _Batch) -> None:
        heard = [one for _, several in batch.read for one in several]
        try:
            batch.stored = self._observer.observe_soon(heard)
        except Exception as error:  # noqa: BLE001 - it belongs to this batch, as what the future may tell
            batch.stored = Future()
            batch.stored.set_exception(error)

    def _safe(self, batch: _Batch) -> bool:
        """Tell whether a batch is on the disk; one that failed is tried again when its time has come."""
        if batch.stored is None:
            if self._clock() >= batch.again:
                self._store_soon(batch)
            return False
        if not batch.stored.done():
            return False
        error = batch.stored.exception()
        try:
            if error is not None:
                self._one_by_one(batch, error)
            if batch.letters:
                self._store.add_dead_letters(batch.letters)
        except StoreUnavailable as failed:
            self._wait(batch, failed)
            return False
        return True

    def _one_by_one(self, batch: _Batch, error: BaseException) -> None:
        """Find the message that the batch failed for; the others are observed, whatever it is."""
        if isinstance(error, StoreUnavailable):
            raise error
        log.error(
            "pulse.batch_failed", system=self.system, messages=batch.size, error=f"{type(error).__name__}: {error}"
        )
        for message, heard in batch.read:
            try:
                self._observer.observe(heard)
            except StoreUnavailable:
                raise
            except Exception as failed:
                log.exception("pulse.message_failed", system=self.system, exchange=message.exchange)
                batch.letters.append(self._letter(message, f"{type(failed).__name__}: {failed}"))
        batch.read.clear()

    def _wait(self, batch: _Batch, error: StoreUnavailable) -> None:
        """Keep a batch while the store cannot be had; the broker keeps what comes after it."""
        wait = min(backoff.exponential(batch.tries) / 10, 30.0)
        batch.tries += 1
        batch.stored, batch.again = None, self._clock() + wait
        log.error("pulse.store_unavailable", system=self.system, error=str(error), again_in=round(wait, 1))

    def _letter(self, message: Message, reason: str) -> DeadLetter:
        headers = {**message.headers, "exchange": message.exchange, "routing_key": message.routing_key}
        kept = {_clean(name): _clean(value) for name, value in list(headers.items())[-_HEADERS_MAX:]}
        return DeadLetter(0, self._clock(), self.system, "pulse", _clean(reason), message.body[:_LETTER_MAX], kept)


def _clean(text: str) -> str:
    """Make foreign text one that any store can keep."""
    return text[:_TEXT_MAX].encode("utf-8", "replace").decode()
