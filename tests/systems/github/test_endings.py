"""What the end of a job or workflow run at GitHub proves, from the webhook to the health of the push."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.world import World
from tests.systems.github.cases import PUSH, SHA
from triggerbot.core.model import ClaimState, Event, Kind, Refusal, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict, Verdict
from triggerbot.reports.judge import Judge
from triggerbot.systems.github import endings
from triggerbot.systems.github.system import GitHub

RULE = Rule(Globs(["octo/*"]))
LOST = (
    "The self-hosted runner: pool-7 lost communication with the server. Verify the machine is running and has a "
    "healthy network connection."
)
SHUTDOWN = "The runner has received a shutdown signal. This can happen when the runner service is stopped."
TOO_LONG = "The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 10 minutes."


class Bench:
    """A world with one GitHub, told of it by webhooks or by polling."""

    def __init__(self, path: Path, github: FakeGitHub, gh: GitHub, clock: Clock, *, polls: bool, rule: Rule) -> None:
        self.github, self.gh, self.clock, self.polls = github, gh, clock, polls
        self.world = World(path, {"gh": gh}, [rule], clock)  # type: ignore[arg-type]
        self.judge = Judge(self.world.store, clock, rules=[rule], fresh=0.0)

    def run(self, jobs: dict[str, str | None], **more: Any) -> int:
        """Let GitHub make a workflow run that has ended a while ago."""
        return self.github.add_run("octo/app", "CI", SHA, "main", jobs, created=self.clock.now - 3600, **more)

    def hear(self, run: int, *jobs: str, last: bool = True) -> None:
        """Learn of these jobs, and of the end of the run, as it is now; and do what follows."""
        if self.polls:
            found = self.gh.recent(self.clock.now - 86_000)
            assert found is not None
            self.world.hear(*found)
        else:
            told = [("workflow_job", name) for name in jobs] + [("workflow_run", "")] * last
            for kind, name in told:
                self.world.hear(*self.gh.parse(*self.github.webhook(kind, run, job=name)))
        self.world.pass_time(120)

    def judged(self) -> PushVerdict:
        """Judge the push as reports do, failure lines first."""
        self.world.publish(self.world.publisher())
        record = self.world.store.record(PUSH)
        assert record is not None
        return self.judge.judge(record)

    def job(self, name: str) -> JobVerdict:
        """Judge one job."""
        return next(job for job in self.judged().jobs if job.job == name)

    @property
    def reruns(self) -> list[str]:
        """What was asked for, without the number."""
        return [post.path.split("/actions/")[1] for post in self.github.posts]


@pytest.fixture(params=["webhooks", "polls"])
def make_bench(
    request: pytest.FixtureRequest, tmp_path: Path, github: FakeGitHub, connect: Callable[..., GitHub], clock: Clock
) -> Iterator[Callable[..., Bench]]:
    """Make benches that learn by webhooks, and others that learn by polling alone."""
    made: list[Bench] = []

    def make(rule: Rule = RULE) -> Bench:
        gh = connect(repositories=["octo/app"])
        bench = Bench(tmp_path / "state.db", github, gh, clock, polls=request.param == "polls", rule=rule)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.world.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """Have the usual rule."""
    return make_bench()


# -- workflow runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conclusion", ["startup_failure", "stale", "never heard of"])
def test_a_workflow_that_ends_in_no_job_fails(bench: Bench, conclusion: str) -> None:
    """It is an entry of its own, named after the workflow, and no rule covers it that does not say so."""
    bench.run({"test": "success"})
    run = bench.run({}, came_to=conclusion)
    bench.hear(run)

    entry = bench.job("CI")
    assert (entry.verdict, entry.runs[0].kind, entry.runs[0].batch) == (Verdict.FAILED, Kind.WORKFLOW, str(run))
    assert entry.runs[0].failures == (f"the workflow run ended as {conclusion}",)
    assert bench.judged().health is Health.FAILING
    assert [one.reason for one in bench.world.store.timeline(PUSH) if one.what == "refuse"] == [Refusal.KIND_EXCLUDED]
    assert bench.reruns == []


def test_a_workflow_is_rerun_as_a_whole_where_a_rule_says_so(make_bench: Callable[..., Bench]) -> None:
    """It started at last: the failure was intermittent, and its jobs are judged."""
    bench = make_bench(Rule(Globs(["octo/*"]), kinds=frozenset({"test", "workflow"})))
    run = bench.run({}, came_to="startup_failure")
    bench.hear(run)
    assert bench.reruns == [f"runs/{run}/rerun"]
    bench.github.finish(run)
    bench.hear(run, "first")

    assert {job.job: job.verdict for job in bench.judged().jobs} == {
        "CI": Verdict.INTERMITTENT, "CI / first": Verdict.PASSED,
    }  # fmt: skip
    assert (bench.judged().health, bench.judged().final) == (Health.GOOD, True)
    bench.world.pass_time(7200)
    assert bench.reruns == [f"runs/{run}/rerun"]


def test_a_workflow_that_somebody_has_to_approve_is_pending(bench: Bench) -> None:
    """Approved, it goes on in the same attempt, and its jobs tell the rest."""
    run = bench.run({}, came_to="action_required")
    bench.hear(run)
    assert (bench.job("CI").verdict, bench.judged().health) == (Verdict.PENDING, Health.PENDING)

    bench.github.runs[run].came_to = None
    bench.github.add_job(run, "test")
    bench.github.finish(run)
    bench.hear(run, "test")

    assert [job.job for job in bench.judged().jobs if not job.hidden] == ["CI / test"]
    assert (bench.judged().health, bench.judged().final) == (Health.GOOD, True)


@pytest.mark.parametrize(
    ("came_to", "jobs", "result"),
    [
        ("cancelled", {}, Result.CANCELLED), ("failure", {}, Result.FAILURE), ("timed_out", {}, Result.TIMED_OUT),
        ("failure", {"test": "success"}, Result.FAILURE), ("cancelled", {"test": "success"}, Result.CANCELLED),
        ("cancelled", {"test": "cancelled"}, None), ("failure", {"test": "failure", "lint": "success"}, None),
        ("success", {}, None), ("skipped", {}, None), ("neutral", {"test": "skipped"}, None),
        ("startup_failure", {"test": "failure"}, None),
    ],
)  # fmt: skip
def test_a_workflow_is_told_of_where_its_jobs_do_not_explain_its_end(
    github: FakeGitHub, gh: GitHub, came_to: str, jobs: dict[str, str | None], result: Result | None
) -> None:
    """With the list of its jobs: a job that failed, or was cancelled with the run, says enough."""
    run = github.add_run("octo/app", "CI", SHA, "main", jobs, came_to=came_to)
    found = [event for event in gh.look_back(PUSH).events if event.kind is Kind.WORKFLOW]
    assert [event.result for event in found] == ([] if result is None else [result])
    assert all((event.job, event.run_id, event.batch) == ("CI", str(run), str(run)) for event in found)


def test_what_was_cancelled_before_any_job_is_not_good(bench: Bench) -> None:
    """Whoever cancelled it: nothing of it ran."""
    bench.run({"test": "failure"}, outcomes={"test": ["success"]})
    other = bench.github.add_run("octo/app", "Docs", SHA, "main", {}, came_to="cancelled")
    bench.hear(next(iter(bench.github.runs)), "test")
    bench.github.finish(next(iter(bench.github.runs)))
    bench.hear(next(iter(bench.github.runs)), "test")

    assert bench.job("Docs").verdict is None
    assert bench.job("Docs").runs[0].run_id == str(other)
    assert bench.judged().health is Health.INCOMPLETE
    assert bench.judged().sentence == "1 is intermittent, 1 job did not finish; nothing more is to come"


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        ({}, "1 passed, 1 job did not finish; nothing more is to come"),
        ({"test": "cancelled"}, "1 passed, 1 job did not finish; nothing more is to come"),
        ({"test": "success", "slow": "cancelled"}, "2 passed, 1 job did not finish; nothing more is to come"),
        ({"test": "success"}, "2 passed, 1 job did not finish; nothing more is to come"),
        ({"test": "failure"}, "1 job failed once, 1 passed"),
    ],
)
def test_a_cancelled_workflow_is_told_of_once(
    make_bench: Callable[..., Bench], jobs: dict[str, str | None], sentence: str
) -> None:
    """By itself, or by those of its jobs that did not finish; in whatever order they are heard of."""
    bench = make_bench(Rule(Globs(["octo/*"]), retries=0))
    other = bench.github.add_run("octo/app", "Docs", SHA, "main", {"build": "success"})
    run = bench.run(jobs, came_to="cancelled")
    bench.hear(other, "build")
    bench.hear(run)
    bench.hear(run, *jobs)

    assert bench.judged().sentence == sentence
    assert bench.judged().health is (Health.FAILING if "failed" in sentence else Health.INCOMPLETE)


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
    claim = bench.world.claim(PUSH, "CI / lint")
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
        assert bench.world.claims(PUSH).get("CI / test") is None or not bench.world.claim(PUSH, "CI / test").asked


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


def test_jobs_that_were_cancelled_together_are_asked_about_once(github: FakeGitHub, gh: GitHub) -> None:
    """A push that cancels a run of a hundred jobs costs one request."""
    run = github.add_run("octo/app", "CI", SHA, "main", {f"test {number}": "cancelled" for number in range(100)})
    for job in github.runs[run].jobs:
        job.completed = (job.started or 0.0) + 100
    for _ in range(2):
        assert {event.result for event in gh.look_back(PUSH).events} == {Result.CANCELLED}
    assert len([one for one in github.requests if one.path.endswith("/annotations")]) == 1


def test_the_table_names_what_it_knows() -> None:
    """Each row of the table in the documentation of the module is one that is recognised."""
    table = (endings.__doc__ or "").split("\n=====")[2].splitlines()[1:]
    rows = [line.split("  ")[0] for line in table]
    assert len(rows) == 9
    for words in rows:
        found = endings.by_annotations(Result.CANCELLED, [f"x {words} y"])
        assert found is (Result.TIMED_OUT if words.startswith("exceeded") else Result.INFRA), words


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
