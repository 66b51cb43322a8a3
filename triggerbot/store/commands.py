"""Comment commands: what people asked for in comments, until it was answered."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triggerbot.core.model import CommentCommand
from triggerbot.store import due
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Transaction
from triggerbot.store.names import Queue, join
from triggerbot.store.records import DELIVERY_KEPT, Outcome, PendingCommand
from triggerbot.store.room import Room, Writes

#: The index of settled commands, by age.
_SETTLED = "settled"


@dataclass(slots=True)
class _Command:
    """A comment command as it is stored; settled, it has no content."""

    since: float
    command: CommentCommand | None = None
    due: float | None = None
    tries: int = 0


def _doc(system: str, name: str) -> Doc:
    return Doc(join("command", system, name), "")


def _place(command: CommentCommand) -> Doc:
    return _doc(command.system, command.id)


def add(transaction: Transaction, command: CommentCommand, now: float) -> Outcome:
    """Store a comment command, due at once. Deletes up to two settled ones that are too old."""
    _purge(transaction, _SETTLED, now - DELIVERY_KEPT, 2)
    doc = _place(command)
    news = transaction.get([doc])[0] is None
    if news:
        transaction.put(doc, dump(_Command(now, command, now)))
        transaction.rank(Queue.COMMANDS, doc.part, now)
    return Outcome(news=news)


def restore(
    transaction: Transaction,
    place: tuple[str, str],
    command: CommentCommand | None,
    since: float,
    due_at: float | None,
    tries: int,
) -> None:
    """Write the command of a system and id as an earlier version stored it; settled, it is due never."""
    doc = _doc(*place)
    transaction.put(doc, dump(_Command(since, command, due_at, tries)))
    if due_at is None:
        transaction.rank(_SETTLED, doc.part, since)
    else:
        transaction.rank(Queue.COMMANDS, doc.part, due_at)


def purge(transaction: Transaction, before: float, most: int) -> None:
    """Delete commands that came before that, settled or not."""
    for index in (Queue.COMMANDS, _SETTLED):
        _purge(transaction, index, before, most)


def _purge(transaction: Transaction, index: str, before: float, most: int) -> None:
    for _, part in transaction.first(index, most, most=math.nextafter(before, -math.inf)):
        transaction.drop(part)
        transaction.rank(_SETTLED, part, None)
        transaction.rank(Queue.COMMANDS, part, None)


def take(transaction: Transaction, now: float, seconds: float) -> PendingCommand | None:
    """Take the comment command that has been due longest, for a number of seconds."""
    part = due.first(transaction, Queue.COMMANDS, now)
    found = None if part is None else transaction.get([Doc(part, "")])[0]
    stored = None if found is None else load(_Command, found)
    if part is None or stored is None or stored.command is None:
        if part is not None:
            transaction.rank(Queue.COMMANDS, part, None)
        return None
    stored.due = now + seconds
    transaction.put(Doc(part, ""), dump(stored))
    transaction.rank(Queue.COMMANDS, part, stored.due)
    return PendingCommand(stored.command, stored.since, stored.tries)


def end(transaction: Transaction, command: CommentCommand, due_at: float | None) -> None:
    """Settle a comment command (`None`), or make it due again."""
    doc = _place(command)
    found = transaction.get([doc])[0]
    stored = None if found is None else load(_Command, found)
    if stored is None or stored.due is None:
        return
    stored.due = due_at
    if due_at is None:
        stored.command = None
        transaction.rank(_SETTLED, doc.part, stored.since)
    else:
        stored.tries += 1
    transaction.put(doc, dump(stored))
    transaction.rank(Queue.COMMANDS, doc.part, due_at)


def shift(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    """Make comment commands due earlier; see `set_back`."""
    docs = [Doc(part, "") for part in members]
    for doc, data in zip(docs, transaction.get(docs), strict=True):
        command = None if data is None else load(_Command, data)
        if command is not None and command.due is not None:
            command.due = max(now, command.due - by)
            transaction.put(doc, dump(command))
            transaction.rank(Queue.COMMANDS, doc.part, command.due)
    return len(docs)


class Commands(Room):
    """Comment commands, for the publisher."""

    take = Writes(take)
    end = Writes(end)
