"""Between values and the text that Redis keeps; see script/ for what stands where."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from triggerbot.model import (
    Cause,
    Claim,
    ClaimState,
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
from triggerbot.trysyntax import Asks

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
_BARE = str.maketrans({_ESCAPE: f"{_ESCAPE}0", RS: f"{_ESCAPE}1", US: f"{_ESCAPE}2", _ID: f"{_ESCAPE}3"})

asks_decoder = msgspec.json.Decoder(Asks)
_baseline_decoder = msgspec.json.Decoder(dict[str, tuple[RunKey, ...]])
_failures_decoder = msgspec.json.Decoder(tuple[str, ...])


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
            bare(event.batch),
        )
    )  # fmt: skip


def run_of(job: str, text: str) -> Run:
    """Read a run."""
    run_id, attempt, rank, result, kind, tier, time, url, origin, pool, step, failures, batch = text.split(US)
    before, marked, after = url.partition(_ID)
    return Run(
        job=job,
        run_id=plain(run_id),
        attempt=int(attempt),
        state=_STATE_OF[rank],
        result=_RESULT_OF[result],
        kind=_KIND_OF[kind],
        tier=int(tier) if tier else 1,
        time=float(time) if time else None,
        url=(plain(before) + plain(run_id) + plain(after) if marked else plain(url)) or None,
        retrigger_of=plain(origin) or None,
        pool=plain(pool) or None,
        step=plain(step) or None,
        batch=plain(batch),
        failures=_failures_decoder.decode(plain(failures)) if failures else (),
    )


def runs_of(job: str, text: str) -> list[Run]:
    """Read a job's runs, oldest first; one without a time keeps the place in which it was heard of."""
    runs = [run_of(job, one) for one in text.split(RS)[1:]]
    return sorted(runs, key=lambda run: (run.time or 0.0, run.attempt))


def run_key(run: Run) -> str:
    """Name a run within its job, as the script does."""
    return f"{bare(run.run_id)}{US}{run.attempt}"


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


def asks_of(facts: Mapping[str, str]) -> Asks | None:
    """Read what a push asks for."""
    return asks_decoder.decode(facts["asks"]) if "asks" in facts else None
