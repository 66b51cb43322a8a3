"""Several processes on one queue of a real RabbitMQ and one real Redis: nothing is doubled, lost or delayed."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.daemon import TOKEN, Daemon, eventually
from tests.fakes.rabbit import Broker
from tests.fakes.redis_server import RedisServer

CONFIG = """
dry_run: false
store: {store}
listen: 127.0.0.1:0
systems:
  ci: {{type: generic, url: "{ci}", token: "env:CI_TOKEN", grace: 1s, sweep: "{sweep}"}}
intakes:
  - pulse: {{system: ci, url: "{amqp}", queue: {queue}, bindings: [{{exchange: {exchange}}}], prefetch: 50}}
rules:
  - projects: [try]
    budget: {{percent: 100, floor: 1000}}
"""


@pytest.fixture
def ci() -> Iterator[FakeCI]:
    """Provide a CI that requires a token."""
    with FakeCI(token=TOKEN) as made:
        yield made


class Replicas:
    """Daemons that share a queue and a Redis."""

    def __init__(self, place: Path, ci: FakeCI, broker: Broker, redis: RedisServer, stack: ExitStack) -> None:
        self._place = place
        self._stack = stack
        self._config = {
            "store": redis.url(), "ci": ci.url, "amqp": broker.url, "queue": broker.queue, "exchange": broker.exchange,
        }  # fmt: skip
        self.daemons: list[Daemon] = []

    def start(self, *arguments: str, sweep: str = "off") -> Daemon:
        """Start one more daemon."""
        place = self._place / f"replica-{len(self.daemons)}"
        place.mkdir()
        daemon = Daemon(place, CONFIG.format(**self._config, sweep=sweep))
        self._stack.callback(daemon.kill)
        daemon.start(*arguments)
        self.daemons.append(daemon)
        return daemon


@pytest.fixture
def replicas(tmp_path: Path, ci: FakeCI, broker: Broker, redis: RedisServer) -> Iterator[Replicas]:
    """Provide daemons that a test starts; none outlives it."""
    with ExitStack() as stack:
        yield Replicas(tmp_path, ci, broker, redis, stack)


def failures(ci: FakeCI, pushes: int, jobs: int) -> list[dict[str, Any]]:
    """Let jobs fail at the CI, and return its events."""
    return [
        ci.run(f"{push:07x}", f"job-{job}", result="failure") for push in range(1, pushes + 1) for job in range(jobs)
    ]


def asked(ci: FakeCI) -> Counter[tuple[str, str]]:
    """Count the requested runs of each job of each push."""
    counted: Counter[tuple[str, str]] = Counter()
    for post in ci.accepted:
        counted[post.body["revision"], post.body["job"]] += post.count
    return counted


def all_asked(ci: FakeCI, failed: list[dict[str, Any]]) -> None:
    """Wait until every failure is retriggered, and check that each was exactly once."""
    wanted = {(one["revision"], one["job"]): 2 for one in failed}
    eventually(lambda: set(asked(ci)) >= set(wanted), f"{len(wanted)} jobs are retriggered")
    assert asked(ci) == wanted


def claims(daemon: Daemon) -> dict[str, int]:
    """Count claims by their states."""
    return dict(json.loads(daemon.command("stats", "--json").stdout)["claims"])


def test_two_replicas_share_the_work(replicas: Replicas, ci: FakeCI, broker: Broker) -> None:
    """Every failure is retriggered once, whichever replica receives it, and both receive some."""
    one, two = replicas.start(), replicas.start()
    eventually(lambda: broker.consumers() == 2, "both consume")
    failed = failures(ci, pushes=20, jobs=10)
    broker.publish(*failed, *failed)
    all_asked(ci, failed)
    eventually(lambda: broker.depth() == 0, "the queue is empty")
    for daemon in (one, two):
        assert daemon.metric('triggerbot_messages_total{outcome="stored",system="ci"}') > 0


@pytest.mark.slow
def test_a_replica_that_is_killed_leaves_nothing_undone(replicas: Replicas, ci: FakeCI, broker: Broker) -> None:
    """SIGKILL while requests are under way: the other one finishes, and requests nothing twice."""
    one, two = replicas.start(), replicas.start()
    eventually(lambda: broker.consumers() == 2, "both consume")
    failed = failures(ci, pushes=20, jobs=5)
    ci.fault("retrigger", times=None, delay=0.05)
    broker.publish(*failed)
    eventually(lambda: len(ci.accepted) >= 10, "some are retriggered")
    one.kill()
    # The work of the dead replica is taken over when it has been silent for a while.
    wanted = {(item["revision"], item["job"]): 2 for item in failed}
    eventually(lambda: set(asked(ci)) >= set(wanted), "all are retriggered", patience=120.0)
    assert asked(ci) == wanted
    assert two.health()["status"] == "ok"


@pytest.mark.slow
def test_workers_of_one_machine(replicas: Replicas, ci: FakeCI, broker: Broker) -> None:
    """`run --workers 2` consumes with both, and ends in good order."""
    daemon = replicas.start("--workers", "2")
    eventually(lambda: broker.consumers() == 2, "both consume")
    failed = failures(ci, pushes=10, jobs=5)
    broker.publish(*failed)
    all_asked(ci, failed)
    assert daemon.stop() == 0
    assert broker.depth() == 0


@pytest.mark.slow
def test_a_deleted_queue_is_made_up_for(replicas: Replicas, ci: FakeCI, broker: Broker) -> None:
    """The sweep finds the lost messages, and runs early because the queue was lost."""
    replicas.start(sweep="1h")
    eventually(broker.consumers, "it consumes")
    failed = failures(ci, pushes=1, jobs=1)
    broker.publish(*failed)
    all_asked(ci, failed)
    lost = failures(ci, pushes=3, jobs=2)
    broker.delete()
    all_asked(ci, [*failed, *lost])


@pytest.mark.slow
def test_a_redis_that_lost_everything_doubles_nothing(
    replicas: Replicas, ci: FakeCI, broker: Broker, redis: RedisServer
) -> None:
    """FLUSHALL, and every message once more: the CI's own list shows what was done before."""
    daemon = replicas.start()
    eventually(broker.consumers, "it consumes")
    failed = failures(ci, pushes=5, jobs=4)
    broker.publish(*failed)
    all_asked(ci, failed)
    redis.client().flushall()
    broker.publish(*failed)
    eventually(lambda: daemon.health()["distrust"], "the loss is noticed")
    fresh = [ci.run("fffffff", "job", result="failure")]
    broker.publish(*fresh)
    all_asked(ci, [*failed, *fresh])
    assert any("lost everything" in why for why in daemon.health()["distrust"].values())


