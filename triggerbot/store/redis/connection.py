"""The connection to Redis: script calls that are safe to repeat, on the store that it was and no other.

redis-py asks again when a reply is lost. So every call has an id, under which the script keeps its answer. And a Redis
may come back without what it had acknowledged: after a fail-over, from an old snapshot, or empty. A mark of ours and
the server's run id tell; then the store is distrusted.
"""

import threading
import time
import uuid
from collections.abc import Callable
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
import redis
import structlog
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from triggerbot.core.errors import StoreAway, StoreRefused, StoreUnavailable, StoreUnusable
from triggerbot.core.model import Push
from triggerbot.store import REPORT_DELAY, Distrust
from triggerbot.store.redis import codec
from triggerbot.store.redis.codec import encode

log = structlog.get_logger("triggerbot.store")

#: Every key begins with this; the braces keep them together in a cluster's slot.
PREFIX = "{triggerbot}:"
#: The parts of the script, in order: those that `observe` needs, which is called a thousand times as often as all other
#: commands, and the rest. Redis builds everything in a script anew at each call, so `observe` has a script of its own.
_OBSERVING = ("base", "pushes", "claims", "observe")
_OTHERS = ("queues", "limits", "decisions", "verdicts", "admin")
#: Seconds to connect, and to wait for an answer.
_CONNECT, _ANSWER = 3.0, 5.0
#: So often a call is repeated whose reply was lost, at most so many seconds apart.
_REPEATS, _APART = 3, 0.5
#: What answers begin with that will be others once somebody has mended the server.
_PASSING = ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "MASTERDOWN", "NOAUTH", "NOPERM", "BUSY", "LOADING")
#: The first version whose scripts may do all that ours does.
_OLDEST = 6
_NEWER = "the store was taken over by a newer triggerbot"
_decoder = msgspec.json.Decoder()


def _script(*names: str) -> str:
    """Put a script together; it is one, for its parts call each other."""
    parts = files(__package__).joinpath("scripts")
    constants = f"local REPORT_DELAY = {REPORT_DELAY}"
    return "\n".join([constants, *(parts.joinpath(f"{part}.lua").read_text() for part in names)])


def connect(address: str) -> "redis.Redis":
    """Make a client for an address; it connects when it is used. Raises `StoreUnusable` for one that is none."""
    try:
        return redis.Redis.from_url(
            address,
            socket_connect_timeout=_CONNECT,
            socket_timeout=_ANSWER,
            socket_keepalive=True,
            health_check_interval=15,
            retry=Retry(ExponentialBackoff(cap=_APART, base=0.02), _REPEATS),
        )
    except ValueError as error:
        raise StoreUnusable(f"the store's address is none that Redis has: {error}") from None


