"""`triggerbot branch`: report which jobs keep failing on a branch, from the store or from a recording."""

import sys
from pathlib import Path

import click

from triggerbot.cli.lookup import is_watched, not_watched_message
from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import plain, say, say_json
from triggerbot.config import Config
from triggerbot.core.branch.alerts import Alerts
from triggerbot.core.branch.grid import Grid, grid
from triggerbot.core.errors import NotUnderstood, UsageError
from triggerbot.core.formatting import capital
from triggerbot.core.patterns import Globs
from triggerbot.reports import branch_json, branch_text
from triggerbot.reports.branches import Branches
from triggerbot.reports.judge import Judge
from triggerbot.store import Store
from triggerbot.systems import hud

#: Branches that are named where one is not known.
_NAMED_MAX = 10


@click.command()
@config_option
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
    chosen = Globs(patterns or ["*"])
    if branch_name is not None and named is not None and branch_name != named:
        raise click.UsageError(f"two branches are named, {branch_name} and {named}")
    name = branch_name or named
    if form is None:
        config = load_config(config_path)
        with opened(config) as store:
            name, found = _stored(store, config, project, name, chosen, merge_shards=merge_shards or None)
    elif name is None:
        raise click.UsageError(f"a recording of {form} does not name its branch: add --branch B")
    else:
        found = _recorded(project, Alerts(merge_shards=merge_shards), chosen)
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
    for conclusion, place in recording.unknown.items():
        click.echo(
            plain(f"warning: {name}: {place} is {conclusion!r}, which is not known: it proves nothing"), err=True
        )
    return grid(recording.rows, recording.revisions, wanted, chosen)


def _stored(
    store: Store, config: Config, project: str, name: str | None, chosen: Globs, *, merge_shards: bool | None
) -> tuple[str, Grid]:
    """Return the branch that is looked at, and its grid; raises `UsageError` if nothing is known of it."""
    branches = Branches(store, Judge(store, rules=config.rules), config.rules, tuple(config.systems))
    wanted = name or branches.base(project)
    found = branches.look(project, wanted, chosen=chosen, merge_shards=merge_shards) if wanted else None
    if found is not None:
        return wanted, found.grid
    head = f"no push of the branch {wanted!r} of {project} is known" if wanted else (
        f"the base branch of {project} is not known: name the branch"
    )  # fmt: skip
    if not is_watched(config, project):
        raise UsageError(f"{head}: {not_watched_message(config, project)}")
    known = sorted(store.pushes.branches(project)[0].items(), key=lambda one: (-one[1], one[0]))[:_NAMED_MAX]
    listed = f"; known are: {', '.join(one for one, _ in known)}" if known else "; no push of the project is known"
    raise UsageError(f"{head}{listed}")


def _show(found: Grid) -> None:
    for line in branch_text.lines(found):
        say(plain(line))
    say(f"{capital(branch_text.summary(found))}.", "bold")
