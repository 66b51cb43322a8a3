"""One connection to a broker: certificates checked, heartbeats on, the queue made and bound, messages collected.

The traps of kombu and py-amqp that are avoided here: heartbeats are off unless asked for, the host name is not checked
unless named, `TCP_USER_TIMEOUT` is one second, and an exception in a callback passes for trouble of the connection.
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

#: Seconds between heartbeats; the broker is given up after two without a sign of life. RabbitMQ advises 5 to 20.
HEARTBEAT = 5.0
#: Seconds to connect, and to read or write once something has begun.
_CONNECT, _TRANSFER = 5.0, 20.0
#: Milliseconds that sent data may stay unconfirmed; the library's own default breaks on every blip of a second.
_UNCONFIRMED = 15_000

#: What breaks a connection or a channel.
BROKEN = (amqp.AMQPError, OSError)


class QueueGone(TriggerbotError):
    """The broker has cancelled the consumer, for the queue is not there any more."""


class BrokerRefused(TriggerbotError):
    """The broker does not let us do what the config asks for; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came."""

    tag: int
    exchange: str
    routing_key: str
    headers: dict[str, str]
    body: bytes


def why(error: BaseException) -> str:
    """Say in one line what broke."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def broker(url: str) -> str:
    """Name the broker of an address, without user and password."""
    parts = urlsplit(url)
    return parts.hostname or "" if parts.port is None else f"{parts.hostname}:{parts.port}"


class BrokerConnection:
    """An open connection; a context manager that closes it."""

    def __init__(self, config: PulseSettings, url: str) -> None:
        self._config = config
        self._connection = _connection(config, url)
        #: Whether the queue had to be made.
        self.made = False
        self._raw: list[Any] = []
        self._cancelled = False
        self._beat = time.monotonic()
        self._channel: Any = None

    def __enter__(self) -> Self:
        try:
            self._connection.connect()
            self._prepare()
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
        # To take leave of a broken connection could take long; its end is told by the socket's.
        self._connection.collect()

    # -- the queue ----------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Look whether the exchanges are there, and make the queue and its bindings where they are not."""
        for exchange in dict.fromkeys(binding.exchange for binding in self._config.bindings):
            self._look_at(exchange)
        queue = self._config.queue
        with _Words(f"queue {queue}", "on Mozilla's Pulse its name has to begin with queue/ and your user's name"):
            self.made = not self._exists(queue)
            self._channel = self._connection.channel()
            if self.made:
                self._channel.queue_declare(queue, durable=True, auto_delete=False)
        for binding in self._config.bindings:
            what = f"binding {queue} to {binding.exchange}"
            with _Words(what, "the user needs the permission to read the exchange"):
                self._channel.queue_bind(queue, binding.exchange, routing_key=binding.routing_key)

    def _look_at(self, exchange: str) -> None:
        # Only looked at: to declare somebody else's exchange is not allowed.
        with _Words(f"exchange {exchange}", "check its name in the bindings"):
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
        """Let messages come, at most so many unacknowledged."""
        self._channel.auto_decode = False
        self._channel.basic_qos(0, self._config.prefetch, False)  # noqa: FBT003 - AMQP's own signature
        self._channel.basic_consume(self._config.queue, callback=self._raw.append, on_cancel=self._on_cancel)

    def _on_cancel(self, *_: object) -> None:
        self._cancelled = True

    @property
    def waiting(self) -> int:
        """How many messages were collected and not taken."""
        return len(self._raw)

    def drain(self, seconds: float, most: int) -> bool:
        """Collect up to so many messages while they come; true if none came for so many seconds.

        Raises:
            QueueGone: there will be no more.
        """
        quiet = False
        try:
            self._connection.drain_events(timeout=seconds)
            while len(self._raw) < most:
                self._connection.drain_events(timeout=0.001)
        except TimeoutError:
            quiet = True
        if self._cancelled:
            raise QueueGone("the broker has cancelled the consumer: the queue was deleted")
        now = time.monotonic()
        if now - self._beat >= 1.0:
            self._beat = now
            self._connection.heartbeat_check()
        return quiet

    def take(self, most: int) -> list[Message]:
        """Take the messages that were collected, oldest first."""
        taken, self._raw[:most] = self._raw[:most], []
        return [_message(raw) for raw in taken]

    def acknowledge(self, tag: int) -> None:
        """Tell the broker that this message and all before it are safe."""
        self._channel.basic_ack(tag, multiple=True)


class _Words:
    """Turns a refusal of the broker into words."""

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
    """Check the certificate and that it is this host's; without a `ca` by what the system trusts."""
    return {"server_hostname": host, "cert_reqs": ssl.CERT_REQUIRED, **({} if ca is None else {"ca_certs": ca})}
