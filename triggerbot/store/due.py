"""The queues of what falls due: pushes, groups of leads, reports and comment commands, each by when.

What is taken is due again after a while, in case whoever took it dies. Pushes and groups are leased by the engine
instead, so that the lease of a process on one machine ends with that process.
"""

from collections import Counter
from collections.abc import Collection

from triggerbot.core.model import Group, Push
from triggerbot.store import limits
from triggerbot.store.engine import Reader
from triggerbot.store.names import Queue, due_of
from triggerbot.store.records import LEASES_PER_SYSTEM
from triggerbot.store.room import Room

_FOREVER = float("inf")


def first(view: Reader, queue: Queue, now: float) -> str | None:
    """Return what has been due longest, if anything is."""
    return next((part for _, part in view.first(queue, 1, most=now)), None)


def _next(view: Reader, limit: int, full: Collection[str], most: float) -> list[tuple[float, Push | Group]]:
    """List the pushes and groups that fall due next, up to a time, without the systems in `full`.

    There are no pushes while paused.
    """
    found = _of(view, Queue.LEADS, limit, full, most)
    if not limits.is_paused(view):
        found += _of(view, Queue.PUSHES, limit, full, most)
    return sorted(found, key=lambda one: one[0])[:limit]


def _of(view: Reader, queue: Queue, limit: int, full: Collection[str], most: float) -> list[tuple[float, Push | Group]]:
    number = limit
    while True:
        found = view.first(queue, number, most=most)
        wanted = [(at, one) for at, one in ((at, due_of(part)) for at, part in found) if one.system not in full]
        if len(wanted) >= limit or len(found) < number:
            return wanted[:limit]
        number *= 4


def _full(leased: Collection[Push | Group]) -> list[str]:
    """Return the systems with as many leases as allowed: one that hangs must not block the others."""
    count = Counter(one.system for one in leased)
    return [system for system, number in count.items() if number >= LEASES_PER_SYSTEM]


class Due(Room):
    """Pushes and groups of leads, for the dispatcher."""

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Lease what has been due longest, so that no other process works on it; no push while paused."""
        full, limit = _full(self.engine.leased(owner)), len(self.engine.leased()) + 8
        found = self.engine.read(lambda view: _next(view, limit, full, now))
        return self.engine.lease([one for _, one in found], owner, now, seconds)

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        self.engine.release(leased, owner)

    def next(self) -> float | None:
        """Return when the next unleased push or group falls due; pushes do not count while paused."""
        leased = self.engine.leased()
        found = self.engine.read(lambda view: _next(view, len(leased) + 1, _full(leased), _FOREVER))
        return next((due for due, one in found if one not in leased), None)
