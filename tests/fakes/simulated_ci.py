"""The CI of a simulation: it makes runs, lets them end, tells of them, and goes wrong as its scenario has it.

It keeps the one promise that triggerbot builds on: within `grace` seconds after a request began, it lists what it took.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.fakes.planning import plan_parallel, plan_serial
from tests.service.simulation.scenario import Habit
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Event, Group, Heard, Lead, Push, PushFacts, Result, State
from triggerbot.core.policy.planning import Call, Capacity, Owed, Plan, plan_batch
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack, ResolvedLeads
from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.github.rerun import plan as plan_reruns

if TYPE_CHECKING:
    from tests.service.simulation.world import World

_CAPACITIES = {
    Habit.BATCH: Capacity.BATCH, Habit.PARALLEL: Capacity.BATCH, Habit.SERIAL: Capacity.SERIAL,
    Habit.RERUN: Capacity.SERIAL,
}  # fmt: skip


@dataclass(slots=True)
class SimRun:
    """One run as the CI has it."""

    event: Event
    #: From when on it is listed, in true time.
    listed: float
    #: The request it came of, whether the CI tells it or not; empty for a first run, `stranger` for somebody else's.
    origin: str = ""
    changed: float = 0.0


@dataclass(slots=True)
class SimPush:
    """One push as the CI has it."""

    push: Push
    facts: PushFacts
    #: From when on the CI knows it.
    known: float
    runs: list[SimRun] = field(default_factory=list)

    def of(self, job: str) -> list[SimRun]:
        """Find the runs of a job."""
        return [run for run in self.runs if run.event.job == job]


class SimCI:
    """One CI, asked by every replica."""

    forks_allowed = True
    body_max = 1 << 20

    def __init__(self, world: "World") -> None:
        self._world = world
        self._scenario = world.scenario
        self._dice = world.dice
        self.name = "ci"
        self.capacity = _CAPACITIES[self._scenario.habit]
        self.grace = self._scenario.grace
        self.pushes: dict[Push, SimPush] = {}
        #: Jobs of which the CI refused a request.
        self.refused: set[tuple[Push, str]] = set()
        self.hidden: set[Push] = set()
        #: Pushes whose runs somebody has stopped.
        self.stopped: set[Push] = set()
        self._number = 0

    # -- what a CI does of itself -------------------------------------------------------------------------------

    def begin(self, push: Push, message: str, jobs: Sequence[str], failing: Sequence[str], delay: float) -> None:
        """Let a push come in, with a run of each job; the CI may take some time to know it."""
        author = f"dev-{push.revision[-1]}@example.org"
        self.pushes[push] = SimPush(push, PushFacts(push, message, author), self._world.now + delay)
        if delay:
            self.hidden.add(push)
        for job in jobs:
            pool = self._dice.choice(("arm", "x86")) if self._scenario.pools else None
            name = f"{push.revision[-1]}-{job}"
            run = self._make(push, Event(push, job, name, State.PENDING, pool=pool, batch=self._batch()), 0.0, "")
            end = Result.FAILURE if job in failing else Result.SUCCESS
            self._world.later(self._dice.uniform(1, 60), self._end, run, end)

    def _batch(self) -> str:
        return "batch" if self._scenario.habit is Habit.RERUN or self._scenario.leads else ""

    def _make(self, push: Push, event: Event, listed: float, origin: str) -> SimRun:
        if self._scenario.tells:
            event = replace(event, message=self.pushes[push].facts.message, author=self.pushes[push].facts.author)
        run = SimRun(replace(event, time=self._world.now), listed, origin, self._world.now)
        self.pushes[push].runs.append(run)
        if self._dice.random() < 0.5:
            self._world.tell(run.event)
        return run

    def _end(self, run: SimRun, result: Result) -> None:
        if run.event.state is State.FINISHED:
            return
        step = "run tests" if self._scenario.pools and result is Result.FAILURE else None
        failures = self._lines(run.event.job) if result is Result.FAILURE else ()
        run.event = replace(run.event, state=State.FINISHED, result=result, step=step, failures=failures)
        run.changed = self._world.now
        self._world.tell(run.event)
        if run.event.batch and not self._busy(run.event.push):
            self._world.tell(PushFacts(run.event.push, settled=True))

    def _lines(self, job: str) -> tuple[str, ...]:
        """Return how a job fails, where that is told: as every second or third one of its push."""
        if not self._scenario.causes:
            return ()
        test = ("login", "checkout", "search")[int(job.rpartition("-")[2]) % self._scenario.causes]
        return (f"tests/test_{test}.py::test_{test}_page - AssertionError: {test} never loaded",)

    def _busy(self, push: Push) -> bool:
        return any(run.event.state is not State.FINISHED for run in self.pushes[push].runs)

    def strange(self, push: Push) -> None:
        """Somebody else retriggers something in the CI."""
        run = self._dice.choice(self.pushes[push].runs)
        if run.event.state is State.FINISHED and not (self._scenario.habit is Habit.RERUN and self._busy(push)):
            self._world.note("stranger", job=run.event.job)
            self._further(run, self._world.now, "stranger")

    def stop(self, message: str) -> None:
        """Somebody stops the runs of a push with this message."""
        for push, one in self.pushes.items():
            if one.facts.message == message and push not in self.stopped:
                self._world.note("stopped", push=push.revision)
                self.stopped.add(push)
                for run in one.runs:
                    self._end(run, Result.CANCELLED)
                return

    def _further(self, target: SimRun, listed: float, origin: str) -> SimRun:
        """Make one further run."""
        event, self._number = target.event, self._number + 1
        named = origin if self._scenario.names and origin != "stranger" else None
        attempt, run_id = 1, f"re-{self._number}"
        if self._scenario.habit is Habit.RERUN:
            mine = [run.event.attempt for run in self.pushes[event.push].of(event.job)]
            attempt, run_id = max(mine) + 1, event.run_id
        made = replace(
            event, run_id=run_id, attempt=attempt, state=State.PENDING, result=None, step=None, failures=(),
            retrigger_of=named,
        )  # fmt: skip
        run = self._make(event.push, made, listed, origin)
        end = Result.FAILURE if self._dice.random() < self._scenario.flaky else Result.SUCCESS
        self._world.later(listed - self._world.now + self._dice.uniform(5, 200), self._end, run, end)
        return run

    # -- reads --------------------------------------------------------------------------------------------------

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List the runs of a push."""
        faults = self._world.faults
        self._spend_time()
        found = self.pushes.get(push)
        if found is None or self._world.now < found.known:
            raise NotKnown("no such push")
        if self._dice.random() < faults.dumb:
            raise self._dice.choice((
                CIUnavailable("HTTP 503"), CIUnavailable("HTTP 429", 20.0, healthy=True), CIDenied("HTTP 403"),
                CIUnavailable("no answer in time"),
            ))  # fmt: skip
        listed = tuple(run.event for run in found.runs if run.listed <= self._world.now)
        busy = frozenset({"batch"}) if self._busy(push) else frozenset()
        if self._dice.random() < faults.nonsense:
            self.hidden.add(push)
            return self._nonsense(found, listed, busy)
        stopped = frozenset({"batch"}) if push in self.stopped else frozenset()
        return LookBack(listed, found.facts, busy, stopped=stopped)

    def _nonsense(self, found: SimPush, listed: tuple[Event, ...], busy: frozenset[str]) -> LookBack:
        """Return an incomplete list, marked as such, or outdated states."""
        if self._dice.random() < 0.5:
            return LookBack(
                tuple(one for one in listed if self._dice.random() < 0.5), found.facts, busy, complete=False
            )
        before = tuple(
            replace(one, state=State.PENDING, result=None) if self._dice.random() < 0.3 else one for one in listed
        )
        return LookBack(before, found.facts, busy)

    def recent(self, since: float) -> Sequence[Heard] | None:
        """List what changed lately."""
        if self._dice.random() < self._world.faults.dumb:
            raise CIUnavailable("HTTP 502")
        now, behind = self._world.now, self._scenario.behind
        return [
            run.event for push in self.pushes.values() for run in push.runs
            # What lists them late has changed late.
            if max(run.changed, push.known if behind else 0.0) >= since
            and max(run.listed, push.known if behind else 0.0) <= now
        ]  # fmt: skip

    def complete(self, leads: Sequence[Lead], watched: Callable[[Push], bool]) -> ResolvedLeads:
        """Resolve leads."""
        self._spend_time()
        if self._dice.random() < self._world.faults.dumb:
            raise self._dice.choice((CIUnavailable("HTTP 503"), NotKnown("no such group")))
        now = self._world.now
        runs = {
            run.event.key: run.event for push in self.pushes.values() for run in push.runs if run.listed <= now
        }  # fmt: skip
        settled = tuple(lead for lead in leads if lead.key in runs)
        heard = [replace(runs[lead.key], state=lead.state, result=lead.result) for lead in settled]
        return ResolvedLeads(tuple(heard), settled, "no such run")

    @staticmethod
    def group(push: Push) -> Group:
        """Name what the CI keeps a push's runs together by."""
        return Group("ci", push.revision)

    def lead(self, event: Event) -> Lead:
        """Tell of a run without saying which."""
        return Lead(self.group(event.push), event.run_id, event.state, event.result, event.attempt, event.time)

    def _spend_time(self) -> None:
        if self._dice.random() < self._world.faults.slow:
            self._world.pass_time(self._dice.uniform(0.1, 20))

    # -- requests -----------------------------------------------------------------------------------------------

    def plan(self, wants: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
        """Plan as this habit has it."""
        match self._scenario.habit:
            case Habit.BATCH:
                return plan_batch(wants)
            case Habit.PARALLEL:
                return plan_parallel(wants)
            case Habit.SERIAL:
                return plan_serial(wants)
            case Habit.RERUN:
                return plan_reruns(wants, busy, runs)

    def retrigger(self, operation: str, push: Push, call: Call) -> Answer:
        """Take a request, or not, and say so, or not."""
        jobs = [want.claim.job for want in call.wants]
        began = self._world.now
        self._world.received(operation, push, jobs)
        answer = self._answer(operation, push, call, jobs, began)
        self._world.note("answered", answer=type(answer).__name__)
        return answer

    def _answer(self, operation: str, push: Push, call: Call, jobs: list[str], began: float) -> Answer:
        faults, dice = self._world.faults, self._dice
        what = dice.random()
        if what < faults.lost:
            return Unknown("the connection broke")
        if dice.random() < faults.refused:
            self.refused.update((push, job) for job in jobs)
            return Refused("HTTP 400")
        serial = self.capacity is Capacity.SERIAL
        if serial and any(
            run.event.state is not State.FINISHED for job in jobs for run in self.pushes[push].of(job)
        ):  # fmt: skip
            return Later("it still runs", healthy=True)
        if self._scenario.habit is Habit.RERUN and self._busy(push):
            return Later("the workflow still runs", healthy=True)
        if dice.random() < faults.later:
            return Later("HTTP 429", dice.choice((None, 1.0, 30.0)), healthy=dice.random() < 0.5)
        made = self._take(operation, push, call, began)
        self._spend_time_of_request(began)
        if dice.random() < faults.unanswered:
            return Unknown("no answer in time")
        return Accepted(tuple(run.event.run_id for run in made) if dice.random() < 0.5 else ())

    def _take(self, operation: str, push: Push, call: Call, began: float) -> list[SimRun]:
        """Make the runs; each is listed before the grace time is over."""
        made = []
        for want in call.wants:
            target = next(
                (run for run in self.pushes[push].runs if run.event.key == want.target.key), None
            )  # fmt: skip
            if target is None:
                continue
            for _ in range(call.count):
                lag = self._dice.choice((0.0, 0.0, self._dice.uniform(0, 0.9 * self.grace)))
                made.append(self._further(target, max(self._world.now, began + lag), operation))
                self._world.taken.append((self._world.now, operation, push, want.claim.job))
        return made

    def _spend_time_of_request(self, began: float) -> None:
        """An answer may be slow, but no client waits for it as long as the grace time."""
        if self._dice.random() < self._world.faults.slow:
            left = began + 0.5 * self.grace - self._world.now
            self._world.pass_time(max(0.0, min(left, self._dice.uniform(0.1, 20))))

    # -- what a simulation does not need ------------------------------------------------------------------------

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Messages are told, not sent."""

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[Heard]:
        """Messages are told, not sent."""
        return ()

    def check(self) -> str:
        """There is nothing to try."""
        return "is simulated"

    def close(self) -> None:
        """There is nothing to let go of."""
