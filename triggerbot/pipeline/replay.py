"""Replay of a recorded history through the real policy: the file is the look-back, and nothing can be requested.

It runs on the events' own clock, so its decisions are those that would have been made. Where they go by what further
runs prove, what a rule would have asked for is taken as accepted, and the further runs of the file as what came of it.
"""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from triggerbot.core import event_json, identity
from triggerbot.core.claim import Claim
from triggerbot.core.decision import Decision
from triggerbot.core.errors import NotUnderstood, Unauthenticated
from triggerbot.core.model import Event, Head, Heard, Push, PushFacts
from triggerbot.core.policy import calibration, causes, planning
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan
from triggerbot.core.policy.rules import Rule, rule_for
from triggerbot.core.verdict import verdict
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.observer import Observer, refusal_of
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.store.factory import open_memory
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack, System, recordings
from triggerbot.systems.answers import Accepted, Answer
from triggerbot.systems.recordings import Format, Reader

#: Seconds of the events' own time between purges of what is older than the retention.
_PURGE_EVERY = 86_400.0
#: Seconds for which a job waits for one that fails alike, and that nobody runs again.
_FOLLOWS_MOST = 43_200.0
#: Events that are listed again, about at most: those of the pushes that were heard of last.
_EVENTS_MAX = 50_000
#: Pushes that are looked at at once for jobs to sample: those heard of last.
_PUSHES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision, with its job and the line (from 1) of the event that led to it."""

    decision: Decision
    push: Push
    job: str
    line: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that cannot be parsed, and why."""

    line: int
    why: str


class _Systems(dict[str, System]):
    """The recorded systems by name, created on first use."""

    def __missing__(self, name: str) -> System:
        self[name] = RecordedSystem(name)
        return self[name]

    def get(self, name: str, _: object = None) -> System:
        return self[name]


class Replay:
    """Feeds lines one after another to observer and dispatcher, and yields the decisions."""

    def __init__(
        self, rules: Sequence[Rule], retention: float, read: Reader, on_event: Callable[[Event], None]
    ) -> None:
        dry = not any(rule.until_proved is not None or rule.first_of_cause for rule in rules)
        self._rules = rules
        self._read = read
        self._on_event = on_event
        self._now = 0.0
        self._purged = 0.0
        self._retention = retention
        self._systems = _Systems()
        self._store = open_memory()
        metrics = Metrics()
        self._observer = Observer(self._store, rules, dry=dry, clock=self._clock, metrics=metrics)
        self._dispatcher = _Recorder(
            self._store, self._systems, self._observer, DispatchSettings(rules, dry), clock=self._clock, metrics=metrics
        )
        #: Of the claims that wait for another one: since when, and the line that made them.
        self._following: dict[tuple[Push, int], tuple[float, int]] = {}

    def _clock(self) -> float:
        return self._now

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def feed(self, text: str, line: int) -> Iterator[Replayed]:
        """Replay one line and yield the decisions that it leads to; raises `NotUnderstood`."""
        for heard in self._read(text):
            if isinstance(heard, Event):
                self._on_event(heard)
                yield from self._replay(heard, line)
            elif isinstance(heard, Head):
                self._observer.observe([heard])
            elif isinstance(heard, PushFacts) and self._observer.observe([heard])[0].due:
                yield from self._dispatch(heard.push, line)

    def _replay(self, event: Event, line: int) -> Iterator[Replayed]:
        self._now = max(self._now, event.time or 0.0)
        yield from self._leave_alone(self._now - _FOLLOWS_MOST)
        yield from self._purge(line)
        recorded = self._systems[event.push.system]
        if isinstance(recorded, RecordedSystem):
            recorded.record(event)
        item = self._observer.triage(event).item
        outcome = self._observer.observe([event])[0]
        refusal = refusal_of(event, item, outcome)
        if refusal is not None:
            yield Replayed(Decision.refuse(refusal), event.push, event.job, line)
        if outcome.due:
            yield from self._dispatch(event.push, line)

    def _dispatch(self, push: Push, line: int) -> Iterator[Replayed]:
        """Dispatch until nothing is due, and yield the new decisions: about the push, and what was due of others."""
        self._dispatcher.decided = []
        while self._dispatcher.step():
            pass
        for claim, decision in self._dispatcher.decided:
            self._following.pop((claim.push, claim.id), None)
            yield _replayed(claim, decision, line)
        for claim in self._store.pushes.work(push).claims:
            if causes.follows(claim):
                self._following.setdefault((push, claim.id), (self._now, line))

    def _leave_alone(self, before: float) -> Iterator[Replayed]:
        """Refuse what has waited since before a time for a job that fails alike, and that nobody ran again."""
        while self._following and (oldest := next(iter(self._following.items())))[1][0] <= before:
            (push, number), (_, line) = oldest
            del self._following[push, number]
            for claim in self._store.claims.read(push, [number]):
                decision = causes.left_alone(claim)
                if causes.follows(claim) and self._store.claims.decide(claim, decision, None, self._now) is not None:
                    yield _replayed(claim, decision, line)

    def end(self) -> Iterator[Replayed]:
        """Yield the decisions that the end of the file leads to."""
        yield from self._leave_alone(math.inf)

    def samples(self, line: int) -> Iterator[Replayed]:
        """Yield what would be run again to measure verdicts, of all pushes at their end; see `calibration`."""
        if not any(rule.calibration for rule in self._rules):
            return
        for push in reversed(self._store.pushes.recent(_PUSHES_MAX)):
            record, rule = self._store.pushes.record(push), rule_for(self._rules, push)
            if record is None or rule is None or not rule.calibration or record.facts.fork:
                continue
            jobs = [
                (job.key, verdict.of_job(job.job, job.runs, job.claims, max_tier=rule.max_tier, proving=rule.proving))
                for job in record.jobs
                if not (job.aside or job.mixed or job.calibration)
            ]
            found = tuple(calibration.samples(push, jobs, rule, record.facts.author))
            if found and self._store.calibration.ask(push, found, rule.budget, dry=True, now=self._now):
                yield from self._dispatch(push, line)

    def _purge(self, line: int) -> Iterator[Replayed]:
        if self._now - self._purged > _PURGE_EVERY:
            if self._purged:
                yield from self.samples(line)
            self._purged = self._now
            self._store.purge(self._now - self._retention)


