"""What a push writes is run here: JSON schemas and JSON-e templates. Whoever may push may write anything.

A schema can name an address, which is then fetched, and a regular expression, which may never end; a template can
compute `9**9**9`. Nothing of that is found in actions of real projects (Gecko's and those of taskgraph, 2026): their
schemas name types and bounds, their templates hold places to be filled, `{"$eval": "taskId"}`. So that is what is let
through, and the rest is refused rather than run.
"""

from collections.abc import Iterator
from typing import Any

#: Pieces of a schema or template, characters of it, and places to be filled.
_PIECES_MAX, _TEXT_MAX, _PLACES_MAX = 10_000, 250_000, 200
#: Words of JSON Schema that lead elsewhere, or match by regular expressions.
_REFUSED = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "pattern", "patternProperties", "propertyNames"})


def schema_problem(schema: Any) -> str:
    """Say why a schema is not used; empty if it may be."""
    keys = (key for piece in _pieces(schema) if isinstance(piece, dict) for key in piece)
    return _size_problem(schema) or next((f"it uses {key}" for key in keys if key in _REFUSED), "")


def template_problem(template: Any, variables: Any) -> str:
    """Say why a template is not filled in, with these variables; empty if it may be."""
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
    """Name an operator of JSON-e other than a plain `$eval`; `$$` begins an ordinary key."""
    keys = list(piece) if isinstance(piece, dict) else []
    return (
        "" if keys == ["$eval"] else next((key for key in keys if key[:1] == "$" and key[:2] not in ("$$", "${")), "")
    )


def _expressions(piece: Any) -> Iterator[Any]:
    """Yield what JSON-e would compute in one piece."""
    if isinstance(piece, dict) and "$eval" in piece:
        yield piece["$eval"]
    for text in piece if isinstance(piece, dict) else [piece] if isinstance(piece, str) else []:
        for inside in text.split("${")[1:]:
            expression, closed, _ = inside.partition("}")
            yield expression if closed else None


def _is_name(expression: Any) -> bool:
    """Tell whether an expression only names something, such as `taskId` or `input.times`."""
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
    """Yield a JSON value and everything in it, without recursion: it may be nested deeply."""
    waiting = [value]
    while waiting:
        piece = waiting.pop()
        yield piece
        if isinstance(piece, dict):
            waiting.extend(piece.values())
        elif isinstance(piece, list):
            waiting.extend(piece)
