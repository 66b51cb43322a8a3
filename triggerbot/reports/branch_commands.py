"""Carries out comment commands on the issue of a branch: which jobs of it nobody wants to hear of."""

from collections.abc import Iterable

from triggerbot.core.model import Branch, CommentCommand
from triggerbot.reports import comment_syntax, reactions, silencing
from triggerbot.reports.branch_look import Look
from triggerbot.reports.comment_syntax import Command, Silence
from triggerbot.store import Store
from triggerbot.store.actions import Via
from triggerbot.systems import TakesCommands


def settle(store: Store, look: Look, system: TakesCommands, command: CommentCommand, now: float) -> str:
    """Carry out a command and react to it; return the outcome. Raises `CIError`.

    Only who may write to the project is obeyed. The issue itself shows what is silenced, so there is no other answer.
    """
    if not system.asker(command).may_write:
        reactions.react(system, command, heard=False)
        return "not allowed"
    found = (one for one in store.branches.known() if (one.system, one.project) == (command.system, command.project))
    branch = next((one for one in found if one.mark == command.about), None)
    possible = branch is not None and _do(store, look, branch, comment_syntax.read(command.text), command.author, now)
    reactions.react(system, command, heard=possible)
    return "done" if possible else "not understood"


def _do(store: Store, look: Look, branch: Branch, commands: Iterable[Command], by: str, now: float) -> bool:
    """Carry out commands; return whether any was understood and possible."""
    done = False
    for one in commands:
        if isinstance(one, Silence) and one.ends:
            done = bool(silencing.hear(store, branch, one.pattern, by, Via.COMMENT, now)) or done
        elif isinstance(one, Silence) and (looked := look(branch)) is not None:
            done = bool(silencing.silence(store, branch, looked.grid, one.pattern, by, Via.COMMENT, now)) or done
    return done
