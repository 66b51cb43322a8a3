"""Look-back and sweep against a GitHub with state."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.systems.github.cases import PUSH, SHA
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Batch, Event, Push, PushFacts, Result, RunKey
from triggerbot.systems.github.system import GitHub

Connect = Callable[..., GitHub]
FAILED: dict[str, str | None] = {"test": "failure", "lint": "success"}


def keys(events: Any, job: str) -> list[RunKey]:
    """Name the runs of a job."""
    return [event.key for event in events if isinstance(event, Event) and event.job == job]


def test_look_back(github: FakeGitHub, gh: GitHub) -> None:
    """A look-back tells all jobs of all workflow runs of the push, and its facts."""
    run = github.add_run("octo/app", "CI", SHA, "main", FAILED, message="try: --rebuild 2", actor="ann")
    docs = github.add_run("octo/app", "Docs", SHA, "main", {"build": "success"}, event="pull_request")
    back = gh.look_back(PUSH)
    assert {event.job: event.result for event in back.events} == {
        "CI / test": Result.FAILURE,
        "CI / lint": Result.SUCCESS,
        "Docs / build": Result.SUCCESS,
    }
    assert back.facts == PushFacts(
        PUSH, message="try: --rebuild 2", author="ann", time=float(github.runs[run].created), fork=False,
        batches=(
            Batch(str(run), "push", ".github/workflows/ci.yml", fork=False),
            Batch(str(docs), "pull_request", ".github/workflows/docs.yml", fork=False),
        ),
    )  # fmt: skip
    assert back.busy == frozenset()


def test_same_as_webhook(github: FakeGitHub, gh: GitHub) -> None:
    """A webhook and a look-back say the same of a job, but for the event, which only a workflow run tells."""
    run = github.add_run("octo/app", "CI", SHA, "main", FAILED)
    headers, body = github.webhook("workflow_job", run, job="test")
    gh.verify(headers, body, 0.0)
    [listed] = [event for event in gh.look_back(PUSH).events if event.job == "CI / test"]
    assert listed.event == "push"
    assert list(gh.parse(headers, body)) == [replace(listed, event=None)]


def test_busy(github: FakeGitHub, gh: GitHub) -> None:
    """A workflow run with a job that runs is busy."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure", "slow": None})
    github.add_run("octo/app", "Docs", SHA, "main", {"build": "success"})
    assert gh.look_back(PUSH).busy == frozenset({str(run)})


def test_other_branch(github: FakeGitHub, gh: GitHub) -> None:
    """Runs of the same commit on another branch are of another push."""
    github.add_run("octo/app", "CI", SHA, "other", FAILED)
    with pytest.raises(NotKnown):
        gh.look_back(PUSH)


def test_fork(github: FakeGitHub, gh: GitHub) -> None:
    """If any workflow run of the push is of a fork, the push is."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.add_run("octo/app", "PR", SHA, "main", FAILED, head_repository="else/app")
    facts = gh.look_back(PUSH).facts
    assert facts is not None
    assert facts.fork is True


def test_not_known(github: FakeGitHub, gh: GitHub) -> None:
    """A commit without workflow runs is not known, nor is a name that is no repository's."""
    github.repositories.add("octo/app")
    for push in (PUSH, replace_project("no repository"), replace_project("../..")):
        with pytest.raises(NotKnown):
            gh.look_back(push)


def replace_project(name: str) -> Push:
    """Take the push to another project."""
    return PUSH._replace(project=name)


def test_repository_not_seen(gh: GitHub) -> None:
    """A repository that is not there, or may not be seen, is for an operator to look at."""
    with pytest.raises(CIDenied, match="not there, or the token may not see it"):
        gh.look_back(PUSH)


def test_404_of_the_list_alone(github: FakeGitHub, gh: GitHub) -> None:
    """If the repository can be read, a 404 of its list of runs means that there are none."""
    github.repositories.add("octo/app")
    github.fail_next(404, "Not Found")
    with pytest.raises(NotKnown):
        gh.look_back(PUSH)


