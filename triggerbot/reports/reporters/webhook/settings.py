"""The section of reports to an address in the config."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from triggerbot.config import addresses, fields
from triggerbot.config.section import (
    REPORTED_BRANCHES,
    REPORTED_PROJECTS,
    STREAKS,
    ReportSettings,
    SystemSettings,
    default,
)
from triggerbot.config.yaml_reader import Place


class WebhookReportSettings(ReportSettings):
    """The JSON of a push, sent to an address whenever what it says changes; signed as Standard Webhooks say."""

    kind: ClassVar[str] = "webhook"
    summary: ClassVar[str] = "At an address, as JSON."

    url: fields.Url = Field(description="Where it is sent.", examples=["https://dashboard.example.org/triggerbot"])
    secret: fields.OptionalSecret = Field(
        default=None, description="Signs it; whsec_ and base64, or any text.", examples=["env:DASHBOARD_SECRET"]
    )
    projects: fields.SomePatterns = default(("*",), REPORTED_PROJECTS)
    branches: fields.SomePatterns = default(("*",), REPORTED_BRANCHES)
    streaks: fields.Patterns = default((), STREAKS, examples=[["main"]])

    def warnings(self, systems: Mapping[str, SystemSettings]) -> Iterator[tuple[Place, str]]:
        """Warn where others could read along."""
        if self.url.startswith("http:") and not addresses.is_loopback(self.url):
            yield ("url",), "what is reported would travel unencrypted to another machine: write https://"
