"""Reactions to comment commands, by which their authors see that they were read."""

import structlog

from triggerbot.core.errors import CIDenied, NotKnown
from triggerbot.core.model import CommentCommand
from triggerbot.systems import TakesCommands

log = structlog.get_logger("triggerbot.wishes")


def react(system: TakesCommands, command: CommentCommand, *, heard: bool) -> None:
    """React to a command, if possible: its comment may be deleted, and the command has been carried out by now."""
    try:
        system.react(command, heard=heard)
    except (CIDenied, NotKnown) as error:
        log.warning("wish.no_reaction", system=command.system, wish=command.id, error=str(error))
