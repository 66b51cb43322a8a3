"""A branch at GitHub and a triggerbot that learns of it, by webhooks or by polling, on each kind of store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.world import World
from triggerbot.core.claim import Claim
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.store.memory import Memory
from triggerbot.systems.github.system import GitHub

A, B, C = "a" * 40, "b" * 40, "c" * 40
RULE = Rule(Globs(["octo/*"]))
#: So many pass that nobody takes a failure for an outage.
FINE: dict[str, str | None] = {f"lint-{number}": "success" for number in range(9)}


class Desk:
    """One branch at GitHub, and a triggerbot that learns of it by webhooks, or by polling alone."""

    def __init__(self, github: FakeGitHub, gh: GitHub, world: World, *, polls: bool) -> None:
        self.github, self.gh, self.world, self.polls = github, gh, world, polls
        self.branch = "topic"

    def run(self, sha: str, jobs: dict[str, str | None], *, group: str = "", ago: float = 600.0, **more: Any) -> int:
        """Push a commit, of which GitHub makes a workflow run; it may enter a group, where others are cancelled."""
        self.world.clock.move(5)
        branch = more.pop("branch", self.branch)
        created = self.world.clock.now if None in jobs.values() else self.world.clock.now - ago
        run = self.github.add_run("octo/app", "CI", sha, branch, FINE | jobs, created=created, **more)
        if group:
            self.github.enter_group(run, group)
        return run

    def pushed(self, run: int) -> None:
        """Learn of a push and of the workflow run that GitHub made of it."""
        if self.polls:
            return self.poll()
        self.tell("push", run)
        self.tell("workflow_run", run, action="requested")

    def ended(self, run: int, *jobs: str, last: bool = True) -> None:
        """Learn how these jobs ended, and the whole run."""
        if self.polls:
            return self.poll()
        for job in jobs:
            self.tell("workflow_job", run, job=job)
        if last:
            self.tell("workflow_run", run)

    def tell(self, kind: str, run: int, **more: Any) -> None:
        """Deliver a webhook about a run."""
        self.hook(self.github.webhook(kind, run, **more))

    def hook(self, delivery: tuple[dict[str, str], bytes]) -> None:
        """Deliver a webhook, if any are."""
        if not self.polls:
            self.world.hear(*self.gh.parse(*delivery))

    def poll(self) -> None:
        """Ask what happened lately."""
        found = self.gh.recent(self.world.clock.now - 3000)
        assert found is not None
        self.world.hear(*found)

    def settle(self, seconds: float = 200) -> None:
        """Let time pass, and polls with it."""
        for _ in range(int(seconds / 50)):
            if self.polls:
                self.poll()
            self.world.pass_time(50, every=5)

    def claims(self, sha: str, branch: str = "") -> dict[str, Claim]:
        """Read the claims of a push, by the job's name without its event."""
        found = self.world.claims(Push("gh", "octo/app", branch or self.branch, sha))
        return {name.removeprefix("CI / ").partition(" (")[0]: claim for name, claim in found.items()}

    def reasons(self, sha: str, branch: str = "") -> dict[str, str]:
        """Read why each job of a push was refused, or its state."""
        return {name: str(one.refusal or one.state) for name, one in self.claims(sha, branch).items()}

    @property
    def reruns(self) -> list[str]:
        """What was asked for."""
        return [post.path.split("/actions/")[1] for post in self.github.posts]


Make = Callable[..., Desk]


@pytest.fixture(params=["webhooks-sqlite", "polls-sqlite", "webhooks-memory", "polls-memory"])
def make_desk(
    request: pytest.FixtureRequest, tmp_path: Path, github: FakeGitHub, connect: Callable[..., GitHub], clock: Clock
) -> Iterator[Make]:
    """Make desks with each way to learn of things, and each kind of store."""
    made: list[Desk] = []
    way, kept = request.param.split("-")

    def build(rule: Rule = RULE, **settings: Any) -> Desk:
        gh = connect(repositories=["octo/app"], **settings)
        tables = Memory() if kept == "memory" else None
        world = World(tmp_path / "state.db", {"gh": gh}, [rule], clock, tables=tables)  # type: ignore[arg-type]
        made.append(Desk(github, gh, world, polls=way == "polls"))
        return made[-1]

    yield build
    for desk in made:
        desk.world.close()


@pytest.fixture
def desk(make_desk: Make) -> Desk:
    """Make one."""
    return make_desk()
