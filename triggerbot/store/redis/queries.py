"""Plain reads: of a single push, of limits, leads, dead letters, crashes and cursors."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from triggerbot.core import heads, identity
from triggerbot.core.claim import Claim
from triggerbot.core.heads import Told
from triggerbot.core.model import Group, Push, Run, State
from triggerbot.core.policy import limits
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.store import Crash, DeadLetter, Leads, Pause, PushRecord, TimelineEntry, Work, in_order, job_records
from triggerbot.store.redis import codec
from triggerbot.store.redis.codec import US, plain
from triggerbot.store.redis.connection import PREFIX, Client, key, number_of, text

_breaker_decoder = msgspec.json.Decoder(Breaker)
_crash_decoder = msgspec.json.Decoder(Crash)


@dataclass(frozen=True)
class _Stored:
    """Everything stored of one push, partly decoded."""

    facts: Mapping[str, str]
    jobs: Mapping[str, str]
    claims: Sequence[codec.WireClaim]
    operations: Mapping[str, bytes]
    runs: dict[str, tuple[Run, ...]] = field(default_factory=dict)

    def runs_of(self, job: str) -> tuple[Run, ...]:
        """Decode a job's runs, once."""
        if job not in self.runs:
            self.runs[job] = tuple(codec.runs_of(plain(job), self.jobs.get(job, "")))
        return self.runs[job]

    def claim(self, push: Push, wire: codec.WireClaim) -> Claim | None:
        run = next((run for run in self.runs_of(wire.job) if codec.run_key(run) == wire.run), None)
        raw = self.operations.get(wire.operation)
        operation = None if raw is None else codec.operation_of(wire.operation, raw)
        return None if run is None else codec.claim_of(wire, push, run, operation)

    def claims_of(self, push: Push, *, only_open: bool = False) -> list[Claim]:
        found = (self.claim(push, wire) for wire in self.claims if wire.open or not only_open)
        return [claim for claim in found if claim is not None]

    def spent(self, name: str) -> int:
        return int(self.facts.get(name, "0"))


def _stored(client: Client, number: str) -> _Stored | None:
    pipe = client.pipeline(transaction=True)
    for part in ("p", "j", "c", "o"):
        pipe.hgetall(key(part, number))
    facts, jobs, claims, operations = pipe.execute()
    if not facts:
        return None
    return _Stored(
        {text(name): text(value) for name, value in facts.items()},
        {text(name): text(value) for name, value in jobs.items()},
        sorted((codec.claim_decoder.decode(one) for one in claims.values()), key=lambda claim: claim.id),
        {text(name): value for name, value in operations.items()},
    )


def _find(client: Client, push: Push) -> _Stored | None:
    number = number_of(client, push)
    return None if number is None else _stored(client, number)


def work(client: Client, push: Push) -> Work:
    """Read a push with its open claims."""
    stored = _find(client, push)
    if stored is None:
        return Work(push, codec.facts_of(push, {}), None, (), {}, 0, 0, 0)
    claims = stored.claims_of(push, only_open=True)
    jobs = {wire.job for wire in stored.claims if wire.open}
    return Work(
        heads=_heads(client, push),
        push=push,
        facts=codec.facts_of(push, stored.facts),
        asks=codec.asks_of(stored.facts),
        claims=tuple(claims),
        runs={plain(job): stored.runs_of(job) for job in jobs},
        total=len(stored.jobs),
        spent=stored.spent("spent"),
        spent_dry=stored.spent("spent_dry"),
        facts_tries=int(stored.facts.get("facts_tries", "0")),
        operations=frozenset(stored.operations),
        told=codec.batches_of(stored.facts),
        batches=frozenset(plain(one) for one in stored.facts.get("batches", "").split(US) if one),
    )


def _heads(client: Client, push: Push) -> tuple[Told, ...]:
    """Read what was told of a push's branch."""
    found = client.zrange(key("t", codec.place_name(push)), 0, -1, withscores=True)
    marks = (heads.told(text(mark), at) for mark, at in found)
    return tuple(one for one in marks if one is not None)


def known(client: Client, push: Push) -> dict[tuple[str, str, int], State]:
    """Read the known state of each run of a push."""
    number = number_of(client, push)
    jobs = {} if number is None else client.hgetall(key("j", number))
    return {
        (run.job, run.run_id, run.attempt): run.state
        for job, runs in jobs.items()
        for run in codec.runs_of(plain(text(job)), text(runs))
    }


def record(client: Client, push: Push) -> PushRecord | None:
    """Read everything known about a push."""
    stored = _find(client, push)
    if stored is None:
        return None
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in stored.claims_of(push):
        claims[claim.job].append(claim)
    jobs = sorted((plain(job), job) for job in stored.jobs)
    return PushRecord(
        push=push,
        facts=codec.facts_of(push, stored.facts),
        asks=codec.asks_of(stored.facts),
        jobs=job_records(
            [(name, stored.runs_of(job), tuple(claims.get(name, ()))) for name, job in jobs],
            codec.batches_of(stored.facts),
        ),
        spent=stored.spent("spent"),
        spent_dry=stored.spent("spent_dry"),
        last_heard=float(stored.facts["last"]),
        told=codec.batches_of(stored.facts),
        heads=_heads(client, push),
    )


