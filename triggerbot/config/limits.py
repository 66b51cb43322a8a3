"""When sending stops, and how much of it there may be: the sections `breakers` and `caps`."""

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.section import Section, default
from triggerbot.core.policy.circuit_breaker import NEVER, BreakerSettings
from triggerbot.core.policy.limits import Caps


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

    def settings(self) -> BreakerSettings:
        """Return it as the breakers take it: what is off never happens."""
        return BreakerSettings(**{name: NEVER if value is None else value for name, value in self})


class CapsSection(Section):
    """Hard caps: how many retriggers may be sent within an hour, by whatever and whoever they are asked for."""

    service: fields.CountOrOff = default(10_000, "All together; or off.", examples=[500])
    project: fields.CountOrOff = default(5_000, "For each project; or off.", examples=[300])
    author: fields.CountOrOff = default(2_500, "For the pushes of each author; or off.", examples=[100])

    def caps(self) -> Caps:
        """Return it as admission takes it."""
        return Caps(**dict(self))
