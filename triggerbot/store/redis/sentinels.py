"""Asking sentinels which server is the master now."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

#: Seconds to connect to a sentinel, and for its answer: the others may know, too.
_PATIENCE = 1.0


class Sentinels(Sentinel):
    """The sentinels of one service. Unlike redis-py's, for any number of threads, and its errors name no options."""

    def __init__(self, sentinels: Sequence[tuple[str, int]], own: Mapping[str, Any], **options: Any) -> None:
        bounds = {"socket_connect_timeout": _PATIENCE, "socket_timeout": _PATIENCE, "retry": Retry(NoBackoff(), 0)}
        super().__init__(sentinels, sentinel_kwargs=bounds | dict(own), **options)  # type: ignore[no-untyped-call]
        self._named = [f"{host}:{port}" for host, port in sentinels]
        #: The one that answered last.
        self._first = 0

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the master's address. Raises `MasterNotFoundError`."""
        number = len(self.sentinels)
        said = []
        for step in range(number):
            place = (self._first + step) % number
            try:
                known: Any = self.sentinels[place].sentinel_masters()
            except (redis.RedisError, OSError) as error:
                said.append(f"{self._named[place]} does not answer ({' '.join(str(error).split())})")
                continue
            state = known.get(service_name)
            if state is None:
                said.append(f"{self._named[place]} knows no service {service_name}")
            elif not state["is_master"] or state["is_sdown"] or state["is_odown"]:
                said.append(f"{self._named[place]} waits for a new master")
            else:
                self._first = place
                return str(state["ip"]), int(state["port"])
        raise MasterNotFoundError(f"no sentinel names a master: {'; '.join(said)}")