def _replayed(claim: Claim, decision: Decision, line: int) -> Replayed:
    return Replayed(decision, claim.push, identity.label(claim.job, claim.run.event), line)


class _Recorder(Dispatcher):
    """A dispatcher that takes down what it decides."""

    decided: list[tuple[Claim, Decision]]

    def handle(self, push: Push) -> None:
        """Handle a push, and take down what was decided."""
        before = {claim.id: claim for claim in self._store.pushes.work(push).claims}
        super().handle(push)
        for claim in self._store.claims.read(push, before):
            known = before[claim.id]
            # What was asked for had its number before it was decided.
            more = claim.wanted - (0 if known.cause is None else known.wanted)
            if claim.cause is not None and more > 0:
                self.decided.append((claim, Decision.trigger(claim.cause, more)))
            elif claim.refusal is not None:
                self.decided.append((claim, Decision.refuse(claim.refusal, claim.note)))


def replay(
    lines: Iterable[str],
    rules: Sequence[Rule],
    retention: float,
    read: Reader | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Iterator[Replayed | Unreadable]:
    """Replay lines and yield the decisions, and an `Unreadable` for each line that cannot be parsed.

    `retention`: seconds; `read`: parses a line, by default as canonical events; `on_event`: called with each event
    before it is replayed.
    """
    read = read or recordings.reader(Format.CANONICAL, "")
    run = Replay(rules, retention, read, on_event)
    try:
        number = 0
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                yield from run.feed(text, number)
            except NotUnderstood as error:
                yield Unreadable(number, str(error))
        yield from run.end()
        yield from run.samples(number)
    finally:
        run.close()


class RecordedSystem:
    """A system that lists what was replayed so far: all jobs, and the events of the last pushes."""

    capacity = Capacity.BATCH
    grace = 60.0
    forks_allowed = True
    body_max = 1 << 20

    def __init__(self, name: str) -> None:
        self.name = name
        self._jobs: dict[Push, set[str]] = defaultdict(set)
        self._events: OrderedDict[Push, list[Event]] = OrderedDict()
        self._kept = 0
        #: Pushes whose events say more than is in the store: whose runs they are, or what they need.
        self._telling: set[Push] = set()

    def record(self, event: Event) -> None:
        """Add an event, and its job, to what the look-back lists."""
        key = identity.key(event.job, event.batch) if event.per_batch else event.job
        self._jobs[event.push].add(key)
        if event.per_batch or event.needs:
            self._telling.add(event.push)
        self._events.setdefault(event.push, []).append(event)
        self._events.move_to_end(event.push)
        self._kept += 1
        while self._kept > _EVENTS_MAX and len(self._events) > 1:
            self._kept -= len(self._events.popitem(last=False)[1])

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> str:
        """Reject every webhook: a recorded history has none."""
        raise Unauthenticated("a recorded history has no webhooks")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Parse one canonical event."""
        return [event_json.decode(body)]

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """Return what was replayed so far; the runs of each job are in the store, too."""
        told = self._events.get(push, []) if push in self._telling else []
        newest = {(event.job, event.key): event for event in told}
        return LookBack(tuple(newest.values()), None, jobs=self._jobs[push])

    def default_branch(self, project: str) -> str | None:
        """Return no name: what tells of a branch tells, too, that it is the default one."""
        return ""

    def heads(self, push: Push, fork: str) -> Sequence[Head]:
        """Return nothing: what was told of branches was replayed."""
        return ()

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan one request per job, as the generic system does."""
        return planning.plan_batch(wants)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Accept: what came of it is in the history, if anybody asked for it."""
        return Accepted()

    def recent(self, since: float) -> Sequence[Heard] | None:
        """Return `None`: there is nothing to poll."""
        return None

    def check(self) -> str:
        """Return what it is: there are no credentials to check."""
        return "is a recorded history"

    def close(self) -> None:
        """Do nothing: there is nothing to close."""
