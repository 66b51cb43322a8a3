"""Feeds failures to a daemon that keeps dying, as CIs do: again and again until it acknowledges them."""

import json
import queue
import random
import threading
import time
from types import TracebackType
from typing import Any, Self

import amqp
import httpx

from tests.fakes.daemon import SECRET
from tests.fakes.rabbit import Broker
from tests.service.chaos.checker import Job
from triggerbot.systems.webhook_signatures import sign_standard


def job_of(event: dict[str, Any]) -> Job:
    """Return the job that an event is about."""
    return event["revision"], event["job"]


class Feeder:
    """Feeds events from its own threads; `acknowledged` holds those that the daemon or the broker has confirmed."""

    #: The number of senders.
    senders = 1

    def __init__(self, seed: int) -> None:
        self.attempted: list[Job] = []
        self.acknowledged: list[Job] = []
        #: Set whenever an event was acknowledged.
        self.taken = threading.Event()
        self._seed = seed
        self._fed = 0
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"feeder-{number}", daemon=True) for number in range(self.senders)
        ]
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(30)

    def feed(self, *events: dict[str, Any]) -> None:
        """Queue events to be sent as soon as possible."""
        for event in events:
            self._fed += 1
            self._queue.put(event)

    @property
    def idle(self) -> bool:
        """Whether all that was fed is acknowledged."""
        return len(self.acknowledged) >= self._fed

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            self.attempted.append(job_of(event))
            # Some are sent twice, though they were acknowledged.
            times = 2 if random.Random(f"{self._seed}/{event['run_id']}").random() < 0.2 else 1
            while times and not self._ending.is_set():
                if self._send(event):
                    self.taken.set()
                    times -= 1
                else:
                    self._ending.wait(0.01)
            if not times:
                self.acknowledged.append(job_of(event))

    def _send(self, event: dict[str, Any]) -> bool:
        """Send an event once; return whether it was acknowledged."""
        raise NotImplementedError


class Hooks(Feeder):
    """Sends signed webhooks, each with one id, again and again until it is answered 202."""

    senders = 4

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(seed)
        self._url = f"http://127.0.0.1:{port}/hooks/ci"
        self._client = httpx.Client(timeout=5.0, trust_env=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._client.close()

    def _send(self, event: dict[str, Any]) -> bool:
        body, now = json.dumps(event).encode(), int(time.time())
        name = f"msg_{event['run_id']}"
        headers = {
            "webhook-id": name, "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(name, now, body, SECRET),
        }  # fmt: skip
        try:
            return self._client.post(self._url, content=body, headers=headers).status_code == 202
        except httpx.HTTPError:
            return False


class Messages(Feeder):
    """Publishes persistent messages, confirmed by the broker."""

    def __init__(self, broker: Broker, seed: int) -> None:
        super().__init__(seed)
        self._broker = broker
        self._connection: amqp.Connection | None = None
        self._channel: Any = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._connection is not None:
            self._connection.collect()

    def _send(self, event: dict[str, Any]) -> bool:
        message = amqp.Message(json.dumps(event).encode(), content_type="application/json", delivery_mode=2)
        try:
            if self._channel is None:
                self._connection = self._broker.rabbit.connect()
                self._channel = self._connection.channel()
                self._channel.confirm_select()
            self._channel.basic_publish_confirm(message, self._broker.exchange, "key", confirm_timeout=10)
        except (OSError, amqp.AMQPError):
            self._channel = None
            return False
        return True


def make_queue(broker: Broker) -> None:
    """Declare the queue as the daemon does, so that no message is lost before its first start."""
    with broker.rabbit.connect() as connection:
        channel = connection.channel()
        channel.queue_declare(broker.queue, durable=True, exclusive=False, auto_delete=False)
        channel.queue_bind(broker.queue, broker.exchange, "#")
