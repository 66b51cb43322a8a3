"""From the `store` of a configuration to the store itself."""

from pathlib import Path

from triggerbot.core.errors import StoreUnusable
from triggerbot.store import Store
from triggerbot.store.sqlite import SqliteStore

_REDIS = ("redis", "rediss", "unix")


def open_store(
    address: str, *, daemon: bool = False, must_exist: bool = False, retention: float | None = None
) -> Store:
    """Open `sqlite:PATH`, or Redis at `redis://host:port/db`, `rediss://...` (TLS) or `unix://PATH`.

    `daemon`: as one that works on it; of a file there is only one. `retention`: seconds after which Redis itself
    forgets. Raises `StoreUnusable`.
    """
    scheme, _, rest = address.partition(":")
    if scheme in _REDIS:
        # Whoever has a file need not wait for it: each command would.
        from triggerbot.store.redis import RedisStore

        kept = {} if retention is None else {"retention": retention}
        return RedisStore.at(address, must_exist=must_exist, watch=daemon, **kept)
    if scheme != "sqlite" or not rest:
        raise StoreUnusable("the store's address is none: write `sqlite:PATH` or `redis://host:port/db`")
    return _open_file(rest, daemon=daemon, must_exist=must_exist)


def _open_file(path: str, *, daemon: bool, must_exist: bool) -> Store:
    if must_exist and _is_missing(Path(path)):
        raise StoreUnusable(f"there is no store at {path} yet: triggerbot has not run here with this config")
    store = SqliteStore(path)
    if daemon:
        try:
            store.claim_daemon()
        except StoreUnusable:
            store.close()
            raise
    return store


def _is_missing(path: Path) -> bool:
    try:
        return not path.exists()
    except OSError:
        # It cannot be told; who opens it is told why.
        return False
