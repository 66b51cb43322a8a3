"""`triggerbot actions`: list who paused, resumed, or asked for something, and when."""

import click

from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import moment, plain, say, say_json
from triggerbot.reports import actions as reports

_MOST = 10_000


@click.command()
@config_option
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, metavar="N", help="How many at most."
)
@json_option
def actions(config_path: str | None, limit: int, as_json: bool) -> int:
    """List what people did, the newest first: pauses, requests for further runs, silences, breakers closed by hand.

    They are kept as long as the retention, whether people did it by command, on the page or in a comment.

    With --json: actions, each as GET /api/v1/actions has it.
    """
    with opened(load_config(config_path)) as store:
        found = store.actions.read(limit)
    if as_json:
        say_json({"actions": [reports.as_json(one) for one in found]})
        return 0
    for one in found:
        say(plain(f"{moment(one.at)}  {one.by} {reports.words(one)}"))
    if not found:
        say("Nobody did anything, as far back as is remembered.")
    return 0
