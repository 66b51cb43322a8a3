"""`triggerbot status`: report whether a push is good, in words for people and as an exit code for scripts."""

import time

import click

from triggerbot.cli import clone
from triggerbot.cli.answers import respond, url_option
from triggerbot.cli.options import branch_option, config_option, json_option, system_option
from triggerbot.reports.answers.status import answer


@click.command()
@config_option
@url_option
@click.argument("project", required=False)
@click.argument("revision", required=False)
@branch_option
@system_option
@json_option
def status(
    config_path: str | None,
    url: str | None,
    project: str | None,
    revision: str | None,
    branch: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Tell whether a push is good, and what its runs prove. REVISION may be cut; inside a clone both may be left out.

    Exit code: 0 good, 1 failing, 2 pending, incomplete or not known. Only a good push exits with 0: every job that was
    to run came to an end that proves something, or was skipped by the CI.

    With --json: health (good, failing, pending, incomplete, unknown) and pushes, each as GET /api/v1/pushes has it,
    with the letters of each job's runs.
    """
    project, revision = clone.named(project, revision)
    question = {"project": project, "revision": revision, "branch": branch, "system": system}
    return respond("status", answer, question, config_path=config_path, url=url, now=time.time, as_json=as_json)
