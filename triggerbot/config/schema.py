"""The configuration: every key of the file, its type, its default and what it means; and what the file comes to.

The same models check files, are the settings of the rest of triggerbot, give editors a JSON Schema and make the
reference, so a description is written for the reader of the config. A class called `...Settings` is used as it is, one
called `...Section` is turned into a value of `core`. Systems and reports have their own, beside their code: see
`plugins`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any, Self, cast
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, PrivateAttr, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from triggerbot.config import addresses, fields, secrets
from triggerbot.config.fields import Converted
from triggerbot.config.intakes import Intake, IntakeSettings, PulseSettings
from triggerbot.config.limits import BreakerSection, CapsSection
from triggerbot.config.plugins import Plugins
from triggerbot.config.rules import RuleSection
from triggerbot.config.secrets import Secret
from triggerbot.config.section import ReportSettings, Section, SystemSettings, default, without_default
from triggerbot.core.errors import ConfigError, Problem
from triggerbot.core.policy.circuit_breaker import BreakerSettings
from triggerbot.core.policy.limits import Caps, Limits
from triggerbot.core.policy.rules import Rule


class PageSettings(Section):
    """The web page: where people reach it, who may read, and who may retrigger and pause there."""

    address: fields.OptionalPageUrl = Field(
        default=None,
        description="Where people reach the page, for links in reports.",
        examples=["https://triggerbot.example.org"],
    )
    hosts: tuple[fields.HostName, ...] = Field(
        default=(),
        description="Further names of hosts under which the page and the API are asked for. They answer under these, "
        "that of the address, localhost and IP addresses only.",
        examples=[["triggerbot.lan"]],
    )
    read: fields.Readers = Field(
        default=None,
        description="Who may read the page, the API and the metrics: anyone who reaches them, or only who has logged "
        "in (login). Without it: anyone where `listen` is an address of this machine alone, and else login.",
        examples=["login"],
    )
    token: fields.ChosenSecrets = Field(
        default=(),
        description="Whoever knows it may log in, read and act; programs that read send it as `Authorization: Bearer "
        "...`. One, or several while rotating.",
        examples=["env:PAGE_TOKEN"],
        json_schema_extra=without_default,
    )
    metrics_token: fields.ChosenSecrets = Field(
        default=(),
        description="Whoever knows it may read the metrics, and nothing else: for Prometheus. One, or several.",
        examples=["env:METRICS_TOKEN"],
        json_schema_extra=without_default,
    )
    user_header: fields.OptionalText = Field(
        default=None,
        description="The header in which a reverse proxy says who has logged in there; only believed from proxies.",
        examples=["X-Forwarded-User"],
    )
    proxies: tuple[fields.Network, ...] = Field(
        default=(), description="The addresses of those proxies.", examples=[["127.0.0.1", "10.1.0.0/16"]]
    )

    @model_validator(mode="after")
    def _header_with_proxies(self) -> Self:
        if (self.user_header is None) != (not self.proxies):
            raise ValueError("user_header and proxies go together: anybody can send a header, so say whom to believe")
        return self


def _system(value: Any, info: ValidationInfo) -> SystemSettings:
    """Check a system by the section of its type."""
    if not isinstance(value, dict):
        raise PydanticCustomError("model_type", "")
    kinds = cast(Plugins, info.context)
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in kinds.systems:
        raise PydanticCustomError("system_type", "")
    return kinds.systems[kind].section().model_validate(value, context=kinds)


def _report(value: Any, info: ValidationInfo) -> ReportSettings:
    """Check a report by the section of the one key that it has."""
    kinds = cast(Plugins, info.context)
    report: ReportSettings = kinds.report.model_validate(value, context=kinds).only()
    return report


#: Nobody's CI is written to because a line was forgotten.
_DRY_OR_NOT = Problem(
    None,
    "dry_run",
    "it is not written whether jobs are to be triggered; write one of these two lines at the top level: "
    "`dry_run: true` (decide, log and record, but trigger nothing: begin with this) or "
    "`dry_run: false` (trigger jobs for real)",
)


class Config(Section):
    """The configuration of triggerbot."""

    dry_run: bool = Field(
        default=False,
        description="Decide, log and record, but trigger nothing. It has to be written, true or false: `run` does not "
        "start without it, unless by `--dry-run`.",
    )
    store: fields.Store = default(
        "sqlite:state.db",
        "Where everything is kept: sqlite:PATH (relative to the working directory, not to this file), or "
        "redis://host:port/db for several replicas, or redis+sentinel://host:port,host:port,.../SERVICE/db where "
        "Sentinel names the Redis; rediss for TLS.",
        examples=["sqlite:/var/lib/triggerbot/state.db"],
    )
    store_insecure: bool = Field(
        default=False,
        description="Whether a Redis on another machine may be reached without TLS, where nobody can listen in.",
    )
    listen: fields.Listen = default(
        "127.0.0.1:8080", "Where webhooks, the page and the API are served: HOST:PORT, or off."
    )
    systems: dict[fields.SystemName, Annotated[SystemSettings, PlainValidator(_system)]] = Field(
        default={}, description="The CIs to work with, each by a name of your choice; webhooks arrive at /hooks/<name>."
    )
    intakes: tuple[Annotated[IntakeSettings, Converted(Intake, Intake.only)], ...] = Field(
        default=(), description="Where events come from, besides webhooks."
    )
    rules: tuple[Annotated[Rule, Converted(RuleSection, RuleSection.rule)], ...] = Field(
        default=(),
        max_length=1000,
        description="What to watch; of several rules the first that matches project and branch counts.",
    )
    breaker: Annotated[BreakerSettings, Converted(BreakerSection, BreakerSection.settings)] = default(
        {}, "When a CI is taken for ill, so that sending stops until it is well again."
    )
    caps: Annotated[Caps, Converted(CapsSection, CapsSection.caps)] = default(
        {}, "How many retriggers may be sent within an hour, whatever happens."
    )
    page: PageSettings = default({}, "The web page: where people reach it, who may read, and who may act there.")
    reports: tuple[Annotated[ReportSettings, PlainValidator(_report)], ...] = Field(
        default=(), max_length=100, description="Where pushes are reported besides the page, as their verdicts come."
    )
    retention: fields.SomeTime = default(
        "14d", "How long is remembered what was done; after that the same job could be retriggered anew."
    )

    _source: str = PrivateAttr(default="config")
    _warnings: tuple[Problem, ...] = PrivateAttr(default=())
    _unavailable: tuple[Problem, ...] = PrivateAttr(default=())

    @property
    def source(self) -> str:
        """The file's name, for messages."""
        return self._source

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is probably not meant."""
        return self._warnings

    @property
    def unavailable(self) -> tuple[Problem, ...]:
        """What is right but cannot be done, or not chosen: with any of these, `run` refuses to start."""
        return (*self.unworkable, *self.undecided)

    @property
    def unworkable(self) -> tuple[Problem, ...]:
        """What is right but cannot be done here."""
        return self._unavailable

    @property
    def undecided(self) -> tuple[Problem, ...]:
        """What has to be chosen before anything starts, unless the command line does: whether jobs are triggered."""
        return () if "dry_run" in self.model_fields_set else (_DRY_OR_NOT,)

    def note(self, source: str, warnings: tuple[Problem, ...], unavailable: tuple[Problem, ...]) -> None:
        """Record where it was read, and what there is to say of it."""
        self._source, self._warnings, self._unavailable = source, warnings, unavailable

    def completed(self) -> Self:
        """Return it with the keys of its systems filled in that default to what the rules name."""
        systems = {name: system.following(self.rules) for name, system in self.systems.items()}
        return self.model_copy(update={"systems": systems})

    @property
    def anyone_reads(self) -> bool:
        """Whether anybody who reaches the page and the API may read them."""
        if self.page.read is not None:
            return self.page.read == "anyone"
        return self.listen is None or addresses.is_here(self.listen[0])

    @property
    def hosts(self) -> frozenset[str]:
        """The names of hosts, in lower case, under which the page and the API are asked for."""
        own = urlsplit(self.page.address or "").hostname, None if self.listen is None else self.listen[0]
        return frozenset({*self.page.hosts, *(name.lower() for name in own if name)})

    @property
    def bounds(self) -> Limits:
        """What holds sending back beside the rules."""
        return Limits(self.breaker, self.caps)

    @property
    def store_address(self) -> str:
        """The store's address itself; may hold a password. Raises `ConfigError` if it cannot be had or used."""
        return self._store_address(None)

    def _store_address(self, environ: Mapping[str, str] | None) -> str:
        if not isinstance(self.store, Secret):
            return self.store
        address = self.store.read(environ)
        if not addresses.is_store(address):
            why = addresses.why_no_sentinel(address) or "put one such as rediss://user:password@host:6379/0 there"
            raise self.store.wrong(f"holds no address: {why}")
        if addresses.is_open_store(address) and not self.store_insecure:
            raise self.store.wrong(f"is an address to which {addresses.STORE_OPEN}")
        return address

    def mention(self, system: str) -> str:
        """Return the name to which people address what they ask for in comments at a system; empty if they cannot."""
        asked = (report.comment_commands for report in self.reports if report.at_system == system)
        return next((commands.mention for commands in asked if commands is not None), "")

    def merge_queue(self, system: str) -> frozenset[str]:
        """Return what is wanted of a system's merge queue: `required_check`, `requeue`."""
        return frozenset().union(*(report.merge_queue_wants for report in self.reports if report.at_system == system))

    def weak_secrets(self, environ: Mapping[str, str] | None = None) -> Iterator[Problem]:
        """Yield what is to be said of secrets that work and are no good: too short, or used for several things."""
        seen: dict[str, str] = {}
        for use, secret, flaw_of in self._chosen_secrets():
            with suppress(ConfigError):
                value = secret.read(environ)
                if flaw := flaw_of(value):
                    yield from secret.wrong(flaw).problems
                if seen.setdefault(value, use) != use:
                    why = f"is the secret of {seen[value]}, too: what is signed for one would be believed of the other"
                    yield from secret.wrong(f"{why}; make one for each").problems

    def _chosen_secrets(self) -> Iterator[tuple[str, Secret, Callable[[str], str]]]:
        """Yield what each secret that people chose is for, and what finds its flaw."""
        for name, system in self.systems.items():
            yield from ((f"system {name}", secret, secrets.weak) for secret in system.webhook_secrets)
        yield from (("the page", secret, secrets.weak_token) for secret in self.page.token)
        yield from (("the metrics", secret, secrets.weak_token) for secret in self.page.metrics_token)

    def missing_secrets(self, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
        """Try every secret; say which cannot be had or used, and what to do about it."""
        tries: list[Callable[[Mapping[str, str] | None], object]] = [
            self._store_address,
            *(secret.check for system in self.systems.values() for secret in system.secrets()),
            *(intake.address for intake in self.intakes if isinstance(intake, PulseSettings)),
            *(secret.check for part in (self.page, *self.reports) for secret in part.secrets()),
        ]
        missing: list[Problem] = []
        for read in tries:
            try:
                read(environ)
            except ConfigError as error:
                missing.extend(error.problems)
        return tuple(missing)
