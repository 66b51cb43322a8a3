"""Slots: when each writer may write to a CI, so that all of them together stay within what it allows. Pure.

GitHub asks for a second between writes, and allows 80 a minute and 500 an hour ("Rate limits for the REST API" and
"Best practices for using the REST API", 2026), counted for each account. So the writers of one account, on all
replicas, stand in one queue, which the store keeps. Each is promised a slot of its own and comes back for it: nobody
tries in vain, and no two come at once. Who comes late for a slot keeps it for a while, and so the pace stays.

Within a rank repositories take turns, so that one where a hundred things are to be written does not hold up another's
one. A rate limit that one writer is told of closes the queue for all.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum

from triggerbot.core.policy.limits import PIECE, PIECES, piece

#: Seconds between two slots; so there are 61 at most in a minute, of the 80 that are allowed.
APART = 1.0
#: Writes in an hour: all, and those that reports leave to reruns.
HOUR, HOUR_OF_REPORTS = 500, 250
#: Seconds for which a promised slot is kept for a writer that does not come: all that are kept, used at once after a
#: minute of 61 writes, are few enough, too. And for one that was told to write, and has to look first.
KEPT, KEPT_TOLD = 15.0, 60.0
#: Writers in a queue; those beyond come back when its end is near.
WAITING_MAX = 2000
#: Seconds for which a queue is closed at most: a limit's hour, and what clocks may differ. More: a clock was set back.
CLOSED_MAX = 3900.0


class Rank(IntEnum):
    """What is written: the lower goes first."""

    RERUN = 0
    VERDICT = 1
    PROGRESS = 2


def caller(project: str, what: str) -> str:
    """Name a writer: whose turn it takes, in small letters (a project is the same in any), and what it writes."""
    return f"{project.lower()} {what}"


def _project(name: str) -> str:
    return name.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Promise:
    """The slot that one writer is promised; it may still move, for one that goes before it or one that has left."""

    #: Its name; see `caller`.
    caller: str
    rank: int
    #: Its place among writers of its rank and round.
    number: int
    time: float
    #: The writer was told to write, so the slot is taken unless it says that it has not written.
    told: bool = False
    #: Its place among writers of its rank: a project has one writer in each round.
    round: int = 0


@dataclass(frozen=True, slots=True)
class SlotQueue:
    """The writers of one account."""

    #: The last slot that was taken.
    last: float = 0.0
    #: The slots taken in each piece of time (see `limits.PIECE`).
    taken: dict[int, int] = field(default_factory=dict)
    waiting: tuple[Promise, ...] = ()
    #: The number of writers so far.
    number: int = 0
    #: The latest round in which somebody was told to write: who comes new has missed those before.
    round: int = 0
    #: Until when nobody may write, because of a rate limit.
    closed: float = 0.0


def ask(queue: SlotQueue, caller: str, rank: Rank, now: float) -> tuple[SlotQueue, float]:
    """Promise a writer a slot, or find the one that it was promised; return when that is: up to `now`, it may write."""
    queue = _settled(queue, now)
    mine = next((one for one in queue.waiting if one.caller == caller), None)
    if mine is None and len(queue.waiting) >= WAITING_MAX:
        return queue, max(one.time for one in queue.waiting) + APART
    if mine is None:
        queue = replace(queue, number=queue.number + 1)
        mine = Promise(caller, rank, queue.number, now, round=_next_round(queue, caller, rank))
        queue = replace(queue, waiting=(*queue.waiting, mine))
    else:
        # Who was told to write and asks again has not written, so what closed the queue meanwhile holds for it, too.
        told = mine.told and queue.closed <= now
        queue = _with(queue, replace(mine, rank=min(rank, mine.rank), told=told))
    queue = _dealt(queue, now)
    mine = next(one for one in queue.waiting if one.caller == caller)
    if mine.time <= now:
        queue = replace(_with(queue, replace(mine, told=True)), round=max(queue.round, mine.round))
    return queue, mine.time


def leave(queue: SlotQueue, caller: str, now: float, *, used: bool, closed: float = 0.0) -> SlotQueue:
    """Take a writer out of the queue, and count its slot if it was `used`; those behind it move up if it was not.

    `closed`: until when nobody may write, as the CI told this writer, or whoever read something for it.
    """
    if queue.closed < closed <= now + CLOSED_MAX:
        queue = replace(queue, closed=closed)
    mine = next((one for one in queue.waiting if one.caller == caller), None)
    if mine is None:
        return queue
    queue = replace(queue, waiting=tuple(one for one in queue.waiting if one is not mine))
    return _taken(queue, mine.time) if used else _dealt(queue, now)


def _next_round(queue: SlotQueue, caller: str, rank: Rank) -> int:
    """Return the round of a new writer: the one after its project's last, and none that is over."""
    own = [one.round for one in queue.waiting if one.rank == rank and _project(one.caller) == _project(caller)]
    return max(queue.round, max(own, default=-1) + 1)


def _with(queue: SlotQueue, changed: Promise) -> SlotQueue:
    waiting = tuple(changed if one.caller == changed.caller else one for one in queue.waiting)
    return replace(queue, waiting=waiting)


def _taken(queue: SlotQueue, time: float) -> SlotQueue:
    taken = queue.taken | {piece(time): queue.taken.get(piece(time), 0) + 1}
    return replace(queue, last=max(queue.last, time), taken=taken)


def _settled(queue: SlotQueue, now: float) -> SlotQueue:
    """Forget what is over: slots of more than an hour ago, and writers that did not come."""
    if queue.last > now + KEPT:
        # The clock was set back: what was promised is dealt again, what was taken then does not count.
        waiting = tuple(replace(one, told=False) for one in queue.waiting)
        queue = replace(queue, last=0.0, waiting=waiting)
    if not now < queue.closed <= now + CLOSED_MAX:
        queue = replace(queue, closed=0.0)
    gone = [one for one in queue.waiting if one.time < now - (KEPT_TOLD if one.told else KEPT)]
    queue = replace(queue, waiting=tuple(one for one in queue.waiting if one not in gone))
    for one in gone:
        # Told to write and not heard of since: it may have written.
        queue = _taken(queue, one.time) if one.told else queue
    first, last = piece(now) - PIECES, piece(now + KEPT)
    return replace(queue, taken={at: count for at, count in queue.taken.items() if first < at <= last})


def _dealt(queue: SlotQueue, now: float) -> SlotQueue:
    """Deal the slots anew: those who were told to write keep theirs, the others follow by rank and place."""
    taken, last, total = dict(queue.taken), queue.last, sum(queue.taken.values())
    if queue.closed > now:
        last = max(last, queue.closed - APART)
    dealt = []
    for one in sorted(queue.waiting, key=lambda one: (not one.told, one.rank, one.round, one.number)):
        time = one.time
        if not one.told:
            # A slot that is due is kept, not moved to now: else each that comes late would delay all others.
            time = max(last + APART, min(time, now))
            limit = HOUR if one.rank == Rank.RERUN else HOUR_OF_REPORTS
            if total >= limit:
                time = max(time, _free(taken, piece(time), limit) * float(PIECE))
        taken[piece(time)] = taken.get(piece(time), 0) + 1
        total += 1
        last = max(last, time)
        dealt.append(one if time == one.time else replace(one, time=time))
    return replace(queue, waiting=tuple(dealt))


def _free(taken: dict[int, int], start: int, limit: int) -> int:
    """Return the first piece of time, from `start`, that ends an hour with room."""
    at = start
    while sum(count for place, count in taken.items() if at - PIECES < place <= at) >= limit:
        at += 1
    return at
