"""`triggerbot run`: the daemon."""

import os

import click

from triggerbot.cli.opening import config_option
from triggerbot.config import Config, load, locate
from triggerbot.daemon import serve
from triggerbot.errors import ConfigError, UsageError


@click.command()
@config_option
@click.option("--dry-run", is_flag=True, help="Decide, log and record, but trigger nothing, whatever the config says.")
def run(config_path: str | None, dry_run: bool) -> int:
    """Watch the CIs of the config and retrigger, until stopped (Ctrl-C or SIGTERM).

    Logs go to stderr, one line for each decision. Everything is kept in the store: stop and start at will.
    """
    config = load(locate(config_path, os.environ))
    _check_usable(config)
    return serve(config, dry=config.dry_run or dry_run)


def _check_usable(config: Config) -> None:
    """Refuse to begin with a config of which a part could not work; raises `UsageError`."""
    problems = (*config.unavailable, *config.missing_secrets())
    if problems:
        raise ConfigError(config.source, problems)
    if not config.systems:
        raise UsageError(f"{config.source} names no systems: there is nothing to watch")
