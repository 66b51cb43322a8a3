"""The store for one machine: a SQLite file, with nothing to install and no server."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from triggerbot.core.claim import Claim, Operation
from triggerbot.core.decision import Decision
from triggerbot.core.model import CommentCommand, Group, Lead, Push, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
from triggerbot.core.policy.slots import Rank
from triggerbot.store import (
    LEASES_PER_SYSTEM,
    NO_CAPS,
    NO_PASSES,
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
from triggerbot.store.sqlite import admin, claims, limits, observe, queries, queues, search, statistics, verdicts
from triggerbot.store.sqlite.connection import Database


class SqliteStore:
    """A `Store` in one file. Any number of processes may read it and record requests; one daemon works on it.

    `durable=False` gives up `synchronous=FULL`, for replays, whose store is thrown away.
    """

    def __init__(self, path: str | Path, *, durable: bool = True) -> None:
        self._file = Database(path, durable=durable)
        self._read, self._write = self._file.read, self._file.write
        self._leases: set[Push | Group] = set()
        self._lease_lock = threading.Lock()

    def claim_daemon(self) -> None:
        """Lock the file as its one daemon. Raises `StoreUnusable` if there is one already."""
        self._file.claim_daemon()

    def close(self) -> None:
        """Finish pending writes and close."""
        self._file.close()

    # -- observing ----------------------------------------------------------------------------------------------

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record a batch of items, make the claims that follow from it, and move a cursor, atomically."""
        return self.observe_soon(items, now, dry=dry, cursor=cursor, deliveries=deliveries).result()

    def observe_soon(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> "Future[list[Outcome]]":
        """Observe like `observe`, but return a future, done once the commit is on disk; many callers may share one."""
        return self._file.writer.submit(
            lambda connection: observe.observe(connection, items, now, dry, cursor, deliveries)
        )

    # -- the dispatcher -----------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Lease what is due. Only one daemon works on the file, so leases are in memory and die with the process."""
        with self._lease_lock:
            for due, found in self._read(queries.due, len(self._leases) + 1, self._full_systems()):
                if due <= now and found not in self._leases:
                    self._leases.add(found)
                    return found
        return None

    def _full_systems(self) -> list[str]:
        """Return the systems with as many leases as allowed: one that hangs must not block the others."""
        count = Counter(leased.system for leased in self._leases)
        return [system for system, number in count.items() if number >= LEASES_PER_SYSTEM]

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""
        with self._lease_lock:
            self._leases.discard(leased)

    def next_due(self) -> float | None:
        """Return when the next unleased push or group falls due; pushes do not count while paused."""
        with self._lease_lock:
            leased, full = self._leases.copy(), self._full_systems()
        return next((due for due, found in self._read(queries.due, len(leased) + 1, full) if found not in leased), None)

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
        """Return nothing: a file loses no data while in use, and a replaced file cannot be recognised."""
        return None

    def work(self, push: Push) -> Work:
        """Read a push with its open claims."""
        return self._read(queries.work, push)

    def claims(self, push: Push, ids: Collection[int]) -> tuple[Claim, ...]:
        """Read claims of a push by id, final or not, oldest first."""
        return tuple(claim for claim in self._read(queries.claims, push) if claim.id in ids)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read the known state of each run (job, run id, attempt) of a push."""
        return self._read(queries.known, push)

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget; see `Store.decide`."""
        return self._write(claims.decide, claim, decision, budget, now)

    def begin(
        self,
        operation: Operation,
        push: Push,
        note: str,
        now: float,
        *,
        passes: Mapping[BreakerKey, int] = NO_PASSES,
        caps: Mapping[str, int | None] = NO_CAPS,
    ) -> bool | Capped:
        """Record that a request is about to be sent; see `Store.begin`."""
        return self._write(claims.begin, operation, push, note, now, passes, caps)

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Record that the same operation is about to be sent again; false while paused."""
        return self._write(claims.resend, operation, note, now)

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """Record that the CI accepted it: its claims are done, or the rest is owed when due (`since`: see `wait`)."""
        later = now if due is None else due
        self._write(claims.accepted, operation, note, now, later, since)

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """Record that the CI will never accept it: its claims end, and budget that bought nothing is refunded."""
        self._write(claims.refused, operation, decision, now)

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """Record that the CI did not accept it now: its claims are owed again later."""
        self._write(claims.postponed, operation, due, note, now)

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Record that it is unknown whether the CI accepted it: look back when due; see `Store.doubted`."""
        self._write(claims.doubted, operation, due, note, now, missed)

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Postpone a claim; see `Store.wait`."""
        self._write(claims.wait, claim, due, note, now, since, lookup)

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim that needs nothing more."""
        self._write(claims.finish, claim, note, now)

    def breakers(self) -> list[Breaker]:
        """Read all breakers."""
        return self._read(limits.breakers)

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker if the stored version is the one that it is based on; see `Store.save_breaker`."""
        return self._write(limits.save_breaker, breaker, now)

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Hold a claim behind a breaker or cap (its key) until released, at the latest until a time."""
        self._write(claims.hold, claim, behind, until, note, now)

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Release up to `most` (-1: all) of the claims held behind a key, oldest first; returns how many."""
        return self._write(limits.release_held, behind, most, now)

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
        self._write(observe.put_off_facts, push, due)

    # -- judging and reporting ----------------------------------------------------------------------------------

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported; see `Store.take_report`."""
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
        self._write(verdicts.add_failure_lines, push, job, run, lines)

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest failure records of a project, newest first."""
        return self._read(verdicts.failure_records, project)

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count, by job, the newest pushes of a project at which a run of the job passed or failed."""
        return self._read(verdicts.ran, project, jobs, since)

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the comment command that has been due longest, for a number of seconds."""
        return self._write(queues.take_command, now, seconds)

    def end_command(self, command: CommentCommand, due: float | None) -> None:
        """Settle a comment command (`None`; it is not accepted again for `DELIVERY_KEPT`), or make it due again."""
        self._write(queues.end_command, command, due)

    # -- people and operators ----------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record a person's request as a claim of its own; `None` if no run of the job is known."""
        return self._write(claims.ask, push, job, count, origin, dry, now)

    def pause(self, pause: Pause | None) -> None:
        """Pause sending, or (`None`) resume."""
        self._write(admin.pause, pause)

    def paused(self) -> Pause | None:
        """Return the current pause, if any."""
        return self._read(admin.paused)

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
        return self._read(queries.record, push)

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read the timeline of a push, or of one of its jobs, in order."""
        return self._read(queries.timeline, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes with the latest events."""
        return self._read(search.recent, limit, project)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since a time, and how retriggers ended; see `Store.statistics`."""
        return self._read(statistics.statistics, since)

    def purge(self, before: float) -> int:
        """Delete pushes without events since then, with all their claims; returns how many."""
        self._write(admin.purge, before)
        deleted = 0
        while batch := self._write(admin.purge_pushes, before):
            deleted += batch
        return deleted
