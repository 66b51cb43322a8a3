"""The section of a GitHub in the config."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from triggerbot.config import fields
from triggerbot.config.secrets import Secret
from triggerbot.config.section import Section, SystemSettings, default, literal_projects, without_default
from triggerbot.config.yaml_reader import shown
from triggerbot.core.model import Kind, Push, Run
from triggerbot.core.policy.rules import Rule
from triggerbot.core.ways import Subject, Way
from triggerbot.systems import forges
from triggerbot.systems.github.queue_branches import pull_of

#: Reruns that GitHub allows a workflow run ("Re-running workflows and jobs", 2026), and those left to people.
RERUNS_MAX, RESERVE = 50, 25
#: "Events that trigger workflows" (2026); `dynamic` is what GitHub starts for itself.
EVENTS = frozenset(
    {
        "branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment", "deployment_status",
        "discussion", "discussion_comment", "dynamic", "fork", "gollum", "image_version", "issue_comment", "issues",
        "label", "merge_group", "milestone", "page_build", "public", "pull_request", "pull_request_review",
        "pull_request_review_comment", "pull_request_target", "push", "registry_package", "release",
        "repository_dispatch", "schedule", "status", "watch", "workflow_call", "workflow_dispatch", "workflow_run",
    }
)  # fmt: skip
REPOSITORY = r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$"


def _app_id(value: Any) -> str:
    """Read the id of a GitHub App, a number or a text."""
    if (isinstance(value, int) and not isinstance(value, bool) and value > 0) or (isinstance(value, str) and value):
        return str(value)
    raise ValueError(f"expected the id of the app, such as 123456, got {shown(value, secret=True)}")


def _no_private_key(value: str) -> str:
    """Name what is wrong with a private key by its looks; tools write words of their own before it."""
    if "-----BEGIN " in value and "PRIVATE KEY-----" in value:
        return ""
    return "is no private key in PEM: put the key there that GitHub made for the App, whole"


AppId = Annotated[
    str,
    PlainValidator(_app_id),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1}]}),
]
Repository = Annotated[
    str,
    AfterValidator(fields.fits(REPOSITORY, "expected owner/name, not a pattern")),
    WithJsonSchema({"type": "string", "pattern": REPOSITORY}),
]


class GitHubApp(Section):
    """A GitHub App that triggerbot acts as."""

    id: AppId = Field(description="The app's id, or its client id.", examples=[123456])
    key: Annotated[fields.SecretReference, fields.must(_no_private_key)] = Field(
        description="The app's private key (PEM).", examples=["file:/etc/triggerbot/app.pem"]
    )


class GitHubSettings(SystemSettings):
    """GitHub Actions, on github.com or a server of your own."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["token"]}, {"required": ["app"]}]})

    no_messages: ClassVar[str] = "GitHub sends no messages over AMQP: use its webhooks, or poll"
    events: ClassVar[frozenset[str]] = EVENTS

    type: Literal["github"] = Field(description="Which kind of CI this is.")
    url: fields.Url = default(
        "https://api.github.com",
        "The API's address; for a server of your own https://your.server/api/v3.",
        examples=["https://github.example.org/api/v3"],
    )
    token: fields.OptionalSecret = Field(
        default=None,
        description="A token that may read and rerun actions (actions: write). Either this or app is needed.",
        examples=["env:GITHUB_TOKEN"],
    )
    app: Annotated[GitHubApp | None, fields.Given] = Field(
        default=None, description="The GitHub App to act as. Either this or token is needed."
    )
    webhook_secret: fields.ChosenSecrets = Field(
        default=(),
        description="Signs the webhooks; one, or several while rotating. Without it none is taken.",
        examples=["env:GITHUB_WEBHOOK_SECRET", ["env:NEW_SECRET", "env:OLD_SECRET"]],
        json_schema_extra=without_default,
    )
    grace: fields.Duration = default(
        "60s", "How long GitHub may take to list a run that it accepted; until then its absence proves nothing."
    )
    sweep: fields.SomeTimeOrOff = default(
        "5m", "How often to ask GitHub what finished lately, so that lost webhooks lose nothing; or off."
    )
    debug_last_try: bool = Field(
        default=False,
        description="Whether the last retrigger of a job runs with GitHub's debug logging, as evidence for whoever "
        "mends it.",
    )
    tests: fields.Patterns = default(
        (),
        "Artifacts with reports of tests, by name or pattern: JUnit XML or folders of pytest's reports. Those of jobs "
        "that failed are read. Left out: none is.",
        examples=[["*junit*", "*test-reports*"]],
    )
    forks: bool = Field(default=False, description="Whether pushes that come from forks may be retriggered.")
    reserve: Annotated[int, Field(ge=0, le=RERUNS_MAX)] = default(
        RESERVE,
        "How many of the 50 reruns that GitHub allows a workflow run are left to people: what failed is not rerun once "
        "the others are used up.",
    )
    repositories: tuple[Repository, ...] = Field(
        default=(),
        description="Which repositories to ask, for polling and the sweep. Left out: those projects of the rules that "
        "are no patterns.",
        examples=[["owner/name"]],
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.token is not None and self.app is not None:
            raise ValueError("both token and app are given: exactly one of them is right")
        if self.token is None and self.app is None:
            raise ValueError("credentials are missing: add token: env:GITHUB_TOKEN, or app: {id: ..., key: file:...}")
        return self

    @property
    def bearer(self) -> Secret | None:
        """The token."""
        return self.token

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that sign its webhooks."""
        return self.webhook_secret

    def following(self, rules: Sequence[Rule]) -> Self:
        """Name the repositories of the rules, where none are given."""
        if self.repositories:
            return self
        named = (project for project in literal_projects(rules) if re.fullmatch(REPOSITORY, project))
        return self.model_copy(update={"repositories": tuple(named)})

    def unpollable(self, name: str) -> str:
        """Without a repository there is nothing to poll."""
        if self.repositories:
            return ""
        return (
            f"no repository of {name} is known to poll: add repositories: [owner/name] to the system "
            "(the projects of the rules are patterns, or not of the form owner/name)"
        )

    def ways(self, subject: Subject) -> Iterator[Way]:
        """Yield the commit, pull requests and workflow runs."""
        web, push = forges.web_of(self.url), subject.push
        queued = pull_of(push.branch)
        if web is None:
            return
        yield forges.commit(web, push.project, push.revision)
        for number in [queued] if queued is not None else subject.pulls:
            yield forges.pull(web, push.project, number)
        for batch, source in subject.batches.items():
            yield forges.workflow_run(web, push.project, batch, source)

    def ways_of_run(self, push: Push, run: Run) -> Iterator[Way]:
        """Yield the page of the job, which is its log, and the attempt of its workflow run."""
        web = forges.web_of(self.url)
        if run.kind is not Kind.WORKFLOW and run.url is not None:
            yield Way("Log", forges.NAME, run.url)
        if web is not None and run.batch:
            yield forges.workflow_run(web, push.project, run.batch, attempt=run.attempt)

    def remarks(self) -> Iterator[str]:
        """Show that forks are retriggered, too."""
        if self.forks:
            yield "forks too"
