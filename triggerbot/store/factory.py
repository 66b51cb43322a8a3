"""Opening the store that the configuration's `store` names."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from triggerbot.core import sentinel
from triggerbot.core.errors import StoreUnavailable, StoreUnusable, UsageError
from triggerbot.store import pushes
from triggerbot.store.memory import Memory, MemoryEngine
from triggerbot.store.sqlite import SqliteEngine, read_only
from triggerbot.store.store import Store

_REDIS = ("redis", "rediss", "unix", *sentinel.SCHEMES)
#: Pushes that are looked at for their systems: more than there are.
_PUSHES = 1_000_000


def open_store(address: str, *, daemon: bool = False, must_exist: bool = False) -> Store:
    """Open the store at `sqlite:PATH`, `redis://host:port/db`, `rediss://...` (TLS), `unix://PATH`, or behind Sentinel.

    `daemon`: open it to work on it, which only one process can do with a file. Raises `StoreUnusable`.
    """
    scheme, _, rest = address.partition(":")
    if scheme in _REDIS:
        # Imported late: every command would wait for it, and most stores are files.
        from triggerbot.store.redis import RedisEngine

        return Store(RedisEngine.at(address, must_exist=must_exist, watch=daemon))
    if scheme != "sqlite" or not rest:
        raise StoreUnusable(
            f"the store's address is none: write `sqlite:PATH`, `redis://host:port/db` or {sentinel.FORM}"
        )
    if must_exist and _is_missing(Path(rest)):
        raise StoreUnusable(f"there is no store at {rest} yet: triggerbot has not run here with this config")
    return open_file(rest, daemon=daemon)


def open_file(
    path: str | Path, *, daemon: bool = False, durable: bool = True, clock: Callable[[], float] = time.time
) -> Store:
    """Open a store in a file. `durable=False` is for what is thrown away. Raises `StoreUnusable`."""
    engine = SqliteEngine(path, durable=durable, clock=clock)
    if daemon:
        try:
            engine.claim_daemon()
        except StoreUnusable:
            engine.close()
            raise
    return Store(engine)


def systems_of(store: Store) -> frozenset[str]:
    """Return the systems of which a store has pushes."""
    return frozenset(push.system for push in store.pushes.recent(_PUSHES))


def look_for_systems(address: str) -> frozenset[str]:
    """Return the systems of which a store has pushes, if it can be read as it is; never creates or migrates a file."""
    scheme, _, rest = address.partition(":")
    if scheme == "sqlite":
        found = read_only(rest, lambda view: pushes.recent(view, _PUSHES))
        return frozenset(push.system for push in found or ())
    try:
        with closing(open_store(address, must_exist=True)) as store:
            return systems_of(store)
    except (UsageError, StoreUnavailable, OSError):
        return frozenset()


def open_memory(memory: Memory | None = None) -> Store:
    """Open a store in memory; those that share it are replicas."""
    return Store(MemoryEngine(memory))


def _is_missing(path: Path) -> bool:
    try:
        return not path.exists()
    except OSError:
        # Unknown; opening it then fails with the reason.
        return False
