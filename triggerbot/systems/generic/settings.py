"""The section of a generic system in the config."""

from typing import Literal

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.secrets import Secret
from triggerbot.config.section import SystemSettings, default, without_default


class GenericSettings(SystemSettings):
    """Any CI that speaks triggerbot's small HTTP interface."""

    type: Literal["generic"] = Field(description="Which kind of CI this is.")
    url: fields.Url = Field(
        description="Where the CI answers triggerbot's calls, without credentials.", examples=["http://127.0.0.1:9000"]
    )
    token: fields.OptionalSecret = Field(
        default=None, description="Sent to the CI as a bearer token.", examples=["env:CI_TOKEN"]
    )
    webhook_secret: fields.ChosenSecrets = Field(
        default=(),
        description="Signs the webhooks of this CI; one, or several while rotating. Without it none is taken.",
        examples=["env:CI_WEBHOOK_SECRET", ["env:NEW_SECRET", "env:OLD_SECRET"]],
        json_schema_extra=without_default,
    )
    grace: fields.Duration = default(
        "60s",
        "How long this CI may take to list a run that it accepted; until then its absence proves nothing.",
        examples=["60s"],
    )
    sweep: fields.SomeTimeOrOff = default(
        "5m", "How often to ask this CI what finished lately, so that lost webhooks lose nothing; or off."
    )

    @property
    def bearer(self) -> Secret | None:
        """The token."""
        return self.token

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that sign its webhooks."""
        return self.webhook_secret
