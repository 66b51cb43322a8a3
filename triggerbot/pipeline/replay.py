"""A recorded history run through the real policy: the file itself is the look-back, nothing can be requested.

Everything happens in the events' own time and in dry run, so what comes out is what would have been decided.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from triggerbot.core import event_json
from triggerbot.core.errors import NotUnderstood, Unauthenticated
from triggerbot.core.model import Decision, Event, Heard, Push, PushFacts
from triggerbot.core.policy import planning
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.observer import Observer, refusal_of
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.store.sqlite import SqliteStore
from triggerbot.systems import NOTHING_KNOWN, Answer, Known, LookBack, Refused, System, recordings
from triggerbot.systems.recordings import Format, Reader

#: Seconds of the events' own time between forgetting what is older than the retention.
_PURGE_EVERY = 86_400.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision: about which job, and the line (from 1) of the event that led to it."""

    decision: Decision
    push: Push
    job: str
    line: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no event, and why."""

    line: int
    why: str


class _Systems(dict[str, System]):
    """A recorded system for every name that occurs."""

    def __missing__(self, name: str) -> System:
        self[name] = RecordedSystem(name)
        return self[name]

    def get(self, name: str, _: object = None) -> System:
        return self[name]


class Replay:
    """Takes events one after another and tells what each would have led to."""

    def __init__(
        self, directory: Path, rules: Sequence[Rule], retention: float, read: Reader, on_event: Callable[[Event], None]
    ) -> None:
        self._read = read
        self._on_event = on_event
        self._now = 0.0
        self._purged = 0.0
        self._retention = retention
        self._systems = _Systems()
        self._store = SqliteStore(directory / "replay.db", durable=False)
        metrics = Metrics()
        self._observer = Observer(self._store, rules, dry=True, clock=self._clock, metrics=metrics)
        self._dispatcher = Dispatcher(
            self._store,
            self._systems,
            self._observer,
            DispatchSettings(rules, dry=True),
            clock=self._clock,
            metrics=metrics,
        )

    def _clock(self) -> float:
        return self._now

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def feed(self, text: str, line: int) -> Iterator[Replayed]:
        """Take one line; raises `NotUnderstood`."""
        for heard in self._read(text):
            if isinstance(heard, Event):
                self._on_event(heard)
                yield from self._event(heard, line)
            elif isinstance(heard, PushFacts) and self._observer.observe([heard])[0].due:
                yield from self._dispatched(heard.push, line)

    def _event(self, event: Event, line: int) -> Iterator[Replayed]:
        self._now = max(self._now, event.time or 0.0)
        self._forget()
        recorded = self._systems[event.push.system]
        if isinstance(recorded, RecordedSystem):
            recorded.heard(event)
        item = self._observer.triage(event).item
        outcome = self._observer.observe([event])[0]
        refusal = refusal_of(event, item, outcome)
        if refusal is not None:
            yield Replayed(Decision.refuse(refusal), event.push, event.job, line)
        if outcome.due:
            yield from self._dispatched(event.push, line)

    def _dispatched(self, push: Push, line: int) -> Iterator[Replayed]:
        before = {claim.id for claim in self._store.work(push).claims}
        while self._dispatcher.step():
            pass
        for claim in self._store.claims(push, before):
            if claim.cause is not None:
                yield Replayed(Decision.trigger(claim.cause, claim.wanted), push, claim.job, line)
            elif claim.refusal is not None:
                yield Replayed(Decision.refuse(claim.refusal, claim.note), push, claim.job, line)

    def _forget(self) -> None:
        if self._now - self._purged > _PURGE_EVERY:
            self._purged = self._now
            self._store.purge(self._now - self._retention)


def replay(
    lines: Iterable[str],
    rules: Sequence[Rule],
    retention: float,
    read: Reader | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Iterator[Replayed | Unreadable]:
    """Replay lines, of canonical events unless they are read otherwise; each event is shown to `on_event` first.

    A line that is none is told as such, and the rest goes on.
    """
    read = read or recordings.reader(Format.CANONICAL, "")
    with tempfile.TemporaryDirectory(prefix="triggerbot-replay-") as directory:
        machine = Replay(Path(directory), rules, retention, read, on_event)
        try:
            for number, text in enumerate(lines, start=1):
                if not text.strip():
                    continue
                try:
                    yield from machine.feed(text, number)
                except NotUnderstood as error:
                    yield Unreadable(number, str(error))
        finally:
            machine.close()


class RecordedSystem:
    """Knows the jobs heard of so far; the store has their runs."""

    capacity = Capacity.BATCH
    grace = 0.0
    forks_allowed = True
    body_max = 1 << 20

    def __init__(self, name: str) -> None:
        self.name = name
        self._jobs: dict[Push, set[str]] = defaultdict(set)

    def heard(self, event: Event) -> None:
        """Take an event of the file as known from now on."""
        self._jobs[event.push].add(event.job)

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Accept nothing: a recorded history has no webhooks."""
        raise Unauthenticated("a recorded history has no webhooks")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Read one line of a file."""
        return [event_json.decode(body)]

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List what was heard so far."""
        return LookBack((), None, jobs=self._jobs[push])

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """One request a job, as the generic system has it."""
        return planning.plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Refuse: history cannot be added to."""
        return Refused("a recorded history cannot be retriggered")

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Tell nothing."""
        return None

    def check(self) -> str:
        """There is nothing to try."""
        return "is a recorded history"

    def close(self) -> None:
        """There is nothing to let go of."""
