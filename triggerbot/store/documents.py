"""The values that are stored, and how they are written: every field by its name, none that has its default.

A value written by an older version lacks the fields that came later, and reads with their defaults. One written by a
newer version has more, which are ignored.
"""

import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from triggerbot.core.branch import order
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Batch, Event, Push, PushFacts, Run, RunKey, State
from triggerbot.core.policy.evidence import Weight
from triggerbot.core.policy.try_syntax import PushOptions

T = TypeVar("T")

#: The number of a push in the index of its branch if no time is known of it.
NO_PLACE = 0.0


class StoredPush(msgspec.Struct, omit_defaults=True):
    """A push: its facts, what is counted and due of it, and how it was judged."""

    push: Push
    #: When its first and its latest event came.
    first: float
    last: float
    author: str | None = None
    message: str | None = None
    time: float | None = None
    fork: bool | None = None
    #: `None` until its message is known.
    asks: PushOptions | None = None
    #: When something of it settled last.
    settled: float = 0.0
    facts_due: float | None = None
    facts_tries: int = 0
    #: The number of its jobs, and of the claims that were ever made for it.
    jobs: int = 0
    claims: int = 0
    #: Jobs retriggered because they failed: for real, and in dry runs.
    spent: int = 0
    spent_dry: int = 0
    #: Further runs decided because its message asks for them: for real, and in dry runs.
    requested: int = 0
    requested_dry: int = 0
    #: How many different failures theirs are.
    causes: int = 0
    causes_dry: int = 0
    #: When each claim that is not final is due.
    open: dict[int, float] = msgspec.field(default_factory=dict)
    #: The claims that wait for something to settle, with their jobs.
    waiting: dict[int, str] = msgspec.field(default_factory=dict)
    #: The batches of its runs, and what the CI told of batches.
    batches: list[str] = msgspec.field(default_factory=list)
    told: dict[str, Batch] = msgspec.field(default_factory=dict)
    #: The ids of all operations so far.
    operations: list[str] = msgspec.field(default_factory=list)
    #: When it is to be judged and reported, and until when somebody does.
    report_due: float | None = None
    report_lease: float | None = None
    health: str = ""
    sentence: str = ""
    judged: float = 0.0
    #: It is listed among those whose contribution to the statistics has changed.
    uncounted: bool = False
    #: What it is based on; see `PushFacts`.
    base: str | None = None
    parents: tuple[str, ...] = ()
    #: The revisions that verdicts on it rest on; see `bases`.
    bases: list[str] = msgspec.field(default_factory=list)
    #: Its jobs are one document (see `pack`).
    packed: bool = False
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    to_look_at: int | None = None
    #: Its jobs are counted by branch, too; those of pushes of older versions are not.
    by_branch: bool = False
    #: Most of its jobs failed: they count for nothing.
    outage: bool = False
    #: The first start of a run, as far as it is known.
    began: float | None = None
    #: It is listed in its branch by push order; one of an older version is by when it was heard of.
    ordered: bool = False
    #: When it was made, as the pushes after it were told last.
    placed: float | None = None

    @property
    def facts(self) -> PushFacts:
        """Return its facts."""
        return PushFacts(
            self.push, self.message, self.author, self.time, self.fork, base=self.base, parents=self.parents
        )

    @property
    def place(self) -> float:
        """Return its number in the index of its branch."""
        if not self.ordered:
            return self.first
        at = order.pushed_at(self.time, self.began)
        return NO_PLACE if at is None else at

    @property
    def due(self) -> float | None:
        """Return when the dispatcher has to look at it."""
        if not self.open:
            return self.facts_due
        first = min(self.open.values())
        return first if self.facts_due is None else min(first, self.facts_due)

    @property
    def report_at(self) -> float | None:
        """Return when it can be taken to be reported: a lease has to end before."""
        return self.report_lease if self.report_lease is not None else self.report_due


#: A run: the fields that differ from their defaults, by name; its job's key is not among them.
StoredRun = dict[str, Any]


class StoredJob(msgspec.Struct, omit_defaults=True):
    """A job of a push: the groups by which the push may ask for it, its runs in the order in which they came, ..."""

    groups: list[str] = msgspec.field(default_factory=list)
    runs: list[StoredRun] = msgspec.field(default_factory=list)
    #: ... its claims by their origin, ...
    claims: dict[str, int] = msgspec.field(default_factory=dict)
    #: ... and the refusals in the timeline: run id, attempt, reason, origin.
    refused: list[tuple[str, int, str, str]] = msgspec.field(default_factory=list)

    def place(self, key: RunKey) -> int | None:
        """Return the place of a run."""
        for place, run in enumerate(self.runs):
            if run["run_id"] == key.run_id and run["attempt"] == key.attempt:
                return place
        return None

    def run(self, key: RunKey, job: str) -> Run:
        """Return a run that it has; `job`: its key."""
        place = self.place(key)
        assert place is not None
        return run_of(self.runs[place], job)

    def calibrates(self, key: RunKey) -> bool:
        """Whether a run was asked for to measure what was said of the job."""
        place = self.place(key)
        return place is not None and self.runs[place].get("calibrates", False)

    def all_runs(self, job: str) -> list[Run]:
        """Return its runs, in the order in which they came; `job`: its key."""
        return [run_of(run, job) for run in self.runs]

    def oldest_first(self, job: str) -> tuple[Run, ...]:
        """Return its runs, sorted by age; `job`: its key."""
        runs = self.all_runs(job)
        return tuple(sorted(runs, key=lambda run: run.age) if len(runs) > 1 else runs)


