"""Limits on sending beside the rules: hard caps an hour, and how circuit breakers open and close."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from triggerbot.core.model import Push
from triggerbot.core.policy.circuit_breaker import BreakerSettings

#: Seconds of the piece of time that is counted as one, and the pieces that make an hour. One more is counted, so that
#: no hour, wherever it begins, holds more than the cap.
PIECE, PIECES = 60, 61


@dataclass(frozen=True, slots=True)
class Caps:
    """At most so many an hour; `None` is no cap. They hold across replicas and restarts."""

    service: int | None = 10_000
    #: For each project, and for each author.
    project: int | None = 5_000
    author: int | None = 2_500

    def over(self, push: Push, author: str | None) -> dict[str, int | None]:
        """Name what a retrigger for a push counts against, each with its limit: all is counted, capped or not."""
        found = {SERVICE: self.service, f"project {push.project}": self.project}
        return found | ({f"author {author}": self.author} if author else {})

    def limit(self, name: str) -> int | None:
        """Tell the limit of a cap by its name."""
        match name.partition(" ")[0]:
            case "project":
                return self.project
            case "author":
                return self.author
            case _:
                return self.service


#: The cap of everything together.
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Capped:
    """A request did not leave, for it would have gone beyond this cap."""

    name: str
    limit: int
    #: Retriggers that left within the last hour.
    sent: int

    @property
    def why(self) -> str:
        """Say it in a sentence."""
        who = "all projects together" if self.name == SERVICE else self.name
        return f"the cap of {self.limit} retriggers an hour for {who} is reached ({self.sent} were sent)"


def behind(name: str) -> str:
    """Name what claims are held behind that wait for a cap."""
    return f"cap {name}"


def waiting(held: Mapping[str, int]) -> dict[str, int]:
    """Choose, from how many claims are held behind what, the caps, by their names."""
    return {name.removeprefix("cap "): number for name, number in held.items() if name.startswith("cap ")}


def piece(now: float) -> int:
    """Number the piece of time."""
    return int(now // PIECE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the guard goes by."""

    breakers: BreakerSettings = field(default_factory=BreakerSettings)
    caps: Caps = field(default_factory=Caps)
