"""Reruns: exactly one POST each, and GitHub's many ways to say no told apart."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.portal import Portal
from tests.systems.github.cases import PUSH, SHA, call_for, failed, plan, rerun
from triggerbot.systems.answers import Accepted, Later, Refused, Unknown
from triggerbot.systems.github.system import GitHub

Connect = Callable[..., GitHub]


def test_one_job(github: FakeGitHub, gh: GitHub) -> None:
    """One job is rerun alone, by one POST, without debug logging."""
    run = failed(github)
    assert rerun(gh, "CI / test") == Accepted()
    [post] = github.posts
    assert post.path == f"/repos/octo/app/actions/jobs/{github.job(run, 'test', 1).id}/rerun"
    assert post.body == {"enable_debug_logging": False}
    assert github.runs[run].attempt == 2


@pytest.mark.parametrize("passes", [True, False])
def test_a_page_of_something_in_front_is_no_answer(github: FakeGitHub, connect: Connect, *, passes: bool) -> None:
    """A proxy that wants a login says 200 as well: nobody knows whether the rerun was taken."""
    failed(github)
    with Portal(github.url, passes=passes) as portal:
        answer = rerun(connect(url=portal.origin), "CI / test")

    assert isinstance(answer, Unknown)
    assert "speaks no JSON" in answer.why
    assert (portal.writes, len(github.posts)) == (1, int(passes))


def test_failed_jobs_together(github: FakeGitHub, gh: GitHub) -> None:
    """All failed jobs are rerun by one POST."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"a": "failure", "b": "failure", "c": "success"})
    assert rerun(gh, "CI / a", "CI / b") == Accepted()
    assert [post.path for post in github.posts] == [f"/repos/octo/app/actions/runs/{run}/rerun-failed-jobs"]


