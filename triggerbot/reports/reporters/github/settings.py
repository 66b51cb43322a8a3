"""The section of reports at GitHub in the config."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.section import (
    REPORTED_BRANCHES,
    REPORTED_PROJECTS,
    CommentSettings,
    ReportSettings,
    SystemSettings,
    default,
)
from triggerbot.config.yaml_reader import Place


class GitHubReportSettings(ReportSettings):
    """Reports at GitHub, beside the change."""

    kind: ClassVar[str] = "github"
    summary: ClassVar[str] = "At GitHub."
    references: ClassVar[Mapping[str, str]] = {"system": "github"}

    system: fields.Text = Field(description="A system of type github, a name from systems.")
    check: bool = Field(
        default=True, description="Whether commits get a check run (by an App), or a commit status (by a token)."
    )
    comment: bool = Field(
        default=False, description="Whether pull requests get one comment, edited as verdicts come, once a job failed."
    )
    commands: Annotated[CommentSettings | None, fields.Given] = Field(
        default=None, description="What people may ask for in comments; without it nothing."
    )
    projects: fields.SomePatterns = default(("*",), REPORTED_PROJECTS)
    branches: fields.SomePatterns = default(("*",), REPORTED_BRANCHES)

    @property
    def at_system(self) -> str:
        """The GitHub."""
        return self.system

    @property
    def comment_commands(self) -> CommentSettings | None:
        """What people may ask for in comments."""
        return self.commands

    def warnings(self, systems: Mapping[str, SystemSettings]) -> Iterator[tuple[Place, str]]:
        """Warn where comments would never arrive."""
        if self.commands is not None and not systems[self.system].webhook_secrets:
            message = f"comments are only heard of by webhooks: add a webhook_secret to the system {self.system}"
            yield ("commands",), message
