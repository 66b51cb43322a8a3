"""The section of a Treeherder in the config."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from triggerbot.config import fields
from triggerbot.config.section import SystemSettings, default, literal_projects
from triggerbot.core.model import Push, Run
from triggerbot.core.policy.rules import Rule
from triggerbot.core.ways import Subject, Way
from triggerbot.systems import mozilla
from triggerbot.systems.classification import ClassificationSettings


class TreeherderSettings(SystemSettings):
    """Treeherder itself, where its own job messages arrive over AMQP; retriggers go through a Taskcluster."""

    references: ClassVar[Mapping[str, str]] = {"taskcluster": "taskcluster"}

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
    classify: Annotated[ClassificationSettings | None, fields.Given] = Field(
        default=None,
        description="Classify a failure as intermittent once another run of its push passed, and retriggers that "
        "fail as their original did like that. Off unless given.",
    )
    grace: fields.Duration = default(
        "5m", "How long it may take until a retrigger is listed: an action task has to run first."
    )
    sweep: fields.SomeTimeOrOff = default(
        "5m", "How often to ask what finished lately, so that lost messages lose nothing; or off."
    )

    def following(self, rules: Sequence[Rule]) -> Self:
        """Sweep the projects of the rules, where none are given."""
        return self if self.projects else self.model_copy(update={"projects": literal_projects(rules)})

    def ways(self, subject: Subject) -> Iterator[Way]:
        """Yield the push as Treeherder shows it."""
        yield mozilla.push_at_treeherder(self.url, subject.push)

    def ways_of_run(self, push: Push, run: Run) -> Iterator[Way]:
        """Yield the job as Treeherder shows it, with its log."""
        yield mozilla.job_at_treeherder(self.url, push, run)

    def warnings(self, *, queue: bool | None) -> Iterator[str]:
        """Yield what cannot work without more keys."""
        if self.taskcluster is None:
            yield "nothing can be retriggered without taskcluster: NAME, a system of type taskcluster"
        if not queue:
            yield "it sends no webhooks, so that only the sweep finds what finished: add an intake pulse"
