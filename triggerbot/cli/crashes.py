"""What workers died of, as `triggerbot stats --errors` shows it: newest first, of each group the first cause first."""

import re
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from triggerbot import canonical
from triggerbot.cli.printing import duration, moment, plain, plural
from triggerbot.cli.tables import console, text
from triggerbot.store import Crash

#: A frame of a traceback, as Python and its faulthandler write it: file, line, function.
_FRAME = re.compile(r'^  File "(?P<file>[^"\n]+)", line (?P<line>\d+),? in (?P<name>[^\n]+)', re.MULTILINE)
#: A file of this program: not one of a library that is installed below a directory of the same name.
_OURS = re.compile(r"(?:^|.*[/\\])(triggerbot[/\\](?!.*(?:site-packages|lib[/\\]python)).+)")
#: How the stacks of threads begin that a signal leaves; there the innermost frame comes first.
_FATAL = "Fatal Python error"
_CURRENT = "Current thread"


def show(crashes: Sequence[Crash], seconds: float, *, traces: bool) -> None:
    """Print how workers died in so many seconds."""
    if not crashes:
        click.echo(f"No worker crashed in the last {duration(seconds)}.")
    else:
        _show(crashes, traces=traces)


def where(trace: str) -> str:
    """Find the last frame of ours in a traceback: `triggerbot/dispatch.py:120 in _send`, or nothing."""
    fatal = trace.startswith(_FATAL)
    frames = [
        f"{ours[1]}:{frame['line']} in {frame['name']}"
        for frame in _FRAME.finditer(trace, trace.find(_CURRENT) if fatal and _CURRENT in trace else 0)
        if (ours := _OURS.fullmatch(frame["file"])) is not None
    ]
    return frames[0 if fatal else -1] if frames else ""


def as_json(crash: Crash) -> dict[str, Any]:
    """Tell a crash to programs."""
    return {
        "at": canonical.format_time(crash.at),
        "worker": crash.worker,
        "order": crash.order,
        "ended": crash.ended,
        "error": crash.error,
        "where": where(crash.trace),
        "trace": crash.trace,
    }


def _show(crashes: Sequence[Crash], *, traces: bool) -> None:
    out = console()
    out.print(f"{plural(len(crashes), 'crash', 'crashes')}, newest first.", style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("", "time", "worker", "ended by", "exception", "where"):
        table.add_column(column, overflow="fold")
    for crash in crashes:
        first = crash.order == 1
        foreign = (crash.worker, crash.ended, crash.error, where(crash.trace))
        table.add_row("first" if first else "then", moment(crash.at), *map(text, foreign), style="" if first else "dim")
    out.print(table)
    if traces:
        for crash in crashes:
            _show_trace(crash)
    elif any(crash.trace for crash in crashes):
        out.print("The whole tracebacks: add -v, or --json.")
    if any(crash.order > 1 for crash in crashes):
        out.print("Of workers that died together, the first is likely the cause.")


def _show_trace(crash: Crash) -> None:
    out = console()
    out.print(text(f"{moment(crash.at)} {crash.worker}:", style="bold"))
    for line in crash.trace.splitlines() or ["it left no traceback"]:
        out.print(text(f"  {plain(line)}"))
