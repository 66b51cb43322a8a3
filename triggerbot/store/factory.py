"""Opening the store that the configuration's `store` names."""

from pathlib import Path

from triggerbot.core.errors import StoreUnusable
from triggerbot.store import Store
from triggerbot.store.sqlite import SqliteStore

_REDIS = ("redis", "rediss", "unix")


def open_store(
    address: str, *, daemon: bool = False, must_exist: bool = False, retention: float | None = None
) -> Store:
    """Open the store at `sqlite:PATH`, `redis://host:port/db`, `rediss://...` (TLS) or `unix://PATH`.

    `daemon`: open it to work on it, which only one process can do with a file. `retention`: seconds after which Redis
    itself expires pushes. Raises `StoreUnusable`.
    """
    scheme, _, rest = address.partition(":")
    if scheme in _REDIS:
        # Imported late: every command would wait for it, and most stores are files.
        from triggerbot.store.redis import RedisStore

        options = {} if retention is None else {"retention": retention}
        return RedisStore.at(address, must_exist=must_exist, watch=daemon, **options)
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
        # Unknown; opening it then fails with the reason.
        return False
