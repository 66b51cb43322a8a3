"""The store as plain dicts: obviously right rather than durable. Models the real ones, and carries the simulation."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from tests.fakes.memory_store import heads
from tests.fakes.memory_store import queries as views
from tests.fakes.memory_store.claims import UNDECIDED, sent_within, tell_if_new
from tests.fakes.memory_store.tables import ClaimRow, Tables
from tests.fakes.memory_store.verdicts import Reporting
from triggerbot.core.claim import Claim
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import CommentCommand, Group, Head, Lead, Push, State
from triggerbot.core.policy import limits as capping
from triggerbot.core.policy import slots
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.policy.slots import Rank, SlotQueue
from triggerbot.store import (
    CRASHES_MAX,
    DELIVERY_KEPT,
    LEASES_PER_SYSTEM,
    LETTERS_MAX,
    REPEATED,
    Crash,
    DeadLetter,
    Distrust,
    Item,
    Leads,
    Notice,
    Observation,
    Outcome,
    Pause,
    PushRecord,
    TimelineEntry,
    Work,
    in_order,
)


class MemoryStore(Reporting):
    """A `Store` on tables in memory; several on the same tables are replicas, and a lease outlives its owner."""

    def close(self) -> None:
        """Let go."""
        self._closed = True

    # -- hearing ------------------------------------------------------------------------------------------------

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record what was heard, claim what is to be claimed, and move a cursor, all at once."""
        with self._open() as tables:
            known = _repeated(tables, deliveries, now) if deliveries else ()
            names = deliveries or [""] * len(items)
            outcomes = [
                REPEATED if name in known else _hear(tables, item, now, dry)
                for item, name in zip(items, names, strict=True)
            ]
            if cursor is not None:
                tables.cursors[cursor[0]] = cursor[1]
            return outcomes

    def observe_soon(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> "Future[list[Outcome]]":
        """Like `observe`, but answers by a future, which is answered already."""
        future: Future[list[Outcome]] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(self.observe(items, now, dry=dry, cursor=cursor, deliveries=deliveries))
        except StoreUnavailable as error:
            future.set_exception(error)
        return future

    def cursor(self, name: str) -> str | None:
        """Read how far an intake has come."""
        with self._open() as tables:
            return tables.cursors.get(name)

    # -- leases -------------------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Take what has been due longest, so that nobody else works on it meanwhile."""
        with self._open() as tables:
            for what in [what for what, lease in tables.leases.items() if lease[1] <= now]:
                del tables.leases[what]
            found = next(((due, what) for due, what in _due(tables, owner) if due <= now), None)
            if found is None:
                return None
            tables.leases[found[1]] = (owner, math.inf if tables.leases_last else now + seconds)
            return found[1]

    def release(self, leased: Push | Group, owner: str) -> None:
        """Give back what was leased."""
        with self._open() as tables:
            if tables.leases.get(leased, ("", 0.0))[0] == owner:
                del tables.leases[leased]

    def next_due(self) -> float | None:
        """Return when the next that is not leased falls due; no push does while paused."""
        with self._open() as tables:
            owners = {owner for owner, _ in tables.leases.values()} or {""}
            return min((due for owner in owners for due, _ in _due(tables, owner)[:1]), default=None)

    def leads(self, group: Group) -> Leads:
        """Read what was heard of a group and not asked about yet, failures first."""
        with self._open() as tables:
            row = tables.groups.get(group)
            if row is None:
                return Leads(group, ())
            found = sorted(row.leads.values(), key=lambda lead: (not lead.failed, lead.key))
            return Leads(group, tuple(found), row.tries, row.since)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Forget leads that were asked about, unless more was heard of their runs meanwhile."""
        with self._open() as tables:
            row = tables.groups.get(group)
            if row is None:
                return
            for lead in settled:
                if lead.key in row.leads and row.leads[lead.key].state.rank <= lead.state.rank:
                    del row.leads[lead.key]
            if not row.leads:
                del tables.groups[group]
            elif settled:
                row.tries = 0

    def put_off_leads(self, group: Group, due: float) -> None:
        """Ask about a group again when due."""
        with self._open() as tables:
            if group in tables.groups:
                tables.groups[group].due = due
                tables.groups[group].tries += 1

    def distrust(self) -> Distrust | None:
        """Nothing here is ever forgotten."""
        with self._open():
            return None

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Ask for a push's facts again when due, or never."""
        with self._open() as tables:
            if push in tables.pushes:
                # Somebody else may have learned them meanwhile.
                tables.pushes[push].facts_due = due if tables.pushes[push].asks is None else None
                tables.pushes[push].facts_tries += 1

    # -- what holds claims back ---------------------------------------------------------------------------------

    def breakers(self) -> list[Breaker]:
        """Read every breaker that anything is known of."""
        with self._open() as tables:
            return [breaker for _, breaker in sorted(tables.breakers.items())]

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker, in place of the version that it names; one that is closed lets go of all behind it."""
        with self._open() as tables:
            known = tables.breakers.get(breaker.place.key)
            if breaker.version != (0 if known is None else known.version):
                return False
            tables.breakers[breaker.place.key] = breaker.next()
            tables.changed[breaker.place.key] = now
            if not breaker.open:
                self.release_held(breaker.place.key, -1, now)
            return True

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Put a claim off until what it is held behind lets it go; in any case until then."""
        with self._open() as tables:
            row = tables.claim(claim.push, claim.id)
            if row is not None and row.state in UNDECIDED:
                tell_if_new(row, note, now)
                row.due, row.note, row.held, row.behind = until, note, False, behind

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Make at most `most` (-1: all) of the claims held behind something due, the oldest first."""
        with self._open() as tables:
            # Of claims made at the same moment, the pushes that were heard of first come first in Redis.
            place = {} if tables.leases_last else {push: place for place, push in enumerate(tables.pushes)}
            found = sorted(
                _behind(tables, behind), key=lambda claim: (claim.created, place.get(claim.push.push, 0), claim.id)
            )
            chosen = found if most < 0 else found[:most]
            for place, claim in enumerate(chosen):
                claim.due, claim.behind = now - (len(chosen) - place) * 1e-6, ""
            return len(chosen)

    def held(self) -> Mapping[str, int]:
        """Count the claims that are held, by what they are held behind."""
        with self._open() as tables:
            return Counter(claim.behind for claim in _behind(tables))

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers that left within the last hour, by the names of caps."""
        with self._open() as tables:
            return sent_within(tables, now)

    def ask_slot(self, queue: str, caller: str, rank: Rank, now: float) -> float:
        """Return when a writer may write."""
        with self._open() as tables:
            tables.slots[queue], time = slots.ask(tables.slots.get(queue, SlotQueue()), caller, rank, now)
            return time

    def leave_slot(self, queue: str, caller: str, now: float, *, used: bool, closed: float = 0.0) -> None:
        """Take a writer out of its queue."""
        with self._open() as tables:
            known = tables.slots.get(queue, SlotQueue())
            tables.slots[queue] = slots.leave(known, caller, now, used=used, closed=closed)

    # -- what people do -----------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record what a person asks for; `None` if no run of the job is known."""
        with self._open() as tables:
            row = tables.pushes.get(push)
            found = row.jobs.get(row.key(job)) if row is not None else None
            if row is None or found is None or not found.runs:
                return None
            if origin not in found.claims:
                tables.make_claim(row, found, list(found.runs)[-1], origin, dry, now, count)
            return found.claims[origin].value()

    def pause(self, pause: Pause | None) -> None:
        """Stop all sending, or (`None`) go on."""
        with self._open() as tables:
            tables.pause = pause

    def paused(self) -> Pause | None:
        """Return the pause, if sending is stopped."""
        with self._open() as tables:
            return tables.pause

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""
        with self._open() as tables:
            for letter in letters:
                tables.number += 1
                tables.letters[tables.number] = replace(letter, id=tables.number)
            tables.letters = dict(list(tables.letters.items())[-LETTERS_MAX:])

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List them, oldest first."""
        with self._open() as tables:
            return list(tables.letters.values())[:limit]

    def count_dead_letters(self) -> int:
        """Count them."""
        with self._open() as tables:
            return len(tables.letters)

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Delete some of them; return how many there were."""
        with self._open() as tables:
            return sum(tables.letters.pop(one, None) is not None for one in ids)

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Keep how workers ended; the oldest make room for new ones."""
        with self._open() as tables:
            tables.crashes = [*tables.crashes, *crashes][-CRASHES_MAX:]

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List how workers ended, newest first; those that died together in the order in which they did."""
        with self._open() as tables:
            return in_order(tables.crashes[::-1][:limit])

    # -- reading ------------------------------------------------------------------------------------------------

    def work(self, push: Push) -> Work:
        """Read what is open about a push."""
        with self._open() as tables:
            return views.work(tables, push)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read how far each run (job, run id, attempt) of a push is known to have come."""
        with self._open() as tables:
            return views.known(tables, push)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and the beginning of a revision."""
        with self._open() as tables:
            found = views.recent(tables, 50, project)
            return [push for push in found if push.revision.startswith(revision.lower())]

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known of a push."""
        with self._open() as tables:
            return views.record(tables, push)

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read what happened to a push, or to one job of it, in order."""
        with self._open() as tables:
            row = tables.pushes.get(push)
            if row is None:
                return []
            names, kept = row.names(), None if job is None else row.key(job)
            return [
                replace(one, job=names.get(one.job or "", one.job))
                for one in row.story
                if job is None or one.job in (kept, None)
            ]

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes heard of last."""
        with self._open() as tables:
            return views.recent(tables, limit, project)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since then, and what is open now."""
        with self._open() as tables:
            return views.statistics(tables, since)

    def purge(self, before: float) -> int:
        """Delete pushes without events since then, with all their claims; return how many."""
        with self._open() as tables:
            old = [push for push, row in tables.pushes.items() if row.last_heard < before and row.due() is None]
            for push in old:
                del tables.pushes[push]
            tables.forget_wishes(before - DELIVERY_KEPT)
            tables.heads = {
                place: {text: at for text, at in kept.items() if at >= before} for place, kept in tables.heads.items()
            }
            tables.groups = {group: row for group, row in tables.groups.items() if row.since >= before}
            tables.breakers = {
                key: one for key, one in tables.breakers.items() if one.open or tables.changed[key] >= before
            }
            tables.sent = {key: sent for key, sent in tables.sent.items() if key[1] >= capping.piece(before)}
            return len(old)


def _repeated(tables: Tables, deliveries: Sequence[str], now: float) -> set[str]:
    """Return which deliveries are known, and record the others."""
    tables.deliveries = {name: at for name, at in tables.deliveries.items() if at >= now - DELIVERY_KEPT}
    known = set(tables.deliveries).intersection(deliveries)
    tables.deliveries.update((name, now) for name in deliveries if name and name not in known)
    return known


def _hear(tables: Tables, item: Item, now: float, dry: bool) -> Outcome:
    match item:
        case Observation():
            return tables.event(item, now, dry)
        case Notice():
            return tables.notice(item, now, dry)
        case Lead():
            return tables.lead(item, now)
        case CommentCommand():
            return tables.wish(item, now)
        case Head():
            return heads.observe(tables, item, now)


def _due(tables: Tables, owner: str) -> list[tuple[float, Push | Group]]:
    """List what falls due for one who leases, the earliest first."""
    found: list[tuple[float, Push | Group]] = []
    if tables.pause is None:
        found += [(due, row.push) for row in tables.pushes.values() if (due := row.due()) is not None]
    groups: list[tuple[float, Push | Group]] = [(row.due, group) for group, row in tables.groups.items()]
    # Of what is due at the same moment, Redis takes groups first.
    found = found + groups if tables.leases_last else groups + found
    if tables.leases:
        held = Counter(what.system for what, lease in tables.leases.items() if lease[0] == owner)
        found = [one for one in found if one[1] not in tables.leases and held[one[1].system] < LEASES_PER_SYSTEM]
    return sorted(found, key=_moment) if len(found) > 1 else found


def _moment(due: tuple[float, Push | Group]) -> float:
    return due[0]


def _behind(tables: Tables, behind: str | None = None) -> Iterable[ClaimRow]:
    for row in tables.pushes.values():
        for job in row.jobs.values():
            for claim in job.claims.values():
                if claim.behind and behind in (None, claim.behind) and claim.state in UNDECIDED:
                    yield claim
