"""`triggerbot branch`: report which jobs keep failing on a branch, from the store or from a recording."""

import sys
import time
from pathlib import Path

import click

from triggerbot.cli.answers import respond, show, url_option
from triggerbot.cli.options import config_option, json_option
from triggerbot.cli.output import plain
from triggerbot.core.branch.alerts import Alerts
from triggerbot.core.branch.grid import Grid, grid
from triggerbot.core.errors import NotUnderstood, UsageError
from triggerbot.core.patterns import Globs
from triggerbot.reports.answers.branch import answer, of_grid
from triggerbot.systems import hud


@click.command()
@config_option
@url_option
@click.argument("project", metavar="PROJECT|FILE")
@click.argument("branch_name", metavar="[BRANCH]", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["hud"]),
    help="Read a recorded grid from FILE (`-`: stdin) instead of the store: hud, PyTorch's.",
)
@click.option("--branch", "named", metavar="B", help="The same as BRANCH; a recording does not name its own.")
@click.option("--jobs", "patterns", metavar="PATTERN", multiple=True, help="Only these jobs (*, ?, [...]).")
@click.option("--merge-shards", is_flag=True, help="Look at the shards of a job as one, whatever the rule says.")
@json_option
def branch(
    config_path: str | None,
    url: str | None,
    project: str,
    branch_name: str | None,
    form: str | None,
    named: str | None,
    patterns: tuple[str, ...],
    merge_shards: bool,
    as_json: bool,
) -> int:
    """Tell which jobs keep failing on a branch, and since which push; without BRANCH on the base branch.

    Exit code: 0 none, 1 some, 2 wrong use, nothing known, or a file that is not understood.

    A job keeps failing if it failed at two consecutive pushes or more (`alerts` of the rule), in push order, and has
    not passed since. What did not run, still runs or was cancelled in between proves nothing.

    With --json: branch, failing (AlertType, AlertObject: the job, OncallTeams, OncallIndividuals and Flags, which are
    empty, sha: where it failed first, branch, newest: where it failed last, pushes: at how many, same_failure: null
    without evidence, running_between: pushes in between that are not yet known, did_not_run: those that did not run
    it), newest_only (jobs that fail at the newest push only), isolated (job and sha of failures after which it passed
    again).
    """
    if branch_name is not None and named is not None and branch_name != named:
        raise click.UsageError(f"two branches are named, {branch_name} and {named}")
    name = branch_name or named
    if form is None:
        question = {"project": project, "branch": name, "jobs": list(patterns), "merge_shards": merge_shards}
        return respond("branch", answer, question, config_path=config_path, url=url, now=time.time, as_json=as_json)
    if url is not None:
        raise click.UsageError("a recording is read here: leave --url out")
    if name is None:
        raise click.UsageError(f"a recording of {form} does not name its branch: add --branch B")
    found = _recorded(project, Alerts(merge_shards=merge_shards), Globs(patterns or ["*"]))
    return show(of_grid(name, found), as_json=as_json)


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
    for conclusion, place in recording.unknown.items():
        click.echo(
            plain(f"warning: {name}: {place} is {conclusion!r}, which is not known: it proves nothing"), err=True
        )
    return grid(recording.rows, recording.revisions, wanted, chosen)
