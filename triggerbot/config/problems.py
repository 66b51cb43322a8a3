"""pydantic's findings, said in plain words: what is wrong, and what would be right."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from triggerbot.config.fields import Converted, Holds
from triggerbot.config.plugins import Plugins
from triggerbot.config.schema import Config
from triggerbot.config.section import ReportSettings, Section, SystemSettings
from triggerbot.config.yaml_reader import Document, Place, printable, shown
from triggerbot.core.errors import Problem

#: More mistakes than anybody reads at once.
PROBLEMS_MAX = 100
#: A key that is known in more places than these is no hint at any of them.
_HOMES_MAX = 2

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


def problems(error: ValidationError, document: Document, kinds: Plugins) -> list[Problem]:
    """Turn what pydantic found into problems with line and place."""
    found = [details for details in error.errors(include_url=False) if not _is_echo(details)]
    words = _Words(document, kinds)
    return [document.problem(_place(details["loc"]), words.of(details)) for details in found[: PROBLEMS_MAX + 1]]


def _is_echo(details: ErrorDetails) -> bool:
    """Return whether a list is called too short only because its entries are wrong, which is reported already."""
    return details["type"] == "too_short" and bool(details["input"])


def suggest(word: str, known: Iterable[str]) -> str:
    """Write `; did you mean 'x'?` if something known is near."""
    near = difflib.get_close_matches(word[:80], list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _place(loc: Place) -> Place:
    """Leave out what pydantic puts into a place beyond what is written: the mark of a key."""
    return loc[:-1] if loc and loc[-1] == "[key]" else loc


class _Words:
    """Says what is wrong with one value, and what would be right."""

    def __init__(self, document: Document, kinds: Plugins) -> None:
        self._document = document
        self._kinds = kinds

    def of(self, details: ErrorDetails) -> str:
        """Write the message of one finding."""
        kind, loc, value = details["type"], details["loc"], details["input"]
        context: dict[str, Any] = details.get("ctx", {})
        if kind == "value_error":
            return str(context["error"])
        if kind == "extra_forbidden":
            known, word = list(self._section(loc).model_fields), str(loc[-1])
            near = self._elsewhere(word) or suggest(word, known) or ";"
            return f"unknown key{near} known keys: {', '.join(known)}"
        if kind == "missing":
            return f"this key is missing: {self._section(loc).model_fields[str(loc[-1])].description or ''}"
        if kind == "system_type":
            return self._system_type(value)
        got = shown(value, secret=_is_secret(loc))
        if kind in _TYPES:
            return f"expected {_TYPES[kind]}, got {got}"
        if kind == "literal_error":
            return f"expected {context['expected']}, got {got}{_near(value, context['expected'])}"
        if kind in ("greater_than_equal", "less_than_equal"):
            return self._range(loc, got)
        if kind == "string_too_long":
            return f"expected at most {context['max_length']} characters, got {len(value)}"
        if kind == "too_long":
            return f"expected at most {context['max_length']} entries"
        return _SIZES.get(kind) or f"this is not right: {printable(details['msg'])}"

    def _section(self, loc: Place) -> type[Section]:
        """Find the section that the last key of a place belongs to."""
        section: type[Section] = Config
        inner = loc[:-1]
        match inner:
            case ("systems", name, *_):
                written = self._document.value["systems"][name]
                section, inner = self._kinds.systems[written["type"]].section(), inner[2:]
            case ("reports", _, str(kind), *_):
                section, inner = self._kinds.reports[kind].section(), inner[3:]
            case ("reports", _):
                section, inner = self._kinds.report, ()
        for key in inner:
            if key in section.model_fields:
                field = section.model_fields[str(key)]
                section = next(filter(None, map(_held, (*field.metadata, field.annotation))), section)
        return section

    def _elsewhere(self, word: str) -> str:
        """Write where a key belongs that is right in another place, if there are few such places."""
        places: list[tuple[str, type[Section]]] = [("the top level of the file", Config)]
        places += [(f"a system of type {name}", kind.section()) for name, kind in self._kinds.systems.items()]
        places += [(f"reports[].{name}", kind.section()) for name, kind in self._kinds.reports.items()]
        found = list(dict.fromkeys(place for start, section in places for place in _homes(word, start, section)))
        return f" here: it belongs to {' or '.join(found)};" if 0 < len(found) <= _HOMES_MAX else ""

    def _range(self, loc: Place, got: str) -> str:
        """Give both bounds, though only one of them was overstepped."""
        bounds = self._section(loc).model_fields[str(loc[-1])].metadata
        low = next((bound.ge for bound in bounds if getattr(bound, "ge", None) is not None), 0)
        high = next((bound.le for bound in bounds if getattr(bound, "le", None) is not None), None)
        return f"expected {low} to {high}, got {got}" if high is not None else f"expected {low} or more, got {got}"

    def _system_type(self, value: Any) -> str:
        """Judge the type of a system that is none of those we have."""
        *others, last = available = list(self._kinds.systems)
        planned = self._kinds.planned
        given = value.get("type")
        if given is None:
            return f"the key type is missing: say which CI this is, one of {', '.join(available)}"
        if given in planned:
            return f"type {given} is not in this version yet; available: {', '.join(available)}"
        near = suggest(given, (*available, *planned)) if isinstance(given, str) else ""
        return f"expected type: {', '.join(others)} or {last}, got {shown(given)}{near}"


def _homes(word: str, place: str, section: type[Section]) -> Iterator[str]:
    """Yield where a key of this name is known, in a section and in those below it."""
    if word in section.model_fields:
        yield place
    for key, field in section.model_fields.items():
        below = next(filter(None, map(_held, (*field.metadata, field.annotation))), None)
        if below is not None and below not in (SystemSettings, ReportSettings):
            several = "[]" if get_origin(field.annotation) is tuple else ""
            yield from _homes(word, f"{key}{several}" if section is Config else f"{place}.{key}", below)


def _held(annotation: Any) -> type[Section] | None:
    """Find the section that a key of this type holds, in a list or where it is converted, too."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    # Backwards, for a form that is converted stands behind the type that it comes to.
    form = isinstance(annotation, Converted | Holds)
    inner = (annotation.form,) if form else reversed(get_args(annotation))
    return next(filter(None, map(_held, inner)), None)


def _near(value: Any, expected: str) -> str:
    words = [part for part in expected.split("'") if part.isidentifier() and part != "or"]
    return suggest(value, words) if isinstance(value, str) else ""


def _is_secret(loc: Place) -> bool:
    """Return whether a value may be a secret: also one in place of a system, or a file that is no config."""
    return not loc or bool(_SECRET_KEYS.intersection(map(str, loc))) or (loc[0] == "systems" and len(loc) <= 2)
