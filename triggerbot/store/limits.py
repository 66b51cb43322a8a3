"""Limits on sending: the pause, circuit breakers, hourly caps, slots for writes, and the claims held behind them."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from triggerbot.core.policy import limits, slots
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.slots import Rank, SlotQueue
from triggerbot.store import actions
from triggerbot.store.actions import Action
from triggerbot.store.documents import StoredClaim, encode, load
from triggerbot.store.engine import Doc, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.names import apart, held_index, join, push_of, within
from triggerbot.store.records import Pause
from triggerbot.store.room import Reads, Room, Writes

_PAUSE, _SENT = Doc("pause", ""), Doc("sent", "")
#: Indexes: breakers by when they changed, and the keys that claims are held behind.
_BREAKERS, _BEHIND = "breakers", "behind"
#: Breakers that are read at once, and claims that one transaction releases.
_BREAKERS_MAX, _RELEASED = 10_000, 200


def pause(transaction: Transaction, wanted: Pause | None, action: Action | None = None) -> None:
    """Pause sending, or (`None`) resume; with the action of whoever did it."""
    actions.add(transaction, action)
    transaction.put(_PAUSE, None if wanted is None else encode(wanted))


def paused(view: Reader) -> Pause | None:
    """Return the current pause, if any."""
    found = view.get([_PAUSE])[0]
    return None if found is None else load(Pause, found)


def is_paused(view: Reader) -> bool:
    """Whether sending is paused."""
    return view.get([_PAUSE])[0] is not None


# -- breakers ---------------------------------------------------------------------------------------------------------


def _breaker(key: str) -> Doc:
    return Doc(join("breaker", key), "")


def _read_breakers(view: Reader, keys: list[str]) -> list[Breaker | None]:
    return [None if data is None else load(Breaker, data) for data in view.get([_breaker(key) for key in keys])]


def breakers(view: Reader) -> list[Breaker]:
    """Read all breakers."""
    keys = sorted(key for _, key in view.first(_BREAKERS, _BREAKERS_MAX))
    return [one for one in _read_breakers(view, keys) if one is not None]


def is_blocked(view: Reader, passes: Mapping[BreakerKey, int]) -> bool:
    """Whether one of these breakers is open in another version than the one that admitted the claim."""
    found = _read_breakers(view, [place.key for place in passes])
    return any(
        one is not None and one.open and one.version != version
        for one, version in zip(found, passes.values(), strict=True)
    )


def _save_breaker(transaction: Transaction, breaker: Breaker, now: float, action: Action | None = None) -> bool:
    """Write a breaker if the stored version is the one that it is based on; with the action of whoever did it."""
    known = _read_breakers(transaction, [breaker.place.key])[0]
    if breaker.version != (0 if known is None else known.version):
        return False
    actions.add(transaction, action)
    transaction.put(_breaker(breaker.place.key), encode(breaker.next()))
    transaction.rank(_BREAKERS, breaker.place.key, now)
    return True


def restore_breaker(transaction: Transaction, breaker: Breaker, changed: float) -> None:
    """Write a breaker as an earlier version stored it."""
    transaction.put(_breaker(breaker.place.key), encode(breaker))
    transaction.rank(_BREAKERS, breaker.place.key, changed)


def purge_breakers(transaction: Transaction, before: float) -> None:
    """Delete the closed breakers that have not changed since then."""
    keys = [key for _, key in transaction.first(_BREAKERS, _BREAKERS_MAX, most=math.nextafter(before, -math.inf))]
    for key, one in zip(keys, _read_breakers(transaction, keys), strict=True):
        if one is None or not one.open:
            transaction.drop(_breaker(key).part)
            transaction.rank(_BREAKERS, key, None)


# -- held claims ------------------------------------------------------------------------------------------------------


def hold(transaction: Transaction, behind: str, part: str, claim: StoredClaim) -> None:
    """List a claim among those held behind a key."""
    transaction.rank(held_index(behind), within(part, str(claim.id)), claim.created)
    transaction.rank(_BEHIND, behind, 0.0)


def held(view: Reader) -> Mapping[str, int]:
    """Count the held claims, by the key of what they are held behind."""
    counted = {key: view.size(held_index(key)) for _, key in view.first(_BEHIND, _BREAKERS_MAX)}
    return {key: number for key, number in counted.items() if number}


def _release(transaction: Transaction, behind: str, most: int, now: float) -> list[str]:
    index, book = held_index(behind), Book(transaction)
    members = [member for _, member in transaction.first(index, most)]
    book.load(push_of(apart(member)[0]) for member in members)
    for place, member in enumerate(members):
        part, number = apart(member)
        ledger = book.ledger(push_of(part))
        claim = None if ledger.stored is None else ledger.claim(int(number))
        transaction.rank(index, member, None)
        if claim is not None and claim.behind == behind and not claim.state.final:
            # One microsecond apart, so that they are taken in this order.
            claim.due, claim.behind = now - (len(members) - place) * 1e-6, ""
            ledger.put_claim(claim)
    book.save(transaction)
    return members


# -- caps -------------------------------------------------------------------------------------------------------------

Sent = dict[str, dict[int, int]]


def _sent(view: Reader) -> Sent:
    found = view.get([_SENT])[0]
    return {} if found is None else load(dict[str, dict[int, int]], found)


def _within(pieces: Mapping[int, int], now: float) -> int:
    return sum(count for piece, count in pieces.items() if piece > limits.piece(now) - limits.PIECES)


def sent(view: Reader, now: float) -> Mapping[str, int]:
    """Count the retriggers sent within the last hour, by the names of caps."""
    return +Counter({name: _within(pieces, now) for name, pieces in _sent(view).items()})


def charge(
    transaction: Transaction, caps: Mapping[str, int | None], count: int, now: float
) -> tuple[tuple[str, ...], int, int] | Capped:
    """Count retriggers against caps, or return the first cap that they would exceed; returns what `refund` needs."""
    if not caps:
        return (), 0, 0
    counted, piece = _sent(transaction), limits.piece(now)
    for name, limit in caps.items():
        before = _within(counted.get(name, {}), now)
        if limit is not None and before + count > limit:
            return Capped(name, limit, before, count)
    for name in caps:
        pieces = {at: number for at, number in counted.get(name, {}).items() if at > piece - 2 * limits.PIECES}
        counted[name] = pieces | {piece: pieces.get(piece, 0) + count}
    transaction.put(_SENT, encode(counted))
    return tuple(caps), piece, count


def refund(transaction: Transaction, caps: tuple[str, ...], piece: int, count: int) -> None:
    """Take back from the caps what the CI certainly did not accept."""
    counted = _sent(transaction)
    for name in caps:
        if piece in counted.get(name, {}):
            counted[name][piece] = max(0, counted[name][piece] - count)
    transaction.put(_SENT, encode(counted))


def restore_sent(transaction: Transaction, counted: Sent) -> None:
    """Write what was sent as an earlier version stored it."""
    transaction.put(_SENT, encode(counted))


def purge_sent(transaction: Transaction, before: float) -> None:
    """Forget what was sent before that."""
    counted = _sent(transaction)
    first = limits.piece(before)
    left = {name: {at: number for at, number in own.items() if at >= first} for name, own in counted.items()}
    if left != counted:
        transaction.put(_SENT, encode({name: own for name, own in left.items() if own}))


# -- slots ------------------------------------------------------------------------------------------------------------


def _queue(view: Reader, queue: str) -> tuple[Doc, SlotQueue]:
    doc = Doc(join("slots", queue), "")
    found = view.get([doc])[0]
    return doc, SlotQueue() if found is None else load(SlotQueue, found)


def ask_slot(transaction: Transaction, queue: str, caller: str, rank: Rank, now: float) -> float:
    """Return when a writer may write; asking again changes nothing."""
    doc, before = _queue(transaction, queue)
    after, time = slots.ask(before, caller, rank, now)
    if after != before:
        transaction.put(doc, encode(after))
    return time


def leave_slot(
    transaction: Transaction, queue: str, caller: str, now: float, *, used: bool, closed: float = 0.0
) -> None:
    """Take a writer out of its queue; `used`: it may have written. `closed`: until when nobody may write."""
    doc, before = _queue(transaction, queue)
    after = slots.leave(before, caller, now, used=used, closed=closed)
    if after != before:
        transaction.put(doc, encode(after))


def restore_slots(transaction: Transaction, queue: str, stored: SlotQueue) -> None:
    """Write a queue as an earlier version stored it."""
    transaction.put(_queue(transaction, queue)[0], encode(stored))


# -- a clock that was set back ----------------------------------------------------------------------------------------


def shift(transaction: Transaction, by: float, now: float) -> int:
    """Let breakers probe as much earlier, and count what was sent in the future as sent now; see `set_back`."""
    changed = 0
    for one in breakers(transaction):
        if one.open and one.probe > now:
            _save_breaker(transaction, replace(one, probe=max(now, one.probe - by)), now)
            changed += 1
    counted, piece = _sent(transaction), limits.piece(now)
    if any(at > piece for pieces in counted.values() for at in pieces):
        for name, pieces in counted.items():
            later = sum(number for at, number in pieces.items() if at > piece)
            kept = {at: number for at, number in pieces.items() if at <= piece}
            counted[name] = kept | ({piece: kept.get(piece, 0) + later} if later else {})
        transaction.put(_SENT, encode(counted))
    return changed


class LimitsRoom(Room):
    """What limits sending."""

    pause = Writes(pause)
    paused = Reads(paused)
    breakers = Reads(breakers)
    held = Reads(held)
    sent = Reads(sent)
    ask_slot = Writes(ask_slot)
    leave_slot = Writes(leave_slot)

    def save_breaker(self, breaker: Breaker, now: float, action: Action | None = None) -> bool:
        """Write a breaker if the stored version is the one that it is based on; a closed one releases what it holds."""
        saved = self.engine.run(lambda transaction: _save_breaker(transaction, breaker, now, action))
        if saved and not breaker.open:
            self.release_held(breaker.place.key, -1, now)
        return saved

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Release up to `most` (-1: all) of the claims held behind a key, oldest first; return how many.

        Some at a time: what a crash leaves behind is due at the latest when it was to be anyway.
        """
        released, wanted = 0, _BREAKERS_MAX * _RELEASED if most < 0 else most
        while released < wanted:
            number = min(_RELEASED, wanted - released)
            some = self.engine.run(partial(_release, behind=behind, most=number, now=now))
            released += len(some)
            if len(some) < number:
                break
        return released
