"""What was told of branches, in memory."""

from tests.fakes.memory_store.tables import Tables
from triggerbot.core import heads
from triggerbot.core.claim import ClaimState
from triggerbot.core.heads import Told
from triggerbot.core.model import Head, Push
from triggerbot.store import Outcome


def observe(tables: Tables, head: Head, now: float) -> Outcome:
    """Keep what is told of a branch; if that is new, what is owed at its other pushes is due."""
    place = heads.place(head.system, head.project, head.branch)
    kept = tables.heads.setdefault(place, {})
    first, *more = heads.marks(head, now)
    old = kept.get(first.text)
    news = old is None or (not first.least and first.at > old)
    for mark in (first, *more):
        known = kept.get(mark.text, mark.at)
        kept[mark.text] = min(known, mark.at) if mark.least else max(known, mark.at)
    newest = sorted(kept.items(), key=lambda one: (-one[1], one[0]))[: heads.MARKS_MAX]
    tables.heads[place] = kept = dict(newest)
    woken = False
    for row in tables.pushes.values() if news and heads.DEFAULT not in kept else ():
        if row.push[:3] == head.push[:3] and row.push.revision != head.revision:
            for claim in row.claims():
                if claim.state in (ClaimState.OPEN, ClaimState.OWED) and not claim.origin and claim.due > now:
                    claim.due, woken = now, True
    return Outcome(due=woken, news=news)


def read(tables: Tables, push: Push) -> tuple[Told, ...]:
    """Read what was told of a push's branch."""
    kept = tables.heads.get(heads.place(push.system, push.project, push.branch), {})
    found = (heads.told(text, at) for text, at in kept.items())
    return tuple(one for one in found if one is not None)
