"""Events a second through `Observer.observe` on a durable SQLite store, in batches of several sizes."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.events import events
from triggerbot.core import event_json
from triggerbot.core.model import Event
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import Store
from triggerbot.store.factory import open_file


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure batches of 1, 10 and 200, and eight callers of one event each that share commits."""
    scale = 10 if quick else 1
    rows = []
    for size, number in ((1, 4_000), (10, 20_000), (200, 60_000)):
        rate = _rate(directory / f"batch-{size}.db", _events(number // scale), size)
        rows.append({"what": f"observe, batches of {size}", "value": rate, "unit": "events/s"})
    rate = _shared(directory / "shared.db", _events(16_000 // scale), 8)
    rows.append({"what": "observe, 8 callers of one event each", "value": rate, "unit": "events/s"})
    return rows


def _events(number: int) -> list[Event]:
    return [event_json.from_json(event, "ci") for event in events(number)]


def _observer(path: Path) -> tuple[Store, Observer]:
    import logging

    from triggerbot import logs

    logs.configure(level=logging.ERROR)
    store = open_file(path)
    return store, Observer(store, [Rule(Globs(["try"]))], dry=True, clock=time.time, metrics=Metrics())


def _rate(path: Path, feed: Sequence[Event], size: int) -> float:
    store, observer = _observer(path)
    began = time.perf_counter()
    for start in range(0, len(feed), size):
        observer.observe(feed[start : start + size])
    taken = time.perf_counter() - began
    store.close()
    return len(feed) / taken


def _shared(path: Path, feed: Sequence[Event], callers: int) -> float:
    store, observer = _observer(path)

    def work(own: Sequence[Event]) -> None:
        for one in own:
            observer.observe([one])

    threads = [threading.Thread(target=work, args=(feed[number::callers],)) for number in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - began
    store.close()
    return len(feed) / taken
