"""Push order: the pushes of a branch as they were pushed, in whatever order they were heard of. Pure.

A push stands at its own time or, where the CI does not tell it, at the first start of a run. When a push was heard of
never counts: a sweep, a first poll or a file tells of last week's pushes after this morning's.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from triggerbot.core.model import Run

T = TypeVar("T")


class Position(NamedTuple):
    """The position of a push in its branch; of two that were pushed at one time the revision decides."""

    #: In seconds since the epoch; minus infinity if no time at all is known of the push, so that nothing is before it.
    at: float
    revision: str


def pushed_at(own: float | None, began: float | None) -> float | None:
    """Return when a push was made, by its own time or else by the first start of its runs; `None`: not known."""
    return began if own is None else own


def began(runs: Iterable[Run]) -> float | None:
    """Return the first start of runs; where the CI does not tell starts, the first time that is known of one."""
    return earliest(run.time if run.started is None else run.started for run in runs)


def earliest(times: Iterable[float | None]) -> float | None:
    """Return the earliest of the times that are known."""
    return min((at for at in times if at is not None), default=None)


def position(at: float | None, revision: str) -> Position:
    """Return the position of a push that was made then (see `pushed_at`)."""
    return Position(-math.inf if at is None else at, revision)


def newest_first(pushes: Iterable[tuple[Position, T]]) -> Sequence[T]:
    """Return pushes, given with their positions, in push order, the newest first."""
    return [push for _, push in sorted(pushes, key=lambda one: one[0], reverse=True)]
