"""`triggerbot run`: the daemon, in one process or several."""

import os
import signal
import sys
from pathlib import Path

import click

from triggerbot.cli.config import load
from triggerbot.cli.options import config_option
from triggerbot.config import Config, locate
from triggerbot.core.errors import ConfigError, StoreAway
from triggerbot.daemon.systemd import Notifier
from triggerbot.daemon.workers.child import work, work_alone
from triggerbot.daemon.workers.handover import Handover
from triggerbot.daemon.workers.supervisor import supervise

#: The exit code where the store cannot be reached at the start.
_AWAY = 1


@click.command()
@config_option
@click.option("--dry-run", is_flag=True, help="Decide, log and record, but trigger nothing, whatever the config says.")
@click.option(
    "--workers",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run so many processes, and start those again that die. More than one need a Redis as their store.",
)
def run(config_path: str | None, dry_run: bool, number: int | None) -> int:
    """Watch the CIs of the config and retrigger, until stopped (Ctrl-C or SIGTERM).

    Logs go to stderr, one line for each decision. Everything is kept in the store: stop and start at will.
    What it died of, if it ever did, is told by `triggerbot stats --errors`.
    """
    # Until the daemon listens to it: whoever says that the config changed, at the very start, must not end it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    path = locate(config_path, os.environ)
    notifier = Notifier.from_environment(os.environ)
    seat = Handover.from_environment(os.environ)
    if seat is not None:
        return work(seat, lambda: _usable(path), dry_run=dry_run)
    config = _usable(path)
    if number is not None:
        return supervise(config, number, _command(path, dry_run=dry_run), notifier)
    try:
        return work_alone(config, lambda: _usable(path), notifier, dry_run=dry_run)
    except StoreAway as error:
        # Nothing that a person would have to mend here: another exit code than for wrong use, and it is started again.
        click.echo(f"error: {error}", err=True)
        return _AWAY


def _usable(path: Path) -> Config:
    """Load a config, and refuse one of which a part could not work; raises `ConfigError`."""
    config = load(path)
    problems = (*config.unavailable, *config.missing_secrets())
    if problems:
        raise ConfigError(config.source, problems)
    return config


def _command(path: Path, *, dry_run: bool) -> list[str]:
    """Write the command of one worker."""
    return [sys.executable, "-m", "triggerbot", "run", "-c", str(path), *(["--dry-run"] if dry_run else [])]
