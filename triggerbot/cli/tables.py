"""The console for tables, and their cells."""

import sys

from rich.console import Console
from rich.text import Text

from triggerbot.cli.output import plain

#: Columns where nobody looks at a terminal: a line is a line, for grep.
_ENDLESS = 100_000


class _Console(Console):
    """A console that leaves a closed pipe to whoever runs the command."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Make a console for stdout; colours only on a terminal, and not with NO_COLOR."""
    width = None if sys.stdout.isatty() else _ENDLESS
    return _Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def text(foreign: str | None, style: str = "") -> Text:
    """Make foreign text a cell of a table: no markup, no control characters."""
    return Text(plain(foreign or ""), style=style)
