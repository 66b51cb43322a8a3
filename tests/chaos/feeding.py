"""Telling a daemon that dies all the time what failed, as CIs do: until it says that it has it."""

import json
import queue
import random
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import amqp
import httpx
from fakes.daemon import SECRET
from fakes.rabbit import Broker, Rabbit

from chaos.checker import Job
from triggerbot.systems.signatures import sign_standard


def job_of(event: dict[str, Any]) -> Job:
    """Name the job that an event is about."""
    return event["revision"], event["job"]


class Feeder:
    """Feeds events from a thread of its own; `acknowledged` are those that somebody promised to keep."""

    def __init__(self) -> None:
        self.attempted: list[Job] = []
        self.acknowledged: list[Job] = []
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._queue.put(None)
        self._thread.join(30)

    def feed(self, *events: dict[str, Any]) -> None:
        """Tell of these as soon as possible."""
        for event in events:
            self._queue.put(event)

    @property
    def idle(self) -> bool:
        """Whether all that was fed is acknowledged."""
        return self._queue.empty() and len(self.acknowledged) == len(self.attempted)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            self.attempted.append(job_of(event))
            while not self._ending.is_set():
                if self._tell(event):
                    self.acknowledged.append(job_of(event))
                    break
                time.sleep(0.01)

    def _tell(self, event: dict[str, Any]) -> bool:
        raise NotImplementedError


class Hooks(Feeder):
    """Sends signed webhooks, each with one id, again and again until it is answered 202; some once more after that."""

    def __init__(self, port: int, dice: random.Random) -> None:
        super().__init__()
        self._url = f"http://127.0.0.1:{port}/hooks/ci"
        self._dice = dice
        self._number = 0
        self._client = httpx.Client(timeout=5.0)

    def _tell(self, event: dict[str, Any]) -> bool:
        body, now = json.dumps(event).encode(), int(time.time())
        name = f"msg_{event['run_id']}"
        headers = {
            "webhook-id": name, "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(name, now, body, SECRET),
        }  # fmt: skip
        for _ in range(1 + (self._dice.random() < 0.2)):
            try:
                if self._client.post(self._url, content=body, headers=headers).status_code != 202:
                    return False
            except httpx.HTTPError:
                return False
        return True


class Messages(Feeder):
    """Publishes persistent messages, confirmed by the broker; some twice."""

    def __init__(self, broker: Broker, dice: random.Random) -> None:
        super().__init__()
        self._broker = broker
        self._dice = dice
        self._channel: Any = None

    def _tell(self, event: dict[str, Any]) -> bool:
        message = json.dumps(event).encode()
        try:
            if self._channel is None:
                self._channel = self._broker.rabbit.connect().channel()
                self._channel.confirm_select()
            for _ in range(1 + (self._dice.random() < 0.2)):
                made = amqp.Message(message, content_type="application/json", delivery_mode=2)
                self._channel.basic_publish_confirm(made, self._broker.exchange, "key", confirm_timeout=10)
        except (OSError, amqp.AMQPError):
            self._channel = None
            return False
        return True


def make_queue(broker: Broker) -> None:
    """Make the queue as the daemon does, so that nothing is published into the void before it first starts."""
    with broker.rabbit.connect() as connection:
        channel = connection.channel()
        channel.queue_declare(broker.queue, durable=True, exclusive=False, auto_delete=False)
        channel.queue_bind(broker.queue, broker.exchange, "#")


def wait_for_port(port: int, alive: Callable[[], bool], patience: float = 30.0) -> bool:
    """Wait until somebody listens."""
    until = time.monotonic() + patience
    while time.monotonic() < until and alive():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return True
    return False


__all__ = ["Feeder", "Hooks", "Messages", "Rabbit", "job_of", "make_queue", "wait_for_port"]