@pytest.mark.slow
def test_a_redis_that_is_down_for_a_while(replicas: Replicas, ci: FakeCI, broker: Broker, redis: RedisServer) -> None:
    """The daemon says so and waits; the queue keeps new messages; then everything goes on by itself."""
    daemon = replicas.start()
    eventually(broker.consumers, "it consumes")
    before = failures(ci, pushes=2, jobs=2)
    broker.publish(*before)
    all_asked(ci, before)
    redis.kill()
    meanwhile = [ci.run(f"{push:07x}", "later", result="failure") for push in range(100, 105)]
    broker.publish(*meanwhile)
    eventually(lambda: daemon.health()["status"] == "error", "it says so")
    redis.start()
    all_asked(ci, [*before, *meanwhile])
    eventually(lambda: daemon.health()["status"] == "ok", "it is well again")
    # It may have lost its last second. A server that lost nothing is noticed with the next heartbeat.
    eventually(
        lambda: any("started again" in why or "older state" in why for why in daemon.health()["distrust"].values()),
        "it is distrusted",
    )


@pytest.mark.slow
def test_a_pause_holds_on_every_replica_at_once(replicas: Replicas, ci: FakeCI, broker: Broker) -> None:
    """Requests that are due at a pause are sent by no replica until the resume; then each is sent once."""
    one, two = replicas.start(), replicas.start()
    eventually(lambda: broker.consumers() == 2, "both consume")
    ci.fault("retrigger", times=None, delay=0.2)
    failed = failures(ci, pushes=20, jobs=5)
    broker.publish(*failed)
    eventually(lambda: len(ci.posts) >= 5, "both are at work")

    assert one.command("pause", "--note", "the tree is closed").returncode == 0
    # Requests that were recorded before the pause may still arrive, as many as are under way at once.
    asked = len(ci.posts)
    eventually(lambda: broker.depth() == 0, "they go on hearing")
    more = [ci.run(f"{push:07x}", "job", result="failure") for push in range(100, 105)]
    broker.publish(*more)
    claimed = 'triggerbot_events_total{outcome="claimed",system="ci"}'
    eventually(lambda: sum(daemon.metric(claimed) for daemon in (one, two)) == len(failed) + len(more), "and claiming")
    eventually(lambda: not claims(one).get("sending"), "what was under way has ended")
    assert len(ci.posts) - asked <= 2 * 4
    paused = len(ci.posts)
    for daemon in (one, two):
        assert daemon.health()["status"] == "ok"
    assert len(ci.posts) == paused

    ci.mend()
    assert two.command("resume").returncode == 0
    all_asked(ci, [*failed, *more])
