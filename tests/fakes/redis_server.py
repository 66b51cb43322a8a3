"""A real Redis that tests can kill, restart and empty."""

import socket
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from tests.fakes import canary
from tests.fakes.servers import Server, find, free_ports


class RedisServer:
    """One server that can be killed and restarted, with or without its data."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        (self.port,) = free_ports(1)
        command = [
            find("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory),
            "--save", "", *(arguments or ("--appendonly", "yes", "--appendfsync", "everysec")),
        ]  # fmt: skip
        self._server = Server(command, directory, {}, self._answers)

    def url(self, database: int = 0) -> str:
        """The address of the server."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> "redis.Redis":
        """Connect."""
        return redis.Redis("127.0.0.1", self.port, db=database)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) in (b"+PONG\r\n", b"-NOAUTH")
        except OSError:
            return False

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        assert list(canary.search(self.directory)) == [], "a secret got out"

    def start(self) -> None:
        """Start it again."""
        self._server.start()

    def kill(self) -> None:
        """End it at once."""
        self._server.kill()
