"""Carries out comment commands on the issue of a branch: silences jobs of it, and has it found out who broke one."""

from collections.abc import Sequence
from typing import NamedTuple

from triggerbot.core.branch.grid import Grid
from triggerbot.core.model import Branch, CommentCommand, Push
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.reports import comment_syntax, reactions
from triggerbot.reports.branches import backfills, silencing
from triggerbot.reports.branches.look import Look
from triggerbot.reports.comment_syntax import Backfill, Command, Silence
from triggerbot.store import Store
from triggerbot.store.actions import Via
from triggerbot.systems import TakesCommands


class Asking(NamedTuple):
    """Who asks, when, and what the config says."""

    by: str
    now: float
    rules: Sequence[Rule]
    dry: bool


def settle(
    store: Store,
    look: Look,
    system: TakesCommands,
    command: CommentCommand,
    configured: Sequence[Rule],
    now: float,
    *,
    dry: bool,
) -> str:
    """Carry out a command and react to it; return the outcome. Raises `CIError`.

    Only who may write to the project is obeyed. The issue itself shows what is silenced, and the branch's page what is
    looked for, so there is no other answer.
    """
    if not system.asker(command).may_write:
        reactions.react(system, command, heard=False)
        return "not allowed"
    found = (one for one in store.branches.known() if (one.system, one.project) == (command.system, command.project))
    branch = next((one for one in found if one.mark == command.about), None)
    asking = Asking(command.author, now, configured, dry)
    commands = comment_syntax.read(command.text)
    done = [] if branch is None else [_do(store, look, branch, one, asking) for one in commands]
    reactions.react(system, command, heard=any(done))
    return "done" if any(done) else "not understood"


def _do(store: Store, look: Look, branch: Branch, command: Command, asking: Asking) -> bool:
    """Carry out a command; return whether it was understood and possible."""
    match command:
        case Silence(pattern, ends=True):
            return bool(silencing.hear(store, branch, pattern, asking.by, Via.COMMENT, asking.now))
        case Silence(pattern):
            looked = look(branch)
            return looked is not None and bool(
                silencing.silence(store, branch, looked.grid, pattern, asking.by, Via.COMMENT, asking.now)
            )
        case Backfill(job):
            looked = look(branch)
            return looked is not None and _backfill(store, branch, looked.grid, job, asking)
        case _:
            return False


def _backfill(store: Store, branch: Branch, found: Grid, wanted: str, asking: Asking) -> bool:
    """Begin to look for who broke a job; return whether it is looked for, or known already."""
    rule = rules.rule_for(asking.rules, Push(*branch, revision=""))
    job = next((row.name or row.job for row in found.rows if wanted in (row.job, row.name)), None)
    if rule is None or job is None:
        return False
    asked = backfills.ask(store, rule, (*branch,), job, asking.now, by=asking.by, dry=asking.dry)
    return asked.search is not None or asked.conclusion is not None