class StoredClaim(msgspec.Struct, omit_defaults=True):
    """A claim; see `core.claim.Claim`."""

    id: int
    job: str
    run: RunKey
    dry: bool
    created: float
    due: float
    origin: str = ""
    state: ClaimState = ClaimState.OPEN
    cause: Cause | None = None
    refusal: Refusal | None = None
    wanted: int = 0
    asked: int = 0
    known_runs: int = 0
    lookups: int = 0
    tries: int = 0
    note: str = ""
    operation: str = ""
    behind: str = ""
    #: It counts against its push's budget.
    spent: bool = False
    most: int = 0
    weight: Weight | None = None
    like: int = 0

    def value(self, push: Push, run: Run, operation: Operation | None) -> Claim:
        """Return it as the callers of the store know it."""
        return Claim(
            self.id, push, self.job, self.state, run, self.dry, self.created, self.due, self.origin, self.cause,
            self.refusal, self.wanted, self.asked, self.known_runs, self.lookups, self.tries, self.note, operation,
            self.behind, self.most, self.weight, self.like,
        )  # fmt: skip


class StoredOperation(msgspec.Struct, omit_defaults=True):
    """A request, and what it counts against caps until it is refunded."""

    operation: Operation
    caps: tuple[str, ...] = ()
    piece: int = 0
    count: int = 0
    #: The CI did not take it.
    void: bool = False


class StoredEntry(msgspec.Struct, omit_defaults=True):
    """A line of the timeline."""

    at: float
    what: str
    job: str = ""
    text: str = ""
    reason: str = ""
    count: int = 0
    dry: bool = False
    run_id: str = ""
    attempt: int = 0


# -- writing and reading ----------------------------------------------------------------------------------------------

_encode = msgspec.msgpack.Encoder().encode
_fields: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[Any, ...]]] = {}
_decoders: dict[Any, Callable[[bytes], Any]] = {}
#: msgspec 0.22 crashes if two threads build what it needs to know of one dataclass at the same time.
_building = threading.Lock()


def _fields_of(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[Any, ...]]:
    """Return the names of a class's fields, what reads them all, and their defaults (`MISSING`: none)."""
    found = _fields.get(kind)
    if found is None:
        own = fields(kind)
        names = tuple(one.name for one in own)
        defaults = tuple(one.default_factory() if one.default_factory is not MISSING else one.default for one in own)
        # With one name `attrgetter` returns no tuple.
        read = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
        found = _fields[kind] = names, read, defaults
    return found


def slim(value: Any) -> dict[str, Any]:
    """Return the fields of a value that differ from their defaults, by name."""
    names, read, defaults = _fields_of(type(value))
    return {
        name: own
        for name, own, default in zip(names, read(value), defaults, strict=True)
        if own is not default and own != default
    }


#: What no event tells of a run: the key of its job, and what it is for.
_OURS = ("job", "calibrates")
#: The fields of a run that events tell.
RUN_FIELDS = tuple(one.name for one in fields(Run) if one.name not in _OURS)
_RUN_DEFAULTS = tuple(None if one.default is MISSING else one.default for one in fields(Run) if one.name not in _OURS)
_read_run = attrgetter(*RUN_FIELDS)


def stored_run(run: Run | Event) -> StoredRun:
    """Return a run as it is stored; an event has all the fields of one."""
    stored = {
        name: own
        for name, own, default in zip(RUN_FIELDS, _read_run(run), _RUN_DEFAULTS, strict=True)
        # Most have the very default.
        if own is not default and own is not None and own != default
    }
    if isinstance(run, Run) and run.calibrates:
        stored["calibrates"] = True
    return stored


def seconds_of(stored: StoredRun) -> float | None:
    """Return how long a stored run ran, as `Run.seconds` does, without making a run of it."""
    end, start = stored.get("time"), stored.get("started")
    if end is None or start is None or stored["state"] != State.FINISHED:
        return None
    return max(0.0, float(end) - float(start))


def run_of(stored: StoredRun, job: str) -> Run:
    """Return a stored run of a job."""
    return msgspec.convert({"job": job, "result": None, **stored}, Run, strict=False)


# Before there are threads, see `_building`.
run_of({"run_id": "", "attempt": 0, "state": State.PENDING}, "")


def dump(value: Any) -> bytes:
    """Write a value, without what has its default."""
    return _encode(value if isinstance(value, msgspec.Struct) else slim(value))


def load(kind: type[T], data: bytes) -> T:
    """Read a value of a class, as `dump` and `encode` wrote it."""
    decode = _decoders.get(kind)
    if decode is None:
        with _building:
            decode = _decoders[kind] = msgspec.msgpack.Decoder(kind).decode
    value: T = decode(data)
    return value


def encode(value: object) -> bytes:
    """Write any other value that msgspec knows."""
    return _encode(value)


def dump_jobs(jobs: dict[str, StoredJob]) -> bytes:
    """Write the jobs that share a name, by their keys."""
    return _encode(jobs)


_jobs = msgspec.msgpack.Decoder(dict[str, StoredJob])


def load_jobs(data: bytes | None) -> dict[str, StoredJob]:
    """Read the jobs that share a name, by their keys."""
    return {} if data is None else _jobs.decode(data)


_pack_decoder = msgspec.msgpack.Decoder(dict[str, bytes])


def pack(documents: Mapping[str, bytes]) -> bytes:
    """Write the documents of all jobs of a push, by name, as one: names, addresses and machines are much alike."""
    return zlib.compress(_encode(documents))


def unpack(data: bytes | None) -> dict[str, bytes]:
    """Read the documents of all jobs of a push."""
    return {} if data is None else _pack_decoder.decode(zlib.decompress(data))
