"""`triggerbot backup`: copy the store while the daemon runs."""

import time
from pathlib import Path

import click

from triggerbot.cli.options import config_option, load_config
from triggerbot.cli.output import plural
from triggerbot.core.errors import UsageError
from triggerbot.store.sqlite.backup import backup as copy
from triggerbot.store.sqlite.backup import dated, prune


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|DIRECTORY")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Delete all but the latest N in DIRECTORY.")
def backup(config_path: str | None, file: Path, keep: int | None) -> int:
    """Write a copy of the store to FILE, which must not be there yet; the daemon goes on meanwhile.

    In a DIRECTORY that is there the copy is named after the store and the time, and with --keep the oldest copies of
    such names are deleted, once the new one is complete.

    `triggerbot restore` goes back to a copy.
    """
    address = load_config(config_path).store_address
    kind, _, path = address.partition(":")
    if kind != "sqlite":
        raise UsageError(
            "the store is a Redis, which makes copies of itself: use its own BGSAVE, or copy its append-only file"
        )
    store, directory = Path(path), file if file.is_dir() else None
    if keep is not None and directory is None:
        raise UsageError(f"--keep is for copies in a directory, and {file} is none")
    now = time.time()
    target = file if directory is None else directory / dated(store, now)
    size = copy(store, target, now)
    click.echo(f"Copied the store {path} to {target} ({size / 1e6:.1f} MB).")
    if directory is not None and keep is not None and (gone := prune(store, directory, keep)):
        click.echo(f"Deleted {plural(gone, 'older copy', 'older copies')}; the latest {keep} stay.")
    return 0
