"""Decoding what layouts 1 to 3 wrote into the values of their keys."""

from collections.abc import Mapping
from typing import Any

import msgspec

from triggerbot.core.claim import ClaimState, Operation
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Batch, CommentCommand, Group, Kind, Lead, Push, Result, Run, RunKey, State
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store.documents import StoredClaim, StoredEntry, StoredJob, StoredOperation, StoredPush, stored_run
from triggerbot.store.records import FailureRecord
from triggerbot.store.takeover import OlderCommand
from triggerbot.store.troubles import DeadLetter

#: Separators: between runs, and between the parts of one.
RS, US = "\x1e", "\x1f"
#: Escapes separators in texts, and replaces the run's id in its URL.
_ESCAPE, _ID = "\x1b", "\x1a"
_BATCH, _TWINS = f"batch{US}", f"twins{US}"
_RESULT_OF = {
    "S": Result.SUCCESS, "f": Result.FAILURE, "b": Result.BUSTED, "i": Result.INFRA, "t": Result.TIMED_OUT,
    "c": Result.CANCELLED, "s": Result.SKIPPED, "r": Result.RETRY, "u": Result.UNKNOWN, "": None,
}  # fmt: skip
_KIND_OF = {"t": Kind.TEST, "b": Kind.BUILD, "o": Kind.OTHER, "w": Kind.WORKFLOW}
_STATE_OF = {str(state.rank): state for state in State}
#: The number of parts of a run; the last are missing where they say nothing.
_PARTS = 17

_asks = msgspec.json.Decoder(PushOptions).decode
_baseline = msgspec.json.Decoder(dict[str, tuple[RunKey, ...]]).decode
_lines = msgspec.json.Decoder(tuple[str, ...]).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_command = msgspec.json.Decoder(CommentCommand).decode
_record = msgspec.json.Decoder(tuple[float, int, int, tuple[str, ...], tuple[str, ...]]).decode


class _Claim(msgspec.Struct):
    id: int
    job: str
    run: str
    origin: str
    state: ClaimState
    dry: bool
    due: str
    created: str
    wanted: int
    asked: int
    known_runs: int
    lookups: int
    tries: int
    note: str
    cause: str
    refusal: str
    operation: str
    spent: bool
    held: bool = False
    behind: str = ""


class _Charged(msgspec.Struct):
    names: tuple[str, ...]
    piece: int
    count: int


class _Operation(msgspec.Struct):
    claims: tuple[int, ...]
    count: int
    started: str
    baseline: str
    sends: int
    misses: int
    charged: _Charged | None = None


_claim = msgspec.json.Decoder(_Claim).decode
_operation = msgspec.json.Decoder(_Operation).decode


def plain(text: str) -> str:
    """Unescape a part."""
    if _ESCAPE not in text:
        return text
    for written, meant in (("1", RS), ("2", US), ("3", _ID), ("0", _ESCAPE)):
        text = text.replace(_ESCAPE + written, meant)
    return text


def _time(text: str | None) -> float | None:
    return float(text) if text else None


def push_of(name: str) -> Push:
    """Decode a push."""
    return Push(*map(plain, name.split(US)))


def _key_of(text: str) -> RunKey:
    run_id, _, attempt = text.rpartition(US)
    return RunKey(plain(run_id), int(attempt))


def head_of(facts: Mapping[str, str], due: float | None, lease: float | None) -> StoredPush:
    """Decode the facts of a push; `due`, `lease`: when it is to be reported, and until when somebody does."""
    fork = facts.get("fork")
    told = {}
    for name, value in facts.items():
        if name.startswith(_BATCH):
            batch = plain(name.removeprefix(_BATCH))
            event, source, of_fork = value.split(US)
            told[batch] = Batch(batch, plain(event) or None, plain(source) or None, of_fork == "1" if of_fork else None)
    return StoredPush(
        push_of(facts["name"]), float(facts["first"]), float(facts["last"]), facts.get("author"), facts.get("message"),
        _time(facts.get("time")), fork == "1" if fork else None, _asks(facts["asks"]) if "asks" in facts else None,
        _time(facts.get("settled")) or 0.0, _time(facts.get("facts_due")), int(facts.get("facts_tries", "0")),
        batches=[plain(one) for one in facts.get("batches", "").split(US) if one], told=told, report_due=due,
        report_lease=lease, health=facts.get("health", ""), sentence=facts.get("sentence", ""),
        judged=_time(facts.get("judged")) or 0.0, counts=_counts(facts["counts"]) if facts.get("counts") else {},
    )  # fmt: skip


