"""Classification of failures at Treeherder, for each system that offers it: its login in the config, its interface."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.section import Section
from triggerbot.core.model import Push, Run, RunKey


class ClassificationSettings(Section):
    """A login at Treeherder with which failures that proved intermittent are classified."""

    session: fields.SecretReference = Field(
        description="The cookie sessionid of somebody who is logged in and may classify; it lives 45 minutes at most. "
        "A file is read anew for each use.",
        examples=["file:/run/treeherder/session"],
    )
    csrf: fields.SecretReference = Field(
        description="The cookie csrftoken of the same login.", examples=["env:TH_CSRF"]
    )


class Copied(NamedTuple):
    """What a retrigger has of its original's classification: the CI's number of the class, its text, and the bugs."""

    number: int | None = None
    text: str = ""
    bugs: tuple[int, ...] = ()
    #: Those bugs that it had not before.
    added: tuple[int, ...] = ()


class Classifier(Protocol):
    """Writes classifications, each once."""

    def follow(self, push: Push, original: RunKey, repeats: Mapping[RunKey, Copied]) -> Mapping[RunKey, Copied]:
        """Let retriggers that failed like their original be classified as it is; raises as `classify` does.

        `repeats`: what each of them was given before; returns what each has now. What somebody else classified stays.
        """

    def classify(self, push: Push, run: Run, runs: Sequence[Run]) -> bool:
        """Classify a failure as intermittent and return whether it did: not if it is classified already, by whomever.

        `runs`: all runs of its job at the push.

        Raises:
            NotKnown: Treeherder does not know the run (yet).
            CIDenied: the login is not valid (any more), or its account may not classify.
            CIUnavailable: no usable answer for now, or it is unknown whether the note was stored: the next call looks.
        """

    def trouble(self) -> str:
        """Return what a person has to do about its login; empty: nothing now."""

    def close(self) -> None:
        """Close the connections."""


@runtime_checkable
class Classifies(Protocol):
    """A system whose failures can be classified."""

    def classifier(self) -> Classifier | None:
        """Log in; `None` if that is not configured. Raises `ConfigError` if a secret cannot be read."""
