"""The connection to Redis: script calls that are safe to repeat, and detection of lost data.

redis-py repeats a call whose reply was lost, so every call has an id under which the script stores its answer. And a
Redis may come back without data that it had acknowledged: after a fail-over, from an old snapshot, or empty. A marker
of ours and the server's run id reveal that; then the store is distrusted.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import redis
from redis.backoff import ExponentialBackoff
from redis.connection import parse_url
from redis.retry import Retry

from triggerbot import logs
from triggerbot.core import sentinel
from triggerbot.core.errors import StoreAway, StoreRefused, StoreUnavailable, StoreUnusable
from triggerbot.store.engine import Conflict
from triggerbot.store.records import Distrust
from triggerbot.store.redis.sentinels import Sentinels

log = logs.get_logger("triggerbot.store")

#: The prefix of all keys; the braces put them into one slot of a cluster.
PREFIX = "{triggerbot}:"
#: The key of what is known of the store as a whole.
META = f"{PREFIX}meta"
#: Seconds to connect, and to wait for an answer.
_CONNECT, _ANSWER = 3.0, 5.0
#: How often a call whose reply was lost is repeated, and the most seconds between repetitions.
_REPEATS, _REPEAT_DELAY_MAX = 3, 0.5
#: Prefixes of errors that go away once the server is fixed.
_TRANSIENT = ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "MASTERDOWN", "NOAUTH", "NOPERM", "BUSY", "LOADING")
#: The oldest Redis version whose scripts can do everything that ours does.
_VERSION_MIN = 6
_NEWER = "the store was taken over by a newer triggerbot"
#: The layout that this program writes; see `apply.lua`.
LAYOUT = 4
#: The key that is there until all of an earlier layout is taken over.
OLDER = "older"


def connect(address: str) -> "redis.Redis":
    """Create a client for an address, which connects on first use. Raises `StoreUnusable` if the address is invalid."""
    options: dict[str, Any] = {
        "socket_connect_timeout": _CONNECT,
        "socket_timeout": _ANSWER,
        "health_check_interval": 15,
        "retry": Retry(ExponentialBackoff(cap=_REPEAT_DELAY_MAX, base=0.02), _REPEATS),
    }
    if not address.startswith("unix:"):
        options["socket_keepalive"] = True
    try:
        if sentinel.is_sentinel(address):
            return _behind_sentinels(sentinel.parse(address), options)
        return redis.Redis.from_url(address, **options)
    except ValueError as error:
        raise StoreUnusable(f"the store's address is none that Redis has: {error}") from None


def _behind_sentinels(address: sentinel.SentinelAddress, options: dict[str, Any]) -> "redis.Redis":
    """Create a client for the master that sentinels name, whichever that is when it connects."""
    parse: Any = parse_url
    asked: dict[str, Any] = parse(f"redis://?{urlencode(address.query)}")
    own = {name: asked.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    if address.tls:
        asked["ssl"] = True
        own |= {name: value for name, value in asked.items() if name.startswith("ssl")}
    options |= {"db": address.database, "username": address.username, "password": address.password}
    sentinels: Any = Sentinels(address.sentinels, own, **options | asked)
    client: redis.Redis = sentinels.master_for(address.service)
    return client


class RedisConnection:
    """A client of one Redis, with what is known about that server."""

    def __init__(self, client: "redis.Redis", clock: Callable[[], float] = time.time) -> None:
        self.client = client
        self._clock = clock
        self._script = client.register_script(files(__package__).joinpath("apply.lua").read_text())
        self._lock = threading.Lock()
        self._marker = ""
        self._seen = 0
        self._run_id = ""
        self._since = ""
        self._distrust: Distrust | None = None
        #: Whether something of an earlier layout has to be taken over before anything else.
        self.is_older = False

    def open(self) -> None:
        """Connect to the store for the first time. Raises `StoreUnusable`, with advice."""
        try:
            info = self.client.info("server") | self.client.info("replication")
            self._check(info)
            self._meet(str(info.get("run_id", "")))
        except redis.AuthenticationError as error:
            raise StoreUnusable(f"Redis does not let us in: {error}; check user and password in `store`") from None
        except redis.ResponseError as error:
            raise StoreUnusable(f"Redis refuses what triggerbot needs: {error}") from None
        except (redis.RedisError, OSError) as error:
            raise StoreAway(f"cannot reach the store: {error}; is Redis running there?") from None

    def _check(self, info: dict[str, Any]) -> None:
        version = str(info.get("redis_version", _VERSION_MIN))
        if int(version.partition(".")[0]) < _VERSION_MIN:
            raise StoreUnusable(f"this Redis is version {version}: triggerbot needs {_VERSION_MIN} or newer")
        if info.get("role", "master") != "master":
            raise StoreUnusable("this Redis is a replica, which cannot be written: name its master as `store`")
        if info.get("cluster_enabled"):
            raise StoreUnusable(
                "this Redis is part of a cluster, which will not do: one transaction changes what a cluster keeps on "
                f"several servers; name a single server as `store`, or one behind Sentinel ({sentinel.FORM})"
            )

    def warn(self) -> None:
        """Log settings of the server that may lose data, if it lets us read them."""
        try:
            append_only = self.client.config_get("appendonly").get("appendonly")
            eviction = self.client.config_get("maxmemory-policy").get("maxmemory-policy")
        except redis.RedisError:
            return
        if append_only == "no":
            log.warning("store.forgetful", reason="appendonly is no: a restart of Redis forgets what came last")
        if eviction not in (None, "noeviction"):
            log.warning("store.forgetful", reason=f"maxmemory-policy is {eviction}: Redis may forget claims")

    def is_ours(self) -> bool:
        """Whether triggerbot has ever used this Redis."""
        return bool(self.client.exists(META))

    # -- trust --------------------------------------------------------------------------------------------------

    def _meet(self, run_id: str) -> None:
        """Check that it is still the same store, and mark a new one."""
        now = repr(self._clock())
        answer = self._script(args=["meet", "", self._marker, self._seen, uuid.uuid4().hex, run_id, now])
        marker, *rest = (part.decode() for part in answer)
        if marker == "NEWER":
            raise StoreUnusable(f"{_NEWER} (its layout is {rest[0]}): use the newer program, or another store")
        writes, since, why, distrusted, layout = rest
        self.is_older = int(layout) < LAYOUT or bool(self.client.exists(f"{PREFIX}{OLDER}"))
        self._marker, self._seen, self._run_id = marker, int(writes), run_id
        self._set_distrust(since, why)
        if distrusted:
            log.warning("store.distrusted", reason=why, note="nothing is sent until the CIs list what was asked before")

    def _set_distrust(self, since: str, why: str) -> None:
        self._since = since
        self._distrust = Distrust(float(since), why) if since else None

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that the store lost data, if any."""
        return self._distrust

    # -- calling ------------------------------------------------------------------------------------------------

    def apply(self, operations: Sequence[str | bytes]) -> str:
        """Apply a transaction; return the version that the parts have which it changed.

        Raises `Conflict` if something came between, and `StoreUnavailable`.
        """
        name = uuid.uuid4().hex
        reply = self._run(lambda: self._script(args=["apply", name, self._marker, self._seen, *operations]))
        if reply[0] == b"CONFLICT":
            raise Conflict(reply[1].decode())
        if reply[0] == b"NEWER":
            raise StoreUnavailable(f"{_NEWER} while this one ran: stop this one")
        if reply[0] == b"LOST":
            # What this is based on may be gone: recognise the store again, and let the transaction see what is there.
            self._meet_again()
            raise Conflict
        self._note(int(reply[0]), reply[1].decode())
        return name

    def recognise(self, marker: bytes | None, writes: bytes | None, since: bytes | None) -> None:
        """Check what a read found of the store as a whole. Raises `Conflict` if it is not the same, or lost writes."""
        if (marker or b"").decode() != self._marker or int(writes or 0) < self._seen:
            self._meet_again()
            raise Conflict
        self._note(int(writes or 0), (since or b"").decode())

    def _note(self, writes: int, since: str) -> None:
        with self._lock:
            self._seen = max(self._seen, writes)
            if since != self._since:
                self._set_distrust(since, self._run(self._why))

    def _why(self) -> str:
        why: Any = self.client.hget(META, "why")
        return bytes(why or b"").decode()

    def _meet_again(self) -> None:
        with self._lock:
            try:
                self._run(lambda: self._meet(self._server()))
                if self.is_older:
                    raise StoreUnusable("another store is there now, of an earlier version: start triggerbot again")
            except StoreUnusable as error:
                raise StoreUnavailable(str(error)) from None

    def _server(self) -> str:
        return str(self.client.info("server").get("run_id", ""))

    def watch(self) -> None:
        """Check whether the server was restarted or replaced. Raises `StoreUnavailable`."""
        if self._run(self._server) != self._run_id:
            self._meet_again()

    def _run(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except redis.ResponseError as error:
            text = " ".join(str(error).split())
            if text.startswith(_TRANSIENT) or isinstance(error, redis.ReadOnlyError | redis.OutOfMemoryError):
                raise StoreUnavailable(f"Redis cannot take this now: {text}") from None
            raise StoreRefused(f"Redis refuses this: {text}") from None
        except (redis.RedisError, OSError) as error:
            raise StoreUnavailable(f"the store cannot be reached: {' '.join(str(error).split())}") from None

    def read(self, act: Callable[["redis.Redis"], Any]) -> Any:
        """Run a read. Raises `StoreUnavailable`."""
        return self._run(lambda: act(self.client))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
