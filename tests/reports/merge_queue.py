"""A pull request in GitHub's merge queue, and a triggerbot that watches it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.github.merge_queue import FakeEntry
from tests.fakes.world import World
from tests.reports.reporters.github import Connect, plain
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.reporters.github.reporter import GitHubReporter
from triggerbot.reports.reporters.github.required_check import RequiredCheck
from triggerbot.store.memory import Memory
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

SHA = "0123456789abcdef0123456789abcdef01234567"
RULE = Rule(Globs(["octo/app"]), retries=1)
BOTH = frozenset({"required_check", "requeue"})
HOUR = 3600.0


class Bench:
    """A pull request, its queue, and a triggerbot."""

    def __init__(self, github: FakeGitHub, world: World, *, required: bool, timeout: float = HOUR) -> None:
        self.github, self.world = github, world
        system = world.systems["gh"]
        assert isinstance(system, GitHub)
        self.system = system
        check = RequiredCheck(system.reporting, timeout) if required else None
        self.publisher = world.publisher(
            GitHubReporter("gh", system.reporting, check=True, comment=False, wants=lambda _: True, required=check)
        )

    def enter(self) -> FakeEntry:
        """Put the pull request into the queue, which tells of it."""
        entry = self.github.queue.enqueue(1)
        self.hear(self.github.queue.requested(entry))
        return entry

    def run(self, entry: FakeEntry, ends: dict[str, str | None], **more: Any) -> int:
        """Let a workflow run of an entry begin, of which some jobs may have ended."""
        run = self.github.add_run("octo/app", "CI", entry.sha, entry.branch, ends, event="merge_group", **more)
        self.tell(run)
        return run

    def tell(self, run: int, *names: str) -> None:
        """Tell what there is to tell of a workflow run, or only of some of its jobs."""
        now = self.github.runs[run]
        for job in now.current():
            if job.conclusion == "failure":
                self.github.talk.annotations.setdefault(job.id, [SAID])
        action = "completed" if now.status == "completed" else "in_progress"
        for job in now.current():
            if not names or job.name in names:
                done = "completed" if job.status == "completed" else "in_progress"
                self.hear(self.github.webhook("workflow_job", run, job=job.name, action=done))
        if not names:
            self.hear(self.github.webhook("workflow_run", run, action=action))

    def finish(self, run: int, ends: dict[str, str]) -> None:
        """Let jobs end, and hear of it."""
        self.github.finish(run, ends)
        self.tell(run)

    def hear(self, webhook: tuple[dict[str, str], bytes]) -> None:
        """Hear a webhook, and do what is due."""
        self.world.hear(*self.system.parse(*webhook))
        self.rest(3)

    def rest(self, seconds: float, *, every: float = 1.0) -> None:
        """Let time pass."""
        for _ in range(int(seconds / every)):
            self.world.drain()
            self.world.publish(self.publisher, every)

    def says(self, entry: FakeEntry) -> tuple[str, str | None]:
        """Return what the check of an entry says: how far it is, and what it came to."""
        [one] = [check.says for check in self.github.talk.checks.values() if check.sha == entry.sha]
        return one["status"], one["conclusion"]

    def title(self, entry: FakeEntry) -> str:
        """Return the title of the check of an entry."""
        [one] = [check.says for check in self.github.talk.checks.values() if check.sha == entry.sha]
        return str(one["output"]["title"])

    def evict(self, entry: FakeEntry) -> None:
        """Let the queue look, which evicts the entry and tells so."""
        self.github.queue.look()
        assert entry.left == "CI_FAILURE"
        self.hear(self.github.queue.dequeued(entry))

    def was_intermittent(self) -> None:
        """Let a job be known to be intermittent, from another push of the base branch."""
        jobs: dict[str, str | None] = {"test": "failure", "lint": "success"}
        run = self.github.add_run("octo/app", "CI", "f" * 40, "main", jobs)
        self.tell(run)
        self.finish(run, {"test": "success"})
        self.rest(60)
        self.github.talk.checks.clear()


#: What a job that fails says.
SAID = {"annotation_level": "failure", "path": "tests/test_cart.py", "message": "test_total: no price of `pear`"}
PENDING, PASSED, FAILED = ("in_progress", None), ("completed", "success"), ("completed", "failure")
Make = Callable[..., Bench]


@pytest.fixture(params=["sqlite", "memory"])
def make(
    request: pytest.FixtureRequest, tmp_path: Path, github: FakeGitHub, connect: Connect, app: AppKey, clock: Clock
) -> Iterator[Make]:
    """Return what makes benches on one store."""
    tables = Memory() if request.param == "memory" else None
    github.repositories.add("octo/app")
    github.talk.add_pull("octo/app", SHA, "change")
    github.granted["contents"] = "write"
    with ExitStack() as stack:

        def make(*, wants: frozenset[str] = BOTH, **more: Any) -> Bench:
            system = connect(app=app, transport=plain(), queue_wants=wants)
            world = World(
                tmp_path / "state.db", {"gh": system}, (RULE,), clock, tables=tables, dry=more.pop("dry", False)
            )
            stack.callback(world.close)
            return Bench(github, world, required="required_check" in wants, **more)

        yield make


def enqueued(github: FakeGitHub) -> int:
    """Count the requests to put something back."""
    return sum("mutation" in str(one.body) for one in github.requests if one.path == "/graphql")
