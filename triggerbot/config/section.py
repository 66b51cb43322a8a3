"""What the sections of the configuration file have in common; those of a system or report lie beside its code."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from triggerbot.config import fields
from triggerbot.config.secrets import Secret
from triggerbot.config.yaml_reader import Place
from triggerbot.core.model import Branch, Push, Run
from triggerbot.core.patterns import Globs, is_literal
from triggerbot.core.policy.rules import Rule
from triggerbot.core.ways import Subject, Way

# None is used here, and to look for some takes every command some milliseconds.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def default(value: Any, description: str, **more: Any) -> Any:
    """Describe a key that may be left out; its default is written as in the file, and checked like it."""
    return Field(default=value, validate_default=True, description=description, **more)


def without_default(schema: dict[str, Any]) -> None:
    """Leave a default out of the JSON Schema that can only be had by leaving out the key."""
    schema.pop("default")


class Section(BaseModel):
    """What all sections of the file have in common: no unknown keys, no silent conversions."""

    # Its validator is built when it is first needed: no command needs all of them.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    def secrets(self) -> Iterator[Secret]:
        """Yield every secret that it refers to, in the order of the keys."""
        yield from _secrets(tuple(self.__dict__.values()))


def _secrets(value: Any) -> Iterator[Secret]:
    match value:
        case Secret():
            yield value
        case Section():
            yield from value.secrets()
        case tuple():
            for part in value:
                yield from _secrets(part)
        case dict():
            yield from _secrets(tuple(value.values()))


class OneOf(Section):
    """A section with exactly one of its keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self._given()) != 1:
            *names, last = type(self).model_fields
            raise ValueError(f"expected exactly one of {', '.join(names)} and {last}: begin each with a '-' of its own")
        return self

    def only(self) -> Any:
        """Return the value of that key."""
        (value,) = self._given()
        return value

    def _given(self) -> list[Any]:
        return [value for value in self.__dict__.values() if value is not None]


class SystemSettings(Section):
    """The section of a system. Each kind of CI has its own, and overrides here what is special about it."""

    #: Keys that name another system, each with the type that it has to be of.
    references: ClassVar[Mapping[str, str]] = {}
    #: Why no messages of it arrive over AMQP; empty where they may.
    no_messages: ClassVar[str] = ""
    #: What may make it run jobs, if all of that is known.
    events: ClassVar[frozenset[str]] = frozenset()

    if TYPE_CHECKING:
        # Keys of every section, each with a description of its own.
        type: str
        url: str
        #: Seconds that this CI may take to list a run that it accepted.
        grace: float
        #: Seconds between two sweeps; `None`: never.
        sweep: float | None

    @property
    def bearer(self) -> Secret | None:
        """The secret that is sent with every request, if one is."""
        return None

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that sign its webhooks; without any none is taken."""
        return ()

    def needs(self) -> list[str]:
        """Return the names of the systems through which it works."""
        return [name for key in self.references if (name := getattr(self, key)) is not None]

    def following(self, rules: Sequence[Rule]) -> Self:
        """Return it with the keys filled in that default to what the rules name."""
        return self

    def warnings(self, *, queue: bool | None) -> Iterator[str]:
        """Yield what is right and probably not meant.

        `queue`: whether an intake brings its messages over AMQP; `None`: it needs none, it only serves another system.
        """
        yield from ()

    def unpollable(self, name: str) -> str:
        """Return why a poll of it, by this name, would find nothing; empty if it can be polled."""
        return ""

    def ways(self, subject: Subject) -> Iterator[Way]:
        """Yield the pages of the CI, or beside it, about a push; what is not known for certain is left out."""
        yield from ()

    def ways_of_run(self, push: Push, run: Run) -> Iterator[Way]:
        """Yield the pages about a run, its log first."""
        yield from ()

    def remarks(self) -> Iterator[str]:
        """Yield what `check` shows of it besides address and sweep."""
        yield from ()


class CommentSettings(Section):
    """What people may ask for in comments at a pull request: `@triggerbot rebuild 3`, `retry PATTERN`, `why JOB`."""

    mention: fields.Text = Field(default="triggerbot", description="The name to which commands are addressed.")
    authors: bool = Field(
        default=False,
        description="Whether authors may ask, too, at pushes of their own, without permission to write there.",
    )
    cap: int = Field(
        default=10, ge=0, le=1000, description="How many further runs such an author may ask for at one commit."
    )


#: What the keys say by which every report chooses pushes.
REPORTED_PROJECTS = "Report pushes of these projects only."
REPORTED_BRANCHES = "Report pushes to these branches only."
#: What the key says by which a report chooses the branches that it reports as a whole.
STREAKS = (
    "Report of these branches as a whole which jobs keep failing there, and since when; what that means is up to "
    "`alerts` of the rule."
)


class ReportSettings(Section):
    """The section of a report. Each kind has its own, and overrides here what is special about it."""

    #: Its key in `reports`, and what that means, for the reference.
    kind: ClassVar[str]
    summary: ClassVar[str]
    #: Keys that name a system, each with the type that it has to be of.
    references: ClassVar[Mapping[str, str]] = {}

    if TYPE_CHECKING:
        projects: Globs
        branches: Globs
        streaks: Globs

    def covers_streaks(self, branch: Branch) -> bool:
        """Return whether a branch is reported as a whole."""
        return self.projects.match_project(branch.project) and self.streaks.match(branch.name)

    def covers(self, push: Push) -> bool:
        """Return whether a push is reported."""
        return self.projects.match_project(push.project) and self.branches.match(push.branch)

    @property
    def at_system(self) -> str | None:
        """The system at which people read it, and may ask for something; `None` if it is none."""
        return None

    @property
    def merge_queue_wants(self) -> frozenset[str]:
        """What is wanted of its merge queue: `required_check`, `requeue`."""
        return frozenset()

    @property
    def comment_commands(self) -> CommentSettings | None:
        """What people may ask for in comments there; `None`: nothing."""
        return None

    def warnings(self, systems: Mapping[str, SystemSettings]) -> Iterator[tuple[Place, str]]:
        """Yield what is right and probably not meant, each with the key that it is about."""
        yield from ()


def literal_projects(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return the projects of the rules that are no patterns, each once, in the first spelling."""
    found: dict[str, str] = {}
    for project in (project for rule in rules for project in rule.projects.patterns if is_literal(project)):
        found.setdefault(project.lower() if "/" in project else project, project)
    return tuple(found.values())
