"""The Pulse intake: events from a queue (AMQP), such as Mozilla's Pulse or any RabbitMQ.

A message is acknowledged only after the store has committed it. No code of triggerbot raises inside the AMQP library,
which would take the exception for one of the connection: its callback only collects messages (`BrokerConnection`).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from triggerbot.config import PulseSettings
from triggerbot.core.errors import TriggerbotError
from triggerbot.metrics import Metrics
from triggerbot.pipeline.intakes.pulse.batches import Batches
from triggerbot.pipeline.intakes.pulse.connection import BROKEN, BrokerConnection, QueueGone, broker, why
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Store
from triggerbot.systems import ReadsMessages

log = structlog.get_logger("triggerbot.pulse")

#: Seconds to the first and the longest wait before connecting again. With the heartbeats: within 20 s of any failure.
_FIRST, _LONGEST = 0.5, 8.0
#: Seconds of a connection after which the next loss starts with the first wait again.
_STABLE = 10.0
#: Seconds without a connection before the health check fails.
_TOLERATED = 60.0
#: Seconds to wait for a message while no batch is under way, and while one is.
_IDLE, _BUSY = 0.5, 0.002
#: Seconds for the batches under way to be committed when it is stopped.
_DRAIN = 3.0


@dataclass(frozen=True, slots=True)
class _Lost:
    """A lost connection: since when (Unix, s), and why."""

    since: float
    why: str


class Pulse:
    """Consumes one queue, and connects again after every loss; belongs to one thread."""

    def __init__(
        self,
        config: PulseSettings,
        url: str,
        system: ReadsMessages,
        store: Store,
        observer: Observer,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
        on_gap: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._url = url
        self._clock = clock
        self._metrics = metrics
        self._on_gap = on_gap
        self._batches = Batches(system, store, observer, clock=clock, metrics=metrics)
        self._lost: _Lost | None = _Lost(clock(), "not connected yet")

    @property
    def name(self) -> str:
        """The queue it consumes."""
        return self._config.queue

    @property
    def lost_since(self) -> float:
        """When the connection was lost (Unix, s); now, if there is one."""
        return self._clock() if self._lost is None else self._lost.since

    def trouble(self, now: float) -> str:
        """Return what is wrong for users to read; empty if nothing is, or for less than a minute."""
        lost = self._lost
        if lost is None or now - lost.since < _TOLERATED:
            return ""
        return f"not connected for {now - lost.since:.0f} s: {lost.why}"

    def run(self, stop: threading.Event) -> None:
        """Consume until stopped; after each loss connect and declare again, after ever longer waits."""
        wait = _FIRST
        while not stop.is_set():
            began = self._clock()
            try:
                self._consume(stop)
                continue
            except QueueGone as gone:
                log.warning("pulse.queue_gone", queue=self._config.queue, reason=str(gone))
                reason = str(gone)
            except TriggerbotError as error:
                reason = str(error)
            except BROKEN as error:
                reason = why(error)
            except Exception as error:
                log.exception("pulse.failed", queue=self._config.queue)
                reason = f"an error of triggerbot itself: {type(error).__name__}: {error}"
            wait = _FIRST if self._lost is None and self._clock() - began > _STABLE else min(2 * wait, _LONGEST)
            self._lost = _Lost(self.lost_since, reason)
            self._metrics.pulse_lost.labels(self._batches.system).inc()
            host = broker(self._url)
            log.warning("pulse.lost", queue=self._config.queue, broker=host, error=reason, again_in=round(wait, 1))
            stop.wait(wait)

    def _consume(self, stop: threading.Event) -> None:
        """Connect, and consume until the connection breaks or it is stopped."""
        self._batches.clear()
        with BrokerConnection(self._config, self._url) as connection:
            log.info("pulse.connected", queue=self._config.queue, broker=broker(self._url))
            if connection.created:
                # What was published while there was no queue can only be found at the CI.
                log.warning("pulse.queue_made", queue=self._config.queue, note="what came before is found by the sweep")
                self._on_gap()
            connection.consume()
            self._lost = None
            while not stop.is_set():
                self._cycle(connection)
            self._finish(connection)

    def _cycle(self, connection: BrokerConnection) -> None:
        """Collect messages, pass a batch to the store, and acknowledge what is committed."""
        quiet = connection.drain(_BUSY if self._batches.busy or connection.waiting else _IDLE, self._batches.most)
        if connection.waiting and self._batches.free and (quiet or connection.waiting >= self._batches.most):
            self._batches.take(connection.take(self._batches.most))
        tag = self._batches.settle()
        if tag is not None:
            connection.acknowledge(tag)

    def _finish(self, connection: BrokerConnection) -> None:
        """Acknowledge what is committed within `_DRAIN` seconds; the broker delivers the rest again."""
        until = self._clock() + _DRAIN
        while self._batches.busy and self._clock() < until:
            tag = self._batches.settle()
            if tag is not None:
                connection.acknowledge(tag)
            connection.drain(_BUSY, 0)
