"""How many requests reports at GitHub take, from the webhooks of a push on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.fixtures import quiet
from tests.fakes.github import FakeGitHub
from tests.fakes.github.fixtures import app, clock, connect, github, key
from tests.fakes.world import World
from tests.reports.reporters.github import Connect, plain, writes
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.reporters.github.reporter import GitHubReporter
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

__all__ = ["app", "clock", "connect", "github", "key", "quiet"]

SHA = "0123456789abcdef0123456789abcdef01234567"
JOBS = [f"test ({number})" for number in range(10)]
RULE = Rule(Globs(["octo/app"]), retries=1)


class Told:
    """A push whose webhooks are heard, and which is reported, for three minutes."""

    def __init__(self, path: Path, github: FakeGitHub, system: GitHub, clock: Clock, *, comment: bool) -> None:
        self.github = github
        self.world = World(path / "state.db", {"gh": system}, (RULE,), clock)
        parts = [(True, False), (False, True)] if comment else [(True, False)]
        self.publisher = self.world.publisher(
            *(
                GitHubReporter("gh", system.reporting, check=check, comment=talk, wants=lambda _: True)
                for check, talk in parts
            )
        )
        github.repositories.add("octo/app")
        github.talk.add_pull("octo/app", SHA, "change")
        self.run = github.add_run("octo/app", "CI", SHA, "change", dict.fromkeys(JOBS))

    def hear(self, kind: str, job: str = "", action: str = "completed") -> None:
        """Hear a webhook, do what is due, and report."""
        self.world.hear(*self.world.systems["gh"].parse(*self.github.webhook(kind, self.run, job=job, action=action)))
        self.rest(5)

    def rest(self, seconds: float) -> None:
        """Let time pass, a second at a time."""
        for _ in range(int(seconds)):
            self.world.drain()
            self.world.publish(self.publisher, 1.0)

    def all(self, failing: str = "") -> None:
        """Let all jobs run, one after another, and the workflow run end."""
        self.hear("workflow_run", action="requested")
        for name in JOBS:
            self.hear("workflow_job", name, "in_progress")
        for name in JOBS:
            self.github.finish(self.run, {name: "failure" if name == failing else "success"})
            self.hear("workflow_job", name)
        self.hear("workflow_run")

    def requests(self) -> int:
        """Count the requests without those for tokens and the installation, of which an hour needs one each."""
        asked = [one.path for one in self.github.requests]
        return sum("access_tokens" not in path and not path.endswith("/installation") for path in asked)


Tell = Callable[..., Told]


@pytest.fixture
def tell(tmp_path: Path, github: FakeGitHub, connect: Connect, app: AppKey, clock: Clock) -> Iterator[Tell]:
    """Return what makes a push, by an App or by a token."""
    with ExitStack() as stack:

        def make(*, by_app: bool = True, comment: bool = False) -> Told:
            settings = {"app": app} if by_app else {}
            told = Told(tmp_path, github, connect(transport=plain(), **settings), clock, comment=comment)
            stack.callback(told.world.close)
            return told

        yield make


@pytest.mark.parametrize(("comment", "asked"), [(False, 2), (True, 4)])
def test_green_push(github: FakeGitHub, tell: Tell, comment: bool, asked: int) -> None:
    """One write, at its end, and one look before; two more for a comment of an earlier push, which is to be edited."""
    push = tell(comment=comment)
    push.all()
    push.rest(120)
    assert writes(github) == [("POST", "check-runs")]
    [check] = github.talk.checks.values()
    assert check.says["conclusion"] == "success"
    assert push.requests() == asked


def test_green_push_by_token(github: FakeGitHub, tell: Tell) -> None:
    """A status takes one request."""
    push = tell(by_app=False)
    push.all()
    push.rest(120)
    assert [one.says["state"] for one in github.talk.statuses] == ["success"]
    assert push.requests() == 1


def test_failing_push(github: FakeGitHub, tell: Tell) -> None:
    """A write for each change: something failed and runs again, and the verdict; progress at most once a minute."""
    push = tell()
    push.all(failing=JOBS[8])
    push.rest(60)
    assert len(github.posts) == 1
    github.finish(push.run)
    push.hear("workflow_job", JOBS[8])
    push.hear("workflow_run")
    push.rest(60)
    [check] = github.talk.checks.values()
    assert check.says["conclusion"] == "success"
    sent = [what for what in writes(github) if "rerun" not in what[1]]
    assert sent[0] == ("POST", "check-runs")
    assert len(sent) <= 4
