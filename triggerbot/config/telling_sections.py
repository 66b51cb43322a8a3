"""The form of `page` and `reports` in the configuration file."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from triggerbot.config import fields
from triggerbot.config.section import Section, default, without_default

_PROJECTS = "Report pushes of these projects only."
_BRANCHES = "Report pushes to these branches only."


class PageSection(Section):
    """The web page: where people reach it, and who may retrigger and pause there; without either nobody may."""

    address: fields.OptionalUrl = Field(
        default=None,
        description="Where people reach the page, for links in reports.",
        examples=["https://triggerbot.example.org"],
    )
    token: fields.SecretReferences = Field(
        default=(),
        description="Whoever knows it may log in and act; one, or several while rotating.",
        examples=["env:PAGE_TOKEN"],
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


class CommandsSection(Section):
    """What people may ask for in comments at a pull request: `@triggerbot rebuild 3`, `retry PATTERN`, `why JOB`."""

    mention: fields.Text = Field(default="triggerbot", description="The name to which commands are addressed.")
    authors: bool = Field(
        default=False,
        description="Whether authors may ask, too, at pushes of their own, without permission to write there.",
    )
    cap: int = Field(
        default=10, ge=0, le=1000, description="How many further runs such an author may ask for at one commit."
    )


class GitHubReport(Section):
    """Reports at GitHub, beside the change."""

    system: fields.Text = Field(description="A system of type github, a name from systems.")
    check: bool = Field(
        default=True, description="Whether commits get a check run (by an App), or a commit status (by a token)."
    )
    comment: bool = Field(
        default=False, description="Whether pull requests get one comment, edited as verdicts come, once a job failed."
    )
    commands: Annotated[CommandsSection | None, fields.Given] = Field(
        default=None, description="What people may ask for in comments; without it nothing."
    )
    projects: fields.SomePatterns = Field(default=("*",), description=_PROJECTS)
    branches: fields.SomePatterns = Field(default=("*",), description=_BRANCHES)


class SlackReport(Section):
    """One message for each push in a channel of Slack, once its verdicts are final; details in its thread."""

    token: fields.SecretReference = Field(
        description="A bot's token (xoxb-…) with chat:write and channels:history.", examples=["env:SLACK_TOKEN"]
    )
    channel: fields.Text = Field(description="The channel's id.", examples=["C0123456789"])
    url: fields.Url = default("https://slack.com/api", "Where Slack's Web API answers.")
    projects: fields.SomePatterns = Field(default=("*",), description=_PROJECTS)
    branches: fields.SomePatterns = Field(default=("*",), description=_BRANCHES)


class WebhookReport(Section):
    """The JSON of a push, sent to an address whenever what it says changes; signed as Standard Webhooks say."""

    url: fields.Url = Field(description="Where it is sent.", examples=["https://dashboard.example.org/triggerbot"])
    secret: fields.OptionalSecret = Field(
        default=None, description="Signs it; whsec_ and base64, or any text.", examples=["env:DASHBOARD_SECRET"]
    )
    projects: fields.SomePatterns = Field(default=("*",), description=_PROJECTS)
    branches: fields.SomePatterns = Field(default=("*",), description=_BRANCHES)


class Report(Section):
    """One place where pushes are reported: exactly one of github, slack and webhook."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    github: Annotated[GitHubReport | None, fields.Given] = Field(default=None, description="At GitHub.")
    slack: Annotated[SlackReport | None, fields.Given] = Field(default=None, description="In a channel of Slack.")
    webhook: Annotated[WebhookReport | None, fields.Given] = Field(default=None, description="At an address, as JSON.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(report is not None for report in (self.github, self.slack, self.webhook)) != 1:
            raise ValueError("expected exactly one of github, slack and webhook: begin each with a '-' of its own")
        return self