def test_one_after_the_other(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """Several copies come one after the other, each found by the next look-back."""
    run = failed(github, outcomes={"test": ["failure", "success"]})
    for copies in (1, 2):
        assert rerun(gh, "CI / test") == Accepted()
        assert plan(gh, "CI / test") == ()
        clock.now += 60
        github.finish(run)
        events = [event for event in gh.look_back(PUSH).events if event.job == "CI / test"]
        assert len(events) == 1 + copies
    assert len([event for event in gh.look_back(PUSH).events if event.job == "CI / lint"]) == 1


def test_carried_over_job_is_rerun_by_its_newest_id(github: FakeGitHub, gh: GitHub) -> None:
    """A job that a later attempt listed again is rerun by the id it has there."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"a": "failure", "b": "failure"})
    assert rerun(gh, "CI / a") == Accepted()
    github.finish(run)
    assert rerun(gh, "CI / b") == Accepted()
    assert github.posts[1].path.endswith(f"/jobs/{github.job(run, 'b', 2).id}/rerun")


def test_dependents_rerun_along(github: FakeGitHub, gh: GitHub) -> None:
    """What depends on a job is rerun with it: GitHub does that, and the look-back shows it."""
    run = github.add_run(
        "octo/app", "CI", SHA, "main", {"build": "failure", "test": "skipped"}, needs={"test": ["build"]}
    )
    rerun(gh, "CI / build")
    github.finish(run)
    assert len([event for event in gh.look_back(PUSH).events if event.job == "CI / test"]) == 2


def test_already_running(github: FakeGitHub, gh: GitHub) -> None:
    """Whoever else reran it first: later, when that may be over."""
    failed(github)
    [call] = plan(gh, "CI / test")
    assert gh.retrigger("op", PUSH, call) == Accepted()
    again = gh.retrigger("op", PUSH, call)
    assert again == Later("The workflow run containing this job is already running", 60.0, healthy=True)


def test_too_old(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """After a month GitHub reruns nothing."""
    failed(github, created=clock.now - 31 * 86400)
    assert isinstance(rerun(gh, "CI / test"), Refused)


def test_fifty_reruns(github: FakeGitHub, gh: GitHub) -> None:
    """The 51st rerun of a workflow run is refused."""
    run = failed(github)
    for one in github.runs[run].jobs:
        one.attempt = 51
    github.runs[run].attempt = 51
    call = call_for(str(github.job(run, "test").id), str(run))
    assert isinstance(gh.retrigger("op", PUSH, call), Refused)


def test_whole_run(github: FakeGitHub, gh: GitHub) -> None:
    """A whole workflow run is rerun by one POST."""
    run = failed(github)
    call = replace(call_for(str(github.job(run, "test").id), str(run)), whole=True)
    assert gh.retrigger("op", PUSH, call) == Accepted()
    assert [post.path for post in github.posts] == [f"/repos/octo/app/actions/runs/{run}/rerun"]
    assert {one.status for one in github.runs[run].current()} == {"queued"}


@pytest.mark.parametrize(
    ("message", "kind", "after"),
    [
        ("This workflow is already running", Later, 60.0),
        ("This workflow run cannot be retried", Refused, None),
        ("Unable to retry this workflow run because it was created over a month ago", Refused, None),
        ("You have exceeded the limit of 50 re-runs", Refused, None),
        ("This workflow run has too many attempts", Refused, None),
        ("Repository was archived so is read-only.", Refused, None),
        ("Resource not accessible by integration", Later, 600.0),
        ("Resource not accessible by personal access token", Later, 600.0),
        ("Must have admin rights to Repository.", Later, 600.0),
        ("Only jobs from the current attempt can be re-run", Later, 0.0),
        ("Something new", Later, 0.0),
        ("", Later, 0.0),
    ],
)
def test_forbidden(github: FakeGitHub, gh: GitHub, message: str, kind: type, after: float | None) -> None:
    """A 403 means what its text says."""
    failed(github)
    github.fail_next(403, message, method="POST", path="/rerun")
    answer = rerun(gh, "CI / test")
    assert isinstance(answer, kind)
    assert getattr(answer, "after", None) == after
    assert len(github.posts) == 1


def test_somebody_else_was_faster(github: FakeGitHub, gh: GitHub) -> None:
    """A job of an attempt that is no longer the newest is no missing permission: the next look finds its new id."""
    run = failed(github, outcomes={"test": ["failure", "success"]})
    [call] = plan(gh, "CI / test")
    assert connect_other(github).retrigger("op", PUSH, call) == Accepted()
    github.finish(run)
    again = gh.retrigger("op", PUSH, call)
    assert again == Later("Only jobs from the current attempt can be re-run", 0.0, healthy=True)
    assert rerun(gh, "CI / test") == Accepted()


def connect_other(github: FakeGitHub) -> GitHub:
    """Be somebody else with the same token."""
    return GitHub("other", url=github.url, token=github.token)


def test_header_names_the_permission(github: FakeGitHub, gh: GitHub) -> None:
    """Where GitHub names the permission that is missing, it is one, whatever the words."""
    failed(github)
    github.fail_next(
        403, "Something new", {"x-accepted-github-permissions": "actions=write"}, method="POST", path="/rerun"
    )
    answer = rerun(gh, "CI / test")
    assert isinstance(answer, Later)
    assert "GitHub names `actions=write`" in answer.why
    assert answer.after == 600.0


def test_unexplained_refusal(github: FakeGitHub, gh: GitHub) -> None:
    """What GitHub refuses without a reason is tried once more as "rerun failed jobs", and then refused in its words."""
    run = failed(github)
    for _ in range(2):
        github.fail_next(403, "Something new", method="POST", path="/rerun")
    first, second = rerun(gh, "CI / test"), rerun(gh, "CI / test")
    assert isinstance(first, Later)
    assert "Something new" in first.why
    assert "actions: write" not in first.why
    assert second == Refused("HTTP 403 Something new")
    assert [post.path.rpartition("actions/")[2] for post in github.posts] == [
        f"jobs/{github.job(run, 'test').id}/rerun", f"runs/{run}/rerun-failed-jobs",
    ]  # fmt: skip


def test_unexplained_refusal_overcome(github: FakeGitHub, gh: GitHub) -> None:
    """A job that cannot be rerun alone may be rerun with all failed ones, of which it is the only one."""
    failed(github)
    github.fail_next(403, "Something new", method="POST", path="/rerun")
    rerun(gh, "CI / test")
    assert rerun(gh, "CI / test") == Accepted()


def test_unexplained_refusal_beside_others(github: FakeGitHub, gh: GitHub) -> None:
    """Where "rerun failed jobs" would start what nobody wants, there is no other way."""
    github.add_run("octo/app", "CI", SHA, "main", {"test": "failure", "deploy": "failure"})
    github.fail_next(403, "Something new", method="POST", path="/rerun")
    assert rerun(gh, "CI / test") == Refused("HTTP 403 Something new")


def test_missing_permission_is_named(github: FakeGitHub, gh: GitHub) -> None:
    """Whoever reads the refusal learns which permission to give."""
    failed(github)
    github.permission = "read"
    answer = rerun(gh, "CI / test")
    assert isinstance(answer, Later)
    assert "actions: write" in answer.why
    assert "scope `repo`" in answer.why


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Later),
        (404, Later),
        (307, Later),
        (408, Unknown),
        (409, Refused),
        (410, Refused),
        (422, Refused),
        (429, Later),
        (500, Unknown),
        (502, Unknown),
        (503, Unknown),
        (0, Unknown),
    ],
)
@pytest.mark.parametrize("applied", [False, True])
def test_other_answers(github: FakeGitHub, gh: GitHub, status: int, kind: type, applied: bool) -> None:
    """Whatever the answer, and whether GitHub acted or not, there is one POST only; a doubt is said to be one."""
    failed(github)
    github.fail_next(status, "No", method="POST", path="/rerun", applied=applied)
    assert isinstance(rerun(gh, "CI / test"), kind)
    assert len(github.posts) == 1


def test_refusal_quotes_github(github: FakeGitHub, gh: GitHub) -> None:
    """A refusal has GitHub's own words."""
    failed(github)
    github.fail_next(422, "Validation Failed", method="POST", path="/rerun")
    assert rerun(gh, "CI / test") == Refused("HTTP 422 Validation Failed")


def test_not_json(github: FakeGitHub, gh: GitHub) -> None:
    """An error that is no JSON is quoted as it is."""
    failed(github)
    github.fail_next(422, method="POST", path="/rerun", answer=["<html>"])
    assert rerun(gh, "CI / test") == Refused('HTTP 422 ["<html>"]')


def test_job_is_gone(github: FakeGitHub, gh: GitHub) -> None:
    """A job that GitHub does not find may be one that the token may not see: later."""
    failed(github)
    assert isinstance(gh.retrigger("op", PUSH, call_for("42")), Later)


@pytest.mark.parametrize("run_id", ["", "abc", "1/../2", "٣", "-1"])
@pytest.mark.parametrize("together", [False, True])
def test_foreign_ids(github: FakeGitHub, gh: GitHub, run_id: str, together: bool) -> None:
    """Ids that are none of GitHub's are refused without a request."""
    assert isinstance(gh.retrigger("op", PUSH, call_for(run_id, run_id, together=together)), Refused)
    assert github.requests == []


def test_foreign_project(github: FakeGitHub, gh: GitHub) -> None:
    """So is a project that is no repository's name."""
    assert isinstance(gh.retrigger("op", PUSH._replace(project="../x"), call_for("1")), Refused)
    assert github.requests == []


def test_nobody_there() -> None:
    """Without a connection nothing was sent: later."""
    gh = GitHub("gh", url="http://127.0.0.1:1", token="t")
    assert isinstance(gh.retrigger("op", PUSH, call_for("1")), Later)


def test_primary_limit(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """While the primary limit is used up nothing is sent, and the answer says until when."""
    failed(github)
    [call] = plan(gh, "CI / test")
    github.remaining, github.reset = 0, clock.now + 300
    first, second = gh.retrigger("op", PUSH, call), gh.retrigger("op", PUSH, call)
    assert isinstance(first, Later)
    assert isinstance(second, Later)
    assert (first.after, second.after) == (300, 300)
    assert len(github.posts) == 1
    clock.now += 301
    assert gh.retrigger("op", PUSH, call) == Accepted()


@pytest.mark.parametrize(("headers", "after"), [({"retry-after": "30"}, 30), ({}, 60)])
def test_secondary_limit(github: FakeGitHub, gh: GitHub, clock: Clock, headers: dict[str, str], after: float) -> None:
    """A secondary limit is waited out as told, or for a minute; nothing is sent meanwhile."""
    failed(github)
    [call] = plan(gh, "CI / test")
    github.fail_next(403, "You have exceeded a secondary rate limit", headers, method="POST", path="/rerun")
    first, second = gh.retrigger("op", PUSH, call), gh.retrigger("op", PUSH, call)
    assert isinstance(first, Later)
    assert isinstance(second, Later)
    assert (first.after, second.after) == (after, after)
    assert len(github.posts) == 1
