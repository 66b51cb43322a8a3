"""From the `store` of a configuration to the store itself."""

from pathlib import Path

from triggerbot.errors import StoreUnusable
from triggerbot.store import Store
from triggerbot.store.sqlite import SqliteStore


def open_store(address: str, *, daemon: bool = False, must_exist: bool = False) -> Store:
    """Open `sqlite:PATH`; `daemon`: as the one process that works on it. Raises `StoreUnusable`."""
    scheme, _, rest = address.partition(":")
    if scheme != "sqlite" or not rest:
        raise StoreUnusable(f"the store {address!r} is none that this version has; write `sqlite:PATH`")
    if must_exist and not Path(rest).exists():
        raise StoreUnusable(f"there is no store at {rest} yet: triggerbot has not run here with this config")
    store = SqliteStore(rest)
    if daemon:
        try:
            store.claim_daemon()
        except StoreUnusable:
            store.close()
            raise
    return store
