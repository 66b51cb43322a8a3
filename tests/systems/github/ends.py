"""A push at GitHub, from the webhook or the poll to its health: what the ends of jobs and workflow runs prove."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.world import World
from tests.systems.github.cases import PUSH, SHA
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.reports.judge import Judge
from triggerbot.systems.github.system import GitHub

RULE = Rule(Globs(["octo/*"]))


class Bench:
    """A world with one GitHub, told of it by webhooks or by polling."""

    def __init__(self, path: Path, github: FakeGitHub, gh: GitHub, clock: Clock, *, polls: bool, rule: Rule) -> None:
        self.github, self.gh, self.clock, self.polls = github, gh, clock, polls
        self.world = World(path, {"gh": gh}, [rule], clock)  # type: ignore[arg-type]
        self.judge = Judge(self.world.store, clock, rules=[rule], fresh=0.0)

    def run(self, jobs: dict[str, str | None], **more: Any) -> int:
        """Let GitHub make a workflow run that has ended a while ago."""
        return self.github.add_run("octo/app", "CI", SHA, "main", jobs, created=self.clock.now - 3600, **more)

    def hear(self, run: int, *jobs: str, last: bool = True) -> None:
        """Learn of these jobs, and of the end of the run, as it is now; and do what follows."""
        if self.polls:
            found = self.gh.recent(self.clock.now - 86_000)
            assert found is not None
            self.world.hear(*found)
        else:
            told = [("workflow_job", name) for name in jobs] + [("workflow_run", "")] * last
            for kind, name in told:
                self.world.hear(*self.gh.parse(*self.github.webhook(kind, run, job=name)))
        self.world.pass_time(120)

    def judged(self) -> PushVerdict:
        """Judge the push as reports do, failure lines first."""
        self.world.publish(self.world.publisher())
        record = self.world.store.pushes.record(PUSH)
        assert record is not None
        return self.judge.judge(record)

    def job(self, name: str) -> JobVerdict:
        """Judge one job, named without its event."""
        return next(job for job in self.judged().jobs if job.job == f"{name} (push)")

    @property
    def reruns(self) -> list[str]:
        """What was asked for, without the number."""
        return [post.path.split("/actions/")[1] for post in self.github.posts]


@pytest.fixture(params=["webhooks", "polls"])
def make_bench(
    request: pytest.FixtureRequest, tmp_path: Path, github: FakeGitHub, connect: Callable[..., GitHub], clock: Clock
) -> Iterator[Callable[..., Bench]]:
    """Make benches that learn by webhooks, and others that learn by polling alone."""
    made: list[Bench] = []

    def make(rule: Rule = RULE) -> Bench:
        gh = connect(repositories=["octo/app"])
        bench = Bench(tmp_path / "state.db", github, gh, clock, polls=request.param == "polls", rule=rule)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.world.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """Have the usual rule."""
    return make_bench()
