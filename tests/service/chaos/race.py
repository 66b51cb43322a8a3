"""Several processes that observe the same events against one store: each failure is claimed exactly once."""

import multiprocessing
import random
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

from tests.fakes.redis_server import RedisServer
from tests.fakes.world import failure, push
from tests.service.chaos.checker import Verdict, check
from tests.service.chaos.ci_process import temporary
from triggerbot.core.model import Event
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store.factory import open_store

_JOBS = 50
_BATCH = 200


def _events(runs: int) -> list[Event]:
    return [
        failure(f"job-{number % _JOBS}", f"run-{number}", push=push(f"{number // _JOBS:07x}"), message="")
        for number in range(runs)
    ]


def _observe(address: str, runs: int, dice: int, ready: Any, answers: Any) -> None:
    store = open_store(address, daemon=False, retention=86_400.0)
    observer = Observer(store, [Rule(Globs(["*"]))], dry=True, clock=time.time, metrics=Metrics())
    events = _events(runs)
    ready.wait()
    claimed = []
    # Each has its own order, so that either may come first.
    order = list(range(0, runs, _BATCH))
    random.Random(dice).shuffle(order)
    for at in order:
        batch = events[at : at + _BATCH]
        outcomes = observer.observe(batch)
        claimed += [
            (event.push.revision, event.job) for event, outcome in zip(batch, outcomes, strict=True) if outcome.claimed
        ]
    store.close()
    answers.put(claimed)


def race(store: str, runs: int, processes: int = 4) -> tuple[Verdict, dict[str, Any]]:
    """Let several processes observe the same failures on one store at the same time."""
    begun = time.monotonic()
    directory = temporary()
    with ExitStack() as stack:
        address = f"sqlite:{directory / 'state.db'}"
        if store == "redis":
            (directory / "redis").mkdir()
            address = stack.enter_context(RedisServer(directory / "redis")).url()
        # Create the store before the race.
        open_store(address, daemon=True, retention=86_400.0).close()
        context = multiprocessing.get_context("spawn")
        ready, answers = context.Barrier(processes), context.Queue()
        workers = [
            context.Process(target=_observe, args=(address, runs, number, ready, answers), daemon=True)
            for number in range(processes)
        ]
        for worker in workers:
            worker.start()
        several = [answers.get(timeout=1800) for _ in workers]
        for worker in workers:
            worker.join()
    jobs = [(event.push.revision, event.job) for event in _events(runs)]
    made = Counter(job for claimed in several for job in claimed)
    shares = sorted(len(claimed) for claimed in several)
    return check(jobs, jobs, made, 1), {
        "processes": processes, "claims": sum(made.values()), "shares": shares,
        "seconds": round(time.monotonic() - begun),
    }  # fmt: skip
