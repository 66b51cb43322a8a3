"""The kinds of systems and reports that a config may name, and where the section and the builder of each are.

The tables are written where the kinds are, above this package, and handed in. What a config does not name is not
imported.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, PlainValidator, ValidationInfo, create_model

from triggerbot.config import fields
from triggerbot.config.section import OneOf, ReportSettings, SystemSettings

S = TypeVar("S", SystemSettings, ReportSettings)


@dataclass(frozen=True, slots=True)
class Plugin(Generic[S]):
    """Where one kind's section and builder are, each as `module:name`."""

    section_at: str
    builder_at: str

    def section(self) -> type[S]:
        """Import its section."""
        section: type[S] = _imported(self.section_at)
        return section

    def builder(self) -> Callable[..., Any]:
        """Import its builder."""
        builder: Callable[..., Any] = _imported(self.builder_at)
        return builder


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Plugins:
    """Every kind that there is, by its name in the config."""

    systems: Mapping[str, Plugin[SystemSettings]]
    reports: Mapping[str, Plugin[ReportSettings]]
    #: Types of systems that are planned and cannot be used yet.
    planned: tuple[str, ...] = ()

    @cached_property
    def report(self) -> type[OneOf]:
        """The form of one report: exactly one key of a kind, whose section is imported when that key is given."""
        return _one_report(
            {
                name: (Annotated[ReportSettings | None, PlainValidator(partial(_as, kind)), fields.Given], None)
                for name, kind in self.reports.items()
            }
        )

    @cached_property
    def every_report(self) -> type[OneOf]:
        """The same with the sections of all kinds, for the JSON Schema."""
        sections = {name: kind.section() for name, kind in self.reports.items()}
        return _one_report(
            {
                name: (Annotated[section | None, fields.Given], Field(default=None, description=section.summary))
                for name, section in sections.items()
            }
        )


def _as(kind: Plugin[ReportSettings], value: Any, info: ValidationInfo) -> ReportSettings:
    return kind.section().model_validate(value, context=info.context)


def _one_report(keys: dict[str, Any]) -> type[OneOf]:
    # It is named and described for those who read the JSON Schema.
    *names, last = keys
    described = f"One place where pushes are reported: exactly one of {', '.join(names)} and {last}."
    return create_model("Report", __base__=OneOf, __doc__=described, **keys)
