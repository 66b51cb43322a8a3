"""Accidents of the servers around a daemon (the CI, Redis and RabbitMQ), and a daemon without webhooks."""

import random
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from tests.fakes.proxy import Proxy
from tests.fakes.rabbit import Rabbit
from tests.service.chaos.checker import Verdict
from tests.service.chaos.ci_process import PLAN, READS
from tests.service.chaos.kills import Stage, settle, stage, write_config

Made = tuple[Verdict, dict[str, Any]]
#: Seconds within which it has to consume again after any accident.
BACK = 20.0


def outage(runs: int, seed: int) -> Made:
    """Answer each accepted POST with 500, many times: look-backs settle it, and nothing is requested twice."""
    begun = time.monotonic()
    with stage("sqlite", "webhook", seed, posts={"500_after": 100}, reads={}, lag=0.5, breaker=_NO_BREAKER) as made:
        life = made.start()
        for number in range(0, runs, 20):
            made.feeder.feed(
                *made.ground.fail(f"{number:07x}", [f"job-{one}" for one in range(min(20, runs - number))])
            )
        settled = _wait(lambda: made.done, 1200)
        time.sleep(3)
        chosen = made.ground.calm()
        life.kill()
        return made.verdict(), _about(begun, settled=settled, answered_500=chosen.get("retrigger 500_after", 0))


def replies(runs: int, seed: int) -> Made:
    """End the connection to Redis after a request and before its answer, many times."""
    begun = time.monotonic()
    dice = random.Random(seed)
    with ExitStack() as stack:
        made = stack.enter_context(stage("redis", "webhook", seed, store_port=0, posts={}, reads={}, lag=0.2))
        assert made.redis is not None
        proxy = stack.enter_context(Proxy(made.redis.port))
        _rewrite(made, store_port=proxy.port)
        life = made.start()
        # A daemon that cannot reach its store does not start at all.
        assert _wait(lambda: _started(made), 30)
        cut = 0

        def cut_some(_: bytes) -> bool:
            nonlocal cut
            if cut < runs and dice.random() < 0.12:
                cut += 1
                return False
            return True

        proxy.on_answer = cut_some
        number = 0
        while cut < runs and life.alive:
            if made.feeder.idle:
                made.feeder.feed(*made.ground.fail(f"{number:07x}", [f"job-{one}" for one in range(10)]))
                number += 1
            time.sleep(0.02)
        settled = settle(made, life)
        life.kill()
        return made.verdict(), _about(begun, settled=settled, replies_cut=cut, connections=proxy.connections)


def redis_lost(runs: int, seed: int) -> Made:
    """Kill Redis, empty it, or replace it by an older copy, in turn, while the daemon works."""
    begun = time.monotonic()
    dice = random.Random(seed)
    done = {"killed": 0, "emptied": 0, "older": 0}
    # The sweep brings back what the store lost before it was retriggered: the CI is the truth.
    with stage("redis", "webhook", seed, posts=_FEW, reads={}, lag=0.3, sweep="1s") as made:
        assert made.redis is not None
        life = made.start()
        for number in range(runs):
            made.feeder.feed(*made.ground.fail(f"{number:07x}", [f"job-{one}" for one in range(dice.randint(1, 3))]))
            copy = made.directory / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(made.redis.directory, copy)
            time.sleep(dice.uniform(0.05, 1.0))
            kind = ("killed", "emptied", "older")[number % 3]
            done[kind] += 1
            if kind == "emptied" and dice.random() < 0.5:
                made.redis.client().flushall()
                continue
            made.redis.kill()
            if kind != "killed":
                shutil.rmtree(made.redis.directory)
                made.redis.directory.mkdir()
                if kind == "older":
                    shutil.copytree(copy, made.redis.directory, dirs_exist_ok=True)
            time.sleep(dice.uniform(0, 0.3))
            made.redis.start()
            if number % 10 == 9:
                _wait(lambda: made.done, 60)
        settled = settle(made, life)
        alive = life.alive
        life.kill()
        return made.verdict(), _about(begun, settled=settled, alive=alive, **done)


