"""A real RabbitMQ, and what publishers, operators and tests do to it."""

import json
import os
import subprocess
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import amqp

from tests.fakes.servers import Server, find, free_ports, listens


def _epmd() -> str:
    """Find Erlang's name server, which Debian keeps beside the runtime."""
    beside = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    return str(beside[-1]) if beside else find("epmd")


class Rabbit:
    """One broker: start it, break it, start it again."""

    def __init__(self, directory: Path, extra: str = "") -> None:
        # Erlang's scripts fail on a directory with a space in its name.
        self._directory = directory
        self._program = find("rabbitmq-server")
        self.port, distribution, epmd = free_ports(3)
        (directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\nloopback_users = none\n{extra}"
        )
        (directory / ".erlang.cookie").write_text("TRIGGERBOTTESTS")
        (directory / ".erlang.cookie").chmod(0o400)
        self.environment = {
            "HOME": str(directory),
            "RABBITMQ_NODENAME": f"triggerbot{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "none.config"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        # Erlang's name server would detach itself and stay; this one ends with the broker.
        self._names = Server(
            [_epmd(), "-port", str(epmd), "-address", "127.0.0.1"], directory, {}, lambda: listens(epmd)
        )
        self._server = Server([self._binary()], directory, self.environment, self._ready)

    def _binary(self) -> str:
        """Return the program itself rather than Debian's wrapper, which must be run as root or rabbitmq."""
        direct = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        return str(direct) if direct.exists() else self._program

    def _ready(self) -> bool:
        if not listens(self.port):
            return False
        try:
            self.connect().close()
        except (OSError, amqp.AMQPError):
            return False
        return True

    def __enter__(self) -> Self:
        self._names.start()
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._names.kill()

    def start(self) -> None:
        """Start it again."""
        self._server.start()

    def kill(self) -> None:
        """End it as a power cut does."""
        self._server.kill()

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl."""
        binary = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
        command = [str(binary) if binary.exists() else find("rabbitmqctl"), *arguments]
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.decode()

    def connect(self, user: str = "guest", password: str = "guest") -> amqp.Connection:
        """Connect, to publish or inspect."""
        connection = amqp.Connection(f"127.0.0.1:{self.port}", userid=user, password=password, connect_timeout=5)
        connection.connect()
        return connection


class Broker:
    """One test's exchange and queue on a broker, with shorthand for publishers and operators."""

    def __init__(self, rabbit: Rabbit) -> None:
        self.rabbit = rabbit
        name = uuid.uuid4().hex[:8]
        self.exchange = f"exchange/{name}/v1"
        self.queue = f"queue/{name}/triggerbot"
        self.url = f"amqp://guest:guest@127.0.0.1:{rabbit.port}//"
        self.make_exchange(self.exchange)

    def make_exchange(self, name: str) -> None:
        """Declare an exchange, as its owner does."""
        with self.rabbit.connect() as connection:
            connection.channel().exchange_declare(name, "topic", durable=True, auto_delete=False)

    def publish(self, *bodies: Any, key: str = "key", exchange: str = "", **properties: Any) -> None:
        """Publish messages; anything but bytes is encoded as JSON."""
        with self.rabbit.connect() as connection:
            channel = connection.channel()
            for body in bodies:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                message = amqp.Message(raw, content_type="application/json", delivery_mode=2, **properties)
                channel.basic_publish(message, exchange or self.exchange, key)
            # When this is answered, everything sent before has arrived.
            channel.exchange_declare(exchange or self.exchange, "topic", passive=True)

    def depth(self) -> int | None:
        """Return how many messages wait in the queue; `None` if there is no queue."""
        with self.rabbit.connect() as connection:
            try:
                return int(connection.channel().queue_declare(self.queue, passive=True).message_count)
            except amqp.NotFound:
                return None

    def consumers(self) -> int:
        """Return how many consumers the queue has."""
        with self.rabbit.connect() as connection:
            try:
                return int(connection.channel().queue_declare(self.queue, passive=True).consumer_count)
            except amqp.NotFound:
                return 0

    def delete(self) -> None:
        """Delete the queue, as PulseGuardian does."""
        with self.rabbit.connect() as connection:
            connection.channel().queue_delete(self.queue)

    def hang_up(self) -> None:
        """Close every connection from the broker's side."""
        self.rabbit.control("close_all_connections", "--vhost", "/", "a test hangs up")
