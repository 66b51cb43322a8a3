"""Reading workflow files: one request for each file at its commit, and no content twice."""

from collections.abc import Callable

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.systems.github.cases import PUSH, SHA, want
from triggerbot.core.errors import CIUnavailable
from triggerbot.systems.github.auth import AppKey
from triggerbot.systems.github.system import GitHub

PATH, TEXT = ".github/workflows/ci.yml", "jobs: {test: {}, gate: {needs: test}}"
NEXT = "f" * 40


def fail(github: FakeGitHub, sha: str = SHA, **more: str) -> int:
    """Let a workflow run with a gate fail."""
    return github.add_run(
        more.pop("repo", "octo/app"), "CI", sha, "main", {"test": "failure", "gate": "failure"},
        path=more.pop("path", PATH), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def asked(github: FakeGitHub) -> list[tuple[str, int]]:
    """The requests for files: of which commit, and how they were answered."""
    return [(one.query["ref"], one.status) for one in github.requests if "/contents/" in one.path]


def needs(gh: GitHub, sha: str = SHA) -> dict[str, tuple[str, ...]]:
    """What the jobs of a commit are said to need."""
    return {event.job: event.needs for event in gh.look_back(PUSH._replace(revision=sha)).events if event.needs}


def test_each_content_is_read_once(github: FakeGitHub, gh: GitHub) -> None:
    """At its commit never again; at another commit with one request that costs nothing, if it is the same there."""
    github.contents.write("octo/app", PATH, TEXT)
    for sha in (SHA, NEXT):
        fail(github, sha)
    for _ in range(3):
        assert needs(gh) == {"CI / gate": ("CI / test",)}
    left = github.remaining
    assert needs(gh, NEXT) == {"CI / gate": ("CI / test",)}
    assert asked(github) == [(SHA, 200), (NEXT, 304)]
    assert left - github.remaining == 2
    github.contents.write("octo/app", PATH, "jobs: {test: {}, gate: {}}", "e" * 40)
    fail(github, "e" * 40)
    assert needs(gh, "e" * 40) == {}
    assert needs(gh) == {"CI / gate": ("CI / test",)}
    assert asked(github)[2:] == [("e" * 40, 200)]


def test_nothing_is_read_where_nothing_failed(github: FakeGitHub, gh: GitHub) -> None:
    """Nor for what GitHub runs of another commit's file, or of none."""
    github.add_run("octo/app", "CI", SHA, "main", {"test": "success", "gate": "skipped"}, path=PATH)
    fail(github, path="dynamic/github-code-scanning/codeql")
    fail(github, event="pull_request_target")
    back = gh.look_back(PUSH)
    assert asked(github) == []
    assert sorted((back.unread or {}).values()) == [
        "GitHub names no workflow file", "for pull_request_target GitHub runs the file of another commit",
    ]  # fmt: skip


def test_without_permission_nothing_is_asked_for_a_while(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """Ten minutes; then the permission may have been given."""
    github.contents.write("octo/app", PATH, TEXT)
    github.granted["contents"] = ""
    fail(github)
    fail(github, NEXT)
    assert (needs(gh), needs(gh, NEXT), asked(github)) == ({}, {}, [(SHA, 403)])
    github.granted["contents"] = "read"
    clock.now += 601
    assert needs(gh) == {"CI / gate": ("CI / test",)}


def test_a_broken_answer_is_no_answer(github: FakeGitHub, gh: GitHub) -> None:
    """An outage says nothing about the file: the look-back is made again."""
    github.contents.write("octo/app", PATH, TEXT)
    fail(github)
    for _ in range(3):
        github.fail_next(502, "Bad gateway", path="/contents/")
    with pytest.raises(CIUnavailable):
        gh.look_back(PUSH)
    github._failures.clear()
    assert needs(gh) == {"CI / gate": ("CI / test",)}


def test_an_app_reads_files_with_all_that_it_was_granted(
    github: FakeGitHub, connect: Callable[..., GitHub], app: AppKey
) -> None:
    """The token for reruns has no permission for contents."""
    github.contents.write("octo/app", PATH, TEXT)
    fail(github)
    assert needs(connect(app=app)) == {"CI / gate": ("CI / test",)}


def test_calls_in_a_circle_end(github: FakeGitHub, gh: GitHub) -> None:
    """Each file is read once, and not many of them."""
    call = "./.github/workflows/"
    github.contents.write("octo/app", PATH, f"jobs: {{a: {{uses: {call}b.yml}}}}")
    github.contents.write(
        "octo/app", ".github/workflows/b.yml", f"jobs: {{b: {{uses: {call}ci.yml}}, c: {{uses: {call}b.yml}}}}"
    )
    jobs = ", ".join(f"j{number}: {{uses: {call}x{number}.yml}}" for number in range(100))
    github.contents.write("octo/app", ".github/workflows/many.yml", f"jobs: {{{jobs}}}")
    fail(github)
    gh.look_back(PUSH)
    assert len(asked(github)) == 2
    fail(github, NEXT, path=".github/workflows/many.yml")
    gh.look_back(PUSH._replace(revision=NEXT))
    assert len(asked(github)) == 2 + 11


@pytest.mark.parametrize(("granted", "said"), [("read", False), ("", True)])
def test_the_check_says_whether_files_can_be_read(
    github: FakeGitHub, connect: Callable[..., GitHub], granted: str, said: bool
) -> None:
    """It is no error: reruns need it not."""
    github.repositories.add("octo/app")
    github.granted["contents"] = granted
    assert ("; without contents: read" in connect(repositories=["octo/app"]).check()) is said


@pytest.mark.parametrize("on", [True, False])
def test_the_last_retrigger_may_log_more(github: FakeGitHub, connect: Callable[..., GitHub], on: bool) -> None:
    """Only the last one that is owed, where the config says so."""
    gh = connect(debug_last_try=on)
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    for owed in (2, 1):
        back = gh.look_back(PUSH)
        newest = max(back.events, key=lambda event: event.attempt)
        [call] = gh.plan([want(newest, owed)], back.busy, back.events).calls
        gh.retrigger("op", PUSH, call)
        github.finish(run, {"test": "failure"})
    assert [post.body for post in github.posts] == [{"enable_debug_logging": False}, {"enable_debug_logging": on}]
