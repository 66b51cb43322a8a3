"""Between values and the text that Redis keeps; see scripts/ for what stands where."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from triggerbot.core.model import (
    Cause,
    Claim,
    ClaimState,
    CommentCommand,
    Event,
    Group,
    Kind,
    Lead,
    Operation,
    Push,
    PushFacts,
    Refusal,
    Result,
    Run,
    RunKey,
    State,
)
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import FailureRecord, PendingCommand

#: Between runs, and between the parts of one.
RS, US = "\x1e", "\x1f"
#: Stands before what would be taken for one of the two.
_ESCAPE = "\x1b"
#: In an address, where the run's id stands.
_ID = "\x1a"

_RESULTS = {
    Result.SUCCESS: "S", Result.FAILURE: "f", Result.BUSTED: "b", Result.INFRA: "i", Result.TIMED_OUT: "t",
    Result.CANCELLED: "c", Result.SKIPPED: "s", Result.RETRY: "r", Result.UNKNOWN: "u", None: "",
}  # fmt: skip
_KINDS = {Kind.TEST: "t", Kind.BUILD: "b", Kind.OTHER: "o"}
_RESULT_OF = {letter: result for result, letter in _RESULTS.items()}
_KIND_OF = {letter: kind for kind, letter in _KINDS.items()}
_STATE_OF = {str(state.rank): state for state in State}
_FINISHED = str(State.FINISHED.rank)
#: Parts of a run as they were before it was kept when it began.
_PARTS_WITHOUT_START = 13
_PROVING = "".join(_RESULTS[result] for result in Result if result is Result.SUCCESS or result.failed)
#: A run that finished and proves something, in what is kept of a job.
PROVES = re.compile(f"{RS}[^{US}]*{US}[0-9]+{US}{_FINISHED}{US}[{_PROVING}]{US}".encode())
_BARE = str.maketrans({_ESCAPE: f"{_ESCAPE}0", RS: f"{_ESCAPE}1", US: f"{_ESCAPE}2", _ID: f"{_ESCAPE}3"})

asks_decoder = msgspec.json.Decoder(PushOptions)
_baseline_decoder = msgspec.json.Decoder(dict[str, tuple[RunKey, ...]])
_failures_decoder = msgspec.json.Decoder(tuple[str, ...])
_wish_decoder = msgspec.json.Decoder(CommentCommand)
_sighting_decoder = msgspec.json.Decoder(tuple[float, int, int, tuple[str, ...], tuple[str, ...]])


class WireClaim(msgspec.Struct, frozen=True):
    """A claim as the script writes it."""

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
    open: bool
    spent: bool
    behind: str = ""


class WireOperation(msgspec.Struct, frozen=True):
    """An operation as the script writes it."""

    claims: tuple[int, ...]
    count: int
    started: str
    baseline: str
    sends: int
    misses: int


claim_decoder = msgspec.json.Decoder(WireClaim)
_operation_decoder = msgspec.json.Decoder(WireOperation)


def encode(value: Any) -> str:
    """Write a value as JSON text; what is no text (half a surrogate pair) is replaced."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole(value)).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_whole(key): _whole(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_whole(one) for one in value]
    return value


def bare(text: str) -> str:
    """Write a part so that it holds none of the separators."""
    return text.translate(_BARE) if not text.isprintable() else text


def plain(text: str) -> str:
    """Read a part."""
    if _ESCAPE not in text:
        return text
    for written, meant in (("1", RS), ("2", US), ("3", _ID), ("0", _ESCAPE)):
        text = text.replace(_ESCAPE + written, meant)
    return text


def moment(time: float | None) -> str:
    """Write a time without losing anything of it."""
    return "" if time is None else repr(float(time))


def push_name(push: Push) -> str:
    """Write a push as one text."""
    return US.join(map(bare, push))


def branch_name(push: Push) -> str:
    """Write of a push all but its revision."""
    return US.join(map(bare, push[:3]))


def push_of(name: str) -> Push:
    """Read a push."""
    return Push(*map(plain, name.split(US)))


def group_name(group: Group) -> str:
    """Write a group as one text."""
    return US.join(map(bare, group))


def group_of(name: str) -> Group:
    """Read a group as it waits to be due."""
    _, system, own = name.split(US)
    return Group(plain(system), plain(own))


def run(event: Event) -> str:
    """Write a run."""
    run_id, url = bare(event.run_id), event.url or ""
    if url and event.run_id in url and _ID not in url:
        before, _, after = url.rpartition(event.run_id)
        url = f"{bare(before)}{_ID}{bare(after)}"
    else:
        url = bare(url)
    return US.join(
        (
            run_id, str(event.attempt), str(event.state.rank), _RESULTS[event.result], _KINDS[event.kind],
            "" if event.tier == 1 else str(event.tier), moment(event.time), url, bare(event.retrigger_of or ""),
            bare(event.pool or ""), bare(event.step or ""), bare(encode(event.failures)) if event.failures else "",
            bare(event.batch), moment(event.started),
        )
    )  # fmt: skip


