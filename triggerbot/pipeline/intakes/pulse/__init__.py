"""The Pulse intake: events from a queue (AMQP), such as Mozilla's Pulse or any RabbitMQ.

A message is acknowledged only after the store has committed it. Nothing of ours is ever raised inside the AMQP library,
which would take it for trouble of its own; messages are only collected there (`Link`), and handled here.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from triggerbot.config import PulseConfig
from triggerbot.core.errors import TriggerbotError
from triggerbot.metrics import Metrics
from triggerbot.pipeline.intakes.pulse.batches import Batches
from triggerbot.pipeline.intakes.pulse.connection import BROKEN, BrokerConnection, QueueGone, broker, why
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Store
from triggerbot.systems import ReadsMessages

log = structlog.get_logger("triggerbot.pulse")

#: Seconds to the first and the longest wait before connecting again. With the heartbeats: within 20 s of any accident.
_FIRST, _LONGEST = 0.5, 8.0
#: Seconds of a connection after which the next loss begins with the first wait again.
_STEADY = 10.0
#: Seconds without a connection that are nothing to worry about.
_WORRY = 60.0
#: Seconds to wait for a message while nothing is under way, and while something is.
_IDLE, _BUSY = 0.5, 0.002
#: Seconds that what is under way gets when it is time to stop.
_LAST = 3.0


@dataclass(frozen=True, slots=True)
class _Lost:
    """Why there is no connection, and since when."""

    since: float
    why: str


class Pulse:
    """Consumes one queue, for ever; belongs to one thread."""

    def __init__(
        self,
        config: PulseConfig,
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
        """When the connection was lost, or now while there is one."""
        return self._clock() if self._lost is None else self._lost.since

    def trouble(self, now: float) -> str:
        """Say what is wrong; empty: nothing, or not for long."""
        lost = self._lost
        if lost is None or now - lost.since < _WORRY:
            return ""
        return f"not connected for {now - lost.since:.0f} s: {lost.why}"

    def run(self, stop: threading.Event) -> None:
        """Consume until told to stop; whatever breaks is made again, after ever longer waits."""
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
            wait = _FIRST if self._lost is None and self._clock() - began > _STEADY else min(2 * wait, _LONGEST)
            self._lost = _Lost(self.lost_since, reason)
            self._metrics.pulse_lost.labels(self._batches.system).inc()
            place = broker(self._url)
            log.warning("pulse.lost", queue=self._config.queue, broker=place, error=reason, again_in=round(wait, 1))
            stop.wait(wait)

    def _consume(self, stop: threading.Event) -> None:
        """Connect, and consume until something breaks or it is time to stop."""
        self._batches.forget()
        with BrokerConnection(self._config, self._url) as link:
            log.info("pulse.connected", queue=self._config.queue, broker=broker(self._url))
            if link.made:
                # Whatever was sent while there was no queue is only known to the CI.
                log.warning("pulse.queue_made", queue=self._config.queue, note="what came before is found by the sweep")
                self._on_gap()
            link.consume()
            self._lost = None
            while not stop.is_set():
                self._turn(link)
            self._finish(link)

    def _turn(self, link: BrokerConnection) -> None:
        """Take what has come, hand it on, and acknowledge what is committed."""
        quiet = link.drain(_BUSY if self._batches.busy or link.waiting else _IDLE, self._batches.most)
        if link.waiting and self._batches.free and (quiet or link.waiting >= self._batches.most):
            self._batches.take(link.take(self._batches.most))
        done = self._batches.settle()
        if done is not None:
            link.acknowledge(done)

    def _finish(self, link: BrokerConnection) -> None:
        """Acknowledge what is still committed in time; the rest is delivered again."""
        until = self._clock() + _LAST
        while self._batches.busy and self._clock() < until:
            done = self._batches.settle()
            if done is not None:
                link.acknowledge(done)
            link.drain(_BUSY, 0)
