"""`triggerbot pushes`: list the latest pushes, each with its health and why."""

import time

import click

from triggerbot.cli.answers import respond, url_option
from triggerbot.cli.options import config_option, json_option
from triggerbot.core.verdict.health import Health
from triggerbot.reports.answers.pushes import answer

#: The most pushes that are listed.
_MOST = 1000


@click.command()
@config_option
@url_option
@click.option("--project", default="", metavar="P", help="Only pushes of this project.")
@click.option("--branch", default="", metavar="B", help="Only pushes to this branch.")
@click.option("--author", default="", metavar="A", help="Only pushes by authors whose name contains this.")
@click.option("--text", default="", metavar="T", help="Only pushes with this in message, author, branch or project.")
@click.option("--health", type=click.Choice(list(Health)), help="Only pushes that were judged so.")
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=20, show_default=True, metavar="N", help="How many at most."
)
@json_option
def pushes(
    config_path: str | None,
    url: str | None,
    project: str,
    branch: str,
    author: str,
    text: str,
    health: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """List the latest pushes, the newest first: when, which, by whom, and what its runs prove.

    With --json: pushes, each as in the list of GET /api/v1/pushes.
    """
    question = {
        "project": project, "branch": branch, "author": author, "text": text, "health": health, "limit": limit,
    }  # fmt: skip
    return respond("pushes", answer, question, config_path=config_path, url=url, now=time.time, as_json=as_json)
