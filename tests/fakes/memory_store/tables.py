"""What the store in memory keeps, in plain dicts: pushes with their jobs, runs, claims, requests and story."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.fakes.memory_store.runs import latest, record
from triggerbot.core import identity
from triggerbot.core.claim import Claim, ClaimState, Operation
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.heads import Place
from triggerbot.core.identity import Kept
from triggerbot.core.model import Batch, CommentCommand, Group, Lead, Push, PushFacts, Run, RunKey, State
from triggerbot.core.policy import rules
from triggerbot.core.policy.circuit_breaker import Breaker
from triggerbot.core.policy.slots import SlotQueue
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import (
    DELIVERY_KEPT,
    LEAD_DELAY,
    REPORT_DELAY,
    Crash,
    DeadLetter,
    FailureRecord,
    Notice,
    Observation,
    Outcome,
    Pause,
    PendingCommand,
    Summary,
    TimelineEntry,
)

#: As in the real stores: seconds before a push's facts are fetched, and characters of a message that are kept.
FACTS_DELAY, MESSAGE_MAX = 2.0, 16_384
FINAL = (ClaimState.DONE, ClaimState.REFUSED, ClaimState.WOULD)


@dataclass(slots=True)
class ClaimRow:
    """One claim, to be changed in place."""

    id: int
    push: "PushRow"
    job: "JobRow"
    run: RunKey
    origin: str
    dry: bool
    created: float
    due: float
    wanted: int = 0
    state: ClaimState = ClaimState.OPEN
    cause: Cause | None = None
    refusal: Refusal | None = None
    asked: int = 0
    known_runs: int = 0
    lookups: int = 0
    tries: int = 0
    note: str = ""
    operation: str = ""
    spent: bool = False
    #: It waits for something of its push to settle.
    held: bool = False
    #: What it is held behind.
    behind: str = ""

    def value(self) -> Claim:
        """Show it as it is now."""
        return Claim(
            id=self.id, push=self.push.push, job=self.job.name, state=self.state, run=self.job.runs[self.run],
            dry=self.dry, created=self.created, due=self.due, origin=self.origin, cause=self.cause,
            refusal=self.refusal, wanted=self.wanted, asked=self.asked, known_runs=self.known_runs,
            lookups=self.lookups, tries=self.tries, note=self.note,
            operation=self.push.operations[self.operation] if self.operation else None, behind=self.behind,
        )  # fmt: skip


@dataclass(slots=True)
class JobRow:
    """One job of a push."""

    name: str
    groups: frozenset[str] = frozenset()
    #: In the order in which they were heard of.
    runs: dict[RunKey, Run] = field(default_factory=dict)
    #: By their origin.
    claims: dict[str, ClaimRow] = field(default_factory=dict)

    def oldest_first(self) -> tuple[Run, ...]:
        """Sort its runs as every store shows them."""
        return tuple(sorted(self.runs.values(), key=lambda run: run.age))


@dataclass(slots=True)
class PushRow:
    """One push."""

    push: Push
    facts: PushFacts
    first_heard: float
    last_heard: float
    asks: PushOptions | None = None
    settled: float = 0.0
    facts_due: float | None = None
    facts_tries: int = 0
    jobs: dict[str, JobRow] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    #: What each operation counts against caps, until it is given back: their names, the piece of time, how many.
    charged: dict[str, tuple[tuple[str, ...], int, int]] = field(default_factory=dict)
    story: list[TimelineEntry] = field(default_factory=list)
    told: set[tuple[str, RunKey, str, str]] = field(default_factory=set)
    #: When it is to be judged, and until when somebody does that.
    report_due: float | None = None
    report_lease: float | None = None
    #: How it was judged, and when.
    judged: Summary | None = None
    sightings: dict[str, FailureRecord] = field(default_factory=dict)
    #: What is kept beside it, by name.
    kept: dict[str, str] = field(default_factory=dict)
    #: What was told of batches, by their ids.
    batches: dict[str, Batch] = field(default_factory=dict)

    def kept_runs(self, name: str) -> list[Kept]:
        """List the runs of all jobs of this name."""
        return [
            Kept(job.name, run.key, run.batch, run.failed)
            for job in self.jobs.values() if identity.base(job.name) == name
            for run in job.runs.values()
        ]  # fmt: skip

    def names(self) -> dict[str, str]:
        """What people call those of its jobs that are of one batch alone."""
        return identity.names(self.jobs, self.batches)

    def key(self, job: str) -> str:
        """What a job is kept under, by that or by what people call it."""
        return job if job in self.jobs else next((key for key, name in self.names().items() if name == job), job)

    def claims(self) -> list[ClaimRow]:
        """List its claims, oldest first."""
        return sorted((claim for job in self.jobs.values() for claim in job.claims.values()), key=lambda one: one.id)

    def due(self) -> float | None:
        """Return when the dispatcher has to look at it."""
        least = self.facts_due
        for job in self.jobs.values():
            for claim in job.claims.values():
                if claim.state not in FINAL and (least is None or claim.due < least):
                    least = claim.due
        return least

    def spent(self, *, dry: bool) -> int:
        """Count the jobs that were retriggered because they failed."""
        return sum(claim.spent and claim.dry is dry for job in self.jobs.values() for claim in job.claims.values())

    def mark(self, now: float) -> None:
        """Let it be judged a little later, unless that is due by then."""
        self.report_due = min(now + REPORT_DELAY, now + REPORT_DELAY if self.report_due is None else self.report_due)

    def tell(self, entry: TimelineEntry, origin: str = "") -> None:
        """Add a line to its story; the same refusal of the same run is told once."""
        if entry.what == "refuse":
            key = (entry.job or "", RunKey(entry.run_id or "", entry.attempt or 0), entry.reason, origin)
            if key in self.told:
                return
            self.told.add(key)
        self.story.append(entry)
        self.mark(entry.at)


@dataclass(slots=True)
class GroupRow:
    """Leads of one group."""

    due: float
    since: float
    tries: int = 0
    leads: dict[RunKey, Lead] = field(default_factory=dict)


@dataclass(slots=True)
class WishRow:
    """What a person asked for."""

    asked: PendingCommand
    #: When somebody has to look at it; `None` once it is settled.
    due: float | None


@dataclass(slots=True)
class Tables:
    """Everything that is kept; stores that share it are replicas. Entered, it is nobody else's."""

    pushes: dict[Push, PushRow] = field(default_factory=dict)
    groups: dict[Group, GroupRow] = field(default_factory=dict)
    #: By their system and id.
    wishes: dict[tuple[str, str], WishRow] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    #: What was told of branches: the times of marks, by place and text.
    heads: dict[Place, dict[str, float]] = field(default_factory=dict)
    #: Webhooks that were stored, and when.
    deliveries: dict[str, float] = field(default_factory=dict)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)
    #: Retriggers that left, by the name of a cap and the piece of time.
    sent: dict[tuple[str, int], int] = field(default_factory=dict)
    #: Those who write, by the account that they write with.
    slots: dict[str, SlotQueue] = field(default_factory=dict)
    leases: dict[Push | Group, tuple[str, float]] = field(default_factory=dict)
    #: Whether a lease lasts as long as its process, rather than for its time.
    leases_last: bool = False
    pause: Pause | None = None
    letters: dict[int, DeadLetter] = field(default_factory=dict)
    crashes: list[Crash] = field(default_factory=list)
    number: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> "Tables":
        self.lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def claim(self, push: Push, number: int) -> ClaimRow | None:
        """Find a claim, unless it was dropped."""
        row = self.pushes.get(push)
        return next((claim for claim in row.claims() if claim.id == number), None) if row is not None else None

    def of(self, operation: Operation) -> list[ClaimRow]:
        """Find the claims of which this operation is the open one."""
        rows = [row for row in self.pushes.values() if operation.id in row.operations]
        return [claim for row in rows for claim in row.claims() if claim.operation == operation.id]

    def make_claim(
        self, push: PushRow, job: JobRow, run: RunKey, origin: str, dry: bool, now: float, wanted: int = 0
    ) -> ClaimRow:
        """Make a claim, due at once."""
        self.number += 1
        push.mark(now)
        made = job.claims[origin] = ClaimRow(self.number, push, job, run, origin, dry, now, now, wanted)
        return made

    # -- hearing ------------------------------------------------------------------------------------------------

    def event(self, item: Observation, now: float, dry: bool) -> Outcome:
        """Record a run, and claim what is to be claimed."""
        event, seen = item.event, item.seen
        push = self._push(event.push, now)
        due = self._learn(push, PushFacts(event.push, event.message, event.author), item.asks, now, dry)
        if push.asks is None and seen.groups and push.facts_due is None and not push.facts_tries:
            push.facts_due = now + FACTS_DELAY
        name = identity.place(event, push.kept_runs(event.job)) if event.per_batch else event.job
        known = push.jobs.get(name)
        if event.follows_up and (known is None or all(key.run_id != event.run_id for key in known.runs)):
            return Outcome(asks=push.asks, due=due)
        job = push.jobs.setdefault(name, JobRow(name))
        job.groups = seen.groups or job.groups
        news = record(job.name, job.runs, event)
        if news:
            push.mark(now)
        if event.state is State.FINISHED and not event.batch:
            due |= _wake(job.claims.values(), now)
        asked = None if push.asks is None else frozenset(push.asks.rebuild)
        if not (event.failed or rules.claims(seen, asked)):
            return Outcome(asks=push.asks, due=due, news=news)
        earlier = job.claims.get("")
        if earlier and rules.claims(seen, asked) and rules.reopens(earlier.value(), event.key, news=news):
            earlier = None
        if earlier is None and rules.claims(seen, asked):
            self.make_claim(push, job, event.key, "", dry, now)
            return Outcome(claimed=True, asks=push.asks, due=True, news=news)
        before = None if earlier is None else earlier.value()
        refusal = seen.refusal
        if refusal is None and before is not None and seen.failed:
            refusal = rules.told(rules.repeated(before, push.asks))
        if news and refusal is not None:
            push.tell(
                TimelineEntry(now, "refuse", job.name, "", refusal, dry=dry, run_id=event.run_id, attempt=event.attempt)
            )
        return Outcome(earlier=before, asks=push.asks, due=due, news=news)

    def notice(self, item: Notice, now: float, dry: bool) -> Outcome:
        """Learn what is said of a push."""
        push = self._push(item.facts.push, now)
        due = self._learn(push, item.facts, item.asks, now, dry)
        if item.facts.settled:
            push.settled = now
            due |= _wake((claim for job in push.jobs.values() for claim in job.claims.values()), now)
        return Outcome(asks=push.asks, due=due)

    def lead(self, lead: Lead, now: float) -> Outcome:
        """Keep a lead, of each run the furthest."""
        due = now if lead.failed else now + LEAD_DELAY
        group = self.groups.setdefault(lead.group, GroupRow(due, now))
        if not group.tries:
            group.due = min(group.due, due)
        known = group.leads.get(lead.key)
        news = known is None or lead.state.rank > known.state.rank
        if news:
            time = lead.time if lead.time is not None or known is None else known.time
            group.leads[lead.key] = replace(lead, time=time)
        return Outcome(due=news and lead.failed, news=news)

    def wish(self, wish: CommentCommand, now: float) -> Outcome:
        """Keep a wish, unless it is known."""
        self.forget_wishes(now - DELIVERY_KEPT)
        key = (wish.system, wish.id)
        news = key not in self.wishes
        if news:
            self.wishes[key] = WishRow(PendingCommand(wish, now), now)
        return Outcome(news=news)

    def forget_wishes(self, before: float) -> None:
        """Forget what was settled, and first heard before that."""
        self.wishes = {key: row for key, row in self.wishes.items() if row.due is not None or row.asked.since >= before}

    def _push(self, push: Push, now: float) -> PushRow:
        row = self.pushes.get(push)
        if row is None:
            row = self.pushes[push] = PushRow(push, PushFacts(push), now, now)
        if row.last_heard < now - 60:
            row.last_heard = now
        return row

    @staticmethod
    def _has_no_own(push: PushRow) -> bool:
        return all(one.fork is not False for one in push.batches.values())

    def _learn(self, push: PushRow, facts: PushFacts, asks: PushOptions | None, now: float, dry: bool) -> bool:
        """Keep what is said first of a push; when its message becomes known, claim the jobs that it asks for."""
        known = before = push.facts
        first = push.asks is None and asks is not None
        if known.fork and facts.own and facts.author is not None and self._has_no_own(push):
            known = replace(known, author=None)
        push.facts = PushFacts(
            push.push,
            (facts.message or "")[:MESSAGE_MAX] if first else known.message,
            known.author if known.author is not None else facts.author,
            known.time if known.time is not None else facts.time,
            known.fork or facts.fork if facts.fork is not None else known.fork,
        )
        told = dict(push.batches)
        for batch in facts.batches:
            old = push.batches.get(batch.id, Batch(batch.id))
            push.batches[batch.id] = Batch(
                batch.id, latest(batch.event, old.event), latest(batch.source, old.source), latest(batch.fork, old.fork)
            )
        if first or push.facts != before or push.batches != told:
            push.mark(now)
        if asks is None or not first:
            return False
        push.asks, push.facts_due = asks, None
        for problem in asks.problems:
            push.tell(TimelineEntry(now, "note", None, problem))
        requested = False
        for job in push.jobs.values():
            runs = [key for key, run in job.runs.items() if run.result not in rules.UNWANTED]
            if runs and "" not in job.claims and job.groups.intersection(asks.rebuild):
                self.make_claim(push, job, runs[-1], "", dry, now)
                requested = True
        return requested


def _wake(claims: Iterable[ClaimRow], now: float) -> bool:
    """Make the claims due that waited for something to settle."""
    waiting = [claim for claim in claims if claim.held and not claim.state.final]
    for claim in waiting:
        claim.due, claim.held = now, False
    return bool(waiting)
