"""Faults of the connection: broken, refused, half open, its queue deleted, its broker killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import ROOT
from tests.fakes.daemon import eventually
from tests.fakes.proxy import Proxy
from tests.fakes.rabbit import Broker, Rabbit
from tests.service.pulse.consumer import Consumer, canonical_event
from triggerbot.pipeline.intakes.pulse import connection

Consume = Callable[..., Consumer]


def test_a_broken_connection_is_made_again(broker: Broker, consume: Consume) -> None:
    """The broker hangs up: nothing is lost, and no action is needed."""
    consumer = consume()
    broker.publish(canonical_event(1))
    consumer.wait_for_runs(1)
    broker.hang_up()
    broker.publish(canonical_event(2))
    consumer.wait_for_runs(1, 2)
    assert consumer.gaps == 1


@pytest.mark.slow
def test_a_broker_that_is_killed_and_started_again(broker: Broker, consume: Consume) -> None:
    """Durable queue, persistent messages: what was not acknowledged comes once more."""
    consumer = consume()
    broker.publish(canonical_event(1))
    consumer.wait_for_runs(1)
    broker.rabbit.kill()
    eventually(lambda: not consumer.connected, "it notices")
    broker.rabbit.start()
    eventually(lambda: consumer.connected, "it is connected again")
    broker.publish(canonical_event(2))
    consumer.wait_for_runs(1, 2)
    assert consumer.gaps == 1


@pytest.mark.slow
def test_a_deleted_queue_is_made_again_and_the_gap_is_reported(broker: Broker, consume: Consume) -> None:
    """PulseGuardian deletes queues that are too long; the sweep has to find what was in it."""
    consumer = consume()
    assert consumer.gaps == 1  # The first start: there was no queue.
    broker.publish(canonical_event(1))
    consumer.wait_for_runs(1)
    broker.delete()
    eventually(lambda: consumer.gaps == 2, "the gap is told")
    eventually(broker.consumers, "it consumes again")
    broker.publish(canonical_event(2))
    consumer.wait_for_runs(1, 2)


@pytest.mark.slow
def test_a_queue_that_is_there_is_no_gap(broker: Broker, consume: Consume) -> None:
    """Only the very first start makes it."""
    consume().stop()
    assert consume().gaps == 0


@pytest.mark.slow
def test_a_half_open_connection_is_noticed(broker: Broker, consume: Consume, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is cut silently: heartbeats detect it."""
    monkeypatch.setattr(connection, "HEARTBEAT", 1.0)
    with Proxy(broker.rabbit.port) as proxy:
        consumer = consume(url=f"amqp://guest:guest@127.0.0.1:{proxy.port}//")
        proxy.black_hole = True
        eventually(lambda: not consumer.connected, "it notices")
        proxy.hang_up()
        proxy.black_hole = False
        eventually(lambda: consumer.connected, "it is connected again")
        broker.publish(canonical_event(1))
        consumer.wait_for_runs(1)
        consumer.stop()


@pytest.mark.slow
def test_an_idle_connection_stays(broker: Broker, consume: Consume, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats are sent, too, so that the broker keeps the connection."""
    monkeypatch.setattr(connection, "HEARTBEAT", 3.0)
    with Proxy(broker.rabbit.port) as proxy:
        passed: list[int] = []

        def count(data: bytes) -> bool:
            passed.append(len(data))
            return True

        consumer = consume(url=f"amqp://guest:guest@127.0.0.1:{proxy.port}//")
        proxy.on_answer = count
        # A heartbeat of the broker is a frame of 8 bytes, each one and a half seconds.
        eventually(lambda: len(passed) >= 4, "heartbeats arrive")
        assert consumer.connected
        assert proxy.connections == 1
        consumer.stop()


@pytest.mark.slow
def test_a_killed_process_loses_nothing(broker: Broker, tmp_path: Path, consume: Consume) -> None:
    """SIGKILL in the middle of 5,000 messages: every one of them is recorded, by it or by the next."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.service.pulse.consumer import Consumer\n"
        "class Broker: url, queue, exchange = sys.argv[1].split()\n"
        "consumer = Consumer(Broker, Path(sys.argv[2]), prefetch=500)\n"
        "consumer._thread.run()\n"
    )
    consume().stop()
    broker.publish(*(canonical_event(number) for number in range(5000)))
    command = [
        sys.executable,
        "-c",
        program,
        f"{broker.url} {broker.queue} {broker.exchange}",
        str(tmp_path / "state.db"),
    ]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        eventually(lambda: (broker.depth() or 0) < 4000, "it consumes")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    consumer = consume()
    consumer.wait_for_runs(*range(5000))
    consumer.stop()
    assert broker.depth() == 0


@pytest.mark.slow
def test_an_unknown_exchange_is_named(broker: Broker, consume: Consume) -> None:
    """It is retried, and works once the exchange exists."""
    missing = f"{broker.exchange}/missing"
    consumer = consume(wait=False, bindings=[(missing, "#")])
    eventually(lambda: missing in consumer.trouble(), "the exchange is named")
    assert "check its name in the bindings" in consumer.trouble()
    assert broker.depth() is None
    broker.make_exchange(missing)
    eventually(lambda: consumer.connected, "it consumes")


@pytest.mark.slow
def test_what_the_broker_does_not_allow_is_named(broker: Broker, consume: Consume, user: str) -> None:
    """As on Pulse: one's own queues only, and nobody else's exchanges to declare."""
    url = f"amqp://{user}:secret@127.0.0.1:{broker.rabbit.port}//"
    refused = consume(wait=False, url=url, queue="somebody/elses")
    eventually(lambda: "somebody/elses" in refused.trouble(), "the queue is named")
    assert "has to begin with queue/" in refused.trouble()
    assert "secret" not in refused.trouble()
    refused.stop()

    allowed = consume(url=url, queue=f"queue/{user}/triggerbot")
    broker.publish(canonical_event(1))
    allowed.wait_for_runs(1)


@pytest.mark.slow
def test_a_wrong_password_is_reported_as_such(broker: Broker, consume: Consume) -> None:
    """The message does not contain the password."""
    consumer = consume(wait=False, url=f"amqp://guest:hunter2hunter2@127.0.0.1:{broker.rabbit.port}//")
    eventually(lambda: "ACCESS_REFUSED" in consumer.trouble(), "the refusal is told")
    assert "hunter2" not in consumer.trouble()


@pytest.mark.slow
def test_nobody_there(broker: Broker, consume: Consume, tmp_path: Path) -> None:
    """It is retried for ever."""
    with Proxy(1) as proxy:
        consumer = consume(wait=False, url=f"amqp://127.0.0.1:{proxy.port}//")
        eventually(lambda: proxy.connections >= 2, "it tries again")
        assert consumer.trouble()
        assert not consumer.pulse.trouble(consumer.pulse.lost_since + 1)


@pytest.fixture
def user(rabbit: Rabbit) -> str:
    """Make a user with the permissions that Pulse gives."""
    name = f"user{os.getpid()}"
    if name not in rabbit.control("-q", "list_users"):
        rabbit.control("add_user", name, "secret")
        own = rf"^(queue/{name}/.*|exchange/{name}/.*)"
        rabbit.control("set_permissions", name, own, own, rf"^(queue/{name}/.*|exchange/.*)")
    return name
