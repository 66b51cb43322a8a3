"""The annotations of many jobs, read with one query where GitHub answers it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.systems.github.cases import PUSH, SHA
from triggerbot.core.model import Result, Run, RunKey, State
from triggerbot.systems import ListsManyFailures
from triggerbot.systems.github import graphql
from triggerbot.systems.github.system import GitHub

SAID: dict[str, Any] = {"path": "src/a.py", "start_line": 12, "message": "AssertionError: 1 != 2"}


@pytest.fixture
def runs(github: FakeGitHub) -> list[Run]:
    """Let ten jobs fail, each of which says why."""
    number = github.add_run("octo/app", "CI", SHA, "main", {f"test {job}": "failure" for job in range(10)})
    github.finish(number)
    for job in github.runs[number].jobs:
        github.talk.annotations[job.id] = [{"annotation_level": "notice", "message": "hello"}, SAID, {}]
    jobs = github.runs[number].jobs
    return [Run(f"CI / {job.name}", str(job.id), 1, State.FINISHED, None, batch=str(number)) for job in jobs]


def asked(github: FakeGitHub) -> list[str]:
    """List the last words of what was asked."""
    return [one.path.rpartition("/")[2] for one in github.requests]


def test_many_with_one_query(github: FakeGitHub, gh: GitHub, runs: list[Run]) -> None:
    """They are the lines that the REST API gives; what a look-back read is not asked for again."""
    assert isinstance(gh, ListsManyFailures)
    gh.look_back(PUSH)
    found = gh.failures_of(PUSH, runs)
    assert asked(github) == ["runs", "jobs", "ci.yml", "graphql"]
    assert found == {run.key: gh.failures(PUSH, run) for run in runs}
    assert set(found.values()) == {("src/a.py:12: AssertionError: 1 != 2", "Process completed with exit code 1.")}


def test_what_graphql_calls_them_is_read_first(github: FakeGitHub, gh: GitHub, runs: list[Run]) -> None:
    """Where nobody looked yet the jobs are listed; for two it is not worth it."""
    assert gh.failures_of(PUSH, runs[:2]) == {}
    assert asked(github) == []
    assert len(gh.failures_of(PUSH, runs)) == 10
    assert asked(github) == ["jobs", "graphql"]


def test_an_error_of_githubs_own_is_known_before_the_rerun(github: FakeGitHub, gh: GitHub, runs: list[Run]) -> None:
    """Also of a job that failed in a step, where several failed."""
    lost = "The runner has received a shutdown signal."
    for run in runs[:5]:
        github.talk.annotations[int(run.run_id)] = [{"message": lost}]
    ended = {event.run_id: event.result for event in gh.look_back(PUSH).events}
    assert [ended[run.run_id] for run in runs] == [Result.INFRA] * 5 + [Result.FAILURE] * 5


@pytest.mark.parametrize("why", ["an old server", "no permission", "no answer", "nonsense", "an error"])
def test_one_by_one_where_graphql_is_refused(
    github: FakeGitHub, gh: GitHub, runs: list[Run], clock: Clock, why: str
) -> None:
    """What it does not tell has to be asked for one by one; a refusal is remembered for an hour."""
    match why:
        case "an old server":
            github.has_graphql = False
        case "no permission":
            github.granted.clear()
        case "no answer":
            github.fail_next(502, path="graphql")
        case "nonsense":
            github.fail_next(200, path="graphql", answer={"data": {"nodes": [{"annotations": {"nodes": 7}}]}})
        case "an error":
            github.fail_next(
                200, path="graphql", answer={"data": None, "errors": [{"message": "Something went wrong"}]}
            )
    assert gh.failures_of(PUSH, runs) == {}
    github.has_graphql, github.granted = True, {"checks": "read"}
    remembered = why not in ("no answer", "nonsense")
    assert len(gh.failures_of(PUSH, runs)) == (0 if remembered else 10)
    clock.move(3601)
    assert len(gh.failures_of(PUSH, runs)) == 10


def test_a_job_that_graphql_does_not_know(github: FakeGitHub, gh: GitHub, runs: list[Run]) -> None:
    """It is left out, whatever is said of the others."""
    assert gh.failures_of(PUSH, runs[:2]) == {}
    run = github.runs[int(runs[0].batch)]
    run.jobs = run.jobs[1:]
    assert gh.failures_of(PUSH, runs).keys() == {run.key for run in runs[1:]}


def test_limits_of_its_own(github: FakeGitHub, gh: GitHub, runs: list[Run]) -> None:
    """What GraphQL counts is no limit of the REST API, nor the other way round."""
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000", "x-ratelimit-reset": "1795003000"}
    github.fail_next(200, path="graphql", answer={"data": None, "errors": [{"type": "RATE_LIMITED"}]}, headers=spent)
    assert gh.failures_of(PUSH, runs) == {}
    assert gh.look_back(PUSH).events


def test_its_address() -> None:
    """It is beside the REST API's."""
    assert graphql.address("https://api.github.com") == "https://api.github.com"
    assert graphql.address("https://github.example.org/api/v3/") == "https://github.example.org/api"


def test_names_that_are_none_of_githubs(github: FakeGitHub, gh: GitHub, runs: list[Run]) -> None:
    """Nothing is asked."""
    odd = [Run("CI / x", "1", 1, State.FINISHED, None, batch=batch) for batch in ("", "../1", "x")]
    assert gh.failures_of(PUSH, odd) == {}
    assert gh.failures_of(PUSH._replace(project="../.."), runs) == {}
    assert github.requests == []


def test_as_an_app(github: FakeGitHub, connect: Callable[..., GitHub], app: object, runs: list[Run]) -> None:
    """An App asks with the permissions that reports have."""
    system = connect(app=app)
    system.look_back(PUSH)
    assert len(system.failures_of(PUSH, runs)) == 10
    assert RunKey("1", 1) not in system.failures_of(PUSH, runs)
