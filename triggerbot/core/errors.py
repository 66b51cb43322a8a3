"""The errors of triggerbot, cut by what the caller can do about them."""

from dataclasses import dataclass


class TriggerbotError(Exception):
    """Anything that triggerbot raises on purpose."""


class UsageError(TriggerbotError):
    """A person asked for something that cannot be: the message says what would be right (exit 2)."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a configuration file."""

    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        """Render as `line 3: rules[0].retries: ...`."""
        where = [f"line {self.line}"] if self.line is not None else []
        return ": ".join([*where, *([self.path] if self.path else []), self.message])


class ConfigError(UsageError):
    """A configuration cannot be used; `problems` names every mistake with its place."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


class NotUnderstood(TriggerbotError):
    """A message is not of the form its system speaks (HTTP 400); retrying it is pointless."""


class Unauthenticated(TriggerbotError):
    """A message does not prove where it comes from (HTTP 401)."""


class StoreUnavailable(TriggerbotError):
    """The store cannot take this now (HTTP 503); the same call may succeed later."""


class StoreRefused(TriggerbotError):
    """The store cannot take this one thing, now or later, though it takes others: our error, or a damaged key."""


class StoreUnusable(UsageError):
    """The store cannot be opened at all: in use by another daemon, newer than this program, no permission."""


class StoreAway(StoreUnusable):
    """The store cannot be reached at the start; it may be later, and whoever watches the daemon may start it again."""


class PartHung(TriggerbotError):
    """A part of the daemon has shown no progress for longer than its work can take."""


class CIError(TriggerbotError):
    """A read from a CI gave no usable answer; nothing was changed there."""


class CIUnavailable(CIError):
    """The CI is down, slow, limiting us or talking nonsense: try again, `after` that many seconds if it said so."""

    def __init__(self, message: str, after: float | None = None, *, healthy: bool = False) -> None:
        self.after = after
        #: The CI is well and only asks for fewer requests.
        self.healthy = healthy
        super().__init__(message)


class CIDenied(CIError):
    """The CI does not let us: an operator has to mend the credentials or permissions."""


class NotKnown(CIError):
    """The CI does not know this push (yet)."""
