"""Push order: the pushes of a branch as they were pushed, in whatever order they were heard of. Pure.

A push stands at its own time or, where the CI does not tell it, at the first start of a run. When a push was heard of
never counts: a sweep, a first poll or a file tells of last week's pushes after this morning's.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from triggerbot.core.model import Event, Run

T = TypeVar("T")


class Position(NamedTuple):
    """The position of a push in its branch; of two that were pushed at one time the revision decides."""

    #: In seconds since the epoch; minus infinity if no time at all is known of the push, so that nothing is before it.
    at: float
    revision: str


def pushed_at(own: float | None, began: float | None) -> float | None:
    """Return when a push was made, by its own time or else by the first start of its runs; `None`: not known."""
    return began if own is None else own


def start(run: Run | Event) -> float | None:
    """Return when a run started; where the CI does not tell that, when it entered its state."""
    return run.time if run.started is None else run.started


def earlier(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two times, of which one may not be known."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def position(at: float | None, revision: str) -> Position:
    """Return the position of a push that was made then (see `pushed_at`)."""
    return Position(-math.inf if at is None else at, revision)


def newest_first(pushes: Iterable[tuple[Position, T]]) -> Sequence[T]:
    """Return pushes, given with their positions, in push order, the newest first."""
    return [push for _, push in sorted(pushes, key=lambda one: one[0], reverse=True)]
