"""The store for one machine: one SQLite file, nothing to install, no server."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from triggerbot.core.model import Claim, CommentCommand, Decision, Group, Lead, Operation, Push, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
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
    """A `Store` in one file. Any number of processes may read it and ask things; one daemon works on it.

    `durable=False` gives up `synchronous=FULL`; it is for replays, whose store is thrown away.
    """

    def __init__(self, path: str | Path, *, durable: bool = True) -> None:
        self._file = Database(path, durable=durable)
        self._read, self._write = self._file.read, self._file.write
        self._leases: set[Push | Group] = set()
        self._lease_lock = threading.Lock()

    def claim_daemon(self) -> None:
        """Become the one daemon that works on this file; raises `StoreUnusable` if there is one already."""
        self._file.claim_daemon()

    def close(self) -> None:
        """Finish what is being written and let go."""
        self._file.close()

    # -- hearing ------------------------------------------------------------------------------------------------

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record what was heard, claim what is to be claimed, and move a cursor, all at once."""
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
        """Like `observe`, but answers by a future, once the commit that many callers may share is on the disk."""
        return self._file.writer.submit(
            lambda connection: observe.observe(connection, items, now, dry, cursor, deliveries)
        )

    # -- the dispatcher -----------------------------------------------------------------------------------------

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Take what is due. One daemon works on this file, so leases are kept in memory and die with the process."""
        with self._lease_lock:
            for due, found in self._read(queries.due, len(self._leases) + 1, self._full()):
                if due <= now and found not in self._leases:
                    self._leases.add(found)
                    return found
        return None

    def _full(self) -> list[str]:
        """Name the systems that enough is under way of: one that hangs must not hold up the others."""
        count = Counter(leased.system for leased in self._leases)
        return [system for system, number in count.items() if number >= LEASES_PER_SYSTEM]

    def release(self, leased: Push | Group, owner: str) -> None:
        """Give back what was leased."""
        with self._lease_lock:
            self._leases.discard(leased)

    def next_due(self) -> float | None:
        """Tell when the next that is not leased falls due; no push does while paused."""
        with self._lease_lock:
            leased, full = self._leases.copy(), self._full()
        return next((due for due, found in self._read(queries.due, len(leased) + 1, full) if found not in leased), None)

    def leads(self, group: Group) -> Leads:
        """Read what was heard of a group and not asked about yet, failures first."""
        return self._read(queues.read_leads, group)

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Forget leads that were asked about, unless more was heard of their runs meanwhile."""
        self._write(queues.settle_leads, group, tuple(settled))

    def put_off_leads(self, group: Group, due: float) -> None:
        """Ask about a group again when due; counts as a try in vain."""
        self._write(queues.put_off_leads, group, due)

    def distrust(self) -> Distrust | None:
        """A file forgets nothing while one triggerbot works on it; that it is another file cannot be told."""
        return None

    def work(self, push: Push) -> Work:
        """Read what is open about a push."""
        return self._read(queries.work, push)

    def claims(self, push: Push, ids: Collection[int]) -> tuple[Claim, ...]:
        """Read some claims of a push, final or not, oldest first."""
        return tuple(claim for claim in self._read(queries.claims, push) if claim.id in ids)

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read how far each run (job, run id, attempt) of a push is known to have come."""
        return self._read(queries.known, push)

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget."""
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
        """Write down that a request is about to leave; see `Store.begin`."""
        return self._write(claims.begin, operation, push, note, now, passes, caps)

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Write down that the same operation is about to leave once more; false while paused."""
        return self._write(claims.resend, operation, note, now)

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """The CI took it: what remains of its claims is owed when due (`since`: as with `wait`), or they are done."""
        later = now if due is None else due
        self._write(claims.accepted, operation, note, now, later, since)

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """The CI will never take it: its claims end; budget that bought nothing is given back."""
        self._write(claims.refused, operation, decision, now)

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """The CI did not take it now: its claims are owed again later."""
        self._write(claims.postponed, operation, due, note, now)

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Nobody knows whether the CI took it: look again when due."""
        self._write(claims.doubted, operation, due, note, now, missed)

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Put a claim off."""
        self._write(claims.wait, claim, due, note, now, since, lookup)

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim: nothing more is needed."""
        self._write(claims.finish, claim, note, now)

    def breakers(self) -> list[Breaker]:
        """Read every breaker that anything is known of."""
        return self._read(limits.breakers)

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker, in place of the version that it names; one that is closed lets go of all behind it."""
        return self._write(limits.save_breaker, breaker, now)

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Put a claim off until what it is held behind lets it go; in any case until then."""
        self._write(claims.hold, claim, behind, until, note, now)

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Make so many of the claims that are held behind something due, the oldest first; tells how many."""
        return self._write(limits.release_held, behind, most, now)

    def held(self) -> Mapping[str, int]:
        """Count the claims that are held, by what they are held behind."""
        return self._read(limits.held)

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers that left within the last hour, by the names of caps."""
        return self._read(limits.sent, now)

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Ask for a push's facts again when due, or never."""
        self._write(observe.put_off_facts, push, due)

    # -- judging and reporting ----------------------------------------------------------------------------------

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported, for so many seconds."""
        return self._write(verdicts.take, now, seconds)

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back: it is due again then (`None`: with the next news), or at once if there was news."""
        self._write(verdicts.end, push, due)

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as news of it does."""
        self._write(verdicts.soon, push, now)

    def judged(
        self, summary: Summary, sightings: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Keep how a push was judged: its line in lists, its jobs with failures, and for its story what changed."""
        self._write(verdicts.judged, summary, sightings, changes, now)

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read what was kept beside a push, by name."""
        return self._read(verdicts.kept, push)

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Keep something beside a push."""
        self._write(verdicts.keep, push, name, value)

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add to a run what the CI said of its failure when it was asked; an unknown run is passed over."""
        self._write(verdicts.add_failure_lines, push, job, run, lines)

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest sightings of a project, newest first."""
        return self._read(verdicts.failure_records, project)

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count the pushes of a project, those heard of last, at which a run of these jobs passed or failed."""
        return self._read(verdicts.ran, project, jobs, since)

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the wish that has been due longest, for so many seconds."""
        return self._write(queues.take_comment, now, seconds)

    def end_command(self, wish: CommentCommand, due: float | None) -> None:
        """It is settled (`None`; for `DELIVERY_KEPT` it is not heard again), or due again then."""
        self._write(queues.end_comment, wish, due)

    # -- what people ask ----------------------------------------------------------------------------------------

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record what a person asks for, as a claim of its own; `None` if no run of the job is known."""
        return self._write(claims.ask, push, job, count, origin, dry, now)

    def pause(self, pause: Pause | None) -> None:
        """Stop all sending, or (`None`) go on."""
        self._write(admin.pause, pause)

    def paused(self) -> Pause | None:
        """Tell whether sending is stopped."""
        return self._read(admin.paused)

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""
        self._write(admin.add_dead_letters, letters)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List them, oldest first."""
        return self._read(admin.dead_letters, limit)

    def count_dead_letters(self) -> int:
        """Count them."""
        return self._read(admin.count_dead_letters)

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Forget some of them; tells how many there were."""
        return self._write(admin.drop_dead_letters, ids)

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Keep how workers ended; the oldest make room for new ones."""
        self._write(admin.add_crashes, crashes)

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List how workers ended, newest first; those that died together in the order in which they did."""
        return self._read(admin.crashes, limit)

    def cursor(self, name: str) -> str | None:
        """Read how far an intake has come."""
        return self._read(admin.cursor, name)

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and the beginning of a revision, newest first."""
        return self._read(search.find, project, revision)

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes heard of last, with how they were judged, whether they were yet or not."""
        return self._read(search.search, wanted, limit)

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List pushes that were judged after a time, and when, oldest first."""
        return self._read(search.judged_since, since, limit)

    def projects(self) -> list[str]:
        """List the projects of the pushes that are remembered, in order."""
        return self._read(search.projects)

    def previous(self, push: Push) -> Push | None:
        """Find the push of the same branch that was heard of before this one was."""
        return self._read(search.previous, push)

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known of a push."""
        return self._read(queries.record, push)

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read what happened to a push, or to one job of it, in order."""
        return self._read(queries.story, push, job)

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes heard of last."""
        return self._read(search.recent, limit, project)

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since then, and how retriggers ended."""
        return self._read(statistics.statistics, since)

    def purge(self, before: float) -> int:
        """Forget pushes that nothing was heard of since then, with all their claims; tells how many."""
        self._write(admin.purge, before)
        gone = 0
        while batch := self._write(admin.purge_pushes, before):
            gone += batch
        return gone
