"""A RabbitMQ and Redis servers for daemons that share them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.rabbit import Broker, Rabbit
from fakes.redis_server import RedisServer


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """Start a RabbitMQ, once."""
    with tempfile.TemporaryDirectory(prefix="rabbit-") as name, Rabbit(Path(name)) as rabbit:
        yield rabbit


@pytest.fixture
def broker(rabbit: Rabbit) -> Broker:
    """Have an exchange and a queue of one's own."""
    return Broker(rabbit)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Have a Redis of one's own."""
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as server:
        yield server
