"""`triggerbot job`: tell how a job behaves over time: its runs, how often it is intermittent, its failures."""

import click

from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import moment, plain, plural, say, say_json
from triggerbot.config import Config
from triggerbot.core.errors import UsageError
from triggerbot.reports import job_history, job_text
from triggerbot.reports.job_history import JobHistory
from triggerbot.reports.lookup import is_watched, near, not_watched_message
from triggerbot.store import Store

#: Failures that are printed.
_FAILURES_MAX = 10


@click.command()
@config_option
@click.argument("project", metavar="PROJECT")
@click.argument("name", metavar="JOB")
@click.option("--branch", default="", metavar="B", help="Only its runs on this branch.")
@json_option
def job(config_path: str | None, project: str, name: str, branch: str, as_json: bool) -> int:
    """Tell how a job behaves over time, at the newest 100 pushes of a project.

    A row of letters, one for each push that ran it, newest first (S passed, F failed, I intermittent, ...; see branch);
    how often it is intermittent, with the 95 % interval; its failures with counts, first and last seen; branches and
    pools; duration; and what its retriggers cost and proved.

    With --json: the same as GET /api/v1/jobs/PROJECT/JOB.
    """
    config = load_config(config_path)
    with opened(config) as store:
        found = _look(store, config, project, name, branch)
    if as_json:
        say_json(found.as_json())
    else:
        _show(found)
    return 0


def _look(store: Store, config: Config, project: str, name: str, branch: str) -> JobHistory:
    """Look at a job; raises `UsageError` if nothing is known of it."""
    for known in store.pushes.projects():
        own = job_history.name(store, known, name) if known.lower() == project.lower() else None
        found = None if own is None else job_history.look(store, known, own, branch)
        if found is not None:
            return found
    head = f"no job {name!r} of {project} is known"
    if not is_watched(config, project):
        raise UsageError(f"{head}: {not_watched_message(config, project)}")
    similar = near(name, store.reports.ran(project, None).at)
    raise UsageError(f"{head}; similar names:{similar}" if similar else head)


def _show(found: JobHistory) -> None:
    on = f" on {found.branch}" if found.branch else ""
    say(plain(f"{found.project} {found.job}{on}"), "bold")
    say(plain(f"  {job_text.row(found)}"))
    for sentence in job_text.sentences(found):
        say(plain(sentence))
    for one in found.failures[:_FAILURES_MAX]:
        say()
        say(plain(one.line or "(nothing tells what failed)"))
        say(
            f"  at {plural(one.pushes, 'push', 'pushes')}, at {one.intermittent} of them another run passed; "
            f"first seen {moment(one.first.first)} at {one.first.push.revision[:12]}, "
            f"last {moment(one.last.last)} at {one.last.push.revision[:12]}",
            "dim",
        )
