"""The configuration as the rest of triggerbot sees it: checked, with defaults filled in, in seconds and patterns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from triggerbot.config.secrets import Secret
from triggerbot.errors import ConfigError, Problem
from triggerbot.policy import Rule


@dataclass(frozen=True, slots=True)
class GenericConfig:
    """A CI that speaks triggerbot's small HTTP interface."""

    url: str
    token: Secret | None
    webhook_secrets: tuple[Secret, ...]
    #: Seconds that this CI may take to list a run that it accepted.
    grace: float
    #: Seconds between two sweeps; `None`: never.
    sweep: float | None
    type: str = "generic"

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed to work with it."""
        if self.token is not None:
            yield self.token
        yield from self.webhook_secrets


@dataclass(frozen=True, slots=True)
class GitHubConfig:
    """GitHub Actions; either `token`, or `app_id` and `app_key`."""

    url: str
    token: Secret | None
    app_id: str | None
    app_key: Secret | None
    webhook_secrets: tuple[Secret, ...]
    #: Seconds that GitHub may take to list a run that it accepted.
    grace: float
    #: Seconds between two sweeps; `None`: never.
    sweep: float | None
    #: Whether pushes that come from forks may be retriggered.
    forks: bool
    #: Repositories (owner/name) to ask, for polling and the sweep.
    repositories: tuple[str, ...]
    type: str = "github"

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that is needed to work with it."""
        for secret in (self.token, self.app_key):
            if secret is not None:
                yield secret
        yield from self.webhook_secrets


@dataclass(frozen=True, slots=True)
class PulseConfig:
    """A queue of messages (AMQP)."""

    system: str
    #: May hold a password, so it is not shown.
    url: str | Secret = field(repr=False)
    queue: str
    #: Pairs of exchange and routing key.
    bindings: tuple[tuple[str, str], ...]
    prefetch: int


@dataclass(frozen=True, slots=True)
class PollConfig:
    """A system that is asked every so many seconds."""

    system: str
    every: float


@dataclass(frozen=True, slots=True)
class FileConfig:
    """A growing file of events; the path is relative to the working directory."""

    system: str
    path: str


SystemConfig = GenericConfig | GitHubConfig
IntakeConfig = PulseConfig | PollConfig | FileConfig


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that was configured."""

    #: The file's name, for messages.
    source: str
    dry_run: bool
    #: `sqlite:PATH` (relative to the working directory) or a redis address.
    store: str
    #: Host and port; `None`: nothing is served.
    listen: tuple[str, int] | None
    systems: dict[str, SystemConfig]
    intakes: tuple[IntakeConfig, ...]
    rules: tuple[Rule, ...]
    #: Seconds.
    retention: float
    #: What is probably not meant.
    warnings: tuple[Problem, ...] = ()
    #: What is right but cannot be done (yet): with any of these, `run` refuses to start.
    unavailable: tuple[Problem, ...] = ()

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that the config refers to."""
        for system in self.systems.values():
            yield from system.secrets()
        for intake in self.intakes:
            if isinstance(intake, PulseConfig) and isinstance(intake.url, Secret):
                yield intake.url

    def missing_secrets(self, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
        """Try every secret; say which cannot be had, and what to do about it."""
        missing: list[Problem] = []
        for secret in self.secrets():
            try:
                secret.read(environ)
            except ConfigError as error:
                missing.extend(error.problems)
        return tuple(missing)
