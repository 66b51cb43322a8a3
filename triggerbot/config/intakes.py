"""The sections of intakes: where messages of CIs come from."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from triggerbot.config import addresses, fields
from triggerbot.config.secrets import Secret
from triggerbot.config.section import OneOf, Section, default


class Binding(Section):
    """What a queue receives of an exchange."""

    exchange: fields.Text = Field(description="The exchange's name.", examples=["exchange/ci/v1"])
    routing_key: str = Field(default="#", description="Which of its messages; # is all of them.")


class PulseSettings(Section):
    """A queue of messages (AMQP), such as Mozilla's Pulse."""

    system: fields.Text = Field(description="The system whose messages these are, a name from systems.")
    url: fields.AmqpUrl = Field(
        description="The broker's address; env:NAME or file:PATH where it holds a password.",
        examples=["amqps://pulse.example.org:5671/", "env:PULSE_URL"],
        repr=False,
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


class PollSettings(Section):
    """Asks a system regularly what finished, where it cannot call us."""

    system: fields.Text = Field(description="The system to ask, a name from systems.")
    every: fields.SomeTime = default("60s", "How often to ask.", examples=["60s"])


class FileSettings(Section):
    """Reads events from a file, one JSON object per line, as it grows."""

    system: fields.Text = Field(description="The system whose events these are, a name from systems.")
    path: fields.Text = Field(
        description="The file, relative to the working directory (not to this file).", examples=["events.jsonl"]
    )


IntakeSettings = PulseSettings | PollSettings | FileSettings


class Intake(OneOf):
    """One way in which events arrive: exactly one of pulse, poll and file; webhooks need none."""

    pulse: Annotated[PulseSettings | None, fields.Given] = Field(
        default=None, description="A queue of messages (AMQP)."
    )
    poll: Annotated[PollSettings | None, fields.Given] = Field(default=None, description="Ask a system regularly.")
    file: Annotated[FileSettings | None, fields.Given] = Field(default=None, description="Read a file of events.")
