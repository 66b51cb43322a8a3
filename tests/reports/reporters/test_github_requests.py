"""How many requests reports at GitHub take, from the webhooks of a push on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.fixtures import quiet
from tests.fakes.github import FakeGitHub
from tests.fakes.github.fixtures import app, clock, connect, github, key
from tests.fakes.github.watched_push import JOBS, WatchedPush
from tests.reports.reporters.github import Connect, plain, writes
from triggerbot.systems.github.auth import AppKey

__all__ = ["app", "clock", "connect", "github", "key", "quiet"]

Tell = Callable[..., WatchedPush]


@pytest.fixture
def tell(tmp_path: Path, github: FakeGitHub, connect: Connect, app: AppKey, clock: Clock) -> Iterator[Tell]:
    """Return what makes a push, by an App or by a token."""
    with ExitStack() as stack:

        def make(*, by_app: bool = True, comment: bool = False) -> WatchedPush:
            settings = {"app": app} if by_app else {}
            told = WatchedPush(tmp_path, github, connect(transport=plain(), **settings), clock, comment=comment)
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


def test_ten_jobs_that_fail_one_after_another(github: FakeGitHub, tell: Tell) -> None:
    """The first is asked why at once, the others together at the end: five requests until they are rerun."""
    push = tell()
    for name in JOBS:
        github.talk.annotations[github.job(push.run, name).id] = [{"message": f"{name} is wrong"}]
    push.hear("workflow_run", action="requested")
    for name in JOBS:
        push.hear("workflow_job", name, "in_progress")
    github.requests.clear()
    for name in JOBS:
        push.rest(43)
        github.finish(push.run, {name: "failure"})
        push.hear("workflow_job", name)
    push.hear("workflow_run")
    push.rest(20)
    asked = [(one.method, one.path.rpartition("/")[2]) for one in github.requests]
    reading = [what for what in asked if what[1] in ("annotations", "graphql", "runs", "jobs", "rerun-failed-jobs")]
    assert sorted(reading) == [
        ("GET", "annotations"), ("GET", "jobs"), ("GET", "runs"), ("POST", "graphql"), ("POST", "rerun-failed-jobs"),
    ]  # fmt: skip
    [known] = push.world.store.pushes.recent(1)
    record = push.world.store.pushes.record(known)
    assert record is not None
    assert {run.failures for job in record.jobs for run in job.runs if run.failed} == {
        (f"{name} is wrong",) for name in JOBS
    }
