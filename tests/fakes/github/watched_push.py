"""A push at a fake GitHub whose webhooks are heard, and which is retriggered and reported, in the world's time."""

from pathlib import Path

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.world import World
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.reporters.github.reporter import GitHubReporter
from triggerbot.systems.github.system import GitHub

SHA = "0123456789abcdef0123456789abcdef01234567"
JOBS = [f"test ({number})" for number in range(10)]
RULE = Rule(Globs(["octo/app"]), retries=1, budget=Budget(floor=100))


class WatchedPush:
    """A push with ten jobs."""

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