def test_deleted_workflow_run(github: FakeGitHub, gh: GitHub) -> None:
    """A workflow run that is deleted while we read has no jobs; the others count, but are not all."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.add_run("octo/app", "Docs", SHA, "main", {"build": "success"})
    github.fail_next(404, "Not Found", path="/jobs")
    back = gh.look_back(PUSH)
    assert len({event.batch for event in back.events}) == 1
    assert not back.complete


def test_carried_over_jobs(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """A rerun of one job gives that job a second run, and the others none."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure", "lint": "success", "doc": "failure"})
    first = github.job(run, "test")
    clock.now += 600
    rerun(github, gh, first.id)
    github.finish(run, {"test": "success"})
    back = gh.look_back(PUSH)
    assert keys(back.events, "CI / test") == [
        RunKey(str(first.id), 1),
        RunKey(str(github.job(run, "test").id), 2),
    ]
    assert keys(back.events, "CI / lint") == [RunKey(str(github.job(run, "lint", 1).id), 1)]
    assert keys(back.events, "CI / doc") == [RunKey(str(github.job(run, "doc", 1).id), 1)]


def rerun(github: FakeGitHub, gh: GitHub, job_id: int) -> None:
    """Rerun a job as somebody else would."""
    client = gh._client
    reply = client.post("octo/app", f"/repos/octo/app/actions/jobs/{job_id}/rerun", {})
    assert reply.status == 201  # type: ignore[union-attr]


def test_pages(github: FakeGitHub, gh: GitHub) -> None:
    """Runs and jobs on several pages are all found, each once."""
    github.page_max = 2
    for number in range(5):
        github.add_run("octo/app", f"W{number}", SHA, "main", {f"j{job}": "success" for job in range(5)})
    events = gh.look_back(PUSH).events
    assert len(events) == len({event.key for event in events}) == 25


def test_pages_stay_with_this_server(github: FakeGitHub, gh: GitHub) -> None:
    """A `Link` that leads elsewhere is not followed: only the page's number counts."""
    github.page_max = 1
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    assert len(gh.look_back(PUSH).events) == 2
    assert {request.query.get("page") for request in github.requests if "/contents/" not in request.path} == {"1", "2"}


def test_endless_list(github: FakeGitHub, gh: GitHub) -> None:
    """A list longer than we can judge is no answer, rather than a part of the truth."""
    github.page_max = 1
    github.add_run("octo/app", "CI", SHA, "main", {f"j{job}": "success" for job in range(60)})
    with pytest.raises(CIUnavailable, match="more than"):
        gh.look_back(PUSH)


def test_etags(github: FakeGitHub, gh: GitHub) -> None:
    """A second look-back costs nothing of the rate limit and says the same, until something changes."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure", "slow": None})
    first, left = gh.look_back(PUSH), github.remaining
    assert gh.look_back(PUSH) == first
    assert github.remaining == left
    # It has no workflow file, which is asked for once.
    assert [request.status for request in github.requests] == [200, 200, 404, 304, 304]
    github.finish(run)
    assert gh.look_back(PUSH).busy == frozenset()


def test_headers(github: FakeGitHub, gh: GitHub) -> None:
    """Each request says which API it speaks and who we are."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    gh.look_back(PUSH)
    for request in github.requests:
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["accept"] == "application/vnd.github+json"
        assert request.headers["user-agent"].startswith("triggerbot/")


@pytest.mark.parametrize(
    ("status", "error"), [(401, CIDenied), (403, CIDenied), (301, CIDenied), (410, CIUnavailable), (429, CIUnavailable)]
)
def test_errors(github: FakeGitHub, gh: GitHub, status: int, error: type[Exception]) -> None:
    """What GitHub may say instead of a list is told by what can be done about it."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.fail_next(status, "No")
    with pytest.raises(error):
        gh.look_back(PUSH)


def test_passing_error(github: FakeGitHub, gh: GitHub) -> None:
    """A read that fails once is tried again."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.fail_next(502)
    github.fail_next(0)
    assert len(gh.look_back(PUSH).events) == 2


