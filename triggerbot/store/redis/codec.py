"""Encoding values as the text stored in Redis, and decoding it; `scripts/base.lua` lists the keys."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from triggerbot.core import heads
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import (
    PROVING,
    Batch,
    CommentCommand,
    Event,
    Group,
    Kind,
    Lead,
    Push,
    PushFacts,
    Result,
    Run,
    RunKey,
    State,
)
from triggerbot.core.policy.slots import SlotQueue
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import FailureRecord, PendingCommand

#: Separators: between runs, and between the parts of one.
RS, US = "\x1e", "\x1f"
#: Begins the names of what was told of batches, among the facts of a push.
_BATCH = f"batch{US}"
#: Escapes separators in texts.
_ESCAPE = "\x1b"
#: Replaces the run's id in its URL.
_ID = "\x1a"

_RESULTS = {
    Result.SUCCESS: "S", Result.FAILURE: "f", Result.BUSTED: "b", Result.INFRA: "i", Result.TIMED_OUT: "t",
    Result.CANCELLED: "c", Result.SKIPPED: "s", Result.RETRY: "r", Result.UNKNOWN: "u", None: "",
}  # fmt: skip
_KINDS = {Kind.TEST: "t", Kind.BUILD: "b", Kind.OTHER: "o", Kind.WORKFLOW: "w"}
_RESULT_OF = {letter: result for result, letter in _RESULTS.items()}
_KIND_OF = {letter: kind for kind, letter in _KINDS.items()}
_STATE_OF = {str(state.rank): state for state in State}
_FINISHED = str(State.FINISHED.rank)
#: The number of parts of a run. The last ones (its start time, what made the CI run it, whether it is allowed to fail,
#: what it needs) are missing where an older version wrote it or where they say nothing.
_PARTS = 17
_PROVING = "".join(_RESULTS[result] for result in sorted(PROVING))
#: Matches a finished run that proves something, in the stored text of a job.
PROVES = re.compile(f"{RS}[^{US}]*{US}[0-9]+{US}{_FINISHED}{US}[{_PROVING}]{US}".encode())
_ESCAPES = str.maketrans({_ESCAPE: f"{_ESCAPE}0", RS: f"{_ESCAPE}1", US: f"{_ESCAPE}2", _ID: f"{_ESCAPE}3"})

asks_decoder = msgspec.json.Decoder(PushOptions)
slots_decoder = msgspec.json.Decoder(SlotQueue)
_baseline_decoder = msgspec.json.Decoder(dict[str, tuple[RunKey, ...]])
_texts_decoder = msgspec.json.Decoder(tuple[str, ...])
_command_decoder = msgspec.json.Decoder(CommentCommand)
_failure_record_decoder = msgspec.json.Decoder(tuple[float, int, int, tuple[str, ...], tuple[str, ...]])


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
    """Encode a value as JSON; lone surrogates, which have no UTF-8 form, are replaced."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_replace_surrogates(value)).decode()


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_replace_surrogates(key): _replace_surrogates(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_replace_surrogates(one) for one in value]
    return value


def bare(text: str) -> str:
    """Escape the separators in a part."""
    return text.translate(_ESCAPES) if not text.isprintable() else text


def plain(text: str) -> str:
    """Unescape a part."""
    if _ESCAPE not in text:
        return text
    for written, meant in (("1", RS), ("2", US), ("3", _ID), ("0", _ESCAPE)):
        text = text.replace(_ESCAPE + written, meant)
    return text


def moment(time: float | None) -> str:
    """Encode a time exactly; '' for `None`."""
    return "" if time is None else repr(float(time))


def letters(results: Iterable[Result]) -> str:
    """Encode results as one text."""
    return "".join(_RESULTS[result] for result in sorted(results))


def push_name(push: Push) -> str:
    """Encode a push as one text."""
    return US.join(map(bare, push))


def place_name(push: Push) -> str:
    """Encode the branch of a push as the place where its marks are kept."""
    return US.join(map(bare, heads.place(push.system, push.project, push.branch)))


def branch_name(push: Push) -> str:
    """Encode a push without its revision: its branch."""
    return US.join(map(bare, push[:3]))


def push_of(name: str) -> Push:
    """Decode a push."""
    return Push(*map(plain, name.split(US)))


def group_name(group: Group) -> str:
    """Encode a group as one text."""
    return US.join(map(bare, group))


def group_of(name: str) -> Group:
    """Decode a group from its member of the due queue."""
    _, system, own = name.split(US)
    return Group(plain(system), plain(own))


def run(event: Event) -> str:
    """Encode a run."""
    run_id, url = bare(event.run_id), event.url or ""
    if url and event.run_id in url and _ID not in url:
        before, _, after = url.rpartition(event.run_id)
        url = f"{bare(before)}{_ID}{bare(after)}"
    else:
        url = bare(url)
    text = US.join(
        (
            run_id, str(event.attempt), str(event.state.rank), _RESULTS[event.result], _KINDS[event.kind],
            "" if event.tier == 1 else str(event.tier), moment(event.time), url, bare(event.retrigger_of or ""),
            bare(event.pool or ""), bare(event.step or ""), bare(encode(event.failures)) if event.failures else "",
            bare(event.batch), moment(event.started),
        )
    )  # fmt: skip
    late = [bare(event.event or ""), "1" if event.allowed_to_fail else ""]
    late.append(bare(encode(event.needs)) if event.needs else "")
    while late and not late[-1]:
        late.pop()
    return US.join((text, *late))


