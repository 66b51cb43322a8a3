"""The configuration as the rest of triggerbot sees it: checked, with defaults filled in, in seconds and patterns."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from triggerbot.config import fields
from triggerbot.config.secrets import Secret
from triggerbot.config.system_settings import SystemConfig
from triggerbot.errors import ConfigError, Problem
from triggerbot.policy import Rule


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
    #: A file of certificates that the broker's has to be signed by; `None`: those that the system trusts.
    ca: str | None = None

    def address(self) -> str:
        """Read the broker's address; raises `ConfigError` if it cannot be had, or is none."""
        if not isinstance(self.url, Secret):
            return self.url
        address = self.url.read()
        if not re.fullmatch(fields.AMQP, address):
            message = f"{self.url.reference} holds no address: put one such as amqps://user:password@host:5671/ there"
            raise ConfigError(self.url.source, (Problem(self.url.line, self.url.path, message),))
        return address


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


IntakeConfig = PulseConfig | PollConfig | FileConfig


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that was configured."""

    #: The file's name, for messages.
    source: str
    dry_run: bool
    #: As it is written: `sqlite:PATH` (relative to the working directory), a redis address, or where that is kept.
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
    #: Where the store's address is kept, if it is not in the config.
    store_secret: Secret | None = None

    @property
    def store_address(self) -> str:
        """The store's address itself; may hold a password. Raises `ConfigError` if it cannot be had."""
        return self.store if self.store_secret is None else self.store_secret.read()

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that the config refers to."""
        if self.store_secret is not None:
            yield self.store_secret
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
