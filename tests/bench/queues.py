"""Events a second from a queue of RabbitMQ into the store, by the real daemon, beside what plain consumers make of it.

Taskcluster's messages of 3 KB, one in twenty of a failed task, 400 tasks a group; the CI takes 100 ms for an answer.
"""

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import amqp

from tests import ROOT
from tests.bench.process import daemon_of, python, resident
from tests.fakes.rabbit import Broker, Rabbit
from tests.fakes.redis_server import RedisServer

_SIZE = 3000
_EXCHANGE = "exchange/taskcluster-queue/v1/task-"
CONFIG = """
dry_run: true
store: {store}
listen: 127.0.0.1:0
systems:
  fx: {{type: taskcluster, url: "{ci}", sweep: off}}
intakes:
  - pulse:
      system: fx
      url: "{url}"
      queue: {queue}
      bindings: [{{exchange: {exchange}completed}}, {{exchange: {exchange}failed}}]
rules: [{{projects: [try]}}]
"""


def messages(number: int) -> Iterator[tuple[str, bytes]]:
    """Make messages: the last part of the exchange's name, and the body."""
    for one in range(number):
        state = "failed" if one % 20 == 0 else "completed"
        run = {"runId": 0, "state": state, "reasonCreated": "scheduled", "reasonResolved": state,
               "scheduled": "2026-11-20T10:00:00.000Z", "resolved": "2026-11-20T10:30:00.000Z"}  # fmt: skip
        status = {
            "taskId": _slug("task", one),
            "taskGroupId": _slug("group", one // 400),
            "state": state,
            "runs": [run],
        }
        body = json.dumps({"version": 1, "status": status, "runId": 0, "task": {"tags": {"kind": "test"}}, "pad": ""})
        yield state, body.replace('"pad": ""', f'"pad": "{"x" * (_SIZE - len(body))}"').encode()


def _slug(kind: str, number: int) -> str:
    return base64.urlsafe_b64encode(f"{kind:5}{number:011}".encode()).decode()[:22]


class Bench:
    """A broker, a Redis and a slow CI."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self.place = place
        self.broker = Broker(stack.enter_context(Rabbit(Path(stack.enter_context(tempfile.TemporaryDirectory())))))
        for state in ("completed", "failed"):
            self.broker.make_exchange(f"{_EXCHANGE}{state}")
        redis = place / "redis"
        redis.mkdir()
        self.redis = stack.enter_context(RedisServer(redis))
        ci = stack.enter_context(python(place, "tests.fakes.slow_ci", stdout=subprocess.PIPE))
        assert ci.stdout is not None
        self.ci = f"http://127.0.0.1:{int(ci.stdout.readline())}"
        self._number = 0

    def fill(self, number: int) -> None:
        """Put messages into an empty queue."""
        with self.broker.rabbit.connect() as connection:
            channel = connection.channel()
            channel.queue_declare(self.broker.queue, durable=True, auto_delete=False)
            channel.queue_purge(self.broker.queue)
            for state in ("completed", "failed"):
                channel.queue_bind(self.broker.queue, f"{_EXCHANGE}{state}", routing_key="#")
            for state, body in messages(number):
                message = amqp.Message(body, content_type="application/json", content_encoding="utf-8", delivery_mode=2)
                channel.basic_publish(message, f"{_EXCHANGE}{state}", "primary.x")
            while channel.queue_declare(self.broker.queue, passive=True).message_count < number:
                time.sleep(0.05)

    def plainly(self, kind: str, number: int) -> float:
        """Return the messages a second of a plain consumer."""
        self.fill(number)
        command = [
            sys.executable,
            "-m",
            "tests.bench.plain_consumer",
            kind,
            self.broker.url,
            self.broker.queue,
            str(number),
            self.ci,
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)

    def ours(self, store: str, number: int, *arguments: str) -> tuple[float, float, float]:
        """Return the daemon's messages a second while consuming, the seconds from start to the last, and its MB."""
        self.fill(number)
        self.redis.client().flushall()
        self._number += 1
        place = self.place / f"run-{self._number}"
        place.mkdir()
        address = self.redis.url() if store == "redis" else "sqlite:state.db"
        config = CONFIG.format(
            store=address, ci=self.ci, url=self.broker.url, queue=self.broker.queue, exchange=_EXCHANGE
        )
        began = time.perf_counter()
        with daemon_of(place, config, *arguments) as (process, _):
            seen = self._watch(number)
            memory = resident(process)
        return _rate(seen, number), seen[-1][0] - began, memory

    def _watch(self, number: int) -> list[tuple[float, int]]:
        """Poll the broker for the length of the queue until all messages are consumed and acknowledged."""
        seen: list[tuple[float, int]] = []
        with self.broker.rabbit.connect() as connection:
            channel = connection.channel()
            while not seen or seen[-1][1] < number:
                ready = channel.queue_declare(self.broker.queue, passive=True).message_count
                seen.append((time.perf_counter(), number - ready))
                time.sleep(0.01)
        self._acknowledged()
        seen.append((time.perf_counter(), number))
        return seen

    def _acknowledged(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            rows = self.broker.rabbit.control(
                "-q", "list_queues", "--formatter", "json", "name", "messages_unacknowledged"
            )
            if not any(row["messages_unacknowledged"] for row in json.loads(rows) if row["name"] == self.broker.queue):
                return
        raise AssertionError("messages are left unacknowledged")


def _rate(seen: list[tuple[float, int]], number: int) -> float:
    """Return the messages a second between the first tenth and the last: the prefetch at the start would distort it."""
    first = next((at, gone) for at, gone in seen if gone >= number // 10)
    last = next((at, gone) for at, gone in seen if gone >= number)
    return (last[1] - first[1]) / (last[0] - first[0])


@contextmanager
def prepared(place: Path) -> Iterator[Bench]:
    """Start everything."""
    with ExitStack() as stack:
        yield Bench(place, stack)


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Alternate between a plain consumer and the daemon on both stores."""
    number, rounds = (8_000, 1) if quick else (40_000, 5)
    rates: dict[str, list[float]] = {"json": [], "sqlite": [], "redis": [], "two": []}
    with prepared(directory) as bench:
        for _ in range(rounds):
            rates["json"].append(bench.plainly("json", number))
            rates["sqlite"].append(bench.ours("sqlite", number)[0])
            rates["redis"].append(bench.ours("redis", number)[0])
            rates["two"].append(bench.ours("redis", number, "--workers", "2")[0])
        memory = bench.ours("redis", number * 2)[2]
        blocking = bench.plainly("blocking", 200 if quick else 1000)
        drained = [bench.ours(store, 8_000)[1] for store in ("sqlite", "redis") for _ in range(1 if quick else 3)]
    plain, sqlite, redis, two = (statistics.median(rates[kind]) for kind in ("json", "sqlite", "redis", "two"))
    return [
        {"what": "a kombu consumer that decodes JSON and acknowledges", "value": plain, "unit": "messages/s"},
        {"what": "a consumer that asks the CI in its callback (100 ms)", "value": blocking, "unit": "messages/s"},
        {"what": "from the queue into SQLite, acknowledged", "value": sqlite, "unit": "messages/s"},
        {"what": "from the queue into Redis, acknowledged", "value": redis, "unit": "messages/s"},
        {"what": "ratio to the plain consumer, SQLite", "value": sqlite / plain, "unit": "", "aim": ">= 1.0"},
        {"what": "ratio to the plain consumer, Redis", "value": redis / plain, "unit": "", "aim": ">= 1.0"},
        {"what": "two workers on Redis", "value": two, "unit": "messages/s"},
        {"what": "two workers to one", "value": two / redis, "unit": "", "aim": ">= 1.6"},
        {
            "what": f"resident memory of a worker after {number * 2:,} messages", "value": memory, "unit": "MB",
            "aim": "< 100 MB",
        },
        {
            "what": "8,000 waiting messages, from the start of the process", "value": statistics.median(drained),
            "unit": "s", "aim": "< 2 s after start",
        },
    ]  # fmt: skip
