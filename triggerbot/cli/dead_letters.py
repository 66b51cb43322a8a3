"""`triggerbot dead-letters`: list, show, retry and drop the messages that could not be handled."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.table import Table

from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import moment, plain, plural, say, say_json
from triggerbot.cli.tables import console, text
from triggerbot.config import Config
from triggerbot.core import event_json
from triggerbot.core.errors import NotUnderstood, StoreUnavailable, UsageError
from triggerbot.core.formatting import plain_lines
from triggerbot.core.model import Heard
from triggerbot.metrics import Metrics
from triggerbot.pipeline.observer import Observer
from triggerbot.store import DeadLetter, Store
from triggerbot.systems import ReadsMessages, System
from triggerbot.systems.registry import build

#: A retry failed; not 2, which means wrong use.
_EXIT_FAILED = 1
#: A limit above the number of letters in any store.
_EVERY = 2**31
#: Characters of a message shown in the list.
_SHOWN_MAX = 80

_ids = click.argument("ids", nargs=-1, type=int, metavar="[ID...]")
_all = click.option("--all", "every", is_flag=True, help="All of them.")


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that could not be handled are kept with the reason, until somebody looks at them."""


@dead_letters.command("list")
@config_option
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="So many, oldest first.")
@json_option
def list_letters(config_path: str | None, limit: int, as_json: bool) -> int:
    """List them, oldest first.

    With --json: one object for each, a line: id, at, system, intake, reason, headers, body (as text).
    """
    with opened(load_config(config_path)) as store:
        letters = store.letters.read(limit)
    if as_json:
        for letter in letters:
            say_json(_as_json(letter))
    elif letters:
        _show(letters)
    else:
        click.echo("No dead letters.")
    return 0


@dead_letters.command()
@config_option
@click.argument("number", type=int, metavar="ID")
@json_option
def show(config_path: str | None, number: int, as_json: bool) -> int:
    """Show one whole: when and from where it came, why it could not be handled, its headers and its body.

    A body of JSON is laid out. With --json: the same object as in the list.
    """
    with opened(load_config(config_path)) as store:
        [letter] = _selected(store, [number], every=False)
    if as_json:
        say_json(_as_json(letter))
        return 0
    say(f"Dead letter {letter.id} of {moment(letter.at)}", "bold")
    say(plain(f"from {letter.system or 'no system'} by {letter.intake}"))
    say(plain(f"reason: {letter.reason or 'none is known'}"))
    for name, value in sorted(letter.headers.items()):
        say(plain(f"{name}: {value}"), "dim")
    say()
    say(plain_lines(_laid_out(letter.body)))
    return 0


def _laid_out(body: bytes) -> str:
    """Return a body for people: JSON on lines of its own, anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


@dead_letters.command()
@config_option
@_ids
@_all
def retry(config_path: str | None, ids: tuple[int, ...], every: bool) -> int:
    """Read messages again, for instance after an upgrade.

    Those that are understood now are observed and dropped. Exit code 1 if any of them still fails; it is kept.
    """
    config = load_config(config_path)
    with opened(config) as store:
        letters = _selected(store, ids, every=every)
        readers = _systems_for(config, letters)
        observer = Observer(store, config.rules, dry=config.dry_run, clock=time.time, metrics=Metrics())
        try:
            failed = sum(not _retry(letter, readers, observer, store) for letter in letters)
        finally:
            for system in readers.values():
                system.close()
    click.echo(f"{plural(len(letters) - failed, 'message')} handled, {failed} kept.")
    return _EXIT_FAILED if failed else 0


@dead_letters.command()
@config_option
@_ids
@_all
def drop(config_path: str | None, ids: tuple[int, ...], every: bool) -> int:
    """Forget messages for good."""
    with opened(load_config(config_path)) as store:
        dropped = store.letters.drop([letter.id for letter in _selected(store, ids, every=every)])
    click.echo(f"{plural(dropped, 'message')} forgotten.")
    return 0


def _selected(store: Store, ids: Sequence[int], *, every: bool) -> list[DeadLetter]:
    if every == bool(ids):
        raise UsageError("say which ones: either ids, as `triggerbot dead-letters list` shows them, or --all")
    letters = store.letters.read(_EVERY)
    if every:
        return letters
    missing = sorted(set(ids) - {letter.id for letter in letters})
    if missing:
        raise UsageError(f"there is no dead letter {', '.join(map(str, missing))}: see `triggerbot dead-letters list`")
    return [letter for letter in letters if letter.id in ids]


def _systems_for(config: Config, letters: Sequence[DeadLetter]) -> Mapping[str, System]:
    """Build the systems if a letter needs one to parse it; otherwise none, since building them needs their secrets."""
    return build(config) if any(letter.system in config.systems and not _is_line(letter) for letter in letters) else {}


def _is_line(letter: DeadLetter) -> bool:
    """Whether a letter is a line of the file intake, whose canonical events need no system to parse them."""
    return letter.intake == "file"


def _retry(letter: DeadLetter, systems: Mapping[str, System], observer: Observer, store: Store) -> bool:
    try:
        heard = _parse(letter, systems)
        observer.observe(heard)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - letters are what triggerbot itself failed on; it may fail again
        why = str(error) if isinstance(error, NotUnderstood) else f"{type(error).__name__}: {error}"
        click.echo(plain(f"{letter.id}: kept, for it still fails: {why}"), err=True)
        return False
    store.letters.drop([letter.id])
    watched = sum(observer.triage(one).item is not None for one in heard)
    outcome = f"{plural(len(heard), 'thing')} heard, {watched} of a watched project"
    click.echo(f"{letter.id}: handled, {outcome}.")
    return True


def _parse(letter: DeadLetter, systems: Mapping[str, System]) -> Sequence[Heard]:
    if _is_line(letter) or letter.system not in systems:
        return [event_json.decode(letter.body, letter.system or None)]
    system = systems[letter.system]
    if letter.intake == "pulse" and isinstance(system, ReadsMessages):
        return system.parse_message(letter.headers.get("exchange", ""), letter.body)
    return system.parse(letter.headers, letter.body)


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "at": event_json.format_time(letter.at),
        "system": letter.system,
        "intake": letter.intake,
        "reason": letter.reason,
        "headers": dict(letter.headers),
        "body": letter.body.decode(errors="replace"),
    }


def _show(letters: Sequence[DeadLetter]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("id", "time", "system", "intake", "reason", "message"):
        table.add_column(column, overflow="fold")
    for letter in letters:
        body = letter.body[: 4 * _SHOWN_MAX].decode(errors="replace")[:_SHOWN_MAX]
        foreign = (letter.system, letter.intake, letter.reason, body)
        table.add_row(str(letter.id), moment(letter.at), *map(text, foreign))
    console().print(table)
