"""The section of reports at GitHub in the config."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from triggerbot.config import fields
from triggerbot.config.section import (
    REPORTED_BRANCHES,
    REPORTED_PROJECTS,
    STREAKS,
    CommentSettings,
    ReportSettings,
    Section,
    SystemSettings,
    default,
)
from triggerbot.config.yaml_reader import Place

#: Characters of a label: GitHub refuses an issue with a longer one.
_LABEL_MAX = 50


class MergeQueueSettings(Section):
    """What triggerbot does for GitHub's merge queue."""

    required_check: bool = Field(
        default=False,
        description="Whether the check of an entry of the queue decides: it is pending while something runs or is "
        "owed, and a success only if everything passed, or failed and proved intermittent as was known.",
    )
    timeout: fields.SomeTime = default(
        "60m",
        "How long an entry may be pending; then it is decided by what is known. Less than the queue's own time-out.",
    )
    requeue: bool = Field(
        default=False,
        description="Whether an entry that was evicted for its checks is put back, once for each commit of a pull "
        "request, if all that failed proved intermittent or an error of the CI itself.",
    )


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
    streaks: fields.Patterns = default((), STREAKS, examples=[["main"]])
    labels: tuple[Annotated[fields.Text, Field(max_length=_LABEL_MAX)], ...] = default(
        ("ci-failing",), "The labels of the issue of a branch of `streaks`; those that do not exist are made."
    )

    merge_queue: Annotated[MergeQueueSettings | None, fields.Given] = Field(
        default=None, description="What triggerbot does for the merge queue; without it nothing."
    )

    @model_validator(mode="after")
    def _has_check(self) -> Self:
        if self.merge_queue is not None and self.merge_queue.required_check and not self.check:
            raise ValueError(
                "merge_queue.required_check is about the check, which check: false turns off: leave that out"
            )
        return self

    @property
    def merge_queue_wants(self) -> frozenset[str]:
        """What is wanted of the merge queue."""
        if self.merge_queue is None:
            return frozenset()
        return frozenset(name for name in ("required_check", "requeue") if getattr(self.merge_queue, name))

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
        if "requeue" in self.merge_queue_wants and not systems[self.system].webhook_secrets:
            message = f"evictions are only heard of by webhooks: add a webhook_secret to the system {self.system}"
            yield ("merge_queue", "requeue"), message
