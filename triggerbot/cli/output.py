"""Output for people and for programs; foreign text is escaped before it reaches a terminal."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from triggerbot.core.formatting import duration, moment, plural

__all__ = ["console", "duration", "moment", "plain", "plural", "say_json", "text"]

#: Columns where stdout is not a terminal: lines are never wrapped, for grep.
_ENDLESS = 100_000


class _Console(Console):
    """A console that leaves a closed pipe to the command group."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Create a console for stdout; with colours only on a terminal, and not with NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _ENDLESS
    return _Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say_json(value: Any) -> None:
    """Print a value as JSON on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")


def plain(text: str) -> str:
    """Return foreign text safe for a terminal, with unprintable characters escaped."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def text(foreign: str | None, style: str = "") -> Text:
    """Return foreign text as a cell of a table, without markup or control characters."""
    return Text(plain(foreign or ""), style=style)
