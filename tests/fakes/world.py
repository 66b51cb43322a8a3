"""A whole triggerbot in one process with a clock that the test moves: store, observer, dispatcher and CIs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.clock import Clock
from triggerbot.core.claim import Claim
from triggerbot.core.model import Event, Heard, Kind, Push, Result, State
from triggerbot.core.policy.evidence import BackgroundOf, without_history
from triggerbot.core.policy.limits import Limits
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.history import Histories
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.pipeline.turns import StoreSlots
from triggerbot.reports import Reporter
from triggerbot.reports.branches.look import looking
from triggerbot.reports.calibration import Sampler
from triggerbot.reports.comments import CommandSettings as WishSetting
from triggerbot.reports.comments import CommentCommands, Permission
from triggerbot.reports.failure_lines import FailureLines
from triggerbot.reports.judge import Judge
from triggerbot.reports.publisher import Publisher
from triggerbot.reports.publisher import PublishSettings as PublishSetting
from triggerbot.store import Outcome, Store
from triggerbot.store.factory import open_file, open_memory
from triggerbot.store.memory import Memory
from triggerbot.systems import LimitsWrites, System

#: Steps that no honest amount of work needs: more of them at one moment is an endless loop.
STEPS_MAX = 400


class World:
    """Everything between an intake and a CI, real but for the clock; with `tables` its store is in memory."""

    def __init__(
        self,
        path: Path,
        systems: Mapping[str, System],
        rules: Sequence[Rule],
        clock: Clock,
        *,
        dry: bool = False,
        durable: bool = False,
        bounds: Limits | None = None,
        tables: Memory | None = None,
        background: BackgroundOf = without_history,
    ) -> None:
        self.path = path
        self.background = background
        self.tables = tables
        self.systems = systems
        self.rules = rules
        self.clock = clock
        self.dry = dry
        self.durable = durable
        self.bounds = bounds or Limits()
        self.metrics = Metrics()
        self.store: Store = open_file(path, durable=durable) if tables is None else open_memory(tables)
        outages = OutageDetector(self.bounds.breakers, clock)
        self.observer = Observer(self.store, rules, dry=dry, clock=clock, metrics=self.metrics, outages=outages)
        # Nothing is remembered of projects: a test does not wait for that to be read anew.
        telling = Histories(self.store, clock, fresh=0.0).telling
        setting = DispatchSettings(rules, dry, self.bounds, background, telling)
        for system in systems.values():
            if isinstance(system, LimitsWrites):
                system.share(StoreSlots(self.store, clock))
        self.dispatcher = Dispatcher(
            self.store, systems, self.observer, setting, clock=clock, metrics=self.metrics, sleep=clock.move
        )

    def again(self, **changes: Any) -> "World":
        """Start anew on the same store, as after a restart; the old one may be closed or simply abandoned."""
        settings = {
            "systems": self.systems, "rules": self.rules, "clock": self.clock, "dry": self.dry, "durable": self.durable,
            "bounds": self.bounds, "tables": self.tables, "background": self.background,
        }  # fmt: skip
        return World(self.path, **(settings | changes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def hear(self, *heard: Heard) -> list[Outcome]:
        """Observe, as an intake does."""
        return self.observer.observe(heard)

    def drain(self) -> int:
        """Dispatch until nothing is due at this moment; return how many steps it took."""
        for steps in range(STEPS_MAX):
            if not self.dispatcher.step():
                self._check_notes()
                return steps
        raise AssertionError(f"still due after {STEPS_MAX} steps at one and the same moment: an endless loop")

    def pass_time(self, seconds: float, *, every: float = 30.0) -> None:
        """Let time pass in small pieces, dispatching after each."""
        left = seconds
        while left > 0:
            self.clock.move(min(every, left))
            left -= every
            while self.dispatcher.admission.tick():
                self.drain()
            self.drain()

    def publisher(
        self,
        *reporters: Reporter,
        address: str | None = "https://triggerbot.example.org",
        permissions: Mapping[str, Permission] | None = None,
        rest: float = 0.0,
    ) -> Publisher:
        """Make what judges and reports this world's pushes; without a `rest`, for here nothing depends on real time."""
        # Nothing is remembered of projects: a test does not wait for that to be read anew.
        judge = Judge(self.store, self.clock, fresh=0.0)
        told = {name: Permission() for name in self.systems} if permissions is None else permissions
        setting = WishSetting(self.rules, told, self.dry)
        look = looking(self.store, judge, self.rules, list(self.systems))
        wishes = CommentCommands(self.store, self.systems, judge, setting, look, clock=self.clock, metrics=self.metrics)
        lines = FailureLines(self.store, self.systems, self.clock)
        publish = PublishSetting(reporters, address, self.dry, rest, self.rules)
        sampler = Sampler(self.store, self.rules, self.clock, dry=self.dry)
        return Publisher(self.store, judge, lines, wishes, publish, sampler, clock=self.clock, metrics=self.metrics)

    def publish(self, publisher: Publisher, seconds: float = 2.0) -> int:
        """Let time pass, and publish what is due then; return how many steps it took."""
        self.clock.move(seconds)
        for steps in range(STEPS_MAX):
            if not publisher.step():
                return steps
        raise AssertionError(f"still due after {STEPS_MAX} steps at one and the same moment: an endless loop")

    def claims(self, push: Push) -> dict[str, Claim]:
        """The bot's own claim of each job."""
        record = self.store.pushes.record(push)
        if record is None:
            return {}
        return {job.job: claim for job in record.jobs for claim in job.claims if not claim.manual}

    def claim(self, push: Push, job: str) -> Claim:
        """The bot's own claim of one job."""
        return self.claims(push)[job]

    def _check_notes(self) -> None:
        """The dispatcher survives its own errors; a test must not."""
        for push in self.store.pushes.recent(1000):
            record = self.store.pushes.record(push)
            for job in record.jobs if record is not None else ():
                for claim in job.claims:
                    assert "an error of triggerbot itself" not in claim.note, claim.note


def push(revision: str = "abcdef1", *, project: str = "try", branch: str = "try", system: str = "ci") -> Push:
    """Name a push."""
    return Push(system, project, branch, revision)


def event(job: str = "job", run_id: str = "1", **more: Any) -> Event:
    """Make an event; a `result` makes it finished."""
    where = more.pop("push", None) or push()
    result = more.pop("result", None)
    state = more.pop("state", State.PENDING if result is None else State.FINISHED)
    kind = Kind(more.pop("kind", "test"))
    return Event(where, job, run_id, State(state), None if result is None else Result(result), kind=kind, **more)


def failure(job: str = "job", run_id: str = "1", **more: Any) -> Event:
    """Make the event of a failed run."""
    return event(job, run_id, result="failure", **more)
