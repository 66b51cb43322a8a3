"""Leads: unresolved events, in groups that are resolved together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from triggerbot.core.model import Group, Lead
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import Queue, group_part, join
from triggerbot.store.records import LEAD_DELAY, Leads, Outcome
from triggerbot.store.room import Reads, Room, Writes

#: The index of groups by when their first lead came.
_GROUPS = "groups"
_LEAD = "l"


@dataclass(slots=True)
class _Group:
    """What is stored of a group of leads, apart from these."""

    due: float
    since: float
    tries: int = 0
    #: The number of its leads.
    leads: int = 0


def _group(view: Reader, group: Group) -> tuple[str, Doc, _Group | None]:
    part = group_part(group)
    doc = Doc(part, "")
    found = view.get([doc])[0]
    return part, doc, None if found is None else load(_Group, found)


def _name(lead: Lead) -> str:
    return join(lead.run_id, str(lead.attempt))


def add(transaction: Transaction, lead: Lead, now: float) -> Outcome:
    """Store a lead, only the most advanced one of each run; a failure is due at once."""
    due_at = now if lead.failed else now + LEAD_DELAY
    part, doc, known = _group(transaction, lead.group)
    group = known or _Group(due_at, now)
    if not group.tries:
        # A postponed group stays postponed: its CI did not answer, and asking more often does not help.
        group.due = min(group.due, due_at)
    place = Doc(part, _LEAD, _name(lead))
    found = transaction.get([place])[0]
    old = None if found is None else load(Lead, found)
    news = old is None or lead.state.rank > old.state.rank
    if news:
        time = lead.time if lead.time is not None or old is None else old.time
        transaction.put(place, dump(replace(lead, time=time)))
        group.leads += old is None
    if news or known is None or group.due != known.due:
        transaction.put(doc, dump(group))
        transaction.rank(Queue.LEADS, part, group.due)
        transaction.rank(_GROUPS, part, group.since)
    return Outcome(due=news and lead.failed, news=news)


def read(view: Reader, group: Group) -> Leads:
    """Read the leads of a group, failures first."""
    part, _, known = _group(view, group)
    if known is None:
        return Leads(group, ())
    found = [load(Lead, data) for data in view.all(part, _LEAD).values()]
    found.sort(key=lambda lead: (not lead.failed, lead.key))
    return Leads(group, tuple(found), known.tries, known.since)


def settle(transaction: Transaction, group: Group, settled: Sequence[Lead]) -> None:
    """Delete resolved leads, except those whose runs have got further since; an empty group is deleted, too."""
    part, doc, known = _group(transaction, group)
    if known is None:
        return
    places = [Doc(part, _LEAD, _name(lead)) for lead in settled]
    for lead, place, data in zip(settled, places, transaction.get(places), strict=True):
        if data is not None and load(Lead, data).state.rank <= lead.state.rank:
            transaction.put(place, None)
            known.leads -= 1
    if known.leads <= 0:
        _drop_group(transaction, part)
    elif settled:
        known.tries = 0
        transaction.put(doc, dump(known))


def _drop_group(transaction: Transaction, part: str) -> None:
    transaction.drop(part)
    transaction.rank(Queue.LEADS, part, None)
    transaction.rank(_GROUPS, part, None)


def put_off(transaction: Transaction, group: Group, due_at: float) -> None:
    """Postpone a group; counts as a failed attempt."""
    part, doc, known = _group(transaction, group)
    if known is not None:
        known.due, known.tries = due_at, known.tries + 1
        transaction.put(doc, dump(known))
        transaction.rank(Queue.LEADS, part, due_at)


def restore(transaction: Transaction, leads: Leads, due_at: float) -> None:
    """Write a group as an earlier version stored it."""
    part = group_part(leads.group)
    for lead in leads.leads:
        transaction.put(Doc(part, _LEAD, _name(lead)), dump(lead))
    transaction.put(Doc(part, ""), dump(_Group(due_at, leads.since, leads.tries, len(leads.leads))))
    transaction.rank(Queue.LEADS, part, due_at)
    transaction.rank(_GROUPS, part, leads.since)


def purge(transaction: Transaction, before: float, most: int) -> int:
    """Delete groups whose first lead came before that."""
    found = transaction.first(_GROUPS, most, most=math.nextafter(before, -math.inf))
    for _, part in found:
        _drop_group(transaction, part)
    return len(found)


class LeadGroups(Room):
    """Leads, for the dispatcher."""

    read = Reads(read)
    settle = Writes(settle)
    put_off = Writes(put_off)
