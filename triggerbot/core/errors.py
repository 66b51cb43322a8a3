"""The exceptions of triggerbot, grouped by what the caller can do about them."""

from dataclasses import dataclass


class TriggerbotError(Exception):
    """Base class of every exception that triggerbot raises on purpose."""


class UsageError(TriggerbotError):
    """A person asked for something impossible; the message says what would be right (exit code 2)."""


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
    """An unusable configuration; `problems` lists every mistake with its line and path."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


class NotUnderstood(TriggerbotError):
    """A message that is not in its system's format (HTTP 400); retrying is pointless."""


class Unauthenticated(TriggerbotError):
    """A message without a valid signature or secret (HTTP 401)."""


class StoreUnavailable(TriggerbotError):
    """The store cannot serve this call now (HTTP 503); the same call may succeed later."""


class StoreRefused(TriggerbotError):
    """The store rejects this one call, now and later, but accepts others: a bug of ours, or a damaged key."""


class StoreUnusable(UsageError):
    """The store cannot be opened: in use by another daemon, newer than this program, or no permission."""


class StoreAway(StoreUnusable):
    """The store is unreachable at start-up; it may come back, so a supervisor may start the daemon again."""


class PartHung(TriggerbotError):
    """A part of the daemon has made no progress for longer than its work can take."""


class CIError(TriggerbotError):
    """A read from a CI returned no usable answer; nothing was changed there."""


class CIUnavailable(CIError):
    """The CI is down, slow, rate-limiting or sending garbage: retry, after `after` seconds if the CI asked for that."""

    def __init__(
        self, message: str, after: float | None = None, *, healthy: bool = False, acted: bool | None = None
    ) -> None:
        self.after = after
        #: Of a write: false if it certainly had no effect; `None`: that is unknown.
        self.acted = acted
        #: The CI itself is healthy and only asks for fewer requests.
        self.healthy = healthy
        super().__init__(message)


class CIDenied(CIError):
    """The CI denies access: an operator has to fix the credentials or permissions."""


class ReadOnly(CIDenied):
    """The CI lets us read everything, and retrigger nothing: enough for a dry run."""


class NotKnown(CIError):
    """The CI does not know this push, or not yet."""
