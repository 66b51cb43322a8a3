"""`triggerbot stats --errors`: what is broken, what could not be triggered, and worker crashes, newest first.

It lets developers find out what became of a failed request without asking an operator.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.table import Table

from triggerbot.cli import breakers
from triggerbot.cli.output import duration, moment, plain, plural, say_json
from triggerbot.cli.tables import console, text
from triggerbot.config import Config
from triggerbot.core import event_json
from triggerbot.reports import polls, push_json
from triggerbot.reports.crashes import root_cause
from triggerbot.reports.polls import Polled
from triggerbot.reports.stuck import Stuck, stuck
from triggerbot.store import CRASHES_MAX, Crash, DeadLetter, Store

#: A limit above the number of letters in any store, and the number of letters shown.
_EVERY = 2**31
_LETTERS_MAX = 5
#: A frame in a traceback of Python or its faulthandler: file, line, function.
_FRAME = re.compile(r'^  File "(?P<file>[^"\n]+)", line (?P<line>\d+),? in (?P<name>[^\n]+)', re.MULTILINE)
#: A file of this program, not of a library installed below a directory of the same name.
_OURS = re.compile(r"(?:^|.*[/\\])(triggerbot[/\\](?!.*(?:site-packages|lib[/\\]python)).+)")
#: The first words of the stacks that a fatal signal leaves, in which the innermost frame comes first.
_FATAL = "Fatal Python error"
_CURRENT = "Current thread"


@dataclass(frozen=True, slots=True)
class Errors:
    """Everything that went wrong within a period, or is broken now."""

    at: float
    #: Why jobs could not be retriggered, or not yet, newest first.
    not_triggered: Sequence[Stuck]
    letters: int
    #: The latest dead letters, newest first.
    newest_letters: Sequence[DeadLetter]
    #: The open breakers, as `push_json.breakers` returns them.
    breakers: Sequence[Mapping[str, Any]]
    polls: Sequence[Polled]
    crashes: Sequence[Crash]


def gather(store: Store, config: Config, seconds: float, clock: Callable[[], float] = time.time) -> Errors:
    """Read what went wrong within the last `seconds`. Raises `StoreUnavailable`."""
    now = clock()
    letters = sorted(store.letters.read(_EVERY), key=lambda letter: (-letter.at, -letter.id))
    return Errors(
        now,
        stuck(store, now - seconds),
        len(letters),
        letters[:_LETTERS_MAX],
        push_json.breakers(store.limits.breakers(), store.limits.held()),
        polls.polled(store, config),
        [crash for crash in store.crashes.read(CRASHES_MAX) if crash.at >= now - seconds],
    )


def show(errors: Errors, seconds: float, *, traces: bool) -> None:
    """Print the errors for people; `traces`: with whole tracebacks."""
    _show_stuck(errors.not_triggered, seconds)
    _show_letters(errors)
    breakers.show(errors.breakers)
    if not errors.breakers:
        console().print("No breaker is open.")
    _show_polls(errors.polls, errors.at)
    _show_crashes(errors.crashes, seconds, traces=traces)


def show_json(errors: Errors) -> None:
    """Print the errors as JSON."""
    say_json(
        {
            "not_triggered": [one.as_json() for one in errors.not_triggered],
            "dead_letters": {
                "count": errors.letters,
                "newest": [
                    {
                        "id": letter.id,
                        "at": event_json.format_time(letter.at),
                        "system": letter.system,
                        "intake": letter.intake,
                        "reason": letter.reason,
                    }
                    for letter in errors.newest_letters
                ],
            },
            "breakers": list(errors.breakers),
            "polls": [
                {
                    "system": one.system,
                    "every": one.every,
                    "answered": event_json.format_time(one.answered),
                    "supported": one.supported,
                    "late": one.late(errors.at),
                }
                for one in errors.polls
            ],
            "root_cause": root_cause(errors.crashes) or None,
            "crashes": [_crash_as_json(crash) for crash in errors.crashes],
        }
    )


def where(trace: str) -> str:
    """Return our innermost frame in a traceback, such as `triggerbot/pipeline/sender.py:120 in _send`, or nothing."""
    fatal = trace.startswith(_FATAL)
    frames = [
        f"{path[1]}:{frame['line']} in {frame['name']}"
        for frame in _FRAME.finditer(trace, trace.find(_CURRENT) if fatal and _CURRENT in trace else 0)
        if (path := _OURS.fullmatch(frame["file"])) is not None
    ]
    return frames[0 if fatal else -1] if frames else ""


def _show_stuck(found: Sequence[Stuck], seconds: float) -> None:
    out = console()
    if not found:
        out.print(f"Nothing in the last {duration(seconds)} that could not be triggered.")
        return
    jobs = plural(sum(one.jobs for one in found), "job")
    out.print(f"{jobs} that could not be triggered, or not yet, by the reason, newest first.", style="bold")
    table = _table("time", "push", "job", "why")
    for one in found:
        push = f"{one.push.project} {one.push.revision[:12]}"
        job, since = one.job, ""
        if one.jobs > 1:
            of = f" of {plural(one.pushes, 'push', 'pushes')}" if one.pushes > 1 else ""
            job, since = f"{one.job} and {plural(one.jobs - 1, 'other')}{of}", f"since {moment(one.first)}: "
        table.add_row(moment(one.at), *map(text, (push, job, f"{since}{one.text}")))
    out.print(table)
    out.print("`triggerbot explain` tells the whole story of a job.")


def _show_letters(errors: Errors) -> None:
    out = console()
    if not errors.letters:
        out.print("No dead letters.")
        return
    out.print(f"{plural(errors.letters, 'dead letter')}; the newest:", style="bold")
    table = _table("id", "time", "system", "intake", "reason")
    for letter in errors.newest_letters:
        table.add_row(str(letter.id), moment(letter.at), *map(text, (letter.system, letter.intake, letter.reason)))
    out.print(table)
    out.print("`triggerbot dead-letters list` shows them all.")


def _show_polls(found: Sequence[Polled], now: float) -> None:
    out = console()
    for one in found:
        if not one.supported:
            out.print(text(f"{one.system}: cannot be asked for news, so lost events cannot be made up for."))
            continue
        when = "never answered yet" if one.answered is None else f"answered last {moment(one.answered)}"
        line = f"{one.system}: asked for news every {duration(one.every)}, {when}"
        out.print(text(f"{line}: late." if one.late(now) else f"{line}."), style="bold red" if one.late(now) else "")


def _show_crashes(crashes: Sequence[Crash], seconds: float, *, traces: bool) -> None:
    if not crashes:
        click.echo(f"No worker crashed in the last {duration(seconds)}.")
    else:
        _show_crash_table(crashes, traces=traces)


def _show_crash_table(crashes: Sequence[Crash], *, traces: bool) -> None:
    out = console()
    out.print(f"{plural(len(crashes), 'crash', 'crashes')}, newest first.", style="bold")
    out.print(text(f"{root_cause(crashes)}."))
    table = _table("", "time", "worker", "lived", "ended by", "class", "exception", "where")
    for crash in crashes:
        first = crash.order == 1
        lived = "" if crash.lived is None else duration(crash.lived)
        foreign = (crash.worker, lived, crash.ended, str(crash.kind), crash.error, where(crash.trace))
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


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _crash_as_json(crash: Crash) -> dict[str, Any]:
    return {
        "at": event_json.format_time(crash.at),
        "worker": crash.worker,
        "order": crash.order,
        "pid": crash.pid or None,
        "lived": crash.lived,
        "ended": crash.ended,
        "class": str(crash.kind),
        "error": crash.error,
        "where": where(crash.trace),
        "trace": crash.trace,
    }
