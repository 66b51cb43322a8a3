"""What every part of the store in Redis has: its link, and how it reads."""

from collections.abc import Callable
from typing import Any, TypeVar

from triggerbot.store.redis.connection import Link

T = TypeVar("T")


class Linked:
    """A part of the store."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _read(self, view: Callable[..., T], *arguments: Any) -> T:
        result: T = self._link.read(lambda client: view(client, *arguments))
        return result
