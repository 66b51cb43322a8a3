"""What people did and asked for: who, when, and by which way; kept as long as the retention."""

import math
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.model import Push
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import join
from triggerbot.store.room import Reads, Room, Writes

#: The index of actions, by their time.
_ACTIONS = "actions"
_EVERYTHING = 1_000_000
_NO_PUSH = Push("", "", "", "")


class Act(StrEnum):
    """What somebody did."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRIGGER = "retrigger"
    SILENCE = "silence"
    #: Ended a silence.
    HEAR = "hear"
    CLOSE_BREAKER = "close_breaker"


class Via(StrEnum):
    """Where somebody did it."""

    COMMAND = "command"
    PAGE = "page"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person did. What does not apply to it is empty."""

    #: The same for the same action, which is recorded once however often it is tried.
    id: str
    at: float
    act: Act
    by: str
    via: Via
    #: The push, or the branch with an empty revision.
    push: Push = _NO_PUSH
    #: The job, a pattern of jobs, or the key of a breaker; empty for several jobs.
    what: str = ""
    #: How many jobs, and how many further runs of each.
    jobs: int = 0
    count: int = 0
    note: str = ""


def _doc(name: str) -> Doc:
    return Doc(join("action", name), "")


def add(transaction: Transaction, action: Action | None) -> None:
    """Record an action, if there is one, unless it is recorded already."""
    if action is None or transaction.get([_doc(action.id)])[0] is not None:
        return
    transaction.put(_doc(action.id), dump(action))
    transaction.rank(_ACTIONS, action.id, action.at)


def read(view: Reader, limit: int) -> list[Action]:
    """List the latest actions, newest first."""
    docs = [_doc(name) for _, name in view.first(_ACTIONS, limit, descending=True)]
    return [load(Action, data) for data in view.get(docs) if data is not None]


def purge(transaction: Transaction, before: float) -> None:
    """Delete the actions of before then."""
    for _, name in transaction.first(_ACTIONS, _EVERYTHING, most=math.nextafter(before, -math.inf)):
        transaction.drop(_doc(name).part)
        transaction.rank(_ACTIONS, name, None)


class Actions(Room):
    """What people did."""

    add = Writes(add)
    read = Reads(read)
