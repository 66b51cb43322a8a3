"""The tests of a job, from the artifacts of its workflow run: found, matched with their job, read within bounds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.github.artifacts import zipped
from tests.reports.board import Board
from tests.systems.github.cases import PUSH, SHA
from tests.systems.github.desk import RULE, A, Desk, Make
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Kind, Push, Result, Run, State
from triggerbot.core.run_tests import RunTests
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.reports.judge import Judge
from triggerbot.systems.github import artifacts, messages
from triggerbot.systems.github.system import GitHub

Connect = Callable[..., GitHub]
PATTERNS = ["*junit*", "*test-reports*"]
FAILS = '<testcase classname="a.B" name="c"><failure message="1 != 2"/></testcase>'
BAD = f'<testsuite><testcase classname="a.B" name="ok"/>{FAILS}</testsuite>'
GOOD = '<testsuite><testcase classname="a.B" name="ok"/></testsuite>'


@pytest.fixture
def gh(connect: Connect) -> GitHub:
    """Connect, told to read reports."""
    return connect(tests=PATTERNS)


def of(github: FakeGitHub, number: int, name: str, attempt: int | None = None) -> Run:
    """Be the run of a job."""
    job = github.job(number, name, attempt)
    return Run(f"CI / {name}", str(job.id), job.attempt, State.FINISHED, Result.FAILURE, batch=str(number))


def ids(tests: RunTests | None) -> set[str]:
    """Return the failing tests."""
    return set() if tests is None else set(tests.ids)


def test_reports_of_the_only_job_in_time(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """Whatever they are called, if that fits the patterns; also folders of pytest's reports."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.artifacts.upload(run, "my-junit", {"deep/r.xml": BAD, "notes.txt": "x"})
    github.artifacts.upload(run, "coverage", {"r.xml": BAD.replace('"c"', '"other"')})
    stats = {"stats.txt": "1 failed in 2.5s", "summary_short.txt": "FAILED t.py::t[a b] - KeyError"}
    github.artifacts.upload(run, "gpu-test-reports", stats)
    tests = gh.tests(PUSH, of(github, run, "test"))
    assert tests is not None
    assert (tests.passed, tests.failed, tests.ids) == (1, 2, {"a.B.c", "t.py::t[a b]"})
    asked = [one for one in github.requests if one.path.startswith("/storage/")]
    assert len(asked) == 2
    assert not any("authorization" in one.headers for one in asked)


def test_nothing_is_asked_for_unless_that_is_wanted(github: FakeGitHub, connect: Connect) -> None:
    """Nor of a workflow run as a whole."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.artifacts.upload(run, "junit", {"r.xml": BAD})
    job = of(github, run, "test")
    silent, told = connect(), connect(tests=PATTERNS)
    assert (silent.reads_tests, told.reads_tests) == (False, True)
    assert silent.tests(PUSH, job) is None
    assert told.tests(PUSH, replace(job, kind=Kind.WORKFLOW)) is None
    assert told.tests(PUSH, replace(job, batch="../1")) is None
    assert told.tests(PUSH._replace(project="../app"), job) is None
    assert not github.requests


def test_of_several_jobs_the_name_tells(github: FakeGitHub, gh: GitHub) -> None:
    """Where it does not, a report is nobody's."""
    jobs: dict[str, str | None] = dict.fromkeys(("test (3.11, linux)", "test (3.12, linux)", "lint"), "failure")
    run = github.add_run("octo/app", "CI", SHA, "main", jobs)
    for name in ("junit-linux-3.11", "junit-linux-3.12", "junit", "junit-test-linux"):
        github.artifacts.upload(run, name, {"r.xml": BAD.replace("a.B", name)})
    assert ids(gh.tests(PUSH, of(github, run, "test (3.11, linux)"))) == {"junit-linux-3.11.c"}
    assert ids(gh.tests(PUSH, of(github, run, "test (3.12, linux)"))) == {"junit-linux-3.12.c"}
    assert gh.tests(PUSH, of(github, run, "lint")) is None


