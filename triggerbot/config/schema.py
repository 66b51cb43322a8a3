"""The form of the configuration file: every key, its type, its default and what it means.

The same models check files, give editors a JSON Schema and make the reference, so a description is written for
the reader of the config. `load` turns what they accept into `triggerbot.config.settings`.
"""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from triggerbot.config import fields
from triggerbot.config.section import Section, default
from triggerbot.config.system_sections import SystemSection
from triggerbot.config.telling_sections import PageSection, Report


class Binding(Section):
    """What a queue receives of an exchange."""

    exchange: fields.Text = Field(description="The exchange's name.", examples=["exchange/ci/v1"])
    routing_key: str = Field(default="#", description="Which of its messages; # is all of them.")


class Pulse(Section):
    """A queue of messages (AMQP), such as Mozilla's Pulse."""

    system: fields.Text = Field(description="The system whose messages these are, a name from systems.")
    url: fields.AmqpUrl = Field(
        description="The broker's address; env:NAME or file:PATH where it holds a password.",
        examples=["amqps://pulse.example.org:5671/", "env:PULSE_URL"],
    )
    queue: fields.Text = Field(description="The queue's name.", examples=["queue/me/triggerbot"])
    bindings: tuple[Binding, ...] = Field(min_length=1, description="What the queue receives.")
    prefetch: int = Field(default=1000, ge=1, le=10_000, description="How many messages to take before answering any.")
    ca: fields.OptionalText = Field(
        default=None,
        description="A file of certificates (PEM) that the broker's has to be signed by, where it is a private one.",
        examples=["/etc/triggerbot/broker-ca.pem"],
    )
    insecure: bool = Field(
        default=False, description="Whether another machine may be reached without TLS, where nobody can listen in."
    )


class Poll(Section):
    """Asks a system regularly what finished, where it cannot call us."""

    system: fields.Text = Field(description="The system to ask, a name from systems.")
    every: fields.SomeTime = default("60s", "How often to ask.", examples=["60s"])


class File(Section):
    """Reads events from a file, one JSON object per line, as it grows."""

    system: fields.Text = Field(description="The system whose events these are, a name from systems.")
    path: fields.Text = Field(
        description="The file, relative to the working directory (not to this file).", examples=["events.jsonl"]
    )


