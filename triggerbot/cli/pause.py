"""`triggerbot pause` and `resume`: stop and resume all sending on every replica."""

import time
import uuid

import click

from triggerbot.cli import person
from triggerbot.cli.options import config_option, load_config, opened
from triggerbot.cli.output import plural
from triggerbot.reports.lookup import describe
from triggerbot.store import Pause
from triggerbot.store.actions import Act, Action, Via


@click.command()
@config_option
@click.option("--note", default="", metavar="TEXT", help="Why, for whoever wonders.")
def pause(config_path: str | None, note: str) -> int:
    """Stop all sending at once, on every replica of this store; the daemon goes on watching and recording.

    It stays so over restarts, until `triggerbot resume`. Pausing twice changes nothing.
    """
    with opened(load_config(config_path)) as store:
        current = store.limits.paused()
        if current is not None:
            click.echo(f"Already {describe(current)}. Nothing is changed; `triggerbot resume` goes on.")
            return 0
        wanted = Pause(time.time(), person.who(), note)
        store.limits.pause(wanted, _action(Act.PAUSE, wanted.at, note))
    click.echo("Paused: nothing more is sent to any CI. What fails meanwhile is recorded, and dealt with after")
    click.echo("`triggerbot resume`. A request that is under way at this moment may still arrive.")
    return 0


@click.command()
@config_option
def resume(config_path: str | None) -> int:
    """Go on sending after a pause, what has waited first. Resuming twice changes nothing."""
    with opened(load_config(config_path)) as store:
        current = store.limits.paused()
        if current is None:
            click.echo("Not paused: nothing to resume.")
            return 0
        store.limits.pause(None, _action(Act.RESUME, time.time()))
        waiting = sum(store.statistics.read(time.time())["claims"].get(state, 0) for state in ("open", "owed"))
    click.echo(f"Resumed (it was {describe(current)}). {plural(waiting, 'claim')} waited; the daemon goes on now.")
    return 0


def _action(act: Act, at: float, note: str = "") -> Action:
    return Action(uuid.uuid4().hex, at, act, person.who(), Via.COMMAND, note=note)
