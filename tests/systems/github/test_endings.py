"""What the end of a job at GitHub proves, from the webhook to the health of the push."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.github import FakeGitHub
from tests.systems.github.cases import PUSH, SHA
from tests.systems.github.desk import A, Desk
from tests.systems.github.ends import Bench
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Event, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.reports.judge import Judge
from triggerbot.systems.github import endings
from triggerbot.systems.github.system import GitHub

LOST = (
    "The self-hosted runner: pool-7 lost communication with the server. Verify the machine is running and has a "
    "healthy network connection."
)
SHUTDOWN = "The runner has received a shutdown signal. This can happen when the runner service is stopped."
TOO_LONG = "The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 10 minutes."


# -- continue-on-error ------------------------------------------------------------------------------------------------


def test_a_failed_job_of_a_run_that_succeeded_is_allowed_to_fail(bench: Bench) -> None:
    """Known once the run has ended: what was decided before is dropped, and nothing was spent."""
    run = bench.run({"test": None, "lint": "failure"})
    bench.hear(run, "lint", last=False)
    bench.github.finish(run, {"test": "success"})
    bench.github.runs[run].came_to = "success"
    bench.hear(run, "test")

    assert (bench.job("CI / lint").hidden, bench.job("CI / lint").verdict) == (True, Verdict.FAILED)
    assert bench.judged().sentence == "1 passed, 1 hidden job fails"
    assert bench.judged().health is Health.GOOD
    claim = bench.world.claim(PUSH, "CI / lint (push)")
    assert (claim.state, claim.refusal, bench.reruns) == (ClaimState.REFUSED, Refusal.HIDDEN, [])


def test_a_failure_that_a_rerun_mended_is_not_allowed(github: FakeGitHub, gh: GitHub) -> None:
    """The run is a success in its second attempt, for what failed in the first has passed; what still fails may."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure", "lint": "failure"})
    github.rerun(run, "test")
    github.finish(run)
    github.runs[run].came_to = "success"
    events = {(event.job, event.attempt): event.allowed_to_fail for event in gh.look_back(PUSH).events}
    jobs = {key: allowed for key, allowed in events.items() if key[0] != "CI"}
    assert jobs == {("CI / test", 1): False, ("CI / test", 2): False, ("CI / lint", 1): True}


# -- errors of GitHub's own -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conclusion", "steps", "said", "result"),
    [
        ("failure", ["success", None], [], Result.INFRA),
        ("failure", ["success", "cancelled"], [], Result.INFRA),
        ("failure", [], [LOST], Result.INFRA),
        ("failure", [], [], Result.FAILURE),
        ("failure", ["success", "failure"], [SHUTDOWN, "Process completed with exit code 143."], Result.INFRA),
        ("failure", ["success", "failure"], ["Process completed with exit code 1."], Result.FAILURE),
        ("cancelled", ["success", "cancelled"], [SHUTDOWN, "The operation was canceled."], Result.INFRA),
        ("cancelled", ["success", "cancelled"], [TOO_LONG, "The operation was canceled."], Result.TIMED_OUT),
        ("cancelled", ["success", "cancelled"], ["The operation was canceled."], Result.CANCELLED),
    ],
)  # fmt: skip
def test_what_github_says_of_a_job_tells_how_it_ended(
    bench: Bench, conclusion: str, steps: list[str | None], said: list[str], result: Result
) -> None:
    """Its steps, and its annotations; where they tell nothing the conclusion holds."""
    run = bench.run({"test": conclusion, "other": "failure"}, outcomes={"other": ["failure"] * 9})
    job = bench.github.job(run, "test")
    job.steps = steps
    job.completed = (job.started or 0.0) + 600
    bench.github.talk.annotations[job.id] = [{"message": text} for text in said]
    bench.hear(run, "test", "other")

    verdict = bench.job("CI / test")
    assert verdict.runs[0].result is result
    if result is Result.INFRA and "failure" not in steps:  # else it is known when the failure lines are read
        assert f"jobs/{job.id}/rerun" not in bench.reruns
        assert (
            bench.world.claims(PUSH).get("CI / test (push)") is None
            or not bench.world.claim(PUSH, "CI / test (push)").asked
        )


