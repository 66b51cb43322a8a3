"""Names of keys, and what Redis answers as text."""

from typing import Any

from triggerbot.core.model import Push
from triggerbot.store.redis import codec
from triggerbot.store.redis.connection import PREFIX

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