def jobs_of(facts: Mapping[str, str], jobs: Mapping[str, str]) -> dict[str, StoredJob]:
    """Decode the jobs of a push; those that share their name in a batch are in the order in which they came."""
    place = {
        twin: number
        for name, twins in facts.items()
        if name.startswith(_TWINS)
        for number, twin in enumerate(twins.split(RS), 1)
    }
    found = {}
    for name in sorted(jobs, key=lambda name: place.get(name, 0)):
        groups, *runs = jobs[name].split(RS)
        key = plain(name)
        found[key] = StoredJob(groups.split(), [stored_run(_run_of(key, one)) for one in runs])
    return found


def _run_of(job: str, text: str) -> Run:
    parts = text.split(US)
    parts += [""] * (_PARTS - len(parts))
    if _ID in parts[7]:
        parts[7] = parts[7].replace(_ID, parts[0])
    if _ESCAPE in text:
        parts = [plain(part) for part in parts]
    run_id, attempt, rank, result, kind, tier, time, url, origin, pool, step, failures, batch, *late = parts
    started, event, allowed, needs = late
    return Run(
        job, run_id, int(attempt), _STATE_OF[rank], _RESULT_OF[result], _KIND_OF[kind], int(tier) if tier else 1,
        pool or None, step or None, url or None, _time(time), origin or None, batch,
        _lines(failures) if failures else (), _time(started), event or None, allowed == "1",
        _lines(needs) if needs else (),
    )  # fmt: skip


def add_refusals(jobs: Mapping[str, StoredJob], refusals: set[str], timeline: list[StoredEntry]) -> None:
    """Add the refusals of a push to its jobs, in the order of its timeline."""
    place = {(one.job, one.run_id, one.attempt, one.reason): number for number, one in enumerate(timeline)}
    found = []
    for text in refusals:
        job, *run, reason, origin = text.split(US, 4)
        if len(run) == 2 and (own := jobs.get(plain(job))) is not None:
            refusal = plain(run[0]), int(run[1]), reason, origin
            found.append((place.get((plain(job), *refusal[:3]), 0), refusal, own))
    for _, refusal, own in sorted(found, key=lambda one: one[:2]):
        own.refused.append(refusal)


def claim_of(text: bytes) -> tuple[StoredClaim, bool]:
    """Decode a claim; and whether it waits for something to settle."""
    one = _claim(text)
    stored = StoredClaim(
        one.id, plain(one.job), _key_of(one.run), one.dry, float(one.created), float(one.due), one.origin, one.state,
        Cause(one.cause) if one.cause else None, Refusal(one.refusal) if one.refusal else None, one.wanted, one.asked,
        one.known_runs, one.lookups, one.tries, one.note, one.operation, plain(one.behind), one.spent,
    )  # fmt: skip
    return stored, one.held


def operation_of(push: Push, name: str, text: bytes) -> StoredOperation:
    """Decode an operation."""
    one = _operation(text)
    operation = Operation(
        name, push, one.claims, one.count, float(one.started), _baseline(one.baseline), one.sends, one.misses
    )
    if one.charged is None:
        return StoredOperation(operation)
    return StoredOperation(operation, tuple(map(plain, one.charged.names)), one.charged.piece, one.charged.count)


def entry_of(row: bytes) -> StoredEntry:
    """Decode a line of a timeline."""
    at, what, job, words, reason, count, dry, run = msgspec.json.decode(row)
    run_id, attempt = _key_of(run) if run else ("", 0)
    return StoredEntry(float(at), what, plain(job), words, reason, int(count), dry, run_id, attempt)


def record_of(push: Push, job: str, text: str) -> FailureRecord:
    """Decode a failure record."""
    return FailureRecord(push, plain(job), *_record(text))


def leads_of(group: Group, stored: Mapping[str, str]) -> tuple[Lead, ...]:
    """Decode the leads of a group."""
    found = []
    for name, text in stored.items():
        if US in name:
            _, run_id, attempt = name.split(US)
            rank, result, time = text.split(US)
            lead = Lead(group, plain(run_id), _STATE_OF[rank], _RESULT_OF[result], int(attempt), _time(time))
            found.append(lead)
    return tuple(found)


def command_of(name: str, text: str, due: float | None, since: float | None) -> OlderCommand:
    """Decode a comment command; `since`: when a settled one was received, which has no content."""
    system, own = map(plain, name.split(US))
    if not text:
        return OlderCommand(system, own, since or 0.0)
    tries, received, rest = text.split(US, 2)
    return OlderCommand(
        system, own, float(received), _command(rest), float(received) if due is None else due, int(tries)
    )


def letter_of(number: int, raw: bytes) -> DeadLetter:
    """Decode a dead letter; each byte of its body is one character."""
    found: Any = msgspec.json.decode(raw)
    at, system, intake, reason, body, headers = found
    return DeadLetter(number, float(at), system, intake, reason, body.encode("latin-1"), headers)
