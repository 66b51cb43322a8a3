"""The pages: how long the server takes for large ones, and how much readers slow down intake."""

import http.client
import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.bench.events import JOBS
from tests.bench.process import daemon, python
from triggerbot import logs
from triggerbot.core.model import Event, Push, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.reports import branches, judge, push_json
from triggerbot.reports.judge import Judge
from triggerbot.store import Pause, Store
from triggerbot.store.factory import open_file

#: Of the large push: jobs, those that fail, and runs beyond the first of each.
_JOBS, _FAILING, _AGAIN = 5_000, 300, 1_000
_PUSHES = 1_000
#: Pushes of the branch, and its jobs; one of them is looked at over time.
_ALONG, _BRANCH_JOBS = 100, 300
_JOB = "test-linux1804-64-qr/opt-mochitest-30"
_FAILURE = urlencode({"test": "dom/test_-30.html"})
_TIMES = 15
_READERS = 10
#: How often both are measured in turn; the ratio of the medians is reported.
_ROUNDS = 5
_LARGE = Push("ci", "try", "try", "f" * 40)


def measure(directory: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure pages of a full store, and then webhooks with and without readers."""
    full, busy = directory / "full", directory / "busy"
    full.mkdir()
    busy.mkdir()
    _fill(full / "state.db", _PUSHES)
    with daemon(full) as (_, address):
        push = milliseconds(address, f"/pushes/try/{_LARGE.revision}", 3 if quick else _TIMES)
        listed = milliseconds(address, f"/?limit={_PUSHES}", 3 if quick else _TIMES)
        branch = milliseconds(address, "/branches/try/main", 3 if quick else _TIMES)
        failure = milliseconds(address, f"/failures/try?{_FAILURE}", 3 if quick else _TIMES)
        job = milliseconds(address, f"/jobs/try/{_JOB}", 3 if quick else _TIMES)
    return [
        {"what": "branch page, 300 jobs by 50 pushes", "value": branch, "unit": "ms", "aim": "< 200 ms"},
        {"what": "a job over 100 pushes of 300 jobs", "value": job, "unit": "ms", "aim": "< 200 ms"},
        {"what": "a failure over time", "value": failure, "unit": "ms", "aim": "< 200 ms"},
        {"what": "push page, 5,000 jobs and 6,000 runs", "value": push, "unit": "ms", "aim": "< 200 ms"},
        {"what": "list of 1,000 pushes", "value": listed, "unit": "ms", "aim": "< 200 ms"},
        *_readers(busy, 1_000 if quick else 6_000),
    ]


# -- large pages ------------------------------------------------------------------------------------------------


def _fill(path: Path, pushes: int) -> None:
    """Fill a store with judged pushes, the large one last; it is paused, so that nothing else happens."""
    import logging

    logs.configure(level=logging.ERROR)
    store = open_file(path, durable=False)
    now = time.time()
    store.limits.pause(Pause(now, "bench"))
    observer = Observer(store, [Rule(Globs(["try"]))], dry=False, clock=time.time, metrics=Metrics())
    for number in range(pushes):
        observer.observe([_event(Push("ci", "try", "try", f"{number:040x}"), "job", f"{number}", Result.SUCCESS, now)])
    observed = list(_large(now))
    for start in range(0, len(observed), 500):
        observer.observe(observed[start : start + 500])
    for number in range(_ALONG):
        observer.observe(list(_of_branch(number, now)))
    _judge(store, now)
    store.close()


def _large(now: float) -> Iterator[Event]:
    for number in range(_JOBS):
        result = Result.FAILURE if number < _FAILING else Result.SUCCESS
        yield _event(_LARGE, f"test-linux1804-64-qr/opt-mochitest-{number}", f"{number}", result, now)
    for number in range(_AGAIN):
        result = Result.FAILURE if number % 2 else Result.SUCCESS
        yield _event(_LARGE, f"test-linux1804-64-qr/opt-mochitest-{number % _FAILING}", f"again-{number}", result, now)


def _of_branch(number: int, now: float) -> Iterator[Event]:
    """Yield a push of a branch: one job of thirty fails at most pushes."""
    push, at = Push("ci", "try", "main", f"{number:08x}" + "e" * 32), now - 60.0 * (_ALONG - number)
    for job in range(_BRANCH_JOBS):
        fails = job % 30 == 0 and number % 5 > 1
        yield _event(push, f"test-linux1804-64-qr/opt-mochitest-{job}", f"{number}-{job}",
                     Result.FAILURE if fails else Result.SUCCESS, at)  # fmt: skip


def _event(push: Push, job: str, run: str, result: Result, now: float) -> Event:
    lines = (f"TEST-UNEXPECTED-FAIL | dom/test_{job[-3:]}.html | the value is wrong",) if result.failed else ()
    return Event(
        push, job, run, State.FINISHED, result, author="dev@example.org", message="Bug 1: a change\n\nwith a body",
        time=now, started=now - 600, url=f"https://ci.example/runs/{run}", pool="t-linux-large", failures=lines,
    )  # fmt: skip


def _judge(store: Store, now: float) -> None:
    """Judge every push, as the publisher does."""
    court = Judge(store)
    while (push := store.reports.take(now + 60, 60)) is not None:
        record = store.pushes.record(push)
        assert record is not None
        judged = court.judge(record)
        seen = judge.failure_records(push, judged.jobs, now)
        shown = branches.shown(record, judged)
        store.reports.judged(push_json.summary(record, judged, now), seen, [], now, shown=shown)
        store.reports.end(push, None)


def milliseconds(address: str, path: str, times: int) -> float:
    """Load a page `times` times after one warm-up; return the median."""
    took = []
    for _ in range(times + 1):
        began = time.perf_counter()
        status, _ = _get(address, path)
        took.append((time.perf_counter() - began) * 1000)
        assert status == 200, path
    return statistics.median(took[1:] or took)


def _get(address: str, path: str) -> tuple[int, int]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, len(answer.read())
    finally:
        connection.close()


# -- readers ----------------------------------------------------------------------------------------------------


def _readers(directory: Path, number: int) -> list[dict[str, Any]]:
    """Send webhooks in turn with and without readers; half of them watch the list, half of them pushes."""
    alone: list[float] = []
    watched: list[float] = []
    loads = [0]
    with daemon(directory) as (_, address):
        host = address.removeprefix("http://")
        _load(directory, host, number // 4, 0)
        for number_of_round in range(2 * _ROUNDS):
            first = (number_of_round + 1) * number
            if number_of_round % 2:
                with _open_pages(address, first // JOBS, loads):
                    watched.append(_load(directory, host, number, first))
            else:
                alone.append(_load(directory, host, number, first))
    ratio = statistics.median(watched) / statistics.median(alone)
    return [
        {"what": "webhooks while nobody reads", "value": statistics.median(alone), "unit": "/s"},
        {"what": "webhooks with 10 open pages", "value": statistics.median(watched), "unit": "/s"},
        {"what": "pages loaded by them meanwhile", "value": loads[0], "unit": ""},
        {"what": "webhooks, with 10 open pages to none", "value": ratio, "unit": "", "aim": ">= 0.9"},
    ]


def _load(directory: Path, host: str, number: int, first: int) -> float:
    with python(directory, "tests.bench.load", host, str(number), str(first), stdout=subprocess.PIPE) as load:
        output, _ = load.communicate()
    return float(json.loads(output)["rate"])


@contextmanager
def _open_pages(address: str, first: int, loads: list[int]) -> Iterator[None]:
    """Keep pages open that reload on the server's event, as their script does."""
    listening = threading.Barrier(_READERS + 1)
    with ExitStack() as stack:
        for number in range(_READERS):
            push = "" if number % 2 else f"{first + number:016x}"
            stack.enter_context(_page(address, push, listening, loads))
        listening.wait(30)
        yield


@contextmanager
def _page(address: str, revision: str, listening: threading.Barrier, loads: list[int]) -> Iterator[None]:
    query = f"?system=ci&project=try&branch=try&revision={revision}" if revision else ""
    path = f"/pushes/try/{revision}?fragment=1" if revision else "/?fragment=1"
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/live{query}")
    answer = connection.getresponse()

    def read() -> None:
        listening.wait(30)
        with suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            for line in answer:
                if line.startswith(b"event: changed"):
                    _get(address, path)
                    loads[0] += 1

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            if connection.sock is not None:
                connection.sock.shutdown(2)
        thread.join()
        connection.close()
