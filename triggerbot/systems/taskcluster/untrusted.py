"""Checks of what an untrusted push writes before we evaluate it: JSON schemas and JSON-e templates.

Anybody who may push may write anything: a schema can name an address, which would be fetched, and a regular expression,
which may never end; a template can compute `9**9**9`. Actions of real projects (Gecko's and those of taskgraph, 2026)
use none of that: their schemas name types and bounds, their templates have placeholders like `{"$eval": "taskId"}`. So
that is what is allowed, and the rest is rejected rather than evaluated.
"""

from collections.abc import Iterator
from typing import Any

#: Values in a schema or template, its characters, and its placeholders.
_PIECES_MAX, _TEXT_MAX, _PLACES_MAX = 10_000, 250_000, 200
#: Keywords of JSON Schema that refer elsewhere, or match by regular expressions.
_REFUSED = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "pattern", "patternProperties", "propertyNames"})


def schema_problem(schema: Any) -> str:
    """Return why a schema is rejected; empty if it may be used."""
    keys = (key for piece in _pieces(schema) if isinstance(piece, dict) for key in piece)
    return _size_problem(schema) or next((f"it uses {key}" for key in keys if key in _REFUSED), "")


def template_problem(template: Any, variables: Any) -> str:
    """Return why a template with these variables is rejected; empty if it may be rendered."""
    problem = _size_problem(template) or _size_problem(variables)
    if problem:
        return problem
    places = 0
    for piece in _pieces(template):
        operator = _operator(piece)
        if operator:
            return f"it uses {operator[:40]}"
        for expression in _expressions(piece):
            places += 1
            if not _is_name(expression):
                return f"it computes {str(expression)[:40]!r}"
    return f"it has more than {_PLACES_MAX} places to be filled" if places > _PLACES_MAX else ""


def _operator(piece: Any) -> str:
    """Return an operator of JSON-e other than a plain `$eval`, or nothing; `$$` begins an ordinary key."""
    keys = list(piece) if isinstance(piece, dict) else []
    return (
        "" if keys == ["$eval"] else next((key for key in keys if key[:1] == "$" and key[:2] not in ("$$", "${")), "")
    )


def _expressions(piece: Any) -> Iterator[Any]:
    """Yield the expressions that JSON-e would evaluate in one value; `None` for one that does not end."""
    if isinstance(piece, dict) and "$eval" in piece:
        yield piece["$eval"]
    for text in piece if isinstance(piece, dict) else [piece] if isinstance(piece, str) else []:
        for inside in text.split("${")[1:]:
            expression, closed, _ = inside.partition("}")
            yield expression if closed else None


def _is_name(expression: Any) -> bool:
    """Return whether an expression is only a name, such as `taskId` or `input.times`."""
    parts = expression.strip().split(".") if isinstance(expression, str) else [""]
    return all(part.isascii() and part.isidentifier() for part in parts)


def _size_problem(value: Any) -> str:
    size = 0
    for number, piece in enumerate(_pieces(value)):
        size += sum(map(len, piece)) if isinstance(piece, dict) else len(piece) if isinstance(piece, str) else 0
        if number >= _PIECES_MAX or size > _TEXT_MAX:
            return "it is too large"
    return ""


def _pieces(value: Any) -> Iterator[Any]:
    """Yield a JSON value and every value in it, without recursion: it may be nested deeply."""
    waiting = [value]
    while waiting:
        piece = waiting.pop()
        yield piece
        if isinstance(piece, dict):
            waiting.extend(piece.values())
        elif isinstance(piece, list):
            waiting.extend(piece)
