"""Printing for people and for programs; foreign text never reaches a terminal as anything but text."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

#: Columns where nobody looks at a terminal: a line is a line, for grep.
_ENDLESS = 100_000
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


class _Console(Console):
    """A console that leaves a closed pipe to whoever runs the command."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Make a console for stdout; colours only on a terminal, and not with NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _ENDLESS
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say_json(value: Any) -> None:
    """Print a value for a program, on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")


def plain(text: str) -> str:
    """Make foreign text fit for a terminal: whatever does not print is shown by its number."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def text(foreign: str | None, style: str = "") -> Text:
    """Make foreign text a cell of a table: no markup, no control characters."""
    return Text(plain(foreign or ""), style=style)


def moment(seconds: float | None) -> str:
    """Write a time as `2026-11-20 19:31:02Z`, always in UTC."""
    if seconds is None:
        return "at an unknown time"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def duration(seconds: float) -> str:
    """Write a length of time roughly: `40 s`, `5 min`, `2.5 h`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def plural(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
