"""End to end on a Mozilla-style CI: a real RabbitMQ, Taskcluster, Treeherder, and workers on a real Redis."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.daemon import Daemon, eventually
from tests.fakes.rabbit import Broker
from tests.fakes.redis_server import RedisServer
from tests.fakes.taskcluster import CLIENT, TOKEN, FakeTaskcluster
from tests.fakes.treeherder import CSRF, SESSION, FakeTreeherder

REVISION = "c7766d0b4a121985a8b07e6721d66ccab57bbf76"
JOB = "test-linux/opt-mochitest-1"
EXCHANGE = "exchange/taskcluster-queue/v1/task-"
STATES = ("pending", "running", "completed", "failed", "exception")
CONFIG = """
dry_run: false
store: {store}
listen: 127.0.0.1:0
systems:
  fx:
    type: taskcluster
    url: "{tc}"
    client_id: {client}
    access_token: env:TC_TOKEN
    pushes: [{{hg: "{tc}/hg/{{project}}"}}]
    {treeherder}
    grace: 1s
    sweep: off
intakes:
  - pulse:
      system: fx
      url: env:PULSE_URL
      queue: {queue}
      bindings: [{bindings}]
rules:
  - projects: [try]
"""


@pytest.fixture
def tc() -> Iterator[FakeTaskcluster]:
    """Serve a deployment."""
    with FakeTaskcluster() as fake:
        yield fake


def daemon(tmp_path: Path, tc: FakeTaskcluster, broker: Broker, store: str, treeherder: str = "") -> Daemon:
    """Make a daemon, not started."""
    for state in STATES:
        broker.make_exchange(EXCHANGE + state)
    config = CONFIG.format(
        store=store, tc=tc.url, client=CLIENT, queue=broker.queue, treeherder=treeherder,
        bindings=", ".join(f"{{exchange: {EXCHANGE}{state}}}" for state in STATES),
    )  # fmt: skip
    secrets = {"TC_TOKEN": TOKEN, "PULSE_URL": broker.url, "TH_SESSION": SESSION, "TH_CSRF": CSRF}
    return Daemon(tmp_path, config, secrets)


def publish(tc: FakeTaskcluster, broker: Broker, *tasks: str) -> None:
    """Publish the states of tasks."""
    for task in tasks:
        exchange, body = tc.message(task)
        broker.publish(body, key="primary.x", exchange=exchange)


def again(tc: FakeTaskcluster, task: str) -> list[str]:
    """Return the tasks that were requested."""
    return [one for one, known in tc.tasks.items() if known["metadata"]["name"] == JOB and one != task]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_intermittent_test(
    tmp_path: Path, tc: FakeTaskcluster, broker: Broker, redis: RedisServer, workers: int
) -> None:
    """One failure, two more runs by the push's own action, both pass: intermittent, by one process and by two."""
    running = daemon(tmp_path, tc, broker, redis.url() if workers else "sqlite:state.db")
    running.start(*(("--workers", str(workers)) if workers else ()))
    try:
        eventually(broker.consumers, "it consumes")
        task = tc.add(tc.push(REVISION), state="failed")
        publish(tc, broker, task, task)
        eventually(lambda: tc.triggered, "the action is triggered")
        (triggered,) = tc.triggered
        assert triggered["user"]["input"]["times"] == 2
        for one in again(tc, task):
            tc.end(one, "completed")
        publish(tc, broker, *again(tc, task), task)
        eventually(lambda: running.job(REVISION, JOB).get("verdict") == "intermittent", "the verdict", patience=120.0)
        assert len(tc.triggered) == 1
        assert TOKEN not in running.log.read_text()
        assert "guest:guest" not in running.log.read_text()
    finally:
        running.kill()


@pytest.mark.slow
def test_with_treeherder(tmp_path: Path, tc: FakeTaskcluster, broker: Broker) -> None:
    """It lists the push's jobs and its message, and takes the classification of what proved intermittent."""
    with FakeTreeherder() as treeherder:
        options = f'treeherder: "{treeherder.url}"\n    classify: {{session: env:TH_SESSION, csrf: env:TH_CSRF}}'
        running = daemon(tmp_path, tc, broker, "sqlite:state.db", options)
        task = tc.add(tc.push(REVISION), state="failed")
        push = treeherder.push(REVISION, "a change")
        treeherder.job(push, JOB, task_id=task, result="testfailed")
        running.start()
        try:
            eventually(broker.consumers, "it consumes")
            publish(tc, broker, task)
            eventually(lambda: tc.triggered, "the action is triggered")
            for one in again(tc, task):
                tc.end(one, "completed")
                treeherder.job(push, JOB, task_id=one)
            publish(tc, broker, *again(tc, task))
            eventually(
                lambda: running.job(REVISION, JOB).get("verdict") == "intermittent", "the verdict", patience=120.0
            )
            running.stop()
            # A restarted daemon checks at once rather than a minute later.
            running.start()
            eventually(lambda: treeherder.notes, "it is classified")
            (note,) = treeherder.notes
            assert note["failure_classification_id"] == 4
            assert SESSION not in running.log.read_text()
        finally:
            running.kill()


@pytest.mark.slow
def test_a_queue_without_anybody_who_watches(tmp_path: Path, tc: FakeTaskcluster, broker: Broker) -> None:
    """Messages of other projects and invalid messages hold nothing up."""
    running = daemon(tmp_path, tc, broker, "sqlite:state.db")
    running.start()
    try:
        eventually(broker.consumers, "it consumes")
        group = tc.push("e" * 40, "autoland")
        publish(tc, broker, *(tc.add(group, name=f"t-{one}", project="autoland", state="failed") for one in range(30)))
        broker.publish(b"no json", exchange=f"{EXCHANGE}failed")
        mine = tc.add(tc.push(REVISION), state="failed")
        publish(tc, broker, mine)
        eventually(lambda: tc.triggered, "the action is triggered")
        eventually(lambda: broker.depth() == 0, "the queue is empty")
        letters = running.command("dead-letters", "list", "--json").stdout.splitlines()
        assert [json.loads(letter)["body"] for letter in letters] == ["no json"]
    finally:
        running.kill()


@pytest.mark.slow
def test_a_taskcluster_that_is_down_is_waited_for(tmp_path: Path, tc: FakeTaskcluster, broker: Broker) -> None:
    """Leads survive the outage, and a restart."""
    running = daemon(tmp_path, tc, broker, "sqlite:state.db")
    running.start()
    try:
        eventually(broker.consumers, "it consumes")
        task = tc.add(tc.push(REVISION), state="failed")
        for _ in range(3):
            tc.fault("task", status=503)
        publish(tc, broker, task)
        eventually(lambda: broker.depth() == 0 and not tc.faults["task"], "it has asked in vain")
        running.kill()
        running.start()
        eventually(lambda: tc.triggered, "the action is triggered", patience=120.0)
    finally:
        running.kill()
