"""Answers on their way from a daemon to a command, as JSON-able values."""

from typing import Any

from triggerbot.reports.answers import Answer, Block, Line, Table

#: The words of styles.
_STYLES = frozenset({"bold", "dim", "red", "green", "yellow", "magenta", "cyan"})


def as_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON-able values."""
    return {
        "exit": answer.exit,
        "json": answer.json,
        "error": answer.error,
        "said": [
            {"line": [list(part) for part in block.parts]}
            if isinstance(block, Line)
            else {"table": list(block.columns), "rows": [[list(cells), style] for cells, style in block.rows]}
            for block in answer.said
        ],
    }


def from_json(value: Any) -> Answer:
    """Read an answer, whose sender is not trusted. Raises `ValueError`, `TypeError` or `LookupError`."""
    code, error = value["exit"], value["error"]
    if code not in (0, 1, 2) or not isinstance(error, str):
        raise ValueError("no answer")
    return Answer(code, value["json"], [_block(one) for one in value["said"]], error)


def _block(value: Any) -> Block:
    if "line" in value:
        return Line([(_text(text), _style(style)) for text, style in value["line"]])
    columns = [_text(one) for one in value["table"]]
    rows = [([_text(cell) for cell in cells], _style(style)) for cells, style in value["rows"]]
    if any(len(cells) != len(columns) for cells, _ in rows):
        raise ValueError("a row of other columns")
    return Table(columns, rows)


def _style(value: Any) -> str:
    """Return a style; one that is not known, as of a newer daemon, is none."""
    return value if isinstance(value, str) and _STYLES.issuperset(value.split()) else ""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
