"""`triggerbot silence`: end the reports of a job of a branch until its streak ends."""

import time

import click

from triggerbot.cli import person
from triggerbot.cli.options import config_option, json_option, load_config, opened, system_option
from triggerbot.cli.output import plain, say, say_json
from triggerbot.core.errors import UsageError
from triggerbot.core.formatting import some
from triggerbot.core.model import Branch
from triggerbot.reports.branches import silencing
from triggerbot.reports.branches.look import looking
from triggerbot.reports.judge import Judge
from triggerbot.store.actions import Via


@click.command()
@config_option
@click.argument("project")
@click.argument("branch")
@click.argument("job", metavar="JOB")
@click.option("--end", "ends", is_flag=True, help="Hear of it again.")
@system_option
@json_option
def silence(
    config_path: str | None, project: str, branch: str, job: str, system: str | None, ends: bool, as_json: bool
) -> int:
    """Hear no more of a job that keeps failing on a branch until it passes. JOB is a name or a pattern.

    Reports list it apart, and the page shows it as before. Exit code 2 if no such job keeps failing there.

    With --json: system, project, branch, jobs.
    """
    config = load_config(config_path)
    with opened(config) as store:
        look = looking(store, Judge(store, rules=config.rules), config.rules, list(config.systems))
        done: list[tuple[Branch, list[str]]] = []
        for name in config.systems if system is None else [system]:
            there = Branch(name, project, branch)
            now, who, found = time.time(), person.who(), None if ends else look(there)
            if ends:
                jobs = silencing.hear(store, there, job, who, Via.COMMAND, now)
            else:
                jobs = [] if found is None else silencing.silence(store, there, found.grid, job, who, Via.COMMAND, now)
            done += [(there, jobs)] if jobs else []
    if not done:
        what = "is silenced" if ends else "keeps failing"
        raise UsageError(
            f"no job {job!r} {what} on the branch {branch!r} of {project}; `triggerbot branch {project} {branch}` lists"
            " those that do"
        )
    if as_json:
        say_json(
            [
                {"system": there.system, "project": there.project, "branch": there.name, "jobs": jobs}
                for there, jobs in done
            ]
        )
        return 0
    for there, jobs in done:
        text = "is heard of again" if ends else "is silenced until it passes"
        say(plain(f"{some(jobs)} on {there.name} of {there.project} ({there.system}) {text}."))
    return 0
