"""Ways out of triggerbot's pages: what is at the CI, and its address. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from triggerbot.core.model import Push


class Way(NamedTuple):
    """A page elsewhere: what it shows, whose it is, and its address."""

    what: str
    at: str
    url: str

    def __str__(self) -> str:
        """Say where it leads."""
        return f"{self.what} at {self.at}"


class Subject(NamedTuple):
    """What ways lead out of: a push, and what is known of it beside that."""

    push: Push
    #: The numbers of the pull requests that its branch is known to have.
    pulls: tuple[int, ...] = ()
    #: The batches of its runs, each with what defines it (see `Batch.source`).
    batches: Mapping[str, str | None] = {}
