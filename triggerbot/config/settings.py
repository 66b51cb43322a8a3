"""The configuration as the rest of triggerbot sees it: checked, with defaults filled in, in seconds and patterns."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from triggerbot.config import addresses
from triggerbot.config.secrets import Secret
from triggerbot.config.system_settings import GitHubConfig, SystemConfig
from triggerbot.config.telling_settings import PageConfig, ReportConfig
from triggerbot.core.errors import ConfigError, Problem
from triggerbot.core.policy.limits import Limits
from triggerbot.core.policy.rules import Rule

#: Characters of a webhook secret: what is shorter than the first is none; what is shorter than the second can be found
#: by trying, from a single webhook.
_SECRET_MIN, _SECRET_GOOD = 6, 16
_SUCH = "such as `openssl rand -base64 32` makes"


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
    #: Another machine may be reached without TLS.
    insecure: bool = False

    def address(self, environ: Mapping[str, str] | None = None) -> str:
        """Read the broker's address; raises `ConfigError` if it cannot be had, is none, or must not be used."""
        if not isinstance(self.url, Secret):
            return self.url
        address = self.url.read(environ)
        if not addresses.is_broker(address):
            raise self.url.wrong("holds no address: put one such as amqps://user:password@host:5671/ there")
        if addresses.is_open_broker(address) and not self.insecure:
            raise self.url.wrong(f"is an address to which {addresses.BROKER_OPEN}")
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
    bounds: Limits = field(default_factory=Limits)
    page: PageConfig = field(default_factory=PageConfig)
    reports: tuple[ReportConfig, ...] = ()
    #: What is probably not meant.
    warnings: tuple[Problem, ...] = ()
    #: What is right but cannot be done (yet): with any of these, `run` refuses to start.
    unavailable: tuple[Problem, ...] = ()
    #: Where the store's address is kept, if it is not in the config.
    store_secret: Secret | None = None
    #: A Redis on another machine may be reached without TLS.
    store_insecure: bool = False

    @property
    def store_address(self) -> str:
        """The store's address itself; may hold a password. Raises `ConfigError` if it cannot be had or used."""
        return self._store_address(None)

    def _store_address(self, environ: Mapping[str, str] | None) -> str:
        if self.store_secret is None:
            return self.store
        address = self.store_secret.read(environ)
        if not addresses.is_store(address):
            raise self.store_secret.wrong("holds no address: put one such as rediss://user:password@host:6379/0 there")
        if addresses.is_open_store(address) and not self.store_insecure:
            raise self.store_secret.wrong(f"is an address to which {addresses.STORE_OPEN}")
        return address

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that the config refers to."""
        if self.store_secret is not None:
            yield self.store_secret
        for system in self.systems.values():
            yield from system.secrets()
        for intake in self.intakes:
            if isinstance(intake, PulseConfig) and isinstance(intake.url, Secret):
                yield intake.url
        yield from self.page.tokens
        for report in self.reports:
            yield from report.secrets()

    def weak_secrets(self, environ: Mapping[str, str] | None = None) -> Iterator[Problem]:
        """Yield what is to be said of webhook secrets that work and are too short to be good."""
        for system in self.systems.values():
            for secret in system.webhook_secrets:
                with suppress(ConfigError):
                    if len(secret.read(environ).removeprefix("whsec_")) < _SECRET_GOOD:
                        why = "whoever sees one webhook can try them all; put a long one there"
                        yield from secret.wrong(f"has less than {_SECRET_GOOD} characters: {why}, {_SUCH}").problems

    def missing_secrets(self, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
        """Try every secret; say which cannot be had or used, and what to do about it."""
        tries: list[Callable[[Mapping[str, str] | None], str]] = [
            self._store_address,
            *(_reader(system, secret) for system in self.systems.values() for secret in system.secrets()),
            *(intake.address for intake in self.intakes if isinstance(intake, PulseConfig)),
            *(partial(_long, token) for token in self.page.tokens),
            *(secret.read for report in self.reports for secret in report.secrets()),
        ]
        missing: list[Problem] = []
        for read in tries:
            try:
                read(environ)
            except ConfigError as error:
                missing.extend(error.problems)
        return tuple(missing)


def _reader(system: SystemConfig, secret: Secret) -> Callable[[Mapping[str, str] | None], str]:
    """Choose how a secret of a system is read, by what it has to be."""
    if secret in system.webhook_secrets:
        return partial(_long, secret)
    if isinstance(system, GitHubConfig) and secret == system.app_key:
        return partial(_private_key, secret)
    return secret.read


def _private_key(secret: Secret, environ: Mapping[str, str] | None) -> str:
    """Read a private key; raises `ConfigError` if it is none by its looks."""
    value = secret.read(environ)
    # Tools write words of their own before it.
    if not ("-----BEGIN " in value and "PRIVATE KEY-----" in value):
        raise secret.wrong("is no private key in PEM: put the key there that GitHub made for the App, whole")
    return value


def _long(secret: Secret, environ: Mapping[str, str] | None) -> str:
    """Read a secret that people choose; raises `ConfigError` if it is so short that it is none."""
    value = secret.read(environ)
    if len(value.removeprefix("whsec_")) < _SECRET_MIN:
        raise secret.wrong(
            f"has less than {_SECRET_MIN} characters, which can be guessed: put a long one there, {_SUCH}"
        )
    return value