@pytest.mark.parametrize("others", [0, 60])
def test_a_job_that_took_too_long_is_found_where_nothing_failed(bench: Bench, others: int) -> None:
    """One that was cancelled is asked about with the failure lines; of those that ended together one will do."""
    jobs: dict[str, str | None] = {f"test {number}": "cancelled" for number in range(others)}
    run = bench.run({"slow": "cancelled", **jobs})
    for job in bench.github.runs[run].jobs:
        job.completed = (job.started or 0.0) + (600 if job.name == "slow" else 300)
    bench.github.talk.annotations[bench.github.job(run, "slow").id] = [{"message": TOO_LONG}]
    bench.hear(run, "slow", *jobs)

    assert bench.job("CI / slow").runs[0].result is Result.TIMED_OUT
    for _ in range(3):
        assert bench.judged().health is Health.INCOMPLETE
    read = [one for one in bench.github.requests if one.path.endswith("/annotations")]
    assert len(read) <= 1 + (others > 0) + bench.polls


def test_an_error_of_githubs_own_is_retriggered_by_rule_and_counts_for_nothing(
    make_bench: Callable[..., Bench],
) -> None:
    """The passing rerun is the first run that proves something."""
    bench = make_bench(Rule(Globs(["octo/*"]), results=frozenset({"failure", "infra"})))
    run = bench.run({"test": "failure"})
    job = bench.github.job(run, "test")
    job.steps = ["success", None]
    bench.hear(run, "test")
    assert bench.reruns == [f"jobs/{job.id}/rerun"]
    bench.github.finish(run)
    bench.hear(run, "test")

    assert bench.job("CI / test").verdict is Verdict.PASSED
    assert bench.judged().health is Health.GOOD


def test_without_the_permission_the_conclusion_holds(bench: Bench) -> None:
    """Annotations need `checks: read`."""
    bench.github.granted = {}
    run = bench.run({"test": "failure"})
    bench.github.job(run, "test").steps = []
    bench.hear(run, "test")
    assert bench.job("CI / test").runs[0].result is Result.FAILURE


@pytest.mark.parametrize(("minutes", "result"), [(359, "cancelled"), (360.2, "timed_out"), (400, "cancelled")])
def test_a_job_that_was_cancelled_after_six_hours_took_too_long(bench: Bench, minutes: float, result: str) -> None:
    """Six hours are GitHub's limit where a workflow names none."""
    run = bench.github.add_run("octo/app", "CI", SHA, "main", {"test": "cancelled"}, created=bench.clock.now - 30_000)
    job = bench.github.job(run, "test")
    job.completed = (job.started or 0.0) + minutes * 60
    bench.hear(run, "test")
    assert bench.job("CI / test").runs[0].result == result


@pytest.mark.parametrize("graphql", [True, False])
def test_jobs_that_were_cancelled_together_are_asked_about_once(github: FakeGitHub, gh: GitHub, graphql: bool) -> None:
    """A push that cancels a run of a hundred jobs costs one request, and one more where GitHub has no GraphQL."""
    github.has_graphql = graphql
    run = github.add_run("octo/app", "CI", SHA, "main", {f"test {number}": "cancelled" for number in range(100)})
    for job in github.runs[run].jobs:
        job.completed = (job.started or 0.0) + 100
    for _ in range(2):
        assert {event.result for event in gh.look_back(PUSH).events} == {Result.CANCELLED}
    asked = [one.path.rpartition("/")[2] for one in github.requests if not one.path.endswith(("/runs", "/jobs"))]
    assert asked == (["ci.yml", "graphql"] if graphql else ["ci.yml", "graphql", "annotations"])


