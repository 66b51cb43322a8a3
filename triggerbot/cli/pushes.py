"""`triggerbot pushes`: list the latest pushes, each with its health and why."""

import time

import click

from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import moment, plain, say, say_json, styled
from triggerbot.core.verdict.health import Health
from triggerbot.reports import glossary, push_json, push_list
from triggerbot.reports.judge import Judge
from triggerbot.store import Search, Summary

#: The most pushes that are listed.
_MOST = 1000
_STYLES = {Health.GOOD: "green", Health.FAILING: "red", Health.PENDING: "cyan", Health.INCOMPLETE: "magenta"}


@click.command()
@config_option
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
    config = load_config(config_path)
    wanted = Search(project, branch, author, text, health or "")
    with opened(config) as store:
        found = push_list.pushes(store, Judge(store, rules=config.rules), wanted, limit, time.time())
    if as_json:
        say_json({"pushes": [push_json.line(one) for one in found]})
        return 0
    for one in found:
        _show(one)
    if not found:
        say("No push fits: none was heard of, or what was asked for leaves none.")
    return 0


def _show(one: Summary) -> None:
    push = one.push
    by = f" by {one.author}" if one.author else ""
    when = moment(one.last_heard if one.time is None else one.time)
    health = Health(one.health) if one.health else Health.PENDING
    name = f"{push.project} {push.revision[:12]} on {push.branch} ({push.system}){by}"
    say(f"{when}  {styled(f'{glossary.HEALTHS[health]:<10}', _STYLES[health])}  {plain(name)}")
    say(f"{'':<{len(when)}}  {'':<10}  {plain(one.sentence)}", "dim")
