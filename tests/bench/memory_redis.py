"""Memory for events of 2,500 pushes with 400 jobs each: of Redis, and of the process that writes them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.events import event
from tests.bench.process import resident
from tests.fakes.redis_server import RedisServer
from triggerbot.core import event_json
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store.factory import open_store

_BATCH = 500


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Observe a million events (with `quick` a tenth of them; memory of Redis is given for a million)."""
    number = 100_000 if quick else 1_000_000
    with RedisServer(directory, "--appendonly", "no") as server:
        store = open_store(server.url())
        observer = Observer(store, [Rule(Globs(["try"]))], dry=False, clock=time.time, metrics=Metrics())
        before = server.client().info("memory")["used_memory"]
        taken = 0.0
        for batch in _batches(number):
            began = time.perf_counter()
            observer.observe(batch)
            taken += time.perf_counter() - began
        used = (server.client().info("memory")["used_memory"] - before) / number
        own = resident(os.getpid())
        store.close()
    return [
        {"what": "Redis, for 1,000,000 events of 2,500 pushes", "value": used, "unit": "MB", "aim": "< 250 MB"},
        {"what": "resident memory of what brought them", "value": own, "unit": "MB", "aim": "< 100 MB"},
        {"what": f"observe on Redis, batches of {_BATCH}", "value": number / taken, "unit": "events/s"},
    ]


def _batches(number: int) -> Iterator[list[Any]]:
    batch = []
    for one in range(number):
        batch.append(event_json.from_json(event(one // 400, one % 400, "finished"), "ci"))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
