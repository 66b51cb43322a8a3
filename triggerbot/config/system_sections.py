"""The form of `systems` in the configuration file: what each kind of CI needs to be told."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from triggerbot.config import fields
from triggerbot.config.section import Section, default, without_default


class GenericSystem(Section):
    """Any CI that speaks triggerbot's small HTTP interface."""

    type: Literal["generic"] = Field(description="Which kind of CI this is.")
    url: fields.Url = Field(
        description="Where the CI answers triggerbot's calls, without credentials.", examples=["http://127.0.0.1:9000"]
    )
    token: fields.OptionalSecret = Field(
        default=None, description="Sent to the CI as a bearer token.", examples=["env:CI_TOKEN"]
    )
    webhook_secret: fields.SecretReferences = Field(
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


class GitHubApp(Section):
    """A GitHub App that triggerbot acts as."""

    id: fields.AppId = Field(description="The app's id, or its client id.", examples=[123456])
    key: fields.SecretReference = Field(
        description="The app's private key (PEM).", examples=["file:/etc/triggerbot/app.pem"]
    )


class GitHubSystem(Section):
    """GitHub Actions, on github.com or a server of your own."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["token"]}, {"required": ["app"]}]})

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
    webhook_secret: fields.SecretReferences = Field(
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
    forks: bool = Field(default=False, description="Whether pushes that come from forks may be retriggered.")
    repositories: tuple[fields.Repository, ...] = Field(
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


class PushLogSection(Section):
    """Where the message and the author of a push are: exactly one of hg and github."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["hg"]}, {"required": ["github"]}]})

    projects: fields.SomePatterns = Field(
        default=("*",), description="Projects whose pushes are there, by name or pattern."
    )
    hg: fields.OptionalUrlOfProject = Field(
        default=None,
        description="The address of a Mercurial repository; {project} in it stands for the project.",
        examples=["https://hg.mozilla.org/integration/{project}"],
    )
    github: fields.OptionalUrl = Field(
        default=None,
        description="The address of GitHub's API; the project is owner/name there.",
        examples=["https://api.github.com"],
    )
    token: fields.OptionalSecret = Field(
        default=None, description="A token for GitHub, which limits anonymous reads.", examples=["env:GITHUB_TOKEN"]
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.hg is None) == (self.github is None):
            raise ValueError("expected exactly one of hg and github")
        if self.hg is not None and self.token is not None:
            raise ValueError("token is for github: hg is read without one")
        return self


class ClassifySection(Section):
    """A login at Treeherder with which failures that proved intermittent are classified."""

    session: fields.SecretReference = Field(
        description="The cookie sessionid of somebody who is logged in and may classify.", examples=["env:TH_SESSION"]
    )
    csrf: fields.SecretReference = Field(
        description="The cookie csrftoken of the same login.", examples=["env:TH_CSRF"]
    )


class TaskclusterSystem(Section):
    """Taskcluster, as at Mozilla: events over AMQP (add an intake pulse), retriggers by the push's own actions."""

    type: Literal["taskcluster"] = Field(description="Which kind of CI this is.")
    url: fields.Url = Field(
        description="The deployment's root URL.", examples=["https://firefox-ci-tc.services.mozilla.com"]
    )
    client_id: fields.OptionalText = Field(
        default=None, description="The client to act as.", examples=["project/me/triggerbot"]
    )
    access_token: fields.OptionalSecret = Field(
        default=None,
        description="The client's access token. Without it everything can be read and nothing retriggered.",
        examples=["env:TASKCLUSTER_ACCESS_TOKEN"],
    )
    certificate: fields.OptionalSecret = Field(
        default=None, description="The certificate of temporary credentials.", examples=["env:TASKCLUSTER_CERTIFICATE"]
    )
    pushes: tuple[PushLogSection, ...] = Field(
        default=(),
        description="Where the message and author of a push are; of several the first that matches the project counts. "
        "Not needed with treeherder.",
    )
    treeherder: fields.OptionalUrl = Field(
        default=None,
        description="The Treeherder that lists all jobs of a push, whatever task groups they are in. Without it task "
        "groups are listed.",
        examples=["https://treeherder.mozilla.org"],
    )
    classify: Annotated[ClassifySection | None, fields.Given] = Field(
        default=None,
        description="Classify a failure at treeherder as intermittent once two further runs passed. Off unless given.",
    )
    without_action: Literal["refuse", "create_task"] = Field(
        default="refuse",
        description="What to do where a push has no action to retrigger a task: refuse, or create a copy of it.",
    )
    index: fields.Text = Field(
        default="gecko.v2.{project}.revision.{revision}.taskgraph.decision",
        description="Where the decision task of a push is indexed; {project} and {revision} stand for the push's.",
    )
    projects: tuple[fields.Text, ...] = Field(
        default=(),
        description="Projects to ask for in the sweep. Left out: those of the rules that are no patterns.",
        examples=[["try"]],
    )
    grace: fields.Duration = default(
        "5m", "How long it may take until a retrigger is listed: an action task has to run first."
    )
    sweep: fields.SomeTimeOrOff = default(
        "5m", "How often to ask what finished lately, so that a lost queue loses nothing; or off."
    )

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if (self.client_id is None) != (self.access_token is None):
            raise ValueError("client_id and access_token belong together: give both, or none for reading only")
        if self.certificate is not None and self.access_token is None:
            raise ValueError("a certificate belongs to temporary credentials: add client_id and access_token")
        if self.classify is not None and self.treeherder is None:
            raise ValueError("failures are classified at Treeherder: add treeherder: https://treeherder.mozilla.org")
        return self


class TreeherderSystem(Section):
    """Treeherder itself, where its own job messages arrive over AMQP; retriggers go through a Taskcluster."""

    type: Literal["treeherder"] = Field(description="Which kind of CI this is.")
    url: fields.Url = default("https://treeherder.mozilla.org", "Treeherder's address.")
    taskcluster: fields.OptionalText = Field(
        default=None,
        description="The system of type taskcluster through which jobs are retriggered; without it none is.",
        examples=["fx"],
    )
    projects: tuple[fields.Text, ...] = Field(
        default=(),
        description="Projects to ask for in the sweep. Left out: those of the rules that are no patterns.",
        examples=[["try"]],
    )
    classify: Annotated[ClassifySection | None, fields.Given] = Field(
        default=None,
        description="Classify a failure as intermittent once two further runs passed. Off unless given.",
    )
    grace: fields.Duration = default(
        "5m", "How long it may take until a retrigger is listed: an action task has to run first."
    )
    sweep: fields.SomeTimeOrOff = default(
        "5m", "How often to ask what finished lately, so that lost messages lose nothing; or off."
    )


SystemSection = Annotated[
    GenericSystem | GitHubSystem | TaskclusterSystem | TreeherderSystem, Field(discriminator="type")
]
