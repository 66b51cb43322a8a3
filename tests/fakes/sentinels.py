"""A real Redis with a replica, and three sentinels that watch over them and are quick to give up on a master."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.fakes.redis_server import RedisServer
from tests.fakes.servers import Server, find, free_ports, listens

SERVICE = "jobs"


class Watched:
    """A master and a replica with a password, under three sentinels with another."""

    PASSWORD, SENTINEL_PASSWORD = "data-pass", "watch-pass"

    def __init__(self, directory: Path) -> None:
        self._stack = ExitStack()
        options = ("--requirepass", self.PASSWORD, "--masterauth", self.PASSWORD, "--appendonly", "yes")
        places = [directory / name for name in ("first", "second", "watch-0", "watch-1", "watch-2")]
        for place in places:
            place.mkdir()
        self.first = RedisServer(places[0], *options)
        self.second = RedisServer(
            places[1], *options, "--replicaof", f"127.0.0.1 {self.first.port}", "--repl-diskless-sync-delay", "0"
        )
        self.ports = free_ports(3)
        self._watchers = [self._watcher(place, port) for place, port in zip(places[2:], self.ports, strict=True)]

    def _watcher(self, place: Path, port: int) -> Server:
        config = place / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {place}\nrequirepass {self.SENTINEL_PASSWORD}\n"
            f"sentinel sentinel-pass {self.SENTINEL_PASSWORD}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.first.port} 2\nsentinel auth-pass {SERVICE} {self.PASSWORD}\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 2000\n"
        )
        return Server([find("redis-server"), str(config), "--sentinel"], place, {}, lambda: listens(port))

    def url(self, service: str = SERVICE, password: str = PASSWORD, more: str = "") -> str:
        """The address of the service."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://:{password}@{hosts}/{service}/0?sentinel_password={self.SENTINEL_PASSWORD}{more}"

    def client(self, server: RedisServer) -> "redis.Redis":
        """Connect to a data server."""
        return redis.Redis("127.0.0.1", server.port, password=self.PASSWORD)

    def is_replicated(self) -> bool:
        """Return whether the replica has all that the master has."""
        one: Any = self.client(self.first).info("replication")
        two: Any = self.client(self.second).info("replication")
        known = one["master_repl_offset"] == two.get("slave_repl_offset")
        return known and two.get("master_link_status") == "up" and one["connected_slaves"] == 1

    def is_watched(self) -> bool:
        """Return whether each sentinel knows the replica and the other sentinels."""
        for port in self.ports:
            state: Any = redis.Redis("127.0.0.1", port, password=self.SENTINEL_PASSWORD).sentinel_masters()
            if (state[SERVICE]["num-slaves"], state[SERVICE]["num-other-sentinels"]) != (1, 2):
                return False
        return True

    def kill_sentinel(self, number: int) -> None:
        """End one of the sentinels."""
        self._watchers[number].kill()

    def __enter__(self) -> Self:
        for server in (self.first, self.second):
            self._stack.enter_context(server)
        for watcher in self._watchers:
            watcher.start()
            self._stack.callback(watcher.kill)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
