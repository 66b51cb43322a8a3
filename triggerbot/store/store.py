"""The store, whatever its engine: each verb is one transaction or one view of it."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Concatenate, ParamSpec, TypeVar

from triggerbot.core.claim import Claim, Operation
from triggerbot.core.decision import Decision
from triggerbot.core.model import CommentCommand, Group, Lead, Push, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.elsewhere import NO_RUNS, Further
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
from triggerbot.core.policy.slots import Rank
from triggerbot.store import (
    admin,
    claims,
    limits,
    observe,
    queues,
    ran,
    requests,
    search,
    sessions,
    set_back,
    statistics,
    verdicts,
)
from triggerbot.store.batches import Batches
from triggerbot.store.engine import Engine, Reader, Transaction
from triggerbot.store.ledger import Book
from triggerbot.store.records import (
    LEASES_PER_SYSTEM,
    NO_CAPS,
    NO_PASSES,
    Cap,
    Crash,
    DeadLetter,
    Distrust,
    FailureRecord,
    Item,
    Leads,
    Outcome,
    Pause,
    PendingCommand,
    PushRecord,
    Ran,
    Search,
    Summary,
    TimelineEntry,
    Work,
)

P = ParamSpec("P")
T = TypeVar("T")
_FOREVER = float("inf")


class Store:
    """What triggerbot remembers, on any engine. All methods are thread-safe; all raise `StoreUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Where each transaction costs round trips, batches that wait are observed in one.
        self._batches = Batches(self._observe) if engine.is_remote else None

    def close(self) -> None:
        """Finish pending writes and close."""
        if self._batches is not None:
            self._batches.close()
        self._engine.close()

    def _read(self, view: Callable[Concatenate[Reader, P], T], /, *arguments: P.args, **named: P.kwargs) -> T:
        return self._engine.read(lambda reader: view(reader, *arguments, **named))

    def _write(self, step: Callable[Concatenate[Transaction, P], T], /, *arguments: P.args, **named: P.kwargs) -> T:
        return self._engine.run(lambda transaction: step(transaction, *arguments, **named))

    # -- observing ----------------------------------------------------------------------------------------------

    def observe(
        self, items: Sequence[Item], now: float, *, dry: bool, cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:  # fmt: skip
        """Record a batch of items, make the claims that follow from it, and move a cursor, atomically."""
        return self.observe_soon(items, now, dry=dry, cursor=cursor, deliveries=deliveries).result()

    def observe_soon(
        self, items: Sequence[Item], now: float, *, dry: bool, cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> "Future[list[Outcome]]":  # fmt: skip
        """Observe like `observe`, but return a future, so that many callers can share one commit."""
        if self._batches is not None:
            return self._batches.submit(items, now, dry=dry, cursor=cursor, deliveries=deliveries)
        return self._engine.submit(
            lambda transaction: observe.observe(transaction, items, now, dry, cursor, deliveries)
        )

    def _observe(
        self, items: Sequence[Item], now: float, dry: bool, cursor: tuple[str, str] | None, deliveries: Sequence[str]
    ) -> list[Outcome]:
        return self._write(observe.observe, items, now, dry, cursor, deliveries)

    # -- the dispatcher -----------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Lease what has been due longest, so that no other process works on it; no push while paused."""
        leased = self._engine.leased(owner)
        found = self._read(queues.due, len(self._engine.leased()) + 8, _full(leased), now)
        return self._engine.lease([one for _, one in found], owner, now, seconds)

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        self._engine.release(leased, owner)

    def next_due(self) -> float | None:
        """Return when the next unleased push or group falls due; pushes do not count while paused."""
        leased = self._engine.leased()
        found = self._read(queues.due, len(leased) + 1, _full(leased), _FOREVER)
        return next((due for due, one in found if one not in leased), None)

    def leads(self, group: Group) -> Leads:
        """Read the unresolved leads of a group, failures first."""
        return self._read(queues.read_leads, group)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Delete resolved leads, except those whose runs have got further since."""
        self._write(queues.settle_leads, group, tuple(settled))

    def put_off_leads(self, group: Group, due: float) -> None:
        """Postpone a group; counts as a failed attempt to resolve it."""
        self._write(queues.put_off_leads, group, due)

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that the store lost data since it was opened, if any."""
        return self._engine.distrust()

    def work(self, push: Push) -> Work:
        """Read a push with its open claims."""
        return self._read(search.work, push)

    def claims(self, push: Push, ids: Collection[int]) -> tuple[Claim, ...]:
        """Read claims of a push by id, final or not, oldest first."""

        def view(reader: Reader) -> tuple[Claim, ...]:
            ledger = Book(reader).ledger(push)
            return () if ledger.stored is None else ledger.values(ledger.load_claims(sorted(ids)))

        return self._engine.read(view)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read the known state of each run (job, run id, attempt) of a push."""
        return self._read(search.known, push)

    def decide(
        self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float, *,
        further: Further = NO_RUNS,
    ) -> Decision | None:  # fmt: skip
        """Record a decision and, for a failure, spend budget; `further`: the further runs that the CI lists, by job."""
        return self._write(claims.decide, claim, decision, budget, now, further)

    def begin(
        self, operation: Operation, push: Push, note: str, now: float, *,
        passes: Mapping[BreakerKey, int] = NO_PASSES, caps: Mapping[str, int | None] = NO_CAPS,
    ) -> bool | Capped:  # fmt: skip
        """Record that a request is about to be sent, and count it against these caps."""
        return self._write(claims.begin, operation, push, note, now, passes, caps)

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Record that the same operation is about to be sent again; false while paused."""
        return self._write(claims.resend, operation, note, now)

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """Record that the CI accepted it: its claims are done, or the rest is owed when due (`since`: see `wait`)."""
        self._write(claims.accepted, operation, note, now, now if due is None else due, since)

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """Record that the CI will never accept it: its claims end, and budget that bought nothing is refunded."""
        self._write(claims.refused, operation, decision, now)

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """Record that the CI did not accept it now: its claims are owed again later."""
        self._write(claims.postponed, operation, due, note, now)

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Record that it is unknown whether the CI accepted it: look back when due."""
        self._write(claims.doubted, operation, due, note, now, missed)

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Postpone a claim."""
        self._write(claims.wait, claim, due, note, now, since, lookup)

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim that needs nothing more."""
        self._write(claims.finish, claim, note, now)

    def breakers(self) -> list[Breaker]:
        """Read all breakers."""
        return self._read(limits.breakers)

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker if the stored version is the one that it is based on; a closed one releases what it holds."""
        saved = self._write(limits.save_breaker, breaker, now)
        if saved and not breaker.open:
            self.release_held(breaker.place.key, -1, now)
        return saved

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Hold a claim behind a breaker or cap (its key) until released, at the latest until a time."""
        self._write(claims.hold, claim, behind, until, note, now)

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Release up to `most` (-1: all) of the claims held behind a key, oldest first; returns how many."""
        return limits.release_held(self._engine.run, behind, most, now)

    def held(self) -> Mapping[str, int]:
        """Count the held claims, by the key of what they are held behind."""
        return self._read(limits.held)

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers sent within the last hour, by the names of caps."""
        return self._read(limits.sent, now)

    def ask_slot(self, queue: str, caller: str, rank: Rank, now: float) -> float:
        """Return when a writer may write; asking again changes nothing."""
        return self._write(limits.ask_slot, queue, caller, rank, now)

    def leave_slot(self, queue: str, caller: str, now: float, *, used: bool, closed: float = 0.0) -> None:
        """Take a writer out of its queue; `used`: it may have written. `closed`: until when nobody may write."""
        self._write(limits.leave_slot, queue, caller, now, used, closed)

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Postpone fetching a push's facts (`None`: for good)."""
        self._write(claims.put_off_facts, push, due)

    # -- judging and reporting ----------------------------------------------------------------------------------

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported, for a number of seconds."""
        return self._write(verdicts.take, now, seconds)

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back; it is due again then (`None`: never), or with its next change, if that comes earlier."""
        self._write(verdicts.end, push, due)

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as a change of it does."""
        self._write(verdicts.soon, push, now)

    def judged(
        self, summary: Summary, records: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Record the verdict on a push: its summary, its failure records, and the changes for its timeline."""
        self._write(verdicts.judged, summary, records, changes, now)

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read the metadata of a push, by name."""
        return self._read(verdicts.metadata, push)

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Set one entry of a push's metadata."""
        self._write(verdicts.set_metadata, push, name, value)

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add failure lines that were fetched from the CI to a run; an unknown run is ignored."""
        self._write(claims.add_failure_lines, push, job, run, lines)

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest failure records of a project, newest first."""
        return self._read(verdicts.failure_records, project)

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count, by job, the pushes of a project at which a run of the job passed or failed.

        `since`: those whose first event came since then, in whole days, but at least the newest day.
        """
        return self._read(ran.read, project, jobs, since)

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the comment command that has been due longest, for a number of seconds."""
        return self._write(queues.take_command, now, seconds)

    def end_command(self, command: CommentCommand, due: float | None) -> None:
        """Settle a comment command (`None`), or make it due again."""
        self._write(queues.end_command, command, due)

    # -- people and operators -----------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record a person's request as a claim of its own; `None` if no run of the job is known."""
        return self._write(requests.ask, push, job, count, origin, dry, now)

    def ask_within(
        self, push: Push, jobs: Sequence[str], count: int, origin: str, *, dry: bool, now: float, cap: Cap | None
    ) -> int | None:
        """Record a person's requests for jobs, all or none; if they would exceed a cap, return what it leaves."""
        return self._write(requests.ask_within, push, jobs, count, origin, dry, now, cap)

    def pause(self, pause: Pause | None) -> None:
        """Pause sending, or (`None`) resume."""
        self._write(limits.pause, pause)

    def paused(self) -> Pause | None:
        """Return the current pause, if any."""
        return self._read(limits.paused)

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Store messages that could not be handled; the oldest dead letters make room."""
        self._write(admin.add_dead_letters, letters)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List the dead letters, oldest first."""
        return self._read(admin.dead_letters, limit)

    def count_dead_letters(self) -> int:
        """Count the dead letters."""
        return self._read(admin.count_dead_letters)

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Delete dead letters; returns how many existed."""
        return self._write(admin.drop_dead_letters, ids)

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Store crashes of workers; the oldest make room."""
        self._write(admin.add_crashes, crashes)

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List the crashes of workers, newest first; those that died together in the order of their deaths."""
        return self._read(admin.crashes, limit)

    def begin_session(self, name: str, until: float) -> None:
        """Open a session of a person at the pages."""
        self._write(sessions.begin, name, until)

    def end_session(self, name: str) -> None:
        """End a session, if it is open."""
        self._write(sessions.end, name)

    def has_session(self, name: str, now: float) -> bool:
        """Whether a session is open."""
        return self._read(sessions.is_open, name, now)

    def cursor(self, name: str) -> str | None:
        """Read the cursor of an intake."""
        return self._read(admin.cursor, name)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and revision prefix, newest first."""
        return self._read(search.find, project, revision)

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes with the latest events that match, judged or not."""
        return self._read(search.search, wanted, limit)

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List the pushes judged after a time, and when, oldest first."""
        return self._read(search.judged_since, since, limit)

    def projects(self) -> list[str]:
        """List the projects of all pushes, sorted."""
        return self._read(search.projects)

    def previous(self, push: Push) -> Push | None:
        """Find the previous push of the same branch, by when their first events came."""
        return self._read(search.previous, push)

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known about a push."""
        return self._read(search.record, push)

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read the timeline of a push, or of one of its jobs, in order."""
        return self._read(search.timeline, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes with the latest events."""
        return self._read(search.recent, limit, project)

    def count_changes(self) -> None:
        """Count the pushes that have changed, which takes a while where many have; `statistics` does it, too."""
        statistics.count(self._engine.run)

    def statistics(self, since: float, *, exact: bool = True) -> dict[str, Any]:
        """Count decisions, requests and claims since a time, and how retriggers ended.

        `exact=False`: without what has changed since somebody counted, but at once.
        """
        if exact:
            self.count_changes()
        return self._read(statistics.read, since)

    def set_back(self, by: float, now: float) -> int:
        """Make what is due later due earlier by some seconds, after the clock was set back; return how much."""
        return set_back.shift(self._engine.run, by, now)

    def purge(self, before: float, quiet: float = -math.inf) -> int:
        """Delete pushes without events since then, with all their claims; returns how many.

        `quiet`: pushes without events since then take less room from now on, until something comes of them again.
        """
        deleted = admin.purge(self._engine.run, before, quiet)
        self._engine.compact()
        return deleted


def _full(leased: Collection[Push | Group]) -> list[str]:
    """Return the systems with as many leases as allowed: one that hangs must not block the others."""
    count = Counter(one.system for one in leased)
    return [system for system, number in count.items() if number >= LEASES_PER_SYSTEM]
