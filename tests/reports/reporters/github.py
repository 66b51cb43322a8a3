"""Reports at a fake GitHub with its own rules, for one commit of a pull request."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.fakes.github import FakeGitHub
from tests.fakes.github.reporting_payloads import FakeCheck, FakeComment
from tests.fakes.push_report import job, told
from triggerbot.core.model import Push
from triggerbot.reports import PushReport, Reporter
from triggerbot.reports.reporters.github.reporter import GitHubReporter
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

SHA = "0123456789abcdef0123456789abcdef01234567"
LATER = "ab" * 20
HERE = Push("gh", "octo/app", "change", SHA)
NEXT = HERE._replace(revision=LATER)
FAILED = told(HERE, job("CI / test", "O"))
GOOD = told(HERE, job("CI / test", "G"))
Connect = Callable[..., GitHub]


class Crash(Exception):
    """The daemon dies."""


class Reports:
    """A reporter with what is kept for it, as the publisher keeps it."""

    def __init__(self, system: GitHub, *, check: bool = True, comment: bool = True, mention: str = "") -> None:
        self.reporter: Reporter = GitHubReporter(
            "gh",
            system.reporting,
            check=check,
            comment=comment,
            wants=lambda push: push.branch != "quiet",
            mention=mention,
        )
        self.kept: dict[Push, str] = {}
        #: When it wants to report again, as the last report said.
        self.again: float | None = None
        #: How often something may be kept until the daemon dies.
        self.lives = 1_000_000

    def report(self, what: PushReport) -> None:
        """Report once."""
        self.again = self.reporter.report(what, self.kept.get(what.push, ""), lambda text: self._keep(what.push, text))

    def _keep(self, push: Push, text: str) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Crash
        self.kept[push] = text


@pytest.fixture
def pull(github: FakeGitHub) -> int:
    """Open a pull request with the commit as its head."""
    github.repositories.add("octo/app")
    return github.talk.add_pull("octo/app", SHA, "change").number


def plain() -> httpx.HTTPTransport:
    """Speak HTTP without reading certificates that nobody here has, which takes longer than most of these tests."""
    return httpx.HTTPTransport(verify=False)


@pytest.fixture
def reports(connect: Connect, app: AppKey, pull: int) -> Reports:
    """Report as an App."""
    return Reports(connect(app=app, transport=plain()))


@pytest.fixture
def by_token(connect: Connect, pull: int) -> Reports:
    """Report with a token."""
    return Reports(connect(transport=plain()))


def writes(github: FakeGitHub) -> list[tuple[str, str]]:
    """List what was written for people: method, and the last words of the address."""
    sent = [one for one in github.requests if one.method != "GET" and "access_tokens" not in one.path]
    return [(one.method, re.sub(r"^/repos/octo/app/|/?\d+/?", "", one.path)) for one in sent]


def check(github: FakeGitHub) -> FakeCheck:
    """Give the one check run."""
    [one] = github.talk.checks.values()
    return one


def comment(github: FakeGitHub) -> FakeComment:
    """Give the one comment."""
    [one] = github.talk.comments.values()
    return one
