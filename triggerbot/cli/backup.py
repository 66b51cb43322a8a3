"""`triggerbot backup`: copy the store while the daemon runs."""

from pathlib import Path

import click

from triggerbot.cli.options import config_option, load_config
from triggerbot.core.errors import UsageError
from triggerbot.store.sqlite.backup import backup as copy


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path))
def backup(config_path: str | None, file: Path) -> int:
    """Write a copy of the store to FILE, which must not be there yet; the daemon goes on meanwhile.

    To go back to it: stop the daemon, put the copy in the store's place, remove the store's -wal and -shm files, and
    start the daemon. What was retriggered since the copy is forgotten then: the daemon recognises the copy, waits until
    the CIs must list what was asked for before, and finds it there.
    """
    address = load_config(config_path).store_address
    kind, _, path = address.partition(":")
    if kind != "sqlite":
        raise UsageError(
            "the store is a Redis, which makes copies of itself: use its own BGSAVE, or copy its append-only file"
        )
    size = copy(Path(path), file)
    click.echo(f"Copied the store {path} to {file} ({size / 1e6:.1f} MB).")
    return 0
