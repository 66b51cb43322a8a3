"""The section of reports in a channel of Slack in the config."""

from typing import ClassVar

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.section import REPORTED_BRANCHES, REPORTED_PROJECTS, STREAKS, ReportSettings, default


class SlackReportSettings(ReportSettings):
    """One message for each push in a channel of Slack, once its verdicts are final; details in its thread."""

    kind: ClassVar[str] = "slack"
    summary: ClassVar[str] = "In a channel of Slack."

    token: fields.SecretReference = Field(
        description="A bot's token (xoxb-…) with chat:write and channels:history.", examples=["env:SLACK_TOKEN"]
    )
    channel: fields.Text = Field(description="The channel's id.", examples=["C0123456789"])
    url: fields.Url = default("https://slack.com/api", "Where Slack's Web API answers.")
    projects: fields.SomePatterns = default(("*",), REPORTED_PROJECTS)
    branches: fields.SomePatterns = default(("*",), REPORTED_BRANCHES)
    always: bool = Field(
        default=False, description="Whether pushes at which nothing fails get a message, too, as those of nightly runs."
    )
    streaks: fields.Patterns = default((), STREAKS, examples=[["main"]])
