"""Classifying failures at Treeherder, whichever system offers it: the login in the config, and what is offered."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.section import Section
from triggerbot.core.model import Run

if TYPE_CHECKING:
    from triggerbot.store import PushRecord


class ClassifySection(Section):
    """A login at Treeherder with which failures that proved intermittent are classified."""

    session: fields.SecretReference = Field(
        description="The cookie sessionid of somebody who is logged in and may classify.", examples=["env:TH_SESSION"]
    )
    csrf: fields.SecretReference = Field(
        description="The cookie csrftoken of the same login.", examples=["env:TH_CSRF"]
    )


class Notes(Protocol):
    """Writes classifications, each once."""

    def classify(self, record: "PushRecord", run: Run) -> bool:
        """Classify a failure as intermittent, unless somebody has classified it; returns whether it did.

        Raises:
            NotKnown: Treeherder does not know the run (yet).
            CIDenied: the login is none (any more), or may not classify.
            CIUnavailable: Treeherder gives no usable answer, or nobody knows whether it took it.
        """

    def close(self) -> None:
        """Close the connections."""


@runtime_checkable
class Classifies(Protocol):
    """A system whose failures can be classified."""

    def notes(self) -> Notes | None:
        """Log in; `None` if that is not configured. Raises `ConfigError` if a secret cannot be read."""