def _parts_of(text: str) -> list[str]:
    """Take a run apart; those that an older triggerbot wrote do not say when they began."""
    parts = text.split(US)
    if len(parts) == _PARTS_WITHOUT_START:
        parts.append("")
    return parts


def run_of(job: str, text: str) -> Run:
    """Read a run."""
    parts = _parts_of(text)
    if _ID in parts[7]:
        parts[7] = parts[7].replace(_ID, parts[0])
    if _ESCAPE in text:
        parts = [plain(part) for part in parts]
    run_id, attempt, rank, result, kind, tier, time, url, origin, pool, step, failures, batch, started = parts
    return Run(
        job,
        run_id,
        int(attempt),
        _STATE_OF[rank],
        _RESULT_OF[result],
        _KIND_OF[kind],
        int(tier) if tier else 1,
        pool or None,
        step or None,
        url or None,
        float(time) if time else None,
        origin or None,
        batch,
        _failures_decoder.decode(failures) if failures else (),
        float(started) if started else None,
    )


def seconds_of(text: str) -> float | None:
    """Read of a run only how long it ran; see `Run.seconds`."""
    parts = _parts_of(text)
    if parts[2] != _FINISHED or not parts[6] or not parts[13]:
        return None
    return max(0.0, float(parts[6]) - float(parts[13]))


def runs_of(job: str, text: str) -> list[Run]:
    """Read a job's runs, oldest first; those of one age keep the order in which they were heard of."""
    runs = [run_of(job, one) for one in text.split(RS)[1:]]
    if len(runs) > 1:
        runs.sort(key=lambda run: run.age)
    return runs


def run_key(run: Run) -> str:
    """Name a run within its job, as the script does."""
    return key(run.key)


def key(key: RunKey) -> str:
    """Name a run, as the script does."""
    return f"{bare(key.run_id)}{US}{key.attempt}"


def key_of(text: str) -> RunKey:
    """Read a run's name."""
    run_id, _, attempt = text.rpartition(US)
    return RunKey(plain(run_id), int(attempt))


def lead(lead: Lead) -> tuple[str, int, str]:
    """Write a lead: its run, how far that is, and the rest."""
    return f"{bare(lead.run_id)}{US}{lead.attempt}", lead.state.rank, f"{_RESULTS[lead.result]}{US}{moment(lead.time)}"


def lead_of(group: Group, name: str, text: str) -> Lead:
    """Read a lead."""
    _, run_id, attempt = name.split(US)
    rank, result, time = text.split(US)
    return Lead(group, plain(run_id), _STATE_OF[rank], _RESULT_OF[result], int(attempt), float(time) if time else None)


def wish_name(wish: CommentCommand) -> str:
    """Write which wish it is as one text."""
    return f"{bare(wish.system)}{US}{bare(wish.id)}"


def wish(wish: CommentCommand, since: str) -> str:
    """Write a wish that nobody has tried to settle yet."""
    return US.join(("0", since, encode(wish)))


def asked_of(text: str) -> PendingCommand:
    """Read a wish."""
    tries, since, rest = text.split(US)
    return PendingCommand(_wish_decoder.decode(rest), float(since), int(tries))


def sighting(sighting: FailureRecord) -> str:
    """Write what is seen of a job at its push."""
    return encode([sighting.at, sighting.failed, sighting.passed, sighting.shapes, sighting.passing])


def sighting_of(push: Push, job: str, text: bytes) -> FailureRecord:
    """Read it."""
    return FailureRecord(push, job, *_sighting_decoder.decode(text))


def claim_of(wire: WireClaim, push: Push, run: Run, operation: Operation | None) -> Claim:
    """Read a claim, with the run that made us claim."""
    return Claim(
        id=wire.id,
        push=push,
        job=run.job,
        state=wire.state,
        run=run,
        dry=wire.dry,
        created=float(wire.created),
        due=float(wire.due),
        origin=wire.origin,
        cause=Cause(wire.cause) if wire.cause else None,
        refusal=Refusal(wire.refusal) if wire.refusal else None,
        wanted=wire.wanted,
        asked=wire.asked,
        known_runs=wire.known_runs,
        lookups=wire.lookups,
        tries=wire.tries,
        note=wire.note,
        operation=operation,
        behind=plain(wire.behind),
    )


def operation_of(name: str, text: bytes) -> Operation:
    """Read an operation."""
    wire = _operation_decoder.decode(text)
    return Operation(
        id=name,
        claims=wire.claims,
        count=wire.count,
        started=float(wire.started),
        baseline=_baseline_decoder.decode(wire.baseline),
        sends=wire.sends,
        misses=wire.misses,
    )


def facts_of(push: Push, facts: Mapping[str, str]) -> PushFacts:
    """Read what is known of a push."""
    time, fork = facts.get("time"), facts.get("fork")
    return PushFacts(
        push,
        facts.get("message"),
        facts.get("author"),
        float(time) if time else None,
        None if not fork else fork == "1",
    )


def asks_of(facts: Mapping[str, str]) -> PushOptions | None:
    """Read what a push asks for."""
    return asks_decoder.decode(facts["asks"]) if "asks" in facts else None
