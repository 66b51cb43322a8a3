"""The section of a Taskcluster in the config."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import ConfigDict, Field, model_validator

from triggerbot.config import fields
from triggerbot.config.secrets import Secret
from triggerbot.config.section import Section, SystemSettings, default, literal_projects
from triggerbot.core.model import Push, Run, State
from triggerbot.core.policy.rules import Rule
from triggerbot.core.ways import Subject, Way
from triggerbot.systems import forges, mozilla
from triggerbot.systems.classification import ClassificationSettings

#: Where the decision task of a push is indexed at Mozilla.
INDEX = "gecko.v2.{project}.revision.{revision}.taskgraph.decision"


class PushLogSettings(Section):
    """Where the message and the author of a push are: exactly one of hg and github."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["hg"]}, {"required": ["github"]}]})

    projects: fields.SomePatterns = default(("*",), "Projects whose pushes are there, by name or pattern.")
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


class TaskclusterSettings(SystemSettings):
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
    pushes: tuple[PushLogSettings, ...] = Field(
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
    classify: Annotated[ClassificationSettings | None, fields.Given] = Field(
        default=None,
        description="Classify at treeherder: a failure as intermittent once another run of its push passed, and "
        "retriggers that fail as their original did like that. Off unless given.",
    )
    without_action: Literal["refuse", "create_task"] = Field(
        default="refuse",
        description="What to do where a push has no action to retrigger a task: refuse, or create a copy of it.",
    )
    index: fields.Text = Field(
        default=INDEX,
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

    @property
    def bearer(self) -> Secret | None:
        """The access token, which signs every request."""
        return self.access_token

    def following(self, rules: Sequence[Rule]) -> Self:
        """Sweep the projects of the rules, where none are given."""
        return self if self.projects else self.model_copy(update={"projects": literal_projects(rules)})

    def ways(self, subject: Subject) -> Iterator[Way]:
        """Yield the push as Treeherder shows it, and its commit."""
        push = subject.push
        if self.treeherder is not None:
            yield mozilla.push_at_treeherder(self.treeherder, push)
        log = next((one for one in self.pushes if one.projects.match_project(push.project)), None)
        if log is not None and log.hg is not None:
            address = log.hg.replace("{project}", quote(push.project)).rstrip("/")
            yield Way(f"Commit {push.revision[:12]}", urlsplit(address).netloc, f"{address}/rev/{quote(push.revision)}")
        elif log is not None and log.github is not None and (web := forges.web_of(log.github)) is not None:
            yield forges.commit(web, push.project, push.revision)

    def ways_of_run(self, push: Push, run: Run) -> Iterator[Way]:
        """Yield the log of a run that ended, which the queue keeps, its task, and the job as Treeherder shows it."""
        task = f"{quote(run.run_id, safe='')}/runs/{run.attempt - 1}"
        if run.state is State.FINISHED:
            artifact = f"{task}/artifacts/public/logs/live_backing.log"
            yield Way("Log", "Taskcluster", f"{self.url.rstrip('/')}/api/queue/v1/task/{artifact}")
        yield Way("Task", "Taskcluster", f"{self.url.rstrip('/')}/tasks/{task}")
        if self.treeherder is not None:
            yield mozilla.job_at_treeherder(self.treeherder, push, run)

    def warnings(self, *, queue: bool | None) -> Iterator[str]:
        """Yield what cannot work without more keys."""
        if self.access_token is None:
            yield "without client_id and access_token everything is read and decided, and nothing can be retriggered"
        if queue is None:
            return
        if self.treeherder is None and not self.pushes:
            yield (
                "nobody tells what is written in a push, so no try: line and no --no-retry is heeded: add pushes: or "
                "treeherder:"
            )
        if not queue:
            yield "it sends no webhooks, so that only the sweep finds what finished: add an intake pulse"
