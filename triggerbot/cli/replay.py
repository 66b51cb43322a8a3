"""`triggerbot replay`: print what would have been decided about recorded events, without a network."""

import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import BinaryIO, cast

import click
from rich.console import Group, RenderableType
from rich.table import Table

from triggerbot.cli.group import WRONG_USE
from triggerbot.cli.options import config_option, load_config
from triggerbot.cli.output import duration, plain, plural, say_json
from triggerbot.cli.tables import console
from triggerbot.core.errors import UsageError
from triggerbot.core.model import Event
from triggerbot.pipeline import replay as replaying
from triggerbot.pipeline.replay import Replayed, Unreadable
from triggerbot.systems import recordings
from triggerbot.systems.recordings import Format

#: Most bytes of a line, as in the file intake; a longer one is not an event.
_LINE_MAX = 1 << 20
_HOUR = 3600.0
_STYLES = {"trigger": "bold green", "refuse": "yellow"}


@click.command()
@config_option
@click.argument("events", metavar="EVENTS.jsonl")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each decision, and nothing else.")
@click.option(
    "--format",
    "form",
    type=click.Choice([str(one) for one in Format]),
    default=str(Format.CANONICAL),
    show_default=True,
    help="How the file's messages are written.",
)
def replay(config_path: str | None, events: str, as_json: bool, form: str) -> int:
    """Tell what would have been done about recorded events: canonical events, one a line; `-` reads stdin.

    The real policy decides on an empty store, in the events' own time. Nothing is sent, no CI is asked, and your
    store is not touched.

    Other formats, one JSON value a line: buildbot-pulse, messages of Mozilla's old Buildbot; github, webhooks as
    {"event": "workflow_job", "payload": {...}} or the bare payload; taskcluster, messages as {"exchange": ...,
    "payload": {...}} or the bare payload, and before them the definitions of their tasks, as
    {"taskId": ..., "task": {...}}.

    With --json, a line for each decision: action (trigger, refuse), reason, count (further runs), project, branch,
    revision, job, event (the line of the event, from 1). Lines that are no events are told on stderr; then the exit
    code is 2.
    """
    config = load_config(config_path)
    system = next(iter(config.systems)) if len(config.systems) == 1 else ""
    show = _show_json if as_json else _show
    summary = _Summary()
    reader = _Reader(events)
    with ExitStack() as stack:
        lines = reader.lines(stack.enter_context(_open(events)))
        if not as_json:
            _row("line", "action", "reason", "count", "push", "job", style="dim")
        read = recordings.reader(Format(form), system)
        decisions = replaying.replay(lines, config.rules, config.retention, read, summary.count_event)
        # Closed in any case: it holds a store in a temporary directory.
        stack.enter_context(closing(cast("Generator[object]", decisions)))
        for one in decisions:
            if isinstance(one, Unreadable):
                reader.report(one.line, one.why)
            else:
                summary.count_decision(one)
                show(one)
    if not as_json:
        console().print(summary.render())
    return WRONG_USE if reader.garbled else 0


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None


class _Reader:
    """Reads a file of any size line by line, and reports the lines that are not events."""

    def __init__(self, name: str) -> None:
        self._name = "stdin" if name == "-" else name
        self.garbled = 0

    def lines(self, file: BinaryIO) -> Iterator[str]:
        """Yield each line as text; a malformed one is reported and yielded empty, so that line numbers stay right."""
        number = 0
        while raw := file.readline(_LINE_MAX + 1):
            number += 1
            whole = len(raw) <= _LINE_MAX or raw.endswith(b"\n")
            if not whole:
                _skip_line(file)
            yield self._text(raw, number) if whole else self._malformed(number, f"longer than {_LINE_MAX} bytes")

    def _text(self, raw: bytes, number: int) -> str:
        try:
            return raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            return self._malformed(number, "this is no UTF-8 text")

    def _malformed(self, number: int, why: str) -> str:
        self.report(number, why)
        return ""

    def report(self, number: int, why: str) -> None:
        """Report a line that is not an event, on stderr."""
        self.garbled += 1
        click.echo(plain(f"{self._name}:{number}: {why}"), err=True)


