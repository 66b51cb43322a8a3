"""A world in which retriggers go by what runs prove, and a CI whose runs end as a test has it."""

from dataclasses import replace
from pathlib import Path

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, push
from triggerbot.core.claim import Claim
from triggerbot.core.model import Event, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.evidence import Background, Past, Pool, UntilProved
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict import verdict

PUSH = push()
RULE = Rule(Globs(["try"]), retries=4, until_proved=UntilProved(0.05, 4), kinds=frozenset({"test", "build"}))
OFTEN = Background(Past(60, 100), Pool(1, 9), 0.1)
NEVER = Background(Past(0, 500), Pool(0.5, 7), 0.05)


class Site:
    """A world, and a CI whose runs end as a test has it."""

    def __init__(self, path: Path, clock: Clock, ci: MemoryCI, background: Background, rule: Rule = RULE) -> None:
        self.ci, self.clock = ci, clock
        ci.say(PUSH)
        self.world = World(path / "state.db", {"ci": ci}, [rule], clock, background=lambda *_: background)

    def hear(self, event: Event) -> None:
        """Let a run be known to the CI, and heard of."""
        self.ci.put(event)
        self.world.hear(event)

    def end(self, *results: str) -> int:
        """End the runs that go on, each with the next result; return how many there were."""
        going = [one for one in self.ci.runs[PUSH].values() if one.state is not State.FINISHED]
        for one, result in zip(going, results, strict=False):
            self.hear(replace(one, state=State.FINISHED, result=Result(result), time=self.clock()))
        self.world.drain()
        return len(going)

    def live(self, *results: str) -> list[int]:
        """Let the runs of one wave after another end so, a minute each; return how large the waves were."""
        sizes, left = [], list(results)
        for _ in range(20):
            self.world.pass_time(60)
            going = self.end(*left)
            if going:
                sizes.append(going)
                left = left[going:]
        return sizes

    @property
    def claim(self) -> Claim:
        """The claim of the job."""
        return self.world.claim(PUSH, "job")

    def why(self, name: str = "job") -> str:
        """The verdict on a job, in words."""
        record = self.world.store.pushes.record(PUSH)
        assert record is not None
        (job,) = [one for one in record.jobs if one.job == name]
        return verdict.of_job(job.job, job.runs, job.claims, now=self.clock()).why

    def decisions(self) -> list[tuple[str, int]]:
        """What was decided, and how many runs it came to."""
        story = self.world.store.pushes.timeline(PUSH, "job")
        return [(one.text, one.count) for one in story if one.what == "trigger"]