def test_each_attempt_has_its_own(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """By the time at which they were made."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.artifacts.upload(run, "junit", {"r.xml": BAD})
    clock.move(600)
    github.rerun(run, "test")
    github.finish(run, {"test": "success"})
    github.artifacts.upload(run, "junit", {"r.xml": GOOD})
    assert ids(gh.tests(PUSH, of(github, run, "test", 1))) == {"a.B.c"}
    assert gh.tests(PUSH, of(github, run, "test", 2)) == RunTests(1)


def job(number: int, name: str, began: str | None, ended: str | None, conclusion: str = "failure") -> messages.Job:
    """Make a job."""
    return messages.Job(
        id=number, run_id=1, name=name, head_sha=SHA, status="completed", conclusion=conclusion, started_at=began,
        completed_at=ended,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "owner"),
    [
        ("2026-11-20T10:00:00Z", None), ("2026-11-20T11:05:00Z", 1), ("2026-11-20T11:10:30Z", 1),
        ("2026-11-20T11:25:00Z", 2), ("2026-11-20T12:00:00Z", None), (None, None), ("nonsense", None),
    ],
)  # fmt: skip
def test_a_report_is_made_while_its_job_runs(made: str | None, owner: int | None) -> None:
    """Or listed soon after."""
    jobs = [
        job(1, "a", "2026-11-20T11:00:00Z", "2026-11-20T11:10:00Z"),
        job(2, "b", "2026-11-20T11:20:00Z", "2026-11-20T11:30:00Z"),
        job(3, "c", None, None), job(4, "d", "2026-11-20T11:00:00Z", "2026-11-20T11:30:00Z", "skipped"),
    ]  # fmt: skip
    found = artifacts.owner(artifacts.Artifact(id=1, name="junit", created_at=made), jobs)
    assert (found.id if found else None) == owner


def test_what_is_gone_or_no_archive_is_left_alone(github: FakeGitHub, gh: GitHub) -> None:
    """The others are read; bombs are not inflated."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.artifacts.upload(run, "junit-1", {"r.xml": BAD})
    github.artifacts.upload(run, "junit-2", b"PK\x05\x06 no archive")
    github.artifacts.upload(run, "junit-3", {"r.xml": "<testsuite>" + " " * 70_000_000})
    github.artifacts.upload(run, "junit-4", {"../r.xml": BAD.replace("a.B", "outside"), "r.xml": "<html>"})
    expired = github.artifacts.upload(run, "junit-5", {"r.xml": BAD.replace("a.B", "expired")})
    expired.expired = True
    assert ids(gh.tests(PUSH, of(github, run, "test"))) == {"a.B.c"}
    assert not [one for one in github.requests if f"/artifacts/{expired.id}/" in one.path]


def test_an_archive_that_is_too_large_is_not_fetched(
    github: FakeGitHub, gh: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is more than a few of one job."""
    monkeypatch.setattr(artifacts, "ANSWER_MAX", 1000)
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    noise = {f"{number}": str(number) for number in range(100)}
    github.artifacts.upload(run, "junit-large", zipped({**noise, "r.xml": BAD}))
    for number in range(20):
        github.artifacts.upload(run, f"junit-{number}", {"r.xml": GOOD})
    tests = gh.tests(PUSH, of(github, run, "test"))
    assert tests == RunTests(10)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500, "path": "/artifacts"}, CIUnavailable), ({"status": 404, "path": "/artifacts"}, NotKnown),
        ({"status": 403, "path": "/artifacts"}, CIDenied),
        ({"status": 200, "path": "/artifacts", "answer": 7}, CIUnavailable),
        ({"status": 403, "path": "/storage"}, CIUnavailable), ({"status": 0, "path": "/storage"}, CIUnavailable),
    ],
)  # fmt: skip
def test_what_github_does_not_answer_is_told(
    github: FakeGitHub, gh: GitHub, fault: dict[str, Any], error: type[Exception]
) -> None:
    """Without the address in its storage, which is as good as a password."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.artifacts.upload(run, "junit", {"r.xml": BAD})
    for _ in range(3):
        github.fail_next(**fault)
    with pytest.raises(error) as told:
        gh.tests(PUSH, of(github, run, "test"))
    assert "canary" not in str(told.value)


@pytest.mark.parametrize(
    "location",
    [
        "", "ftp://127.0.0.1/x", "file:///etc/passwd", "//", "http:///x", "http://localhost:{port}/storage/x",
        "http://storage.example/x", "https://10.0.0.1/x", "https://minio.lan/x", "https://[", "https://a.example:6379/",
    ],
)  # fmt: skip
def test_nothing_inside_the_network_is_read_as_a_report(github: FakeGitHub, gh: GitHub, location: str) -> None:
    """Only what GitHub's own server, or a storage with a full name, has."""
    location = location.replace("{port}", github.url.rpartition(":")[2])
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.artifacts.upload(run, "junit", {"r.xml": BAD})
    github.fail_next(302, path="/zip", headers={"location": location})
    assert gh.tests(PUSH, of(github, run, "test")) is None
    assert not [one for one in github.requests if one.path.startswith("/storage")]


class Everything(Board):
    """A reporter of all projects."""

    def wants(self, push: Push) -> bool:
        return True


def test_a_report_that_is_listed_late_is_read(make_desk: Make) -> None:
    """Until a minute after the end of its job it may still come."""
    desk = make_desk(replace(RULE, retries=0), tests=PATTERNS)
    publisher = desk.world.publisher(Everything())
    here = desk.run(A, {"test": "failure"}, ago=60)
    desk.pushed(here)
    desk.ended(here, "test")
    for _ in range(5):
        desk.world.publish(publisher, 5.0)
    assert known_of(desk) is None
    desk.github.artifacts.upload(here, "test-junit", {"r.xml": BAD}, desk.world.clock.now - 30)
    for _ in range(3):
        desk.world.publish(publisher, 60.0)
    assert ids(known_of(desk)) == {"a.B.c"}


@pytest.mark.parametrize("granted", [{}, {"checks": "read"}])
def test_tests_are_read_where_annotations_are_not(make_desk: Make, granted: dict[str, str]) -> None:
    """Each needs a permission of its own."""
    desk = make_desk(replace(RULE, retries=0), tests=PATTERNS)
    desk.github.granted = granted
    publisher = desk.world.publisher(Everything())
    here = desk.run(A, {"test": "failure"})
    desk.github.artifacts.upload(here, "test-junit", {"r.xml": BAD}, desk.world.clock.now - 590)
    desk.pushed(here)
    desk.ended(here, "test")
    for _ in range(3):
        desk.world.publish(publisher, 60.0)
    assert ids(known_of(desk)) == {"a.B.c"}


def known_of(desk: Desk) -> RunTests | None:
    """Return the tests of the failed run."""
    record = desk.world.store.pushes.record(Push("gh", "octo/app", desk.branch, A))
    assert record is not None
    (run,) = [run for one in record.jobs for run in one.runs if run.failed]
    return run.tests


def test_verdicts_go_by_the_tests_of_reports(make_desk: Make) -> None:
    """From a webhook or a poll to what the push is told to be."""
    desk = make_desk(replace(RULE, retries=0), tests=PATTERNS)
    publisher = desk.world.publisher(Everything())
    here = desk.run(A, {"test": "failure"})
    desk.github.artifacts.upload(here, "test-junit", {"r.xml": BAD}, desk.world.clock.now - 590)
    desk.pushed(here)
    desk.ended(here, "test")
    desk.settle()
    for _ in range(3):
        desk.world.publish(publisher, 60.0)
    record = desk.world.store.pushes.record(Push("gh", "octo/app", desk.branch, A))
    assert record is not None
    (run,) = [run for one in record.jobs for run in one.runs if run.failed]
    assert (run.tests.ids if run.tests else None, run.result) == ({"a.B.c"}, Result.FAILURE)
    judged = Judge(desk.world.store, desk.world.clock).judge(record)
    (told,) = [one for one in judged.jobs if one.verdict is Verdict.FAILED]
    assert told.failing is not None
    assert told.failing.line == "a.B.c: 1 != 2"
    asked = len(desk.github.requests)
    desk.world.publish(publisher, 3600.0)
    assert not [one for one in desk.github.requests[asked:] if "artifacts" in one.path], "it is asked for once"
