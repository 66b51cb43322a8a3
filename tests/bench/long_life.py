"""Two weeks of a busy service, in a file and in a Redis: what they take, and how long it takes to read them."""

import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.bench.life import DAY, HOUR, Life, Pushed
from tests.bench.pages import milliseconds
from tests.bench.process import cpu, daemon_of, resident
from tests.fakes.redis_server import RedisServer
from triggerbot.core.model import Event, Push, State
from triggerbot.core.policy.rules import Triage
from triggerbot.store import Observation, Pause, Store
from triggerbot.store.factory import open_file, open_store

_CONFIG = """
dry_run: false
store: {store}
listen: 127.0.0.1:0
retention: 60d
systems:
  fx: {{type: generic, url: "http://127.0.0.1:9", webhook_secret: env:BENCH_SECRET, sweep: off}}
rules:
  - projects: ["*"]
"""
_TIMES = 7
#: Times of a statement that is timed by itself.
_AGAIN = 3


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Write both stores, and measure each."""
    days = 1 if quick else 14
    end = time.time()
    rows = []
    path = directory / "state.db"
    store = open_file(path, durable=False)
    life, taken = _write(store, days, end)
    store.close()
    rows += _of("SQLite", directory, f"sqlite:{path}", life, taken, path.stat().st_size)
    rows += _purged("SQLite", open_file(path), life, lambda: path.stat().st_size)
    with RedisServer(directory, "--appendonly", "no") as server:
        store = open_store(server.url())
        life, taken = _write(store, days, end)
        store.close()
        rows += _of("Redis", directory, server.url(), life, taken, _used(server))
        rows += _purged("Redis", open_store(server.url()), life, lambda: _used(server))
    return rows


def _used(server: RedisServer) -> int:
    found: Any = server.client().info("memory")
    return int(found["used_memory"])


def _write(store: Store, days: int, end: float) -> tuple[Life, float]:
    life = Life(store, end - days * DAY, end)
    began = time.perf_counter()
    life.live()
    taken = time.perf_counter() - began
    # Nothing is to happen while it is read.
    store.limits.pause(Pause(end, "bench"))
    return life, taken


def _of(what: str, directory: Path, address: str, life: Life, taken: float, size: int) -> list[dict[str, Any]]:
    return [
        {"what": f"{what}: events a second while it was written", "value": life.events / taken, "unit": "events/s"},
        {"what": f"{what}: a push", "value": size / life.pushes / 1000, "unit": "kB", "aim": "<= 60 kB"},
        *read(what, directory, address, life.last()),
    ]


def read(what: str, directory: Path, address: str, last: Pushed) -> list[dict[str, Any]]:
    """Measure how long it takes to read a store."""
    push = last.push
    (directory / "triggerbot.yml").write_text(_CONFIG.format(store=address))
    rows = []
    store = open_store(address)
    began = time.perf_counter()
    store.statistics.read(0.0)
    first = time.perf_counter() - began
    took = _seconds(lambda: store.statistics.read(time.time() - 14 * DAY))
    store.close()
    rows.append({"what": f"{what}: statistics, an hour not counted yet", "value": first * 1000, "unit": "ms"})
    rows.append({"what": f"{what}: statistics(14 days)", "value": took * 1000, "unit": "ms", "aim": "< 300 ms"})
    command = [sys.executable, "-m", "triggerbot", "stats", "--since", "14d"]
    took = _seconds(lambda: subprocess.run(command, cwd=directory, env=_environment(), check=True, capture_output=True))
    rows.append({"what": f"{what}: triggerbot stats --since 14d", "value": took * 1000, "unit": "ms"})
    page = f"/pushes/{push.project}/{push.revision}"
    pages = {
        "/metrics": ("/metrics", "< 100 ms"),
        "list of pushes": ("/", "< 100 ms"),
        "push page": (page, "< 100 ms"),
        "job page": (f"{page}?job={next(iter(last.failed))}", "< 100 ms"),
    }
    with daemon_of(directory, _CONFIG.format(store=address)) as (process, host):
        # Computed once in a while, so no median of it.
        used = cpu(process)
        value = milliseconds(host, "/statistics?days=14", 0)
        used = (cpu(process) - used) * 1000
        rows.append({"what": f"{what}: statistics page", "value": value, "unit": "ms", "aim": "< 300 ms"})
        rows.append({"what": f"{what}: its processor time in the daemon", "value": used, "unit": "ms"})
        for name, (path, aim) in pages.items():
            value = milliseconds(host, path, _TIMES)
            rows.append({"what": f"{what}: {name}", "value": value, "unit": "ms", "aim": aim})
        own = resident(process)
    rows.append({"what": f"{what}: resident after all pages", "value": own, "unit": "MB", "aim": "< 120 MB"})
    return rows


def _environment() -> dict[str, str]:
    return {**os.environ, "BENCH_SECRET": "whsec_YmVuY2htYXJr", "PYTHONPATH": str(ROOT)}


def _seconds(act: Any) -> float:
    took = []
    for _ in range(_AGAIN):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


# -- purging ----------------------------------------------------------------------------------------------------


def _purged(what: str, store: Store, life: Life, size: Any) -> list[dict[str, Any]]:
    begin = life.first()
    rows = purge(what, store, begin + min(DAY, (time.time() - begin) / 2), size)
    store.close()
    return rows


def purge(what: str, store: Store, before: float, size: Any) -> list[dict[str, Any]]:
    """Observe all the while that old pushes are deleted."""
    stop, waited = threading.Event(), list[float]()

    def observe() -> None:
        number = 0
        push = Push("fx", "try", "try", f"{number:040x}")
        while not stop.wait(0.002):
            number += 1
            event = Event(push, f"test-linux/opt-{number % 300}", str(number), State.RUNNING, time=time.time())
            began = time.perf_counter()
            store.observe([Observation(event, Triage(False, None, frozenset()))], time.time(), dry=False)
            waited.append(time.perf_counter() - began)

    thread = threading.Thread(target=observe)
    thread.start()
    time.sleep(1)
    alone = len(waited)
    had = size()
    began = time.perf_counter()
    deleted = store.purge(before, time.time() - 6 * HOUR)
    taken = time.perf_counter() - began
    stop.set()
    thread.join()
    during = sorted(waited[alone:])
    return [
        {"what": f"{what}: purge of {deleted} pushes", "value": taken, "unit": "s"},
        {"what": f"{what}: longest observe meanwhile", "value": during[-1] * 1000, "unit": "ms", "aim": "< 100 ms"},
        {"what": f"{what}: the median of them", "value": during[len(during) // 2] * 1000, "unit": "ms"},
        {"what": f"{what}: size before", "value": had / 1e6, "unit": "MB"},
        {"what": f"{what}: size after", "value": size() / 1e6, "unit": "MB"},
    ]
