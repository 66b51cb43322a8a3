"""Taking over the keys of layouts 1 to 3, push by push: each becomes documents in the same step that deletes its keys.

One process does it, under a lock that every step checks; a crash at any point leaves the rest to the next start. From
the first step on, programs that know only those layouts leave the store alone.

n:<push>          its number            p:<number>  hash of its facts and counters
j:<number>        hash of its jobs      c:, k:      hashes of its claims
o:<number>        hash of operations    s:<number>  list, the timeline      u:<number>  set of refusals in it
e:<number>        hash of its metadata  w:<number>  hash of its failure records
due               zset of p US system US number, and of g US system US name;    g:<group>   hash of leads
recent            zset of the numbers of all pushes
reports           zset of numbers by when they are to be judged;  reporting: by when the lease of that ends
wishes            hash of comment commands;  wish_due: zset of the open ones;  wish_kept: of settled ones
breakers          hash;  sent:<name>, sent_names: what counts against caps;  slots:<queue>: JSON
deliveries        zset of webhooks;  letters, letter_order, letter_ids: dead letters;  crashes, cursors, pause
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import msgspec
import redis

from triggerbot import logs
from triggerbot.core.errors import StoreAway, StoreUnavailable, StoreUnusable
from triggerbot.core.model import Group
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.policy.slots import SlotQueue
from triggerbot.store.engine import Conflict, Transaction
from triggerbot.store.records import Leads, Pause
from triggerbot.store.redis import older_values as values
from triggerbot.store.redis.connection import LAYOUT, OLDER, PREFIX, RedisConnection
from triggerbot.store.redis.older_values import US, plain
from triggerbot.store.takeover import Older, OlderDelivery, OlderLeads, OlderPush, OlderRest, with_canary, write
from triggerbot.store.troubles import Crash

log = logs.get_logger("triggerbot.store")

#: Runs a transaction, and the operations before and after its changes, as one.
Write = Callable[[Callable[[Transaction], None], Sequence[str], Sequence[str]], None]
#: The key of the lock; seconds for which it is held after a step, and for which others wait for it.
_LOCK, _HELD, _PATIENCE = "takeover", 30, 10.0
_UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
#: Letters, webhooks and so on that are written in one step.
_AT_ONCE = 500
_OF_PUSH = ("p", "j", "c", "k", "o", "s", "u", "e", "w")
#: What no key of a later layout is called.
_OLD = re.compile(
    rb"(?:[npjckougewbh]|sighted|sent|slots):.*|s:[0-9]+|pushes|due|recent|names|leases|reports|reporting|judged|behind|"
    rb"sent_names|wishes|wish_due|wish_kept|deliveries|letters|letter_ids|letter_order|crashes|cursors|breakers|pause",
    re.DOTALL,
)
_breaker = msgspec.json.Decoder(Breaker).decode
_crash = msgspec.json.Decoder(Crash).decode
_slots = msgspec.json.Decoder(SlotQueue).decode


class _Step(NamedTuple):
    """Values that are written at once, and the keys that are deleted then."""

    values: list[Older]
    gone: Sequence[str] = ()


def take_over(link: RedisConnection, write_step: Write) -> None:
    """Take a store over that an earlier version wrote. Raises `StoreAway` while another process does."""
    try:
        link.read(lambda client: _take_over(client, write_step))
    except (Conflict, StoreUnavailable) as error:
        why = str(error) or "another process came between"
        raise StoreAway(f"the store of an earlier version could not be taken over yet: {why}; start again") from None
    except (ValueError, LookupError, msgspec.MsgspecError) as error:
        raise StoreUnusable(f"cannot take over what an earlier version stored: {error!r}") from error


def _take_over(client: Any, write_step: Write) -> None:
    own = _lock(client)
    held = "g", _LOCK, own, str(1000 * _HELD)
    try:
        if _begin(client, own):
            log.info("store.is_taken_over", note="a store of an earlier version; this may take minutes")
            for step in _steps(client):
                write_step(partial(write, values=step.values), held, [part for key in step.gone for part in ("o", key)])
            write_step(_nothing, held, ())
            _sweep(client)
        write_step(_nothing, held, ("o", OLDER, "o", _LOCK))
    except BaseException:
        with suppress(redis.RedisError, OSError):
            client.eval(_UNLOCK, 1, f"{PREFIX}{_LOCK}", own)
        raise


def _nothing(_: Transaction) -> None:
    """Change nothing, so that only what comes before and after it is done."""


def _lock(client: Any) -> str:
    """Take the lock, and return what it holds. Raises `StoreAway` while another process has it."""
    own, until = uuid.uuid4().hex, time.monotonic() + _PATIENCE
    while not client.set(f"{PREFIX}{_LOCK}", own, nx=True, ex=_HELD):
        if time.monotonic() > until:
            raise StoreAway("another triggerbot takes over what an earlier version stored: start this one in a minute")
        time.sleep(0.2)
    return own


def _begin(client: Any, own: str) -> bool:
    """Lock out programs that know only earlier layouts; return whether anything is left to take over."""
    with client.pipeline() as pipe:
        pipe.watch(f"{PREFIX}{_LOCK}")
        if pipe.get(f"{PREFIX}{_LOCK}") != own.encode():
            raise Conflict
        if int(pipe.hget(f"{PREFIX}meta", "layout") or 1) >= LAYOUT:
            return bool(pipe.exists(f"{PREFIX}{OLDER}"))
        pipe.multi()
        pipe.set(f"{PREFIX}{OLDER}", "1")
        pipe.hset(f"{PREFIX}meta", "layout", LAYOUT)
        pipe.execute()
    return True


def _sweep(client: Any) -> None:
    """Delete what no push needed: indexes, and what is left of pushes that expired."""
    for key in client.scan_iter(f"{PREFIX}*", count=1000):
        if _OLD.fullmatch(key.removeprefix(PREFIX.encode())):
            client.unlink(key)


def _steps(client: Any) -> Iterator[_Step]:
    # Canaries need the claims of their pushes, so breakers come first.
    yield from _rest(client)
    yield from _letters(client)
    yield from _deliveries(client)
    yield from _commands(client)
    yield from _leads(client)
    numbers = [one.decode() for one in client.zrange(f"{PREFIX}recent", 0, -1)]
    for number in numbers:
        yield from _push(client, number)


def _texts(found: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in found.items()}


# -- what belongs to no push ------------------------------------------------------------------------------------------


def _rest(client: Any) -> Iterator[_Step]:
    names = {plain(one.decode()): f"sent:{one.decode()}" for one in client.smembers(f"{PREFIX}sent_names")}
    queues = [one.decode().removeprefix(PREFIX) for one in client.scan_iter(f"{PREFIX}slots:*", count=1000)]
    gone = ["pause", "breakers", "cursors", "crashes", "letter_ids", "sent_names", *names.values(), *queues]
    if not client.exists(*(f"{PREFIX}{key}" for key in gone)):
        # It was taken over before a crash, and may not be written over by nothing.
        return
    pause = client.get(f"{PREFIX}pause")
    breakers = [json.loads(one) for one in client.hvals(f"{PREFIX}breakers")]
    rest = OlderRest(
        pause=None if pause is None else Pause(**json.loads(pause)),
        breakers=[(_with_canary(client, _breaker(one["value"])), float(one["changed"])) for one in breakers],
        cursors=_texts(client.hgetall(f"{PREFIX}cursors")),
        crashes=[_crash(one) for one in client.lrange(f"{PREFIX}crashes", 0, -1)],
        last_letter=int(client.get(f"{PREFIX}letter_ids") or 0),
    )
    for name, key in names.items():
        rest.sent[name] = {int(piece): int(count) for piece, count in client.hgetall(f"{PREFIX}{key}").items()}
    for key in queues:
        if (stored := client.get(f"{PREFIX}{key}")) is not None:
            rest.slots[plain(key.removeprefix("slots:"))] = _slots(stored)
    yield _Step([rest], gone)


def _with_canary(client: Any, breaker: Breaker) -> Breaker:
    if breaker.canary is None:
        return breaker
    # A claim's id begins with the number of its push.
    ids = client.hkeys(f"{PREFIX}c:{breaker.canary.claim // 1_000_000}")
    return with_canary(breaker, map(int, ids))


def _batches(found: Sequence[Older], gone: Sequence[str]) -> Iterator[_Step]:
    """Write many values in several steps, the last of which deletes their keys."""
    for start in range(0, len(found), _AT_ONCE):
        last = start + _AT_ONCE >= len(found)
        yield _Step(list(found[start : start + _AT_ONCE]), gone if last else ())


def _letters(client: Any) -> Iterator[_Step]:
    ids = client.zrange(f"{PREFIX}letter_order", 0, -1)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        found = zip(some, client.hmget(f"{PREFIX}letters", some), strict=True)
        letters = [values.letter_of(int(one), raw) for one, raw in found if raw is not None]
        yield _Step([*letters], ("letters", "letter_order") if start + _AT_ONCE >= len(ids) else ())


def _deliveries(client: Any) -> Iterator[_Step]:
    found = client.zrange(f"{PREFIX}deliveries", 0, -1, withscores=True)
    return _batches([OlderDelivery(plain(name.decode()), at) for name, at in found], ["deliveries"])


def _commands(client: Any) -> Iterator[_Step]:
    due = dict(client.zrange(f"{PREFIX}wish_due", 0, -1, withscores=True))
    kept = dict(client.zrange(f"{PREFIX}wish_kept", 0, -1, withscores=True))
    found = [
        values.command_of(name.decode(), text.decode(), due.get(name), kept.get(name))
        for name, text in client.hgetall(f"{PREFIX}wishes").items()
    ]
    return _batches(found, ["wishes", "wish_due", "wish_kept"])


def _leads(client: Any) -> Iterator[_Step]:
    for what, due in client.zrange(f"{PREFIX}due", 0, -1, withscores=True):
        kind, *names = what.decode().split(US)
        key = f"g:{US.join(names)}"
        stored = _texts(client.hgetall(f"{PREFIX}{key}")) if kind == "g" else {}
        if stored:
            group = Group(*map(plain, names))
            leads = Leads(group, values.leads_of(group, stored), int(stored["tries"]), float(stored["since"]))
            yield _Step([OlderLeads(leads, due)], [key])


# -- pushes -----------------------------------------------------------------------------------------------------------


def _push(client: Any, number: str) -> Iterator[_Step]:
    pipe = client.pipeline(transaction=True)
    for part in ("p", "j", "c", "o", "e", "w"):
        pipe.hgetall(f"{PREFIX}{part}:{number}")
    pipe.lrange(f"{PREFIX}s:{number}", 0, -1)
    pipe.smembers(f"{PREFIX}u:{number}")
    pipe.zscore(f"{PREFIX}reports", number)
    pipe.zscore(f"{PREFIX}reporting", number)
    facts, jobs, claims, operations, metadata, failures, timeline, refusals, due, lease = pipe.execute()
    name = facts.get(b"name", b"").decode()
    if client.get(f"{PREFIX}n:{name}") != number.encode():
        # It was taken over before a crash, or has expired.
        return
    texts = _texts(facts)
    older = OlderPush(values.head_of(texts, due, lease), values.jobs_of(texts, _texts(jobs)))
    push = older.head.push
    for text in claims.values():
        claim, waits = values.claim_of(text)
        older.claims.append(claim)
        if waits:
            older.waiting.add(claim.id)
    older.operations = [values.operation_of(push, own.decode(), text) for own, text in operations.items()]
    older.operations.sort(key=lambda stored: stored.operation.started)
    older.timeline = list(map(values.entry_of, timeline))
    values.add_refusals(older.jobs, {one.decode() for one in refusals}, older.timeline)
    older.metadata = _texts(metadata)
    older.failures = [values.record_of(push, job, text) for job, text in _texts(failures).items() if job != US]
    yield _Step([older], [*(f"{part}:{number}" for part in _OF_PUSH), f"n:{name}"])
