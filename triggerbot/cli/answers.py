"""Commands that only read: their answer comes from the store, or from a daemon that is asked over its API."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import click

from triggerbot.cli.options import Decorator, load_config, opened
from triggerbot.cli.output import plain, say, say_json, styled
from triggerbot.core.errors import UsageError
from triggerbot.reports.answers import Answer, Answers, Asked, Block, Line, Table

url_option: Decorator = click.option(
    "--url",
    metavar="URL",
    help="Ask the daemon at this address instead of the store. Default: $TRIGGERBOT_URL, unless -c is given. A token "
    "for it is read from $TRIGGERBOT_TOKEN.",
)
_URL = "TRIGGERBOT_URL"
_RIGHT = frozenset({
    "jobs", "retriggers", "sent", "would have sent", "refused", "an hour", "rate", "at least", "at most", "of pushes",
})  # fmt: skip


def respond(
    name: str, answers: Answers, question: Mapping[str, Any], *, config_path: str | None, url: str | None,
    now: Callable[[], float], as_json: bool,
) -> int:  # fmt: skip
    """Answer a question of the command of this name, print the answer, and return the exit code."""
    base = address(url, config_path)
    if base is not None:
        # Imported late: most commands are for a store, and need no HTTP.
        from triggerbot.cli import remote

        return show(remote.ask(base, name, question), as_json=as_json)
    config = load_config(config_path)
    with opened(config) as store:
        answer = answers(Asked(store, config, config.dry_run, now()), question)
    return show(answer, as_json=as_json)


def address(url: str | None, config_path: str | None) -> str | None:
    """Return the address of the daemon to ask; `None`: the store is to be read. Raises `UsageError`."""
    if url is not None and config_path is not None:
        raise UsageError("give either --url, to ask a daemon, or -c, to read the store that a config names")
    wanted = url if url is not None else os.environ.get(_URL) if config_path is None else None
    if not wanted:
        return None
    try:
        parts = urlsplit(wanted)
        right = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
        secret = "@" in parts.netloc
    except ValueError:
        right, secret = False, "@" in wanted
    named = _URL if url is None else "--url"
    if secret:
        raise UsageError(f"{named}: leave user and password out; a token is read from TRIGGERBOT_TOKEN")
    if not right:
        raise UsageError(f"{named}: {wanted!r} is no address of a daemon; it is like https://triggerbot.example.org")
    return wanted.rstrip("/")


def show(answer: Answer, *, as_json: bool) -> int:
    """Print an answer and return its exit code. Raises `UsageError` if there is none."""
    if as_json and answer.json is not None:
        say_json(answer.json)
    if answer.error:
        raise UsageError(answer.error)
    if not as_json:
        print_blocks(answer.said)
    return answer.exit


def print_blocks(said: Sequence[Block]) -> None:
    """Print lines and tables."""
    for block in said:
        match block:
            case Line(parts):
                say("".join(styled(plain(text), style) for text, style in parts))
            case Table():
                _print_table(block)


def _print_table(table: Table) -> None:
    # Imported late: a command that prints only lines does not wait for rich.
    import rich.table

    from triggerbot.cli.tables import console, text

    made = rich.table.Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in table.columns:
        made.add_column(plain(column), justify="right" if column in _RIGHT else "left", overflow="fold")
    for cells, style in table.rows:
        made.add_row(*map(text, cells), style=style)
    console().print(made)
