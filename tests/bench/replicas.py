"""Retriggers a second by one worker and by two: failures come by a queue, and the CI takes 100 ms for an answer."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.process import daemon_of
from tests.fakes.ci import FakeCI
from tests.fakes.rabbit import Broker, Rabbit
from tests.fakes.redis_server import RedisServer

CONFIG = """
dry_run: false
store: {store}
listen: 127.0.0.1:0
systems:
  ci: {{type: generic, url: "{ci}", grace: 500ms, sweep: off}}
intakes:
  - pulse: {{system: ci, url: "{amqp}", queue: {queue}, bindings: [{{exchange: {exchange}}}]}}
rules:
  - projects: [try]
"""
_LATENCY = 0.1


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Let one job of each of many pushes fail."""
    number = 60 if quick else 400
    with ExitStack() as stack:
        rabbit = stack.enter_context(Rabbit(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        server = stack.enter_context(RedisServer(directory))
        one, two = (_rate(directory, rabbit, server, number, workers) for workers in (1, 2))
    return [
        {"what": "retriggers by one worker, CI latency 100 ms", "value": one, "unit": "/s"},
        {"what": "retriggers by two workers", "value": two, "unit": "/s"},
        {"what": "retriggers, two workers to one", "value": two / one, "unit": "", "aim": ">= 1.6"},
    ]


def _rate(directory: Path, rabbit: Rabbit, server: RedisServer, number: int, workers: int) -> float:
    server.client().flushall()
    broker = Broker(rabbit)
    place = directory / f"workers-{workers}"
    place.mkdir()
    with FakeCI() as ci:
        for call in ("look_back", "retrigger"):
            ci.fault(call, times=None, delay=_LATENCY)
        config = CONFIG.format(
            store=server.url(), ci=ci.url, amqp=broker.url, queue=broker.queue, exchange=broker.exchange
        )
        with daemon_of(place, config, "--workers", str(workers)):
            while broker.consumers() < workers:
                time.sleep(0.05)
            # A new Redis is distrusted for as long as the CI may take to list earlier requests.
            time.sleep(1.5)
            began = time.perf_counter()
            broker.publish(*(ci.run(f"{push:07x}", "job", result="failure") for push in range(1, number + 1)))
            while len(ci.posts) < number:
                time.sleep(0.01)
            return number / (time.perf_counter() - began)
