"""`triggerbot breakers`: list the open breakers (of a CI, pool or step) with their evidence, and close one by hand."""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import click

from triggerbot.cli import person
from triggerbot.cli.answers import print_blocks
from triggerbot.cli.options import config_option, json_option, load_config, opened
from triggerbot.cli.output import plain, say_json
from triggerbot.core.errors import UsageError
from triggerbot.core.policy import circuit_breaker
from triggerbot.reports import push_json
from triggerbot.reports.answers.stats import breaker_lines
from triggerbot.store import Store
from triggerbot.store.actions import Act, Action, Via

#: Tries to close a breaker that the daemon changes at the same time.
_TRIES = 5


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def breakers(ctx: click.Context, config_path: str | None, as_json: bool) -> int:
    """List the breakers that are open. While one is, what it holds back waits, and one canary at a time is sent.

    With --json: one object for each, a line: breaker, scope, system, name, trouble, since, why, held, next_canary,
    canary, canaries_in_vain, evidence.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    with opened(load_config(config_path)) as store:
        found = push_json.breakers(store.limits.breakers(), store.limits.held())
    if as_json:
        for one in found:
            say_json(one)
    elif found:
        show(found, evidence=True)
        click.echo("`triggerbot breakers close NAME` closes one, if you know better.")
    else:
        click.echo("No breaker is open.")
    return 0


@breakers.command()
@config_option
@click.argument("name")
def close(config_path: str | None, name: str) -> int:
    """Close a breaker, named as the list names it; what it held goes on. It opens again if the trouble goes on."""
    with opened(load_config(config_path)) as store:
        _close(store, name)
    click.echo(f"Closed {plain(name)}.")
    return 0


def _close(store: Store, name: str) -> None:
    for _ in range(_TRIES):
        found = {one.place.key: one for one in store.limits.breakers() if one.open}
        if name not in found:
            known = ", ".join(found) or "none"
            raise UsageError(f"no breaker {name!r} is open; open are: {known}")
        now = time.time()
        action = Action(uuid.uuid4().hex, now, Act.CLOSE_BREAKER, person.who(), Via.COMMAND, what=name)
        if store.limits.save_breaker(circuit_breaker.closed(found[name], now), now, action):
            return
    raise UsageError(f"the breaker {name!r} changes all the time: try again")


def show(found: Sequence[Mapping[str, Any]], *, evidence: bool = False) -> None:
    """Print open breakers, as `push_json.breakers` returns them."""
    print_blocks(list(breaker_lines(found, evidence=evidence)))