class Intake(Section):
    """One way in which events arrive: exactly one of pulse, poll and file; webhooks need none."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    pulse: Annotated[Pulse | None, fields.Given] = Field(default=None, description="A queue of messages (AMQP).")
    poll: Annotated[Poll | None, fields.Given] = Field(default=None, description="Ask a system regularly.")
    file: Annotated[File | None, fields.Given] = Field(default=None, description="Read a file of events.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(intake is not None for intake in (self.pulse, self.poll, self.file)) != 1:
            raise ValueError("expected exactly one of pulse, poll and file: begin each with a '-' of its own")
        return self


class Requested(Section):
    """What a push may ask for in its message (try: ... --rebuild N)."""

    max: int = Field(
        default=20, ge=0, le=100, description="At most so many further runs of a job for each ask; 0 for none."
    )
    groups: dict[fields.GroupName, fields.SomePatterns] = Field(
        default={},
        description="Names for sets of jobs: {talos: ['*talos*']} lets a push ask for --rebuild-talos N.",
        examples=[{"talos": ["*talos*"]}],
    )


class BudgetSection(Section):
    """How many jobs of one push may be retriggered because they failed."""

    percent: float = Field(
        default=5,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="This share of the push's jobs, in percent, and one job more.",
    )
    floor: int = Field(default=4, ge=0, description="So many and one more, if that share is less.")


class Lookup(Section):
    """What to do when the CI does not know the job yet."""

    attempts: int = Field(default=5, ge=0, le=100, description="How often to ask again before giving up.")
    delay: fields.Duration = default("90s", "How long to wait in between.", examples=["90s"])


class BreakerSection(Section):
    """When a CI is taken for ill: then sending stops, and one retrigger at a time tries whether it is over."""

    failures: fields.CountOrOff = default(
        5, "Requests, or look-backs, of different jobs that fail in a row open the breaker of the system; or off."
    )
    pushes: fields.CountOrOff = default(
        5,
        "Unrelated pushes in which runs of the same pool, or at the same step, fail open the breaker of that; or off.",
    )
    within: fields.SomeTime = default("10m", "In what time they do.", examples=["10m"])
    share: float = Field(
        default=50,
        gt=0,
        le=100,
        allow_inf_nan=False,
        description="But only if at least this share of the pool's runs (of all runs, for a step) failed, in percent.",
    )
    canary: fields.SomeTime = default("5s", "How long to wait for the first try, doubled after each in vain.")
    longest: fields.SomeTime = default("1m", "How long to wait between two tries at most.")


class CapsSection(Section):
    """Hard caps: how many retriggers may be sent within an hour, by whatever and whoever they are asked for."""

    service: fields.CountOrOff = default(10_000, "All together; or off.", examples=[500])
    project: fields.CountOrOff = default(5_000, "For each project; or off.", examples=[300])
    author: fields.CountOrOff = default(2_500, "For the pushes of each author; or off.", examples=[100])


class RuleSection(Section):
    """What is watched, and how much may be done about it; the first rule that matches project and branch counts."""

    projects: fields.SomePatterns = Field(
        description="Projects to watch, by name or pattern (*, ?, [...]).", examples=[["try"], ["owner/name"]]
    )
    branches: fields.SomePatterns = Field(default=("*",), description="Branches to watch.")
    jobs: fields.SomePatterns = Field(default=("*",), description="Jobs that may be retriggered.")
    exclude_jobs: fields.Patterns = Field(default=(), description="But none of these.", examples=[["*-unstable*"]])
    authors: fields.SomePatterns = Field(default=("*",), description="Authors whose pushes count.")
    exclude_authors: fields.Patterns = Field(
        default=(), description="But none of these.", examples=[["autoland@example.org"]]
    )
    kinds: Annotated[tuple[fields.KindName, ...], Field(min_length=1)] = Field(
        default=("test",), description="Kinds of jobs that may be retriggered."
    )
    results: tuple[fields.ResultName, ...] = Field(
        default=("failure",),
        description="Results to retrigger: failure (tests), busted (build), infra, timed_out. None: only requests.",
    )
    max_tier: int = Field(default=1, ge=0, description="Jobs of a higher tier are hidden, and left alone.")
    pools: fields.SomePatterns = Field(
        default=("*",), description="Kinds of machines that may be used; some are scarce."
    )
    exclude_steps: fields.Patterns = Field(
        default=(),
        description="A run whose first failed step is one of these is the author's own doing, and left alone.",
        examples=[["build*"]],
    )
    retries: int = Field(default=2, ge=0, le=20, description="How many further runs of a failed job are wanted.")
    opt_in: bool = Field(default=False, description="Only retrigger failures of pushes that ask for it with --retry.")
    requested: Requested = default({}, "What a push may ask for in its message.")
    budget: BudgetSection = default({}, "How many jobs of one push may be retriggered because they failed.")
    lookup: Lookup = default({}, "What to do when the CI does not know the job yet.")


class ConfigFile(Section):
    """The configuration of triggerbot."""

    dry_run: bool = Field(default=False, description="Decide, log and record, but trigger nothing.")
    store: fields.Store = default(
        "sqlite:state.db",
        "Where everything is kept: sqlite:PATH (relative to the working directory, not to this file), or "
        "redis://host:port/db for several replicas.",
        examples=["sqlite:/var/lib/triggerbot/state.db"],
    )
    store_insecure: bool = Field(
        default=False,
        description="Whether a Redis on another machine may be reached without TLS, where nobody can listen in.",
    )
    listen: fields.Listen = default(
        "127.0.0.1:8080", "Where webhooks, the page and the API are served: HOST:PORT, or off."
    )
    systems: dict[fields.SystemName, SystemSection] = Field(
        default={}, description="The CIs to work with, each by a name of your choice; webhooks arrive at /hooks/<name>."
    )
    intakes: tuple[Intake, ...] = Field(default=(), description="Where events come from, besides webhooks.")
    rules: tuple[RuleSection, ...] = Field(
        default=(),
        max_length=1000,
        description="What to watch; of several rules the first that matches project and branch counts.",
    )
    breaker: BreakerSection = default({}, "When a CI is taken for ill, so that sending stops until it is well again.")
    caps: CapsSection = default({}, "How many retriggers may be sent within an hour, whatever happens.")
    page: PageSection = default({}, "The web page: where people reach it, and who may retrigger and pause there.")
    reports: tuple[Report, ...] = Field(
        default=(), max_length=100, description="Where pushes are reported besides the page, as their verdicts come."
    )
    retention: fields.SomeTime = default(
        "14d", "How long is remembered what was done; after that the same job could be retriggered anew."
    )


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of the file, for editors such as those with yaml-language-server."""
    schema: dict[str, Any] = _tidy(ConfigFile.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "triggerbot configuration"}


def _tidy(part: Any) -> Any:
    """Make pydantic's schema say what the loader does: no nulls, no names but those that fit; drop generated titles."""
    if isinstance(part, list):
        return [_tidy(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    # A generated title is a text; a property that is called title would be a schema.
    tidied = {
        key: _tidy(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    if len(tidied.get("anyOf", ())) == 1:
        tidied |= tidied.pop("anyOf")[0]
    return tidied
