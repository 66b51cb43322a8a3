"""`triggerbot branch`: report which jobs keep failing on a branch, from the store or from a recording."""

import sys
from pathlib import Path

import click

from triggerbot.cli.options import json_option
from triggerbot.cli.output import plain, say, say_json
from triggerbot.core.branch import alerts
from triggerbot.core.branch.alerts import Alerts, Grid
from triggerbot.core.errors import NotUnderstood, UsageError
from triggerbot.core.patterns import Globs
from triggerbot.reports import branch_json, branch_text
from triggerbot.systems import hud


@click.command()
@click.argument("target", metavar="PROJECT|FILE")
@click.argument("branch_name", metavar="[BRANCH]", required=False)
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["hud"]),
    help="Read a recorded grid from FILE (`-`: stdin) instead of the store: hud, PyTorch's.",
)
@click.option("--branch", "named", metavar="B", help="The branch; a recording does not name its own.")
@click.option("--jobs", "patterns", metavar="PATTERN", multiple=True, help="Only these jobs (*, ?, [...]).")
@click.option("--merge-shards", is_flag=True, help="Look at the shards of a job as one job.")
@json_option
def branch(
    target: str,
    branch_name: str | None,
    form: str | None,
    named: str | None,
    patterns: tuple[str, ...],
    merge_shards: bool,
    as_json: bool,
) -> int:
    """Tell which jobs keep failing on a branch, and since which push.

    Exit code: 0 none, 1 some, 2 wrong use or a file that is not understood.
    """
    chosen = Globs(patterns or ["*"])
    if branch_name is not None and named is not None and branch_name != named:
        raise click.UsageError(f"two branches are named, {branch_name} and {named}")
    name = branch_name or named
    if name is None:
        raise click.UsageError(f"a {form} recording does not name its branch: add --branch B")
    found = _recorded(target, Alerts(merge_shards=merge_shards), chosen)
    if as_json:
        say_json(branch_json.failing(found, name))
    else:
        _show(found)
    return 1 if found.along.failing else 0


def _recorded(path: str, wanted: Alerts, chosen: Globs) -> Grid:
    """Return the grid of a recording; raises `UsageError` if it cannot be read."""
    name = "stdin" if path == "-" else path
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        recording = hud.read(data)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from None
    except NotUnderstood as error:
        raise UsageError(f"{name}: {error}") from None
    return alerts.grid(recording.rows, recording.revisions, wanted, chosen)


def _show(found: Grid) -> None:
    for line in branch_text.lines(found):
        say(plain(line))
    say(f"{branch_text.summary(found)}.".capitalize(), "bold")
