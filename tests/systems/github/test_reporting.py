"""What a failed job says is wrong, and which files a commit changes."""

from typing import Any

import pytest

from tests.fakes.github import FakeGitHub
from tests.systems.github.cases import PUSH, SHA, failed
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Result, Run, State
from triggerbot.systems import ListsFailures, ListsFiles
from triggerbot.systems.github.system import GitHub


@pytest.fixture
def job(github: FakeGitHub) -> int:
    """Have a job that failed."""
    return github.job(failed(github), "test").id


def run(number: int | str) -> Run:
    """Be a run of that job."""
    return Run("CI / test", str(number), 1, State.FINISHED, Result.FAILURE)


def test_failures(github: FakeGitHub, gh: GitHub, job: int) -> None:
    """Failures come before warnings, those with a place first; notices say nothing, and nothing is said twice."""
    warning: dict[str, Any] = {"annotation_level": "warning", "message": "deprecated"}
    github.talk.annotations[job] = [
        {"annotation_level": "notice", "message": "hello"},
        warning,
        {},
        {"path": "src/a.py", "start_line": 12, "message": "AssertionError:\n  1 != 2\0"},
        {"title": "test_login", "message": "expected 1"},
        {"title": "E501", "message": "E501 line too long", "path": "src/b.py", "start_line": 3},
        {"title": "only a title", "message": ""},
        {},
        {"message": ""},
    ]
    assert gh.failures(PUSH, run(job)) == (
        "src/a.py:12: AssertionError: 1 != 2",
        "src/b.py:3: E501 line too long",
        "Process completed with exit code 1.",
        "test_login: expected 1",
        "only a title",
        "warning: deprecated",
    )


def test_bounds(github: FakeGitHub, gh: GitHub, job: int) -> None:
    """Long lines and many are cut; a job that said nothing has none."""
    assert gh.failures(PUSH, run(job)) == ()
    github.talk.annotations[job] = [{"message": f"{number} " + "x" * 5000} for number in range(50)]
    lines = gh.failures(PUSH, run(job))
    assert len(lines) == 20
    assert {len(line) for line in lines} == {2000}


def test_reruns_find_room(github: FakeGitHub, gh: GitHub, job: int) -> None:
    """To ask why so many jobs failed does not use up what looking at a push needs."""
    github.remaining = 950
    gh.look_back(PUSH)
    with pytest.raises(CIUnavailable, match="but for what reruns need") as caught:
        gh.failures(PUSH, run(job))
    assert caught.value.after is not None
    assert caught.value.healthy
    assert gh.look_back(PUSH).events


def test_failures_not_known(github: FakeGitHub, gh: GitHub, job: int) -> None:
    """What is no job of GitHub's, and what it does not list, is not known."""
    for number in ("", "abc", "１２", "../1", 1):
        with pytest.raises(NotKnown):
            gh.failures(PUSH, run(number))
    with pytest.raises(NotKnown):
        gh.failures(PUSH._replace(project="../.."), run(job))


def test_failures_denied(github: FakeGitHub, gh: GitHub, job: int) -> None:
    """What is missing is named; what fails may pass."""
    github.granted.clear()
    with pytest.raises(CIDenied, match="checks: read"):
        gh.failures(PUSH, run(job))
    with pytest.raises(CIDenied, match="contents: read"):
        gh.files(PUSH)
    github.fail_next(200, answer={"nonsense": 1}, path="annotations")
    with pytest.raises(CIUnavailable):
        gh.failures(PUSH, run(job))


def test_files(github: FakeGitHub, gh: GitHub) -> None:
    """The files of the commit are those that it changes, the first 300."""
    github.talk.files[SHA] = [f"src/{number}.py" for number in range(310)]
    assert gh.files(PUSH) == tuple(f"src/{number}.py" for number in range(300))
    with pytest.raises(NotKnown):
        gh.files(PUSH._replace(revision="ef" * 20))


def test_is_asked_why(gh: GitHub) -> None:
    """It offers both (mypy checks the types)."""
    explains: ListsFailures = gh
    lists: ListsFiles = gh
    assert isinstance(explains, ListsFailures)
    assert isinstance(lists, ListsFiles)
