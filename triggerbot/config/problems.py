"""pydantic's findings, said in plain words: what is wrong, and what would be right."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from triggerbot.config import fields, schema, system_sections, telling_sections
from triggerbot.config.showing import printable, shown
from triggerbot.config.yaml_reader import Document, Place
from triggerbot.errors import Problem

#: More mistakes than anybody reads at once.
PROBLEMS_MAX = 100

#: The section that a key of this name holds; systems are told apart by the type that pydantic puts into the place.
_SECTIONS: dict[str, type[BaseModel]] = {
    "": schema.ConfigFile,
    "generic": system_sections.GenericSystem,
    "github": system_sections.GitHubSystem,
    "taskcluster": system_sections.TaskclusterSystem,
    "treeherder": system_sections.TreeherderSystem,
    "app": system_sections.GitHubApp,
    "pushes": system_sections.PushLogSection,
    "classify": system_sections.ClassifySection,
    "intakes": schema.Intake,
    "pulse": schema.Pulse,
    "bindings": schema.Binding,
    "poll": schema.Poll,
    "file": schema.File,
    "breaker": schema.BreakerSection,
    "caps": schema.CapsSection,
    "rules": schema.RuleSection,
    "requested": schema.Requested,
    "budget": schema.BudgetSection,
    "lookup": schema.Lookup,
    "page": telling_sections.PageSection,
    "reports": telling_sections.Report,
    "slack": telling_sections.SlackReport,
    "webhook": telling_sections.WebhookReport,
    "commands": telling_sections.CommandsSection,
}
#: The same below `reports`, where a name stands for something else than elsewhere.
_REPORTS: dict[str, type[BaseModel]] = {"github": telling_sections.GitHubReport}

#: Keys whose value is never repeated in a message, for it is or may hold a secret.
_SECRET_KEYS = frozenset(
    {
        "token",
        "access_token",
        "certificate",
        "session",
        "csrf",
        "app",
        "key",
        "webhook_secret",
        "secret",
        "url",
        "store",
    }
)

_TYPES = {
    "string_type": "text (in quotes, if YAML takes it for something else)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list, such as [a, b]",
    "dict_type": "a mapping (keys, each with a value)",
    "model_type": "a mapping (keys, each with a value)",
    "model_attributes_type": "a mapping (keys, each with a value)",
}

_SIZES = {
    "too_short": "expected at least one entry, got an empty list",
    "string_too_short": "this text must not be empty",
}


def problems(error: ValidationError, document: Document) -> list[Problem]:
    """Turn what pydantic found into problems with line and place."""
    found = [details for details in error.errors(include_url=False) if not _is_echo(details)]
    return [document.problem(_place(details["loc"]), _message(details)) for details in found[: PROBLEMS_MAX + 1]]


def _is_echo(details: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because its entries are wrong, which is said already."""
    return details["type"] == "too_short" and bool(details["input"])


def suggest(word: str, known: Iterable[str]) -> str:
    """Write `; did you mean 'x'?` if something known is near."""
    near = difflib.get_close_matches(word[:80], list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _place(loc: Place) -> Place:
    """Leave out what pydantic puts into a place beyond what is written: the type of a system, and the mark of a key."""
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    return (*loc[:2], *loc[3:]) if loc[:1] == ("systems",) and len(loc) > 2 else loc


def _message(details: ErrorDetails) -> str:
    kind, loc, value = details["type"], details["loc"], details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown_key(loc)
    if kind == "missing":
        return f"this key is missing: {_description(loc)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _system_type(value)
    got = shown(value, secret=_is_secret(loc))
    if kind in _TYPES:
        return f"expected {_TYPES[kind]}, got {got}"
    if kind == "literal_error":
        return f"expected {context['expected']}, got {got}{_near(value, context['expected'])}"
    if kind in ("greater_than_equal", "less_than_equal"):
        return _range(loc, got)
    if kind == "too_long":
        return f"expected at most {context['max_length']} entries"
    return _SIZES.get(kind) or f"this is not right: {printable(details['msg'])}"


def _section(loc: Place) -> type[BaseModel]:
    names = [part for part in loc[:-1] if isinstance(part, str)]
    name = names[-1] if names else ""
    return _REPORTS[name] if names[:1] == ["reports"] and name in _REPORTS else _SECTIONS[name]


def _unknown_key(loc: Place) -> str:
    known = list(_section(loc).model_fields)
    return f"unknown key{suggest(str(loc[-1]), known) or ';'} known keys: {', '.join(known)}"


def _description(loc: Place) -> str:
    return _section(loc).model_fields[str(loc[-1])].description or ""


def _range(loc: Place, got: str) -> str:
    """Give both bounds, though only one of them was overstepped."""
    bounds = _section(loc).model_fields[str(loc[-1])].metadata
    low = next((bound.ge for bound in bounds if getattr(bound, "ge", None) is not None), 0)
    high = next((bound.le for bound in bounds if getattr(bound, "le", None) is not None), None)
    return f"expected {low} to {high}, got {got}" if high is not None else f"expected {low} or more, got {got}"


def _near(value: Any, expected: str) -> str:
    words = [part for part in expected.split("'") if part.isidentifier() and part != "or"]
    return suggest(value, words) if isinstance(value, str) else ""


def _system_type(value: Any) -> str:
    """Judge the type of a system that is none of those we have."""
    available = ("generic", "github", "taskcluster", "treeherder")
    given = value.get("type") if isinstance(value, dict) else None
    if given is None:
        return f"the key type is missing: say which CI this is, one of {', '.join(available)}"
    if given in fields.NOT_YET:
        return f"type {given} is not in this version yet; available: {', '.join(available)}"
    near = suggest(given, (*available, *fields.NOT_YET)) if isinstance(given, str) else ""
    return f"expected type: {', '.join(available[:-1])} or {available[-1]}, got {shown(given)}{near}"


def _is_secret(loc: Place) -> bool:
    """Tell whether a value may be a secret: also one in place of a system, or a file that is no config."""
    return not loc or bool(_SECRET_KEYS.intersection(map(str, loc))) or (loc[0] == "systems" and len(loc) <= 2)