def entries(rows: Iterable[bytes]) -> list[TimelineEntry]:
    """Decode the entries of a timeline."""
    found = []
    for row in rows:
        at, what, job, words, reason, count, dry, run = msgspec.json.decode(row)
        ran = codec.key_of(run) if run else None
        found.append(
            TimelineEntry(
                float(at), what, plain(job) or None, words, reason, count, dry,
                run_id=None if ran is None else ran.run_id, attempt=None if ran is None else ran.attempt,
            )
        )  # fmt: skip
    return found


def timeline(client: Client, push: Push, job: str | None) -> list[TimelineEntry]:
    """Read the timeline of a push, or of one of its jobs, in order."""
    number = number_of(client, push)
    found = [] if number is None else entries(client.lrange(key("s", number), 0, -1))
    names = {} if number is None else _names(client, number)
    kept = {name: one for one, name in names.items()}.get(job or "", job)
    return [
        replace(entry, job=names[entry.job]) if entry.job in names else entry
        for entry in found
        if job is None or entry.job in (job, kept, None)
    ]


def _names(client: Client, number: str) -> dict[str, str]:
    """Return what people call the jobs of a push that are of one batch alone, by what they are kept under."""
    jobs = [plain(text(job)) for job in client.hkeys(key("j", number))]
    if not any(map(identity.is_per_batch, jobs)):
        return {}
    facts = {text(name): text(value) for name, value in client.hgetall(key("p", number)).items()}
    return identity.names(jobs, codec.batches_of(facts))


def job_key(client: Client, push: Push, job: str) -> str:
    """Return what a job is kept under, by that or by what people call it."""
    number = number_of(client, push)
    if number is None or client.hexists(key("j", number), codec.bare(job)):
        return job
    return next((kept for kept, name in _names(client, number).items() if name == job), job)


def breakers(client: Client) -> list[Breaker]:
    """Read all breakers."""
    stored = sorted(client.hgetall(f"{PREFIX}breakers").items())
    return [_breaker_decoder.decode(json.loads(value)["value"]) for _, value in stored]


def held(client: Client) -> Mapping[str, int]:
    """Count the held claims, by the key of what they are held behind."""
    names = client.smembers(f"{PREFIX}behind")
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.zcard(key("h", text(name)))
    return {codec.plain(text(name)): number for name, number in zip(names, pipe.execute(), strict=True) if number}


def sent(client: Client, now: float) -> Mapping[str, int]:
    """Count the retriggers sent within the last hour, by cap."""
    names, since = client.smembers(f"{PREFIX}sent_names"), limits.piece(now) - limits.PIECES
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.hgetall(key("sent", text(name)))
    counts = [sum(int(count) for at, count in pieces.items() if int(at) > since) for pieces in pipe.execute()]
    return {codec.plain(text(name)): count for name, count in zip(names, counts, strict=True) if count}


def slots(client: Client, queue: str) -> str:
    """Read a queue of writes, as it is stored; empty if there is none."""
    return text(client.get(key("slots", codec.bare(queue))) or b"")


def leads(client: Client, group: Group) -> Leads:
    """Read the leads of a group, failures first."""
    stored = {text(name): text(value) for name, value in client.hgetall(key("g", codec.group_name(group))).items()}
    if not stored:
        return Leads(group, ())
    tries, since = int(stored.pop("tries")), float(stored.pop("since"))
    found = [codec.lead_of(group, name, value) for name, value in stored.items()]
    found.sort(key=lambda lead: (not lead.failed, lead.run_id, lead.attempt))
    return Leads(group, tuple(found), tries, since)


def metadata(client: Client, push: Push) -> Mapping[str, str]:
    """Read the metadata of a push."""
    number = number_of(client, push)
    found = {} if number is None else client.hgetall(key("e", number))
    return {text(name): text(value) for name, value in found.items()}


def paused(client: Client) -> Pause | None:
    """Read the current pause, if any."""
    found = client.get(f"{PREFIX}pause")
    return None if found is None else Pause(**json.loads(found))


def dead_letters(client: Client, limit: int) -> list[DeadLetter]:
    """List the oldest dead letters."""
    ids = client.zrange(f"{PREFIX}letter_order", 0, limit - 1) if limit > 0 else []
    letters = client.hmget(f"{PREFIX}letters", ids) if ids else []
    return [_letter(int(one), raw) for one, raw in zip(ids, letters, strict=True) if raw is not None]


def letter(letter: DeadLetter) -> str:
    """Encode a dead letter; each byte of its body becomes one character."""
    body = letter.body.decode("latin-1")
    return codec.encode([letter.at, letter.system, letter.intake, letter.reason, body, dict(letter.headers)])


def _letter(number: int, raw: bytes) -> DeadLetter:
    at, system, intake, reason, body, headers = msgspec.json.decode(raw)
    return DeadLetter(number, float(at), system, intake, reason, body.encode("latin-1"), headers)


def crashes(client: Client, limit: int) -> list[Crash]:
    """List the crashes of workers, newest first; those that died together in the order of their deaths."""
    newest = [_crash_decoder.decode(one) for one in reversed(client.lrange(f"{PREFIX}crashes", -limit, -1))]
    return in_order(newest)


def cursor(client: Client, name: str) -> str | None:
    """Read the cursor of an intake."""
    found = client.hget(f"{PREFIX}cursors", name)
    return None if found is None else text(found)
