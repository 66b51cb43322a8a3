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


def add(transaction: Transaction, leads: Sequence[Lead], now: float) -> list[Outcome]:
    """Store leads, only the most advanced one of each run; a failure is due at once."""
    if not leads:
        return []
    docs = {group: Doc(group_part(group), "") for group in dict.fromkeys(lead.group for lead in leads)}
    places = [Doc(docs[lead.group].part, _LEAD, _name(lead)) for lead in leads]
    # All at once, and each group is written once: a batch has hundreds of leads, of a few groups.
    wanted = [*docs.values(), *dict.fromkeys(places)]
    found = {doc: data for doc, data in zip(wanted, transaction.get(wanted), strict=True) if data is not None}
    groups = {group: load(_Group, found[doc]) if doc in found else _Group(math.inf, now) for group, doc in docs.items()}
    known = {place: load(Lead, found[place]) for place in places if place in found}
    outcomes = []
    for lead, place in zip(leads, places, strict=True):
        stored = groups[lead.group]
        if not stored.tries:
            # A postponed group stays postponed: its CI did not answer, and asking more often does not help.
            stored.due = min(stored.due, now if lead.failed else now + LEAD_DELAY)
        old = known.get(place)
        news = old is None or lead.state.rank > old.state.rank
        if news:
            own = lead if lead.time is not None or old is None else replace(lead, time=old.time)
            known[place] = own
            transaction.put(place, dump(own))
            stored.leads += old is None
        outcomes.append(Outcome(due=news and lead.failed, news=news))
    for group, doc in docs.items():
        data = dump(groups[group])
        if data != found.get(doc):
            transaction.put(doc, data)
            transaction.rank(Queue.LEADS, doc.part, groups[group].due)
            transaction.rank(_GROUPS, doc.part, groups[group].since)
    return outcomes


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


def shift(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    """Make groups of leads due earlier; see `set_back`."""
    docs = [Doc(part, "") for part in members]
    for doc, data in zip(docs, transaction.get(docs), strict=True):
        if data is not None:
            group = load(_Group, data)
            group.due = max(now, group.due - by)
            transaction.put(doc, dump(group))
            transaction.rank(Queue.LEADS, doc.part, group.due)
    return len(docs)


class LeadGroups(Room):
    """Leads, for the dispatcher."""

    read = Reads(read)
    settle = Writes(settle)
    put_off = Writes(put_off)
