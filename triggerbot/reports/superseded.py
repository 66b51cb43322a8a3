"""That a push is superseded, for people: which commit took its place, and what a rerun may do to that one's CI."""

from typing import Any

from triggerbot.core.model import HeadKind
from triggerbot.core.policy import superseded
from triggerbot.core.policy.superseded import Newer
from triggerbot.store import PushRecord


def newer(record: PushRecord) -> Newer | None:
    """Return what took the place of a push, as far as is known; on a default branch every commit counts."""
    if any(one.kind is HeadKind.DEFAULT for one in record.heads) and not superseded.guarded(record.heads, None):
        return None
    forks = [batch for batch in record.told.values() if batch.fork]
    of_fork = len(forks) == len(record.told) and forks
    return superseded.newer(record.push, record.heads, forks[0] if of_fork else None)


def warning(record: PushRecord) -> str:
    """Return what a person is told who asks for runs at a push, or looks at it; empty if there is nothing to say."""
    return superseded.warning(newer(record))


def as_json(record: PushRecord) -> dict[str, Any] | None:
    """Return what took the place of a push; `None` if nothing is known to have."""
    found = newer(record)
    return None if found is None else {"revision": found.revision or None, "why": found.why}
