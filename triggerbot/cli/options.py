"""What most commands share: their options, loading the config, and opening the store that it names."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from triggerbot import logs
from triggerbot.cli.config import load
from triggerbot.config import Config, locate
from triggerbot.core.errors import StoreUnusable
from triggerbot.store import Store
from triggerbot.store.factory import open_store
from triggerbot.store.sqlite import schema

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

config_option: Decorator = click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    help="The config. Default: $TRIGGERBOT_CONFIG, then triggerbot.yml, then /etc/triggerbot/triggerbot.yml.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
branch_option: Decorator = click.option("--branch", metavar="B", help="Only the push on this branch.")
system_option: Decorator = click.option(
    "--system", metavar="S", help="Only the push on this CI, by its name in the config."
)


def load_config(given: str | None) -> Config:
    """Load the config, and configure logging to report only errors, to stderr. Raises `ConfigError`."""
    logs.configure_errors()
    return load(locate(given, os.environ))


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    """Open the store for one command. Never creates one, as no daemon would process what is written to it."""
    try:
        address = config.store_address
        kind, _, path = address.partition(":")
        if kind == "sqlite" and schema.is_older(Path(path)):
            click.echo(f"Taking over the store {path} of an earlier version, once; this may take minutes ...", err=True)
        store = open_store(address, must_exist=True)
    except OSError as error:
        raise StoreUnusable(f"cannot open the store {config.store}: {error.strerror or error}") from None
    except StoreUnusable as error:
        raise StoreUnusable(_with_directory(str(error), str(config.store))) from None
    try:
        yield store
    finally:
        store.close()


def _with_directory(message: str, address: str) -> str:
    """Add the working directory to the message about a missing store: a relative path is its usual cause."""
    if "no store" not in message or Path(address.partition(":")[2]).is_absolute():
        return message
    return f"{message} (the path is relative to the working directory, {Path.cwd()})"