@pytest.mark.parametrize("answer", [{}, [], {"total_count": 1, "workflow_runs": [{"id": "x"}]}, None])
def test_nonsense(github: FakeGitHub, gh: GitHub, answer: Any) -> None:
    """An answer that is not as documented is no answer."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.fail_next(200, answer=answer)
    with pytest.raises(CIUnavailable, match="not as documented"):
        gh.look_back(PUSH)


def test_primary_limit(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """Once the primary limit is used up, nothing is sent before its reset."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.remaining, github.reset = 3, clock.now + 100
    gh.look_back(PUSH)
    sent = len(github.requests)
    for call in (lambda: gh.look_back(PUSH), gh.check):
        with pytest.raises(CIUnavailable) as caught:
            call()
        assert caught.value.after == 100
    assert len(github.requests) == sent
    clock.now += 101
    assert gh.look_back(PUSH).events


def test_primary_limit_refused(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """A 403 because the limit was used up by others is waited out, too."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    github.remaining, github.reset = 0, clock.now + 250
    with pytest.raises(CIUnavailable) as caught:
        gh.look_back(PUSH)
    assert caught.value.after == 250


def test_secondary_limit_grows(github: FakeGitHub, gh: GitHub, clock: Clock) -> None:
    """A secondary limit without a time is waited out for a minute, then two, and so on until a read succeeds."""
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    waits = []
    for _ in range(3):
        github.fail_next(403, "You have exceeded a secondary rate limit")
        with pytest.raises(CIUnavailable) as caught:
            gh.look_back(PUSH)
        waits.append(caught.value.after)
        clock.now += caught.value.after or 0
    assert waits == [60, 120, 240]
    gh.look_back(PUSH)
    github.fail_next(429, "secondary rate limit", {"retry-after": "7"})
    with pytest.raises(CIUnavailable) as caught:
        gh.look_back(PUSH)
    assert caught.value.after == 7


def test_no_sweep(gh: GitHub) -> None:
    """Without repositories in the config there is no sweep."""
    assert gh.recent(0.0) is None


def test_sweep(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """A sweep tells the facts and the jobs of the workflow runs that changed, in all repositories."""
    gh = connect(repositories=["octo/app", "octo/lib"])
    github.add_run("octo/app", "CI", SHA, "main", FAILED, created=clock.now - 7200)
    github.add_run("octo/app", "CI", SHA[::-1], "main", FAILED, created=clock.now - 60)
    github.add_run("octo/lib", "CI", SHA, "dev", {"x": None}, created=clock.now - 60)
    github.add_run("octo/lib", "CI", SHA, None, FAILED)
    heard = gh.recent(clock.now - 3600) or []
    assert [(fact.push.project, fact.settled) for fact in heard if isinstance(fact, PushFacts)] == [
        ("octo/app", True),
        ("octo/lib", False),
    ]
    assert sorted(event.job for event in heard if isinstance(event, Event)) == ["CI / lint", "CI / test", "CI / x"]
    created = github.requests[0].query["created"]
    assert created.startswith(">=20")
    assert created.endswith("Z")


def test_sweep_reads_what_changed(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """The next sweep reads the jobs only of those workflow runs that changed or still run."""
    gh = connect(repositories=["octo/app"])
    done = github.add_run("octo/app", "CI", SHA, "main", FAILED)
    runs = github.add_run("octo/app", "Docs", SHA, "main", {"d": None})
    gh.recent(clock.now - 60)
    before = len(github.requests)
    gh.recent(clock.now - 50)
    assert [f"/{runs}/jobs" in request.path for request in github.requests[before:]] == [False, True]
    rerun(github, gh, github.job(done, "test").id)
    clock.now += 10
    github.finish(done)
    heard = gh.recent(clock.now - 50) or []
    assert len(keys(heard, "CI / test")) == 2


def test_quiet_rounds_cost_nothing(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """Where nothing happens every round asks the same, is answered 304, and does not count; but once an hour."""
    gh = connect(repositories=["octo/app", "octo/lib"])
    for repository in ("octo/app", "octo/lib"):
        github.add_run(repository, "CI", SHA, "main", FAILED, created=clock.now - 600)
    clock.now = clock.now // 3600 * 3600
    gh.recent(clock.now - 360)
    remaining, before = github.remaining, len(github.requests)
    for _ in range(59):
        clock.now += 60
        gh.recent(clock.now - 360)
    assert {request.status for request in github.requests[before:]} == {200, 304}
    assert remaining - github.remaining <= 2
    assert len(github.requests) - before == 59 * 2


def test_polls_leave_a_share_to_reruns(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """With a fifth of the hour left polls wait for the next; look-backs go on."""
    gh = connect(repositories=["octo/app"])
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    gh.recent(clock.now - 60)
    github.remaining, github.reset = 900, clock.now + 1800
    gh.look_back(PUSH)
    with pytest.raises(CIUnavailable) as caught:
        gh.recent(clock.now - 60)
    assert caught.value.after is not None
    assert caught.value.after > 1700
    assert caught.value.healthy
    gh.look_back(PUSH)


def test_long_lists_are_kept_short(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """Of what GitHub lists only that is kept which is read; a list that is answered 304 says the same."""
    gh = connect(repositories=["octo/app"])
    for number in range(200):
        github.add_run("octo/app", "CI", f"{number:040x}", "main", {"t": "success"})
    first = gh.recent(clock.now - 60)
    assert gh.recent(clock.now - 60) == first
    size = sum(len(json.dumps(request.answer)) for request in github.requests if request.status == 200)
    assert gh._client.etags.size < size / 5


def test_sweep_repeats_what_was_lost(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """A sweep tells again what it told before: the caller may have lost it."""
    gh = connect(repositories=["octo/app"])
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    assert gh.recent(clock.now - 60) == gh.recent(clock.now - 50)


@pytest.mark.slow
def test_sweep_past_the_limit_of_a_list(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """GitHub lists a thousand workflow runs at most; the sweep goes on from there."""
    gh = connect(repositories=["octo/app"])
    for number in range(1003):
        github.add_run("octo/app", "CI", f"{number:040x}", "main", {}, created=clock.now - number)
    facts = [fact for fact in gh.recent(0.0) or [] if isinstance(fact, PushFacts)]
    assert len(facts) == len({fact.push for fact in facts}) == 1003


def test_sweep_without_one_repository(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """A repository that may not be read does not keep the others from being swept; if none may, that is an error."""
    gh = connect(repositories=["octo/gone", "octo/app"])
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    assert len(gh.recent(clock.now - 60) or []) == 4
    with pytest.raises(CIDenied):
        connect(repositories=["octo/gone"]).recent(0.0)


def test_sweep_past_a_run_not_understood(github: FakeGitHub, connect: Connect, clock: Clock) -> None:
    """A workflow run that cannot be understood does not keep the others from being told."""
    gh = connect(repositories=["octo/app"])
    github.add_run("octo/app", "CI", "no commit", "main", FAILED)
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    assert len(gh.recent(clock.now - 60) or []) == 4


def test_look_back_not_understood(github: FakeGitHub, gh: GitHub) -> None:
    """A job that cannot be understood is left out, and the look-back says that it is not complete."""
    github.add_run("octo/app", "CI", SHA, "main", {"a\0b": "failure", "lint": "success"})
    back = gh.look_back(PUSH)
    assert [event.job for event in back.events] == ["CI / lint"]
    assert not back.complete
    github.runs.clear()
    github.add_run("octo/app", "CI", SHA, "main", FAILED)
    assert gh.look_back(PUSH).complete