class RedisConnection:
    """A client of one Redis, and what is known of that."""

    def __init__(self, client: "redis.Redis", retention: float, clock: Callable[[], float] = time.time) -> None:
        self.client = client
        self._retention = str(max(1, round(retention * 1000)))
        self._clock = clock
        self._script = client.register_script(_script(*_OBSERVING, *_OTHERS, "main"))
        self._observe_script = client.register_script(_script(*_OBSERVING, "main"))
        self._lock = threading.Lock()
        self._marker = ""
        self._seen = 0
        self._run_id = ""
        self._since = ""
        self._distrust: Distrust | None = None

    def open(self) -> None:
        """Meet the store for the first time; raises `StoreUnusable` with what would be right."""
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
        version = str(info.get("redis_version", _OLDEST))
        if int(version.partition(".")[0]) < _OLDEST:
            raise StoreUnusable(f"this Redis is version {version}: triggerbot needs {_OLDEST} or newer")
        if info.get("role", "master") != "master":
            raise StoreUnusable("this Redis is a replica, which cannot be written: name its master as `store`")
        if info.get("cluster_enabled"):
            raise StoreUnusable("this Redis is part of a cluster: triggerbot needs one server")

    def warn(self) -> None:
        """Say what is configured so that Redis may forget, where it lets us look."""
        try:
            kept = self.client.config_get("appendonly").get("appendonly")
            evicts = self.client.config_get("maxmemory-policy").get("maxmemory-policy")
        except redis.RedisError:
            return
        if kept == "no":
            log.warning("store.forgetful", reason="appendonly is no: a restart of Redis forgets what came last")
        if evicts not in (None, "noeviction"):
            log.warning("store.forgetful", reason=f"maxmemory-policy is {evicts}: Redis may forget claims")

    def holds_ours(self) -> bool:
        """Tell whether triggerbot has ever been here."""
        return bool(self.client.exists(f"{PREFIX}meta"))

    # -- trust --------------------------------------------------------------------------------------------------

    def _meet(self, run_id: str) -> None:
        """Look whether it is the store that it was; mark one that is new."""
        arguments = {
            "marker": uuid.uuid4().hex, "expected": self._marker, "seen": self._seen, "run_id": run_id,
            "now": repr(self._clock()),
        }  # fmt: skip
        answer = _decoder.decode(self._script(args=["meet", "", "", 0, encode(arguments)]))
        if isinstance(answer, dict):
            raise StoreUnusable(f"{_NEWER} (its layout is {answer['newer']}): use the newer program, or another store")
        self._marker, self._seen, since, why, news = answer
        self._run_id = run_id
        self._believe(since, why)
        if news:
            log.warning("store.distrusted", reason=why, note="nothing is sent until the CIs list what was asked before")

    def _believe(self, since: str, why: str) -> None:
        self._since = since
        self._distrust = Distrust(float(since), why) if since else None

    def distrust(self) -> Distrust | None:
        """Tell whether the store may have forgotten something; the latest such case."""
        return self._distrust

    # -- calling ------------------------------------------------------------------------------------------------

    def call(self, command: str, **arguments: Any) -> Any:
        """Run one command of the script; raises `StoreUnavailable`."""
        operation, script = uuid.uuid4().hex, self._observe_script if command == "observe" else self._script
        text = encode({**arguments, "retention": self._retention})
        for _ in range(2):
            reply = self._run(lambda: script(args=[command, operation, self._marker, self._seen, text]))
            if reply == b"NEWER":
                raise StoreUnavailable(f"{_NEWER} while this one ran: stop this one")
            if reply != b"LOST":
                return self._answer(reply)
            # Whatever this call rests on may be gone: the store is met anew, and the command then sees what is there.
            self._meet_again()
        raise StoreUnavailable("Redis is not the store that it was a moment ago")

    def _answer(self, reply: bytes) -> Any:
        writes, since, answer = _decoder.decode(reply)
        with self._lock:
            self._seen = max(self._seen, writes)
            if since != self._since:
                self._believe(since, self._run(self._why))
        return answer

    def _why(self) -> str:
        why: Any = self.client.hget(f"{PREFIX}meta", "why")
        return bytes(why or b"").decode()

    def _meet_again(self) -> None:
        with self._lock:
            try:
                self._run(lambda: self._meet(self._server()))
            except StoreUnusable as error:
                raise StoreUnavailable(str(error)) from None

    def _server(self) -> str:
        return str(self.client.info("server").get("run_id", ""))

    def watch(self) -> None:
        """Look whether the server was started again or another one took its place; raises `StoreUnavailable`."""
        if self._run(self._server) != self._run_id:
            self._meet_again()

    def _run(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except redis.ResponseError as error:
            text = " ".join(str(error).split())
            if text.startswith(_PASSING) or isinstance(error, redis.ReadOnlyError | redis.OutOfMemoryError):
                raise StoreUnavailable(f"Redis cannot take this now: {text}") from None
            raise StoreRefused(f"Redis refuses this: {text}") from None
        except (redis.RedisError, OSError) as error:
            raise StoreUnavailable(f"the store cannot be reached: {' '.join(str(error).split())}") from None

    def read(self, act: Callable[["redis.Redis"], Any]) -> Any:
        """Read something; raises `StoreUnavailable`."""
        return self._run(lambda: act(self.client))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


#: A `redis.Redis`; its own annotations make every answer a union of all that it could be.
Client = Any


def key(kind: str, name: str) -> str:
    """Name a key."""
    return f"{PREFIX}{kind}:{name}"


def text(raw: Any) -> str:
    """Read what Redis gives as text."""
    return str(raw, "utf-8") if isinstance(raw, bytes) else str(raw)


def number_of(client: Client, push: Push) -> str | None:
    """Find a push's number."""
    found = client.get(key("n", codec.push_name(push)))
    return None if found is None else text(found)


T = TypeVar("T")


class Connected:
    """A part of the store."""

    def __init__(self, link: RedisConnection) -> None:
        self._link = link

    def _read(self, view: Callable[..., T], *arguments: Any) -> T:
        result: T = self._link.read(lambda client: view(client, *arguments))
        return result
