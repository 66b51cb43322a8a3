"""Limits on sending that hold across all rules: hourly caps, and the settings of circuit breakers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from triggerbot.core.model import Push
from triggerbot.core.policy.circuit_breaker import BreakerSettings

#: Retriggers are counted per piece of `PIECE` seconds, and a cap covers `PIECES` pieces: an hour and one more, so that
#: no hour, wherever it begins, exceeds the cap.
PIECE, PIECES = 60, 61


@dataclass(frozen=True, slots=True)
class Caps:
    """The most retriggers per hour; `None` means no cap. They hold across replicas and restarts."""

    service: int | None = 10_000
    #: Per project, and per author.
    project: int | None = 5_000
    author: int | None = 2_500

    def over(self, push: Push, author: str | None) -> dict[str, int | None]:
        """Return the names of the caps that a retrigger of a push counts against, with their limits.

        Retriggers are counted under every name, capped or not.
        """
        limits = {SERVICE: self.service, f"project {push.project}": self.project}
        return limits | ({f"author {author}": self.author} if author else {})

    def limit(self, name: str) -> int | None:
        """Return the limit of a cap, by its name."""
        match name.partition(" ")[0]:
            case "project":
                return self.project
            case "author":
                return self.author
            case _:
                return self.service


#: The name of the cap on all retriggers together.
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Capped:
    """A request that was not sent because it would have exceeded a cap."""

    name: str
    limit: int
    #: Retriggers sent within the last hour.
    sent: int
    #: Retriggers that the request wants.
    wanted: int = 0

    @property
    def why(self) -> str:
        """Render the reason as a sentence."""
        who = "all projects together" if self.name == SERVICE else self.name
        if self.wanted > self.limit:
            return (
                f"the cap of {self.limit} retriggers an hour for {who} is smaller than this request for {self.wanted}, "
                "which can never be sent: the operator has to raise it"
            )
        return f"the cap of {self.limit} retriggers an hour for {who} is reached ({self.sent} were sent)"


def behind(name: str) -> str:
    """Return the key that claims are held behind while they wait for a cap."""
    return f"cap {name}"


def waiting(held: Mapping[str, int]) -> dict[str, int]:
    """Return the number of claims held behind each cap, by the cap's name; `held`: by key."""
    return {name.removeprefix("cap "): number for name, number in held.items() if name.startswith("cap ")}


def piece(now: float) -> int:
    """Return the number of the piece of time that a moment falls into."""
    return int(now // PIECE)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that admission applies."""

    breakers: BreakerSettings = field(default_factory=BreakerSettings)
    caps: Caps = field(default_factory=Caps)