def _skip_line(file: BinaryIO) -> None:
    while (part := file.readline(_LINE_MAX)) and not part.endswith(b"\n"):
        pass


def _show_json(replayed: Replayed) -> None:
    push, decision = replayed.push, replayed.decision
    say_json(
        {
            "action": decision.action,
            "reason": decision.reason,
            "count": decision.count,
            "project": push.project,
            "branch": push.branch,
            "revision": push.revision,
            "job": replayed.job,
            "event": replayed.line,
        }
    )
    sys.stdout.flush()


def _show(replayed: Replayed) -> None:
    decision = replayed.decision
    _row(
        str(replayed.line),
        decision.action,
        decision.reason,
        str(decision.count or ""),
        replayed.push.revision[:12],
        plain(replayed.job),
        style=_STYLES[decision.action],
    )


def _row(line: str, action: str, reason: str, count: str, push: str, job: str, *, style: str) -> None:
    """Print one line at once, as a stream may not end soon; the job comes last because its name may be long."""
    console().print(f"{line:>8}  {action:<7}  {reason:<17}  {count:>5}  {push:<12}  {job}", style=style)


class _Summary:
    """Counts events and decisions; stores a hash for each job, not the events, so that a large file fits in memory."""

    def __init__(self) -> None:
        self._events = 0
        self._jobs: set[int] = set()
        self._retriggered: set[int] = set()
        self._reasons: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._requested: Counter[tuple[str, str]] = Counter()
        self._first: float | None = None
        self._last: float | None = None

    def count_event(self, event: Event) -> None:
        """Count one event."""
        self._events += 1
        self._jobs.add(hash((*event.push[1:], event.job)))
        if event.time is not None:
            self._first = event.time if self._first is None else min(self._first, event.time)
            self._last = event.time if self._last is None else max(self._last, event.time)

    def count_decision(self, replayed: Replayed) -> None:
        """Count one decision."""
        decision = replayed.decision
        key = (decision.action, decision.reason)
        job = hash((*replayed.push[1:], replayed.job))
        self._reasons[key].add(job)
        self._requested[key] += decision.count
        if decision.cause is not None:
            self._retriggered.add(job)

    def render(self) -> RenderableType:
        """Render the counts as a table and sentences."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("decision")
        table.add_column("reason")
        table.add_column("jobs", justify="right")
        table.add_column("retriggers", justify="right")
        for (action, reason), jobs in sorted(
            self._reasons.items(), key=lambda item: (item[0][0] != "trigger", -len(item[1]))
        ):
            count = self._requested[action, reason]
            table.add_row(
                action, reason, str(len(jobs)), str(count or ""), style="green" if action == "trigger" else "yellow"
            )
        return Group("", table, "", *self._sentences()) if self._reasons else Group("", *self._sentences())

    def _sentences(self) -> list[str]:
        total = self._requested.total()
        share = 100 * len(self._retriggered) / len(self._jobs) if self._jobs else 0.0
        retriggers = f"{plural(total, 'retrigger')} of {plural(len(self._retriggered), 'job')}"
        lines = [
            f"{plural(self._events, 'event')} of {plural(len(self._jobs), 'different job')}.",
            f"{retriggers}: {share:.1f} % of all different jobs.",
        ]
        if not self._events:
            return lines[:1]
        if self._first is None or self._last is None:
            return [*lines, "The events carry no time, so there are no retriggers per hour to tell."]
        span = self._last - self._first
        if span < _HOUR:
            return [
                *lines,
                f"All of it within {duration(span)} of the events' time: too short for retriggers per hour.",
            ]
        return [*lines, f"{total * _HOUR / span:.1f} retriggers per hour over {duration(span)} of the events' time."]