def _parts_of(text: str) -> list[str]:
    """Split a run into its parts; those that are missing at its end are empty."""
    parts = text.split(US)
    return parts + [""] * (_PARTS - len(parts))


def run_of(job: str, text: str) -> Run:
    """Decode a run."""
    parts = _parts_of(text)
    if _ID in parts[7]:
        parts[7] = parts[7].replace(_ID, parts[0])
    if _ESCAPE in text:
        parts = [plain(part) for part in parts]
    run_id, attempt, rank, result, kind, tier, time, url, origin, pool, step, failures, batch, *late = parts
    started, event, allowed, needs = late
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
        _texts_decoder.decode(failures) if failures else (),
        float(started) if started else None,
        event or None,
        allowed == "1",
        _texts_decoder.decode(needs) if needs else (),
    )


def seconds_of(text: str) -> float | None:
    """Decode only the duration of a run; see `Run.seconds`."""
    parts = _parts_of(text)
    if parts[2] != _FINISHED or not parts[6] or not parts[13]:
        return None
    return max(0.0, float(parts[6]) - float(parts[13]))


def runs_of(job: str, text: str) -> list[Run]:
    """Decode a job's runs, oldest first; those of the same age stay in the order in which they were observed."""
    runs = [run_of(job, one) for one in text.split(RS)[1:]]
    if len(runs) > 1:
        runs.sort(key=lambda run: run.age)
    return runs


def run_key(run: Run) -> str:
    """Encode the key of a run within its job, as the script does."""
    return key(run.key)


def key(key: RunKey) -> str:
    """Encode a run's key, as the script does."""
    return f"{bare(key.run_id)}{US}{key.attempt}"


def key_of(text: str) -> RunKey:
    """Decode a run's key."""
    run_id, _, attempt = text.rpartition(US)
    return RunKey(plain(run_id), int(attempt))


def lead(lead: Lead) -> tuple[str, int, str]:
    """Encode a lead: its run's key, the rank of its state, and the rest."""
    return f"{bare(lead.run_id)}{US}{lead.attempt}", lead.state.rank, f"{_RESULTS[lead.result]}{US}{moment(lead.time)}"


def lead_of(group: Group, name: str, text: str) -> Lead:
    """Decode a lead."""
    _, run_id, attempt = name.split(US)
    rank, result, time = text.split(US)
    return Lead(group, plain(run_id), _STATE_OF[rank], _RESULT_OF[result], int(attempt), float(time) if time else None)


def command_name(command: CommentCommand) -> str:
    """Encode the identity of a comment command as one text."""
    return f"{bare(command.system)}{US}{bare(command.id)}"


def new_command(command: CommentCommand, since: str) -> str:
    """Encode a comment command without any attempt to settle it yet."""
    return US.join(("0", since, encode(command)))


def pending_command_of(text: str) -> PendingCommand:
    """Decode a pending comment command."""
    tries, since, rest = text.split(US)
    return PendingCommand(_command_decoder.decode(rest), float(since), int(tries))


def failure_record(record: FailureRecord) -> str:
    """Encode a failure record without its push and job."""
    return encode([record.at, record.failed, record.passed, record.shapes, record.passing])


def failure_record_of(push: Push, job: str, text: bytes) -> FailureRecord:
    """Decode a failure record."""
    return FailureRecord(push, job, *_failure_record_decoder.decode(text))


def claim_of(wire: WireClaim, push: Push, run: Run, operation: Operation | None) -> Claim:
    """Build a claim from what the script wrote, with the run that caused it."""
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
    """Decode an operation."""
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
    """Build a push's facts from its hash."""
    time, fork = facts.get("time"), facts.get("fork")
    return PushFacts(
        push,
        facts.get("message"),
        facts.get("author"),
        float(time) if time else None,
        None if not fork else fork == "1",
    )


def batch(told: Batch) -> list[str]:
    """Encode what was told of a batch."""
    fork = "" if told.fork is None else str(int(told.fork))
    return [bare(told.id), bare(told.event or ""), bare(told.source or ""), fork]


def batches_of(facts: Mapping[str, str]) -> dict[str, Batch]:
    """Decode what was told of the batches of a push, by their ids, from its hash."""
    found = {}
    for name, value in facts.items():
        if name.startswith(_BATCH):
            own = plain(name.removeprefix(_BATCH))
            event, source, fork = value.split(US)
            found[own] = Batch(own, plain(event) or None, plain(source) or None, None if not fork else fork == "1")
    return found


def asks_of(facts: Mapping[str, str]) -> PushOptions | None:
    """Decode a push's options; `None` if its message is not known yet."""
    return asks_decoder.decode(facts["asks"]) if "asks" in facts else None
