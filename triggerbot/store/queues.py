"""Leads (unresolved events), comment commands, and which pushes and groups fall due."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from triggerbot.core.model import CommentCommand, Group, Lead, Push
from triggerbot.store import limits
from triggerbot.store.documents import dump, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.names import DUE, LEADS_DUE, due_of, group_part, join
from triggerbot.store.records import DELIVERY_KEPT, LEAD_DELAY, Leads, Outcome, PendingCommand

#: Indexes: groups of leads by when the first came; comment commands by when they are due, and settled ones by age.
_GROUPS, COMMANDS, _SETTLED = "groups", "commands", "settled"
_LEAD = "l"


@dataclass(slots=True)
class _Group:
    """What is stored of a group of leads, apart from these."""

    due: float
    since: float
    tries: int = 0
    #: The number of its leads.
    leads: int = 0


@dataclass(slots=True)
class _Command:
    """A comment command as it is stored; settled, it has no content."""

    since: float
    command: CommentCommand | None = None
    due: float | None = None
    tries: int = 0


# -- what falls due ---------------------------------------------------------------------------------------------------


def due(view: Reader, limit: int, full: Collection[str], most: float) -> list[tuple[float, Push | Group]]:
    """List what falls due next, up to a time, without the systems in `full`; no pushes while paused."""
    found = _due(view, LEADS_DUE, limit, full, most)
    if not limits.is_paused(view):
        found += _due(view, DUE, limit, full, most)
    return sorted(found, key=lambda one: one[0])[:limit]


def _due(view: Reader, index: str, limit: int, full: Collection[str], most: float) -> list[tuple[float, Push | Group]]:
    number = limit
    while True:
        found = view.first(index, number, most=most)
        wanted = [(at, one) for at, one in ((at, due_of(part)) for at, part in found) if one.system not in full]
        if len(wanted) >= limit or len(found) < number:
            return wanted[:limit]
        number *= 4


# -- leads ------------------------------------------------------------------------------------------------------------


def _group(view: Reader, group: Group) -> tuple[str, Doc, _Group | None]:
    part = group_part(group)
    doc = Doc(part, "")
    found = view.get([doc])[0]
    return part, doc, None if found is None else load(_Group, found)


def _name(lead: Lead) -> str:
    return join(lead.run_id, str(lead.attempt))


def add_lead(transaction: Transaction, lead: Lead, now: float) -> Outcome:
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
        transaction.rank(LEADS_DUE, part, group.due)
        transaction.rank(_GROUPS, part, group.since)
    return Outcome(due=news and lead.failed, news=news)


def read_leads(view: Reader, group: Group) -> Leads:
    """Read the leads of a group, failures first."""
    part, _, known = _group(view, group)
    if known is None:
        return Leads(group, ())
    found = [load(Lead, data) for data in view.all(part, _LEAD).values()]
    found.sort(key=lambda lead: (not lead.failed, lead.key))
    return Leads(group, tuple(found), known.tries, known.since)


def settle_leads(transaction: Transaction, group: Group, settled: Sequence[Lead]) -> None:
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
    transaction.rank(LEADS_DUE, part, None)
    transaction.rank(_GROUPS, part, None)


def put_off_leads(transaction: Transaction, group: Group, due_at: float) -> None:
    """Postpone a group; counts as a failed attempt."""
    part, doc, known = _group(transaction, group)
    if known is not None:
        known.due, known.tries = due_at, known.tries + 1
        transaction.put(doc, dump(known))
        transaction.rank(LEADS_DUE, part, due_at)


def restore_leads(transaction: Transaction, leads: Leads, due_at: float) -> None:
    """Write a group as an earlier version stored it."""
    part = group_part(leads.group)
    for lead in leads.leads:
        transaction.put(Doc(part, _LEAD, _name(lead)), dump(lead))
    transaction.put(Doc(part, ""), dump(_Group(due_at, leads.since, leads.tries, len(leads.leads))))
    transaction.rank(LEADS_DUE, part, due_at)
    transaction.rank(_GROUPS, part, leads.since)


def purge_groups(transaction: Transaction, before: float, most: int) -> int:
    """Delete groups whose first lead came before that."""
    found = transaction.first(_GROUPS, most, most=math.nextafter(before, -math.inf))
    for _, part in found:
        _drop_group(transaction, part)
    return len(found)


# -- comment commands -------------------------------------------------------------------------------------------------


def _doc(system: str, name: str) -> Doc:
    return Doc(join("command", system, name), "")


def _place(command: CommentCommand) -> Doc:
    return _doc(command.system, command.id)


def add_command(transaction: Transaction, command: CommentCommand, now: float) -> Outcome:
    """Store a comment command, due at once. Deletes up to two settled ones that are too old."""
    purge_commands(transaction, _SETTLED, now - DELIVERY_KEPT, 2)
    doc = _place(command)
    news = transaction.get([doc])[0] is None
    if news:
        transaction.put(doc, dump(_Command(now, command, now)))
        transaction.rank(COMMANDS, doc.part, now)
    return Outcome(news=news)


def restore_command(
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
        transaction.rank(COMMANDS, doc.part, due_at)


def purge_commands(transaction: Transaction, index: str, before: float, most: int) -> None:
    """Delete commands that came before that."""
    for _, part in transaction.first(index, most, most=math.nextafter(before, -math.inf)):
        transaction.drop(part)
        transaction.rank(_SETTLED, part, None)
        transaction.rank(COMMANDS, part, None)


def take_command(transaction: Transaction, now: float, seconds: float) -> PendingCommand | None:
    """Take the comment command that has been due longest, for a number of seconds."""
    for _, part in transaction.first(COMMANDS, 1, most=now):
        found = transaction.get([Doc(part, "")])[0]
        stored = None if found is None else load(_Command, found)
        if stored is None or stored.command is None:
            transaction.rank(COMMANDS, part, None)
            return None
        stored.due = now + seconds
        transaction.put(Doc(part, ""), dump(stored))
        transaction.rank(COMMANDS, part, stored.due)
        return PendingCommand(stored.command, stored.since, stored.tries)
    return None


def end_command(transaction: Transaction, command: CommentCommand, due_at: float | None) -> None:
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
    transaction.rank(COMMANDS, doc.part, due_at)


# -- a clock that was set back ----------------------------------------------------------------------------------------


def shift_groups(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    """Make groups of leads due earlier; see `set_back`."""
    docs = [Doc(part, "") for part in members]
    for doc, data in zip(docs, transaction.get(docs), strict=True):
        if data is not None:
            group = load(_Group, data)
            group.due = max(now, group.due - by)
            transaction.put(doc, dump(group))
            transaction.rank(LEADS_DUE, doc.part, group.due)
    return len(docs)


def shift_commands(transaction: Transaction, members: Sequence[str], by: float, now: float) -> int:
    """Make comment commands due earlier; see `set_back`."""
    docs = [Doc(part, "") for part in members]
    for doc, data in zip(docs, transaction.get(docs), strict=True):
        command = None if data is None else load(_Command, data)
        if command is not None and command.due is not None:
            command.due = max(now, command.due - by)
            transaction.put(doc, dump(command))
            transaction.rank(COMMANDS, doc.part, command.due)
    return len(docs)
