"""`triggerbot explain`: print the timeline of a push or of one of its jobs, and what they wait for."""

import time

import click

from triggerbot.cli import clone
from triggerbot.cli.answers import respond, url_option
from triggerbot.cli.options import branch_option, config_option, json_option, system_option
from triggerbot.reports.answers.explain import answer


@click.command()
@config_option
@url_option
@click.argument("project", required=False)
@click.argument("revision", required=False)
@click.argument("job", required=False)
@branch_option
@system_option
@json_option
def explain(
    config_path: str | None,
    url: str | None,
    project: str | None,
    revision: str | None,
    job: str | None,
    branch: str | None,
    system: str | None,
    as_json: bool,
) -> int:
    """Tell the story of a push, or of one job of it: runs, decisions and why, requests, answers, what it waits for.

    REVISION may be cut; inside a clone both may be left out. Exit code 2 if nothing is known of it.

    With --json: pushes, each as GET /api/v1/pushes has it, with notes (of the push) and for each job a story: a list
    of time, what (run, trigger, refuse, send, accepted, wait, doubt, ended, open, nothing), text, and the reason of a
    decision.
    """
    project, revision = clone.named(project, revision)
    question = {"project": project, "revision": revision, "job": job, "branch": branch, "system": system}
    return respond("explain", answer, question, config_path=config_path, url=url, now=time.time, as_json=as_json)
