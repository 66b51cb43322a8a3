"""One connection to a broker: certificates checked, heartbeats on, the queue declared and bound, messages collected.

The pitfalls of kombu and py-amqp that are avoided here: heartbeats are off by default, the host name is not checked
unless named, `TCP_USER_TIMEOUT` is one second, and an exception in a callback is taken for one of the connection.
"""

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import amqp
from kombu import Connection

from triggerbot import __version__
from triggerbot.config import PulseSettings, addresses
from triggerbot.core.errors import TriggerbotError

#: Seconds between heartbeats; the connection is lost after two without one. RabbitMQ recommends 5 to 20.
HEARTBEAT = 5.0
#: Seconds to connect, and to complete a read or write.
_CONNECT, _TRANSFER = 5.0, 20.0
#: Seconds to wait for one more message after another.
_BURST = 0.001
#: Milliseconds that sent data may stay unacknowledged (TCP); the library's default breaks on every blip of a second.
_UNCONFIRMED = 15_000

#: The exceptions of a broken connection or channel.
BROKEN = (amqp.AMQPError, OSError)


class QueueGone(TriggerbotError):
    """The broker has cancelled the consumer, because the queue was deleted."""


class BrokerRefused(TriggerbotError):
    """The broker does not permit what the configuration asks for; the message says how to fix it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as received."""

    tag: int
    exchange: str
    routing_key: str
    headers: dict[str, str]
    body: bytes


def why(error: BaseException) -> str:
    """Render an exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def broker(url: str) -> str:
    """Return host and port of a broker's URL, without user and password."""
    parts = urlsplit(url)
    return parts.hostname or "" if parts.port is None else f"{parts.hostname}:{parts.port}"


class BrokerConnection:
    """A context manager for one connection: connects, declares and binds on entry, closes on exit."""

    def __init__(self, config: PulseSettings, url: str) -> None:
        self._config = config
        self._connection = _connection(config, url)
        #: Whether the queue did not exist before.
        self.created = False
        self._received: list[Any] = []
        self._cancelled = False
        self._heartbeat_checked = time.monotonic()
        self._channel: Any = None

    def __enter__(self) -> Self:
        try:
            self._connection.connect()
            self._declare()
        except BaseException:
            self._connection.collect()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            with suppress(*BROKEN):
                self._connection.close()
        # The closing handshake of a broken connection could take long; closing the socket is enough.
        self._connection.collect()

    # -- the queue ----------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        """Check that the exchanges exist, and declare the queue and its bindings where they are missing."""
        for exchange in dict.fromkeys(binding.exchange for binding in self._config.bindings):
            self._check_exchange(exchange)
        queue = self._config.queue
        with _Refusals(f"queue {queue}", "on Mozilla's Pulse its name has to begin with queue/ and your user's name"):
            self.created = not self._exists(queue)
            self._channel = self._connection.channel()
            if self.created:
                self._channel.queue_declare(queue, durable=True, auto_delete=False)
        for binding in self._config.bindings:
            what = f"binding {queue} to {binding.exchange}"
            with _Refusals(what, "the user needs the permission to read the exchange"):
                self._channel.queue_bind(queue, binding.exchange, routing_key=binding.routing_key)

    def _check_exchange(self, exchange: str) -> None:
        # Passively: declaring an exchange of somebody else is not permitted.
        with _Refusals(f"exchange {exchange}", "check its name in the bindings"):
            channel = self._connection.channel()
            channel.exchange_declare(exchange, "topic", passive=True)
            channel.close()

    def _exists(self, queue: str) -> bool:
        channel = self._connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
        except amqp.NotFound:
            return False
        channel.close()
        return True

    # -- messages -----------------------------------------------------------------------------------------------

    def consume(self) -> None:
        """Start to consume, with at most `prefetch` messages unacknowledged."""
        self._channel.auto_decode = False
        self._channel.basic_qos(0, self._config.prefetch, False)  # noqa: FBT003 - AMQP's own signature
        self._channel.basic_consume(self._config.queue, callback=self._received.append, on_cancel=self._on_cancel)

    def _on_cancel(self, *_: object) -> None:
        self._cancelled = True

    @property
    def waiting(self) -> int:
        """The number of messages that were collected and not taken."""
        return len(self._received)

    def drain(self, seconds: float, most: int) -> bool:
        """Collect messages as they arrive, up to `most` waiting; return whether it ended because none arrived.

        `seconds`: how long to wait for the first one.

        Raises:
            QueueGone: the queue was deleted.
        """
        quiet = False
        try:
            self._connection.drain_events(timeout=seconds)
            # Set around all of them: the library would set it for each of the three frames of every message.
            with self._channel.connection.transport.having_timeout(_BURST):
                while len(self._received) < most:
                    self._connection.drain_events(timeout=_BURST)
        except TimeoutError:
            quiet = True
        if self._cancelled:
            raise QueueGone("the broker has cancelled the consumer: the queue was deleted")
        now = time.monotonic()
        if now - self._heartbeat_checked >= 1.0:
            self._heartbeat_checked = now
            self._connection.heartbeat_check()
        return quiet

    def take(self, most: int) -> list[Message]:
        """Remove and return up to `most` collected messages, oldest first."""
        taken, self._received[:most] = self._received[:most], []
        return [_message(raw) for raw in taken]

    def acknowledge(self, tag: int) -> None:
        """Acknowledge this message and all before it."""
        self._channel.basic_ack(tag, multiple=True)


class _Refusals:
    """Raises a refusal of the broker as `BrokerRefused`, with what was refused and how to fix it."""

    def __init__(self, what: str, remedy: str) -> None:
        self._what = what
        self._remedy = remedy

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, amqp.NotFound):
            raise BrokerRefused(f"{self._what}: the broker does not know it; {self._remedy}") from None
        if isinstance(error, amqp.AccessRefused | amqp.PreconditionFailed | amqp.ResourceLocked):
            raise BrokerRefused(f"{self._what}: the broker refuses ({error.reply_text}); {self._remedy}") from None


def _message(raw: Any) -> Message:
    info, properties = raw.delivery_info, raw.properties
    body = raw.body
    headers = {str(name): str(value) for name, value in (properties.get("application_headers") or {}).items()}
    if properties.get("content_type"):
        headers["content-type"] = str(properties["content_type"])
    return Message(
        tag=info["delivery_tag"],
        exchange=info["exchange"],
        routing_key=info["routing_key"],
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def _connection(config: PulseSettings, url: str) -> Connection:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    tls = addresses.has_tls(url)
    port = parts.port or (addresses.TLS_PORT if tls else 5672)
    return Connection(
        hostname=host,
        port=port,
        userid=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=unquote(parts.path[1:]) or "/",
        transport="pyamqp",
        heartbeat=HEARTBEAT,
        connect_timeout=_CONNECT,
        ssl=_tls(host, config.ca) if tls else False,
        transport_options={
            "read_timeout": _TRANSFER,
            "write_timeout": _TRANSFER,
            "client_properties": {"product": "triggerbot", "version": __version__},
            "socket_settings": {socket.TCP_USER_TIMEOUT: _UNCONFIRMED} if hasattr(socket, "TCP_USER_TIMEOUT") else {},
        },
    )


def _tls(host: str, ca: str | None) -> dict[str, Any]:
    """Return TLS options that verify the certificate and its host name, against `ca` or the system's CAs."""
    return {"server_hostname": host, "cert_reqs": ssl.CERT_REQUIRED, **({} if ca is None else {"ca_certs": ca})}
