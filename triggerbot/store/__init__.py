"""The store: the only place where triggerbot keeps state, for the process may be killed at any time.

Every method that changes something is atomic, and durable when it returns. A backend implements all of `Store`. The
rules are in `core.policy`; a store only guarantees what needs atomicity: one claim per push and job, the budget, and
that a request is recorded before it is sent.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from triggerbot.core.claim import Claim, Operation
from triggerbot.core.decision import Decision
from triggerbot.core.model import CommentCommand, Group, Lead, Push, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
from triggerbot.core.policy.slots import Rank
from triggerbot.store.records import (
    CRASHES_MAX,
    DELIVERY_KEPT,
    FAILURE_RECORDS_MAX,
    LEAD_DELAY,
    LEASES_PER_SYSTEM,
    LETTERS_MAX,
    NO_CAPS,
    NO_PASSES,
    REPEATED,
    REPORT_DELAY,
    Crash,
    DeadLetter,
    Distrust,
    FailureRecord,
    Item,
    JobRecord,
    Leads,
    Notice,
    Observation,
    Outcome,
    Pause,
    PendingCommand,
    PushRecord,
    Ran,
    Search,
    Summary,
    TimelineEntry,
    Work,
    in_order,
    job_records,
)

__all__ = [
    "CRASHES_MAX",
    "DELIVERY_KEPT",
    "FAILURE_RECORDS_MAX",
    "LEAD_DELAY",
    "LEASES_PER_SYSTEM",
    "LETTERS_MAX",
    "NO_CAPS",
    "NO_PASSES",
    "REPEATED",
    "REPORT_DELAY",
    "Crash",
    "DeadLetter",
    "Distrust",
    "FailureRecord",
    "Item",
    "JobRecord",
    "Leads",
    "Notice",
    "Observation",
    "Outcome",
    "Pause",
    "PendingCommand",
    "PushRecord",
    "Ran",
    "Search",
    "Store",
    "Summary",
    "TimelineEntry",
    "Work",
    "in_order",
    "job_records",
]


class Store(Protocol):
    """The interface of every backend. All methods are thread-safe; all raise `StoreUnavailable`."""

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record a batch of items, make the claims that follow from it, and move a cursor, atomically. Idempotent.

        `deliveries`: per item the name of the webhook that brought it, or ''. Items of a known webhook are not observed
        again; the names of the others are remembered for `DELIVERY_KEPT` seconds.
        """

    def observe_soon(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> "Future[list[Outcome]]":
        """Observe like `observe`, but return a future, so that many callers can share one commit."""

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Lease what has been due longest, so that no other process works on it; no push while paused."""

    def release(self, leased: Push | Group, owner: str) -> None:
        """End a lease."""

    def next_due(self) -> float | None:
        """Return when the next unleased push or group falls due; pushes do not count while paused."""

    def leads(self, group: Group) -> Leads:
        """Read the unresolved leads of a group, failures first."""

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Delete resolved leads, except those whose runs have got further since."""

    def put_off_leads(self, group: Group, due: float) -> None:
        """Postpone a group; counts as a failed attempt to resolve it."""

    def distrust(self) -> Distrust | None:
        """Return the latest reason to believe that the store lost data since it was opened, if any."""

    def work(self, push: Push) -> Work:
        """Read a push with its open claims."""

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read the known state of each run (job, run id, attempt) of a push."""

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget. `None` drops the claim.

        Returns the decision as recorded, which may have become `over_budget` or `enough_runs`; `None` if none was.
        """

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
        """Record that a request is about to be sent, and count it against these caps.

        Writes nothing and returns false while paused, or if one of the breakers in `passes` is open in another version
        than the one that admitted the request. Writes nothing and returns `Capped` if it would exceed a limit.
        """

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Record that the same operation is about to be sent again; false while paused."""

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """Record that the CI accepted it: its claims are done, or the rest is owed when due (`since`: see `wait`)."""

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """Record that the CI will never accept it: its claims end, and budget that bought nothing is refunded."""

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """Record that the CI did not accept it now: its claims are owed again later."""

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Record that it is unknown whether the CI accepted it: look back when due.

        `missed`: a look-back did not show it.
        """

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Postpone a claim. `lookup`: because the CI did not know it yet.

        `since`: at most until something of its push settles. If that has happened since then, the claim is due at once,
        so that nothing is missed that settled between the look-back and this call.
        """

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim that needs nothing more."""

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported, for a number of seconds.

        Every change of a push makes it due `REPORT_DELAY` seconds later. One process at a time has a push, and another
        may take it once the time is over, so reporting has to be idempotent.
        """

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back; it is due again then (`None`: never), or with its next change, if that comes earlier."""

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as a change of it does; a lease on it stays."""

    def judged(
        self, summary: Summary, records: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Record the verdict on a push: its summary, its failure records, and the changes for its timeline, atomically.

        A change is a job and a text. Failure records of jobs that are not among `records` stay.
        """

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read the metadata of a push, by name: for example which reports were made."""

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Set one entry of a push's metadata."""

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add failure lines that were fetched from the CI to a run; an unknown run is ignored."""

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest failure records of a project, newest first; jobs by the names that they have everywhere."""

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count, by job, the pushes of a project with events since then at which a run of the job passed or failed.

        Jobs are given by the names that they have at every push.

        If there are very many, only the newest are counted.
        """

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes with the latest events that match, judged or not."""

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List the pushes judged after a time, and when, oldest first: used to update open pages."""

    def projects(self) -> list[str]:
        """List the projects of all pushes, sorted; of very many pushes only those of the newest."""

    def previous(self, push: Push) -> Push | None:
        """Find the previous push of the same branch, by when their first events came."""

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the comment command that has been due longest, for a number of seconds, as with `take_report`."""

    def end_command(self, command: CommentCommand, due: float | None) -> None:
        """Settle a comment command (`None`; it is not accepted again for `DELIVERY_KEPT`), or make it due again."""

    def breakers(self) -> list[Breaker]:
        """Read all breakers."""

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker if the stored version is the one that it is based on; otherwise return false.

        A breaker that is closed releases all claims held behind it.
        """

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Hold a claim behind a breaker or cap (its key) until released, at the latest until a time."""

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Release up to `most` (-1: all) of the claims held behind a key, oldest first; returns how many."""

    def held(self) -> Mapping[str, int]:
        """Count the held claims, by the key of what they are held behind."""

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers sent within the last hour, by the names of caps."""

    def ask_slot(self, queue: str, caller: str, rank: Rank, now: float) -> float:
        """Return when a writer may write (see `core.policy.slots`); asking again changes nothing."""

    def leave_slot(self, queue: str, caller: str, now: float, *, used: bool, closed: float = 0.0) -> None:
        """Take a writer out of its queue; `used`: it may have written. `closed`: until when nobody may write."""

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Postpone fetching a push's facts (`None`: for good)."""

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record a person's request as a claim of its own. Idempotent. `None` if no run of the job is known.

        A job is named as people call it, or by its key, here and in all methods below.
        """

    def pause(self, pause: Pause | None) -> None:
        """Pause sending on all replicas, or (`None`) resume."""

    def paused(self) -> Pause | None:
        """Return the current pause, if any."""

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Store messages that could not be handled; the oldest dead letters make room."""

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List the dead letters, oldest first."""

    def count_dead_letters(self) -> int:
        """Count the dead letters."""

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Delete dead letters; returns how many existed."""

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Store crashes of workers; the oldest make room."""

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List the crashes of workers, newest first; those that died together in the order of their deaths."""

    def cursor(self, name: str) -> str | None:
        """Read the cursor of an intake."""

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and revision prefix."""

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known about a push."""

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read the timeline of a push, or of one of its jobs, in order."""

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes with the latest events."""

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since a time, and how retriggers ended.

        Apart from lists of decisions, hours and branches, and counts of claims, pushes, runs and dead letters:
        `decisions`: the number of different jobs and of retriggers of each;
        `hours`: retriggers decided, sent and those a dry run would have sent, and jobs `refused` with their `reasons`:
        each job once per reason, without jobs that were retriggered or only failed again after they were claimed;
        `ended`: the retriggers of pushes with events since then: `passed`, `failed`, `other` (they prove nothing) and
        `unfinished`; the total `seconds` of those whose duration is known (`timed` of them); `proved`: jobs proved
        intermittent by retriggers for a failure alone;
        `machine`: total `seconds` of all runs of those pushes whose duration is known, and the number of these `runs`;
        `spared`: the `jobs` that a refusal kept from a retrigger, `over_budget` of them because of the budget.
        """

    def purge(self, before: float) -> int:
        """Delete pushes without events since then, with all their claims; returns how many."""

    def close(self) -> None:
        """Finish pending writes and close."""
