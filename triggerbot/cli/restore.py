"""`triggerbot restore`: go back to a copy of the store, after it was checked."""

import time
from pathlib import Path

import click

from triggerbot.cli.options import config_option, json_option, load_config
from triggerbot.cli.output import moment, plain, say, say_json
from triggerbot.core import event_json
from triggerbot.core.errors import UsageError
from triggerbot.store.sqlite import restore as files
from triggerbot.store.sqlite.schema import VERSION


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--to", "store", type=click.Path(path_type=Path), metavar="STORE", help="The store's file, instead of the config's."
)
@json_option
def restore(config_path: str | None, file: Path, store: Path | None, as_json: bool) -> int:
    """Put FILE, a copy that `triggerbot backup` made, in the place of the store.

    Nothing is changed unless FILE is a whole store of triggerbot, of this version or an earlier one, and no daemon
    works on the store. The store that was there is kept beside it. The next daemon knows that it starts on a copy: it
    waits until the CIs must list what was asked for since, and finds it there.

    With --json: store, from, version (of FILE), made (when), made_known (FILE says so itself; else it is the time of
    the file), kept (the file of the old store, or null).
    """
    target = _configured(config_path) if store is None else store
    found = files.restore(file, target, time.time())
    if as_json:
        say_json(
            {
                "store": str(target),
                "from": str(file),
                "version": found.version,
                "made": event_json.format_time(found.made),
                "made_known": found.exact,
                "kept": None if found.kept is None else str(found.kept),
            }
        )
        return 0
    made = f"made {moment(found.made)}" if found.exact else f"of {moment(found.made)}, by the time of the file"
    older = "" if found.version == VERSION else f", of version {found.version}, brought to version {VERSION}"
    say(plain(f"Restored {target} from {file} ({found.size / 1e6:.1f} MB), {made}{older}."))
    if found.kept is not None:
        say(plain(f"The store that was there is {found.kept} now: delete it when all is well."))
    say("Start the daemon: it waits for the `grace` of each system, and counts what the CIs list since.")
    return 0


def _configured(config_path: str | None) -> Path:
    """Return the file that the config names. Raises `UsageError` if it names a Redis."""
    kind, _, path = load_config(config_path).store_address.partition(":")
    if kind != "sqlite":
        raise UsageError(
            "the store is a Redis: stop all daemons, put its own snapshot (dump.rdb) or append-only file back, and "
            "start it again"
        )
    return Path(path)