def test_the_table_names_what_it_knows() -> None:
    """Each row of the table in the documentation of the module is one that is recognised."""
    table = (endings.__doc__ or "").split("\n=====")[2].splitlines()[1:]
    rows = [line.split("  ")[0] for line in table]
    assert len(rows) == 11
    for words in rows[:-2]:
        found = endings.by_annotations(Result.CANCELLED, [f"x {words} y"])
        assert found is (Result.TIMED_OUT if words.startswith("exceeded") else Result.INFRA), words
        assert not endings.says_stopped([words])
    for words in rows[-2:]:
        assert endings.by_annotations(Result.CANCELLED, [words]) is Result.CANCELLED
        assert endings.says_stopped([f"x {words} y"])


# -- attempts ---------------------------------------------------------------------------------------------------------


def test_no_run_comes_of_a_job_that_a_completed_attempt_does_not_have(bench: Bench) -> None:
    """A rerun renames it: nothing is pending for a day, and nothing more is asked of a name that is gone."""
    run = bench.run({"e2e": "failure"})
    bench.github.runs[run].renames = {"e2e": "e2e / run"}
    bench.hear(run, "e2e")
    assert len(bench.reruns) == 1
    bench.github.finish(run)
    bench.hear(run, "e2e / run")

    e2e = bench.job("CI / e2e")
    assert (e2e.verdict, e2e.awaited, bench.job("CI / e2e / run").verdict) == (Verdict.FAILED, 0, Verdict.PASSED)
    assert [run.result for run in e2e.runs] == [Result.FAILURE, Result.SKIPPED]
    assert bench.judged().final
    bench.world.pass_time(7200)
    assert len(bench.reruns) == 1


def test_no_run_comes_of_a_job_that_was_listed_until_it_was_renamed(desk: Desk) -> None:
    """While it waits for a machine a rerun has the name of before; then the reusable workflow of that name starts."""
    run = desk.run(A, {"e2e": "failure"})
    desk.pushed(run)
    desk.ended(run, "e2e")
    desk.settle(100)
    waits = desk.github.job(run, "e2e")
    if not desk.polls:
        desk.tell("workflow_job", run, job="e2e", action="queued")
    desk.github.runs[run].jobs.remove(waits)
    desk.github.runs[run].jobs.append(replace(waits, id=waits.id + 500, name="e2e / run"))
    desk.github.finish(run)
    desk.world.clock.move(60)
    desk.ended(run, "e2e / run")
    desk.settle(700)

    record = desk.world.store.pushes.record(PUSH._replace(branch="topic", revision=A))
    assert record is not None
    judged = Judge(desk.world.store, desk.world.clock, fresh=0.0).judge(record)
    found = {job.job: (job.verdict, job.awaited) for job in judged.jobs if "e2e" in job.job}
    assert found == {"CI / e2e (push)": (Verdict.FAILED, 0), "CI / e2e / run (push)": (Verdict.PASSED, 0)}
    assert judged.final
    assert len(desk.reruns) == 1


@pytest.mark.parametrize("last", ["lint", "doc"])
def test_what_is_carried_over_in_the_second_of_its_end_is_no_run(bench: Bench, last: str) -> None:
    """The next attempt is created in the second in which the last job of the one before ended."""
    run = bench.run({"test": "failure", "lint": "success", "doc": "success"})
    bench.world.hear(*bench.gh.parse(*bench.github.webhook("workflow_job", run, job=last)))
    end = bench.github.job(run, last).completed = bench.clock.now
    bench.github.rerun(run, "test")
    assert bench.github.job(run, last).created == end
    bench.github.finish(run, {"test": "success"})
    bench.hear(run, "test", "lint", "doc")

    assert len(bench.job(f"CI / {last}").runs) == 1


def test_a_job_that_runs_for_less_than_a_second_is_a_run(gh: GitHub, github: FakeGitHub) -> None:
    """It began when it was created: it is not carried over."""
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    github.rerun(run, "test")
    job = github.job(run, "test")
    job.status, job.conclusion, job.started, job.completed = "completed", "skipped", job.created, job.created
    [event] = [one for one in gh.parse(*github.webhook("workflow_job", run, job="test")) if isinstance(one, Event)]
    assert (event.state, event.result, event.attempt) == (State.FINISHED, Result.SKIPPED, 2)
