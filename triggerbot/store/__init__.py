"""What triggerbot remembers, and the only place that remembers anything: the process may be killed at any time.

Every verb that changes something is atomic and durable when it returns. A backend offers all of `Store`; the rules
stay in `policy`, a store only keeps the promises that need atomicity: one claim per push and job, the budget, and
'written before it is sent'.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from triggerbot.core.model import Claim, CommentCommand, Decision, Group, Lead, Operation, Push, RunKey, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerKey
from triggerbot.core.policy.limits import Capped
from triggerbot.core.policy.rules import Budget
from triggerbot.store.records import (
    CRASHES_MAX,
    DELIVERY_KEPT,
    LEAD_DELAY,
    LEASES_PER_SYSTEM,
    LETTERS_MAX,
    NO_CAPS,
    NO_PASSES,
    REPEATED,
    REPORT_DELAY,
    SIGHTINGS_MAX,
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
)

__all__ = [
    "CRASHES_MAX",
    "DELIVERY_KEPT",
    "LEAD_DELAY",
    "LEASES_PER_SYSTEM",
    "LETTERS_MAX",
    "NO_CAPS",
    "NO_PASSES",
    "REPEATED",
    "REPORT_DELAY",
    "SIGHTINGS_MAX",
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
]


class Store(Protocol):
    """The memory of triggerbot. All methods may be called from any thread; all raise `StoreUnavailable`."""

    def observe(
        self,
        items: Sequence[Item],
        now: float,
        *,
        dry: bool,
        cursor: tuple[str, str] | None = None,
        deliveries: Sequence[str] = (),
    ) -> list[Outcome]:
        """Record what was heard, claim what is to be claimed, and move a cursor, all at once. Repeatable.

        `deliveries`: for each item the name of the webhook that brought it, or nothing. What came with one that is
        known already is not observed again; the others are known from then on, for `DELIVERY_KEPT` seconds.
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
        """Like `observe`, but answers by a future, so that many callers can share one commit."""

    def lease(self, now: float, owner: str, seconds: float) -> Push | Group | None:
        """Take what has been due longest, so that nobody else works on it meanwhile; no push while paused."""

    def release(self, leased: Push | Group, owner: str) -> None:
        """Give back what was leased."""

    def next_due(self) -> float | None:
        """Tell when the next that is not leased falls due; no push does while paused."""

    def leads(self, group: Group) -> Leads:
        """Read what was heard of a group and not asked about yet, failures first."""

    def settle_leads(self, group: Group, settled: Sequence[Lead]) -> None:
        """Forget leads that were asked about, unless more was heard of their runs meanwhile."""

    def put_off_leads(self, group: Group, due: float) -> None:
        """Ask about a group again when due; counts as a try in vain."""

    def distrust(self) -> Distrust | None:
        """Tell whether the store may have forgotten something since it was opened; the latest such case."""

    def work(self, push: Push) -> Work:
        """Read what is open about a push."""

    def known(self, push: Push) -> Mapping[tuple[str, str, int], State]:
        """Read how far each run (job, run id, attempt) of a push is known to have come."""

    def decide(self, claim: Claim, decision: Decision | None, budget: Budget | None, now: float) -> Decision | None:
        """Record a decision and, for a failure, spend budget: may come back `over_budget`. `None` drops the claim."""

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
        """Write down that a request is about to leave, and count it against the caps of these names.

        False, and nothing written, while paused, or if one of these breakers is open in another version than the
        one that let it pass. `Capped`, and nothing written, if it would go beyond one of the limits.
        """

    def resend(self, operation: Operation, note: str, now: float) -> bool:
        """Write down that the same operation is about to leave once more; false while paused."""

    def accepted(
        self, operation: Operation, note: str, now: float, *, due: float | None = None, since: float | None = None
    ) -> None:
        """The CI took it: what remains of its claims is owed when due (`since`: as with `wait`), or they are done."""

    def refused(self, operation: Operation, decision: Decision, now: float) -> None:
        """The CI will never take it: its claims end; budget that bought nothing is given back."""

    def postponed(self, operation: Operation, due: float, note: str, now: float) -> None:
        """The CI did not take it now: its claims are owed again later."""

    def doubted(self, operation: Operation, due: float, note: str, now: float, *, missed: bool = False) -> None:
        """Nobody knows whether the CI took it (or, `missed`, a look-back did not show it): look again when due."""

    def wait(
        self, claim: Claim, due: float, note: str, now: float, *, since: float | None = None, lookup: bool = False
    ) -> None:
        """Put a claim off. `lookup`: the CI did not know it yet.

        `since`: only until something of its push settles, or has settled since then: what settled between the
        look at the CI and this call must not be missed.
        """

    def finish(self, claim: Claim, note: str, now: float) -> None:
        """End a decided claim: nothing more is needed."""

    def take_report(self, now: float, seconds: float) -> Push | None:
        """Take the push that has been due longest to be judged and reported; whoever takes it has so many seconds.

        Everything that changes a push makes it due, `REPORT_DELAY` seconds later. Each is taken by one at a time, and
        by another one once the time is over: what is done with it has to be repeatable.
        """

    def end_report(self, push: Push, due: float | None) -> None:
        """Give a push back: it is due again then (`None`: never), or with the next news, which may be there already."""

    def report_soon(self, push: Push, now: float) -> None:
        """Make a push due to be judged and reported, as news of it does; whoever is at it is left to it."""

    def judged(
        self, summary: Summary, sightings: Sequence[FailureRecord], changes: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Keep how a push was judged: its line in lists, its jobs with failures, and for its story what changed.

        All at once. A change is a job and a text. Of jobs that are not among the sightings, those of before remain.
        """

    def metadata(self, push: Push) -> Mapping[str, str]:
        """Read what was kept beside a push, by name: what reports were made, for one."""

    def set_metadata(self, push: Push, name: str, value: str) -> None:
        """Keep something beside a push."""

    def add_failure_lines(self, push: Push, job: str, run: RunKey, lines: Sequence[str]) -> None:
        """Add to a run what the CI said of its failure when it was asked; an unknown run is passed over."""

    def failure_records(self, project: str) -> list[FailureRecord]:
        """Read the newest sightings of a project, newest first."""

    def ran(self, project: str, jobs: Sequence[str], since: float = 0.0) -> Ran:
        """Count the pushes of a project, heard of since then, at which a run of these jobs passed or failed.

        Of very many only the newest are counted.
        """

    def search(self, wanted: Search, limit: int) -> list[Summary]:
        """List the pushes heard of last, with how they were judged, whether they were yet or not."""

    def judged_since(self, since: float, limit: int = 100) -> list[tuple[float, Push]]:
        """List pushes that were judged after a time, and when, oldest first: what open pages have to know."""

    def projects(self) -> list[str]:
        """List the projects of the pushes that are remembered, in order; of very many only those of the newest."""

    def previous(self, push: Push) -> Push | None:
        """Find the push of the same branch that was heard of before this one was."""

    def take_command(self, now: float, seconds: float) -> PendingCommand | None:
        """Take the wish that has been due longest; as with `take_report`, for so many seconds."""

    def end_command(self, wish: CommentCommand, due: float | None) -> None:
        """It is settled (`None`; for `DELIVERY_KEPT` it is not heard again), or due again then."""

    def breakers(self) -> list[Breaker]:
        """Read every breaker that anything is known of."""

    def save_breaker(self, breaker: Breaker, now: float) -> bool:
        """Write a breaker, in place of the version that it names; false, and nothing written, if that is gone.

        One that is closed lets go of all that is held behind it.
        """

    def hold(self, claim: Claim, behind: str, until: float, note: str, now: float) -> None:
        """Put a claim off until what it is held behind lets it go; in any case until then."""

    def release_held(self, behind: str, most: int, now: float) -> int:
        """Make so many of the claims that are held behind something due, the oldest first; tells how many."""

    def held(self) -> Mapping[str, int]:
        """Count the claims that are held, by what they are held behind."""

    def sent(self, now: float) -> Mapping[str, int]:
        """Count the retriggers that left within the last hour, by the names of caps."""

    def put_off_facts(self, push: Push, due: float | None) -> None:
        """Ask for a push's facts again when due, or never."""

    def ask(self, push: Push, job: str, count: int, origin: str, *, dry: bool, now: float) -> Claim | None:
        """Record what a person asks for, as a claim of its own; repeatable. `None` if no run of the job is known."""

    def pause(self, pause: Pause | None) -> None:
        """Stop all sending on every replica, or (`None`) go on."""

    def paused(self) -> Pause | None:
        """Tell whether sending is stopped."""

    def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep messages that could not be handled."""

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """List them, oldest first."""

    def count_dead_letters(self) -> int:
        """Count them."""

    def drop_dead_letters(self, ids: Sequence[int]) -> int:
        """Forget some of them; tells how many there were."""

    def add_crashes(self, crashes: Sequence[Crash]) -> None:
        """Keep how workers ended; the oldest make room for new ones."""

    def crashes(self, limit: int = 20) -> list[Crash]:
        """List how workers ended, newest first; those that died together in the order in which they did."""

    def cursor(self, name: str) -> str | None:
        """Read how far an intake has come."""

    def find(self, project: str, revision: str) -> list[Push]:
        """Find pushes by project and the beginning of a revision."""

    def record(self, push: Push) -> PushRecord | None:
        """Read everything known of a push."""

    def timeline(self, push: Push, job: str | None = None) -> list[TimelineEntry]:
        """Read what happened to a push, or to one job of it, in order."""

    def recent(self, limit: int, project: str | None = None) -> list[Push]:
        """List the pushes heard of last."""

    def statistics(self, since: float) -> dict[str, Any]:
        """Count decisions, requests and claims since then, and how retriggers ended.

        Beside lists of decisions, hours and branches, and counts of claims, pushes, runs and dead letters:
        `decisions`: the different jobs that each is about, and how many retriggers;
        `hours`: retriggers decided, sent and those a dry run would have sent, and jobs `refused` with their `reasons`:
        each job once for each reason, and none that was retriggered or only failed again after it was dealt with;
        `ended`: the retriggers of the pushes heard of since then, as `passed`, `failed`, `other` (they prove nothing),
        `unfinished`; `seconds` that those took whose length is known (`timed` of them); `proved`: jobs that
        retriggers for a failure, and nobody else, proved intermittent;
        `machine`: `seconds` of all runs of those pushes whose length is known, and how many `runs` that are;
        `spared`: the `jobs` that a refusal kept from a retrigger, `over_budget` of them for want of budget.
        """

    def purge(self, before: float) -> int:
        """Forget pushes that nothing was heard of since then, with all their claims; tells how many."""

    def close(self) -> None:
        """Finish what is being written and let go."""
