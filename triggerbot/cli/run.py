"""`triggerbot run`: start the daemon, in one process or several."""

import os
import signal
import sys
from pathlib import Path

import click

from triggerbot.cli.config import load
from triggerbot.cli.options import config_option
from triggerbot.config import Config, locate
from triggerbot.core.errors import ConfigError, StoreAway
from triggerbot.core.formatting import plain_lines
from triggerbot.daemon.systemd import Notifier
from triggerbot.daemon.workers import error_report
from triggerbot.daemon.workers.child import work, work_alone
from triggerbot.daemon.workers.handover import Handover
from triggerbot.daemon.workers.supervisor import supervise

#: Exit code if the store cannot be reached at the start.
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
    What it died of, if it ever did, is told by `triggerbot stats --errors`, and by one JSON in the file that
    $TRIGGERBOT_ERROR_FILE names (such as /dev/termination-log).
    """
    # A SIGHUP (reload the config) that comes before the daemon handles it must not kill the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    handover = Handover.from_environment(os.environ)
    if handover is not None:
        path = locate(config_path, os.environ)
        return work(handover, lambda: _load_usable(path, dry_run=dry_run), dry_run=dry_run)
    try:
        return _run(config_path, number, dry_run=dry_run)
    except Exception as error:
        error_report.write_error(error)
        raise


def _run(config_path: str | None, number: int | None, *, dry_run: bool) -> int:
    """Run the supervisor, or the only process."""
    path = locate(config_path, os.environ)
    notifier = Notifier.from_environment(os.environ)
    config = _load_usable(path, dry_run=dry_run)
    if number is not None:
        return supervise(config, number, _command(path, dry_run=dry_run), notifier)
    try:
        return work_alone(config, lambda: _load_usable(path, dry_run=dry_run), notifier, dry_run=dry_run)
    except StoreAway as error:
        error_report.write_error(error)
        # Nobody has to fix this by hand, so the exit code is not that of wrong use: process managers may restart it.
        click.echo(f"error: {plain_lines(str(error))}", err=True)
        return _AWAY


def _load_usable(path: Path, *, dry_run: bool) -> Config:
    """Load a config. Raises `ConfigError`, also if a part of it could not work or a secret is missing.

    `dry_run`: the command line says that nothing is to be triggered, so the config need not say it.
    """
    config = load(path)
    undecided = () if dry_run else config.undecided
    problems = (*config.unworkable, *undecided, *config.missing_secrets())
    if problems:
        raise ConfigError(config.source, problems)
    return config


def _command(path: Path, *, dry_run: bool) -> list[str]:
    """Return the command line of a worker."""
    return [sys.executable, "-m", "triggerbot", "run", "-c", str(path), *(["--dry-run"] if dry_run else [])]
