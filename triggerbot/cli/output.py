"""Printing for people and for programs; foreign text never reaches a terminal as anything but text."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from triggerbot.core.formatting import duration, moment, plural

__all__ = ["console", "duration", "moment", "plain", "plural", "say_json", "text"]

#: Columns where nobody looks at a terminal: a line is a line, for grep.
_ENDLESS = 100_000


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