def broker(runs: int, seed: int, rabbit: Rabbit) -> Made:
    """Restart RabbitMQ, cut or black-hole its connection, delete its queue; measure the time until it consumes."""
    begun = time.monotonic()
    dice = random.Random(seed)
    waits: dict[str, list[float]] = {"closed": [], "deleted": [], "black_hole": [], "restarted": []}
    kinds = ["closed", "deleted", "black_hole", "restarted"]
    with ExitStack() as stack:
        made = stack.enter_context(
            stage("sqlite", "amqp", seed, rabbit=rabbit, posts=_FEW, reads={}, lag=0.3, sweep="1h")
        )
        assert made.broker is not None
        proxy = stack.enter_context(Proxy(rabbit.port))
        _rewrite(made, amqp_port=proxy.port, sweep="1h")
        life = made.start()
        assert _wait(lambda: made.broker is not None and made.broker.consumers() == 1, 30)
        for number in range(runs):
            made.feeder.feed(*made.ground.fail(f"{number:07x}", ["job-1", "job-2"]))
            time.sleep(dice.uniform(0, 0.3))
            kind = kinds[number % 4]
            _hurt(kind, made, proxy, rabbit)
            since = time.monotonic()
            _wait(lambda: made.feeder.idle, 60)
            probe = made.ground.fail(f"{number:07x}", ["probe"])
            made.feeder.feed(*probe)
            if kind == "deleted":
                # A message without a queue is lost: the sweep finds its failure.
                _wait(lambda: made.broker is not None and made.broker.consumers() == 1, 60)
            else:
                _wait(partial(_asked, made, probe[0]), 60)
            waits[kind].append(time.monotonic() - since)
        settled = settle(made, life)
        life.kill()
        late = sum(one > BACK for several in waits.values() for one in several)
        slowest = {f"slowest_{kind}": round(max(several), 1) for kind, several in waits.items() if several}
        return made.verdict(), _about(begun, settled=settled and not late, late=late, **slowest)


def _started(made: Stage) -> bool:
    log = made.config.parent / "daemon.log"
    return log.exists() and "daemon.started" in log.read_text()


def _asked(made: Stage, event: dict[str, Any]) -> bool:
    return made.ground.made()[event["revision"], event["job"]] > 0


def _hurt(kind: str, made: Stage, proxy: Proxy, rabbit: Rabbit) -> None:
    assert made.broker is not None
    match kind:
        case "closed":
            proxy.hang_up()
        case "deleted":
            made.broker.delete()
        case "black_hole":
            proxy.swallow()
        case _:
            rabbit.kill()
            rabbit.start()


def sweep(runs: int, seed: int) -> Made:
    """Send no webhook: the sweep alone finds every failure."""
    begun = time.monotonic()
    with stage("sqlite", "webhook", seed, posts=PLAN, reads=READS, sweep="1s") as made:
        life = made.start()
        for number in range(0, runs, 10):
            for event in made.ground.fail(f"{number:07x}", [f"job-{one}" for one in range(min(10, runs - number))]):
                # It counts as acknowledged, since it is at the CI.
                made.feeder.attempted.append((event["revision"], event["job"]))
                made.feeder.acknowledged.append((event["revision"], event["job"]))
            time.sleep(0.01)
        settled = settle(made, life)
        life.kill()
        return made.verdict(), _about(begun, settled=settled)


_FEW = {"500_after": 4, "cut_after": 4, "503": 3}
_NO_BREAKER = "{failures: off, pushes: off}"


def _rewrite(made: Stage, *, store_port: int | None = None, amqp_port: int | None = None, sweep: str = "off") -> None:
    """Rewrite the config to go through a proxy."""
    port = int(made.config.read_text().partition("listen: 127.0.0.1:")[2].partition("\n")[0])
    write_config(
        made, port, store_port=store_port, amqp_port=amqp_port, breaker="{canary: 500ms, longest: 2s}", sweep=sweep
    )


def _wait(look: Callable[[], bool], patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if look():
            return True
        time.sleep(0.05)
    return False


def _about(begun: float, **more: Any) -> dict[str, Any]:
    return {"seconds": round(time.monotonic() - begun), **more}
