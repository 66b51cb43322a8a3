"""The shape of a workflow at GitHub, from its file to the rerun: gates, deployments, what may fail, and time limits."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.github.workflows import TOO_LONG, Play
from tests.systems.github.cases import PUSH, SHA
from tests.systems.github.ends import Bench
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Result
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.never_start import NeverStart
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict

ONE = Rule(Globs(["octo/*"]), retries=1, budget=Budget(percent=0, floor=1))
GATED = """
name: CI
on: push
jobs:
  test:
    strategy: {fail-fast: false, matrix: {n: [1, 2]}}
  docs: {}
  gate:
    needs: [test, docs]
    if: always()
    steps: [{run: "test '${{ contains(needs.*.result, 'failure') }}' = false"}]
"""
TEST, GATE = "CI / test (2) (push)", "CI / gate (push)"


class Stage:
    """A bench on which workflow files run."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.play = Play(bench.github)

    def start(self, text: str, *heard: str, **ends: list[str]) -> int:
        """Run a workflow, and hear of these jobs in this order; `ends`: of jobs that do not just pass."""
        names = {"test_2": "test (2)", "test_1": "test (1)"}
        run = self.play.start(
            "octo/app", text, SHA, "main", ends={names.get(job, job): found for job, found in ends.items()}
        )
        self.bench.hear(run, *(heard or [job.name for job in self.bench.github.runs[run].current()]))
        return run

    def go_on(self, run: int, *heard: str) -> None:
        """Let what was rerun end, and hear of it."""
        self.bench.clock.move(300)
        self.play.go_on(run)
        self.bench.hear(run, *(heard or [job.name for job in self.bench.github.runs[run].current()]))

    def refusal(self, job: str) -> tuple[Refusal | None, str]:
        """Why a job is left alone."""
        claim = self.bench.world.claim(PUSH, job)
        return claim.refusal, claim.note


@pytest.fixture
def stage(make_bench: Callable[..., Bench]) -> Stage:
    """Have a rule with one retrigger, and a budget of two jobs."""
    return Stage(make_bench(ONE))


@pytest.mark.parametrize("first", [True, False])
def test_a_gate_follows_from_the_job_that_failed(stage: Stage, first: bool) -> None:
    """Reported first or last: all failed jobs are rerun together, as the gate does not stand against that."""
    order = ["gate", "test (2)", "test (1)", "docs"]
    run = stage.start(GATED, *(order if first else order[::-1]), test_2=["failure", "success"])
    assert stage.bench.reruns == [f"runs/{run}/rerun-failed-jobs"]
    assert stage.refusal(GATE) == (Refusal.DERIVED, "follows from `CI / test (2) (push)`")
    assert (stage.bench.job("CI / gate").verdict, stage.bench.judged().health) == (None, Health.PENDING)
    stage.go_on(run)
    judged = {job.job: job.verdict for job in stage.bench.judged().jobs}
    assert (judged[TEST], judged[GATE]) == (Verdict.INTERMITTENT, Verdict.PASSED)
    assert stage.bench.judged().health is Health.GOOD
    assert len(stage.bench.reruns) == 1


def test_a_gate_that_failed_again_with_its_need_is_left_alone(stage: Stage) -> None:
    """At a later attempt as at the first; it counts as no failing job, and uses no budget."""
    run = stage.start(GATED, test_2=["failure", "failure"])
    stage.go_on(run)
    assert stage.refusal(GATE)[0] is Refusal.DERIVED
    judged = stage.bench.judged()
    assert (judged.health, judged.sentence) == (
        Health.FAILING, "1 job fails every time, 1 follows from another, 2 passed",
    )  # fmt: skip
    gate = stage.bench.job("CI / gate")
    assert (gate.verdict, gate.why) == (None, "follows from `CI / test (2) (push)`")
    assert len(stage.bench.reruns) == 1
    record = stage.bench.world.store.pushes.record(PUSH)
    assert record is not None
    assert record.spent == 1


def test_a_gate_that_fails_by_itself_is_retriggered(stage: Stage) -> None:
    """Though all that it needs passed: at the first attempt."""
    run = stage.start(GATED, gate=["failure", "success"])
    assert stage.bench.reruns == [f"jobs/{stage.bench.github.job(run, 'gate', 1).id}/rerun"]
    stage.go_on(run)
    assert stage.bench.job("CI / gate").verdict is Verdict.INTERMITTENT


def test_a_gate_that_fails_by_itself_later_is_retriggered(stage: Stage) -> None:
    """What followed from another at first counts as no run of it."""
    run = stage.start(GATED, test_2=["failure", "success"], gate=["failure", "success"])
    stage.go_on(run)
    assert [path.rpartition("/")[2] for path in stage.bench.reruns] == ["rerun-failed-jobs", "rerun"]
    stage.go_on(run)
    assert stage.bench.job("CI / gate").verdict is Verdict.INTERMITTENT
    assert stage.bench.judged().health is Health.GOOD


def test_fail_fast_and_a_gate_go_together(stage: Stage) -> None:
    """One failed, the others were cancelled, the gate failed with them: one rerun of all of these."""
    run = stage.start(GATED.replace("fail-fast: false, ", ""), test_2=["failure"])
    assert stage.bench.github.job(run, "test (1)", 1).conclusion == "cancelled"
    assert stage.bench.reruns == [f"runs/{run}/rerun-failed-jobs"]
    stage.go_on(run)
    assert stage.bench.judged().health is Health.GOOD


CALLED = """
on: workflow_call
jobs:
  unit: {strategy: {fail-fast: false, matrix: {n: [1, 2]}}}
  last: {needs: unit}
"""


def test_called_workflows_are_followed(stage: Stage) -> None:
    """A job of a called workflow needs what its caller needs; who needs the call needs all of its jobs."""
    stage.bench.github.contents.write("octo/app", ".github/workflows/called.yml", CALLED)
    text = """
name: CI
jobs:
  first: {}
  inner: {needs: first, uses: ./.github/workflows/called.yml}
  gate: {needs: inner, if: always()}
"""
    github = stage.bench.github
    github.contents.write("octo/app", ".github/workflows/ci.yml", text)
    ends: dict[str, str | None] = {
        "first": "success", "inner / unit (1)": "success", "inner / unit (2)": "failure", "inner / last": "skipped",
        "gate": "failure",
    }  # fmt: skip
    created, path = stage.bench.clock.now - 3600, ".github/workflows/ci.yml"
    run = github.add_run("octo/app", "CI", SHA, "main", ends, path=path, created=created)
    needs = {event.job: event.needs for event in stage.bench.gh.look_back(PUSH).events}
    assert needs == {
        "CI / first": (),
        "CI / inner / unit (1)": ("CI / first",),
        "CI / inner / unit (2)": ("CI / first",),
        "CI / inner / last": ("CI / inner / unit (2)", "CI / inner / unit (1)", "CI / first"),
        "CI / gate": ("CI / inner / unit (2)", "CI / inner / last", "CI / inner / unit (1)"),
    }
    stage.bench.hear(run, "gate", "inner / unit (2)")
    assert stage.refusal(GATE) == (Refusal.DERIVED, "follows from `CI / inner / unit (2) (push)`")


# -- what must not be started -----------------------------------------------------------------------------------------

DEPLOYING = """
name: CI
jobs:
  test: {}
  lint: {}
  package: {needs: test}
  ship: {needs: [package], environment: production}
"""


def test_a_rerun_that_would_deploy_is_refused(stage: Stage) -> None:
    """By its environment, whatever it is called; another failure is rerun alone, not with all that failed."""
    run = stage.start(DEPLOYING, test=["failure"], lint=["failure"])
    assert stage.refusal("CI / test (push)") == (
        Refusal.STARTS_EXCLUDED, "it would start `CI / ship (push)`, which `never_start` forbids",
    )  # fmt: skip
    assert stage.bench.reruns == [f"jobs/{stage.bench.github.job(run, 'lint', 1).id}/rerun"]


def test_own_patterns_say_what_must_not_be_started(make_bench: Callable[..., Bench]) -> None:
    """An environment means nothing then."""
    stage = Stage(make_bench(Rule(Globs(["octo/*"]), retries=1, never_start=NeverStart(("*lint*",)))))
    run = stage.start(DEPLOYING, test=["failure"], lint=["failure"])
    assert stage.refusal("CI / lint (push)")[0] is Refusal.STARTS_EXCLUDED
    assert stage.bench.reruns == [f"jobs/{stage.bench.github.job(run, 'test', 1).id}/rerun"]


def test_a_failed_deployment_is_no_test(stage: Stage) -> None:
    """A job with an environment is not retriggered for its own failure."""
    stage.start(DEPLOYING, ship=["failure"])
    assert stage.refusal("CI / ship (push)")[0] is Refusal.STARTS_EXCLUDED
    assert stage.bench.reruns == []


def test_a_job_that_only_sounds_like_one_is_retriggered(stage: Stage) -> None:
    """`test (release)` releases nothing."""
    run = stage.start(
        "name: CI\njobs: {test: {strategy: {matrix: {profile: [release]}}}}", **{"test (release)": ["failure"]}
    )
    assert stage.bench.reruns == [f"jobs/{stage.bench.github.job(run, 'test (release)', 1).id}/rerun"]


def test_the_whole_run_is_not_rerun_if_that_deploys(make_bench: Callable[..., Bench]) -> None:
    """What most jobs are asked for is asked for one by one then."""
    stage = Stage(make_bench(Rule(Globs(["octo/*"]), requested_default=True)))
    text = "name: CI\njobs: {a: {}, b: {}, c: {}, d: {}, ship: {environment: x}}"
    run = stage.play.start("octo/app", text, SHA, "main", message="try: --rebuild 1")
    stage.bench.hear(run, "a", "b", "c", "d")
    assert [path.partition("/")[0] for path in stage.bench.reruns] == ["jobs"]


# -- how jobs may end -------------------------------------------------------------------------------------------------


def test_what_the_file_allows_to_fail_is_hidden(stage: Stage) -> None:
    """Even where another job makes the run a failure."""
    text = "name: CI\njobs: {fuzz: {continue-on-error: true}, test: {}, gate: {needs: [fuzz], if: always()}}"
    stage.start(text, fuzz=["failure"], test=["failure"])
    assert stage.refusal("CI / fuzz (push)")[0] is Refusal.HIDDEN
    assert stage.bench.job("CI / fuzz").hidden
    assert len(stage.bench.reruns) == 1


def test_a_job_over_its_time_limit_timed_out(make_bench: Callable[..., Bench]) -> None:
    """By the file alone, without a word of GitHub's; a shorter one was cancelled by somebody."""
    stage = Stage(make_bench(Rule(Globs(["octo/*"]), results=frozenset({"failure", "timed_out"}))))
    text = "name: CI\njobs: {slow: {timeout-minutes: 10}, quick: {timeout-minutes: 10}, test: {}}"
    stage.start(text, slow=[TOO_LONG], quick=["cancelled"], test=["failure"])
    record = stage.bench.world.store.pushes.record(PUSH)
    assert record is not None
    ends = {job.job: job.runs[0].result for job in record.jobs if job.job.startswith("CI / ")}
    assert (ends["CI / slow (push)"], ends["CI / quick (push)"]) == (Result.TIMED_OUT, Result.CANCELLED)


# -- files that cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("gone", "the token may not read contents (`contents: read`)"),
        ("denied", "it needs the permission `contents: read`"),
        ("bad", "it was not understood: it has no jobs"),
        ("large", "it was not understood: it is too large"),
    ],
)
def test_without_the_file_each_job_counts_by_itself(stage: Stage, trouble: str, why: str) -> None:
    """As if nothing needed anything; `explain` says so."""
    run = stage.play.start("octo/app", GATED, SHA, "main", ends={"test (2)": ["failure", "failure"]})
    path, github = ".github/workflows/ci.yml", stage.bench.github
    match trouble:
        case "gone":
            github.contents.files.clear()
        case "denied":
            github.granted["contents"] = ""
        case "bad":
            github.contents.write("octo/app", path, "on: push", SHA)
        case "large":
            github.contents.write("octo/app", path, "#" * 1_000_001, SHA)
    stage.bench.hear(run, "test (2)", "gate")
    claims = stage.bench.world.claims(PUSH)
    assert {job: claim.state for job, claim in claims.items()} == {TEST: ClaimState.DONE, GATE: ClaimState.DONE}
    assert why in stage.bench.world.store.facts.metadata(PUSH)["unread"]


def test_a_gate_whose_attempts_are_heard_all_at_once(stage: Stage) -> None:
    """It followed from another at first, and failed by itself after somebody reran that."""
    run = stage.play.start(
        "octo/app", GATED, SHA, "main", ends={"test (2)": ["failure"], "gate": ["failure", "success"]}
    )
    stage.bench.github.rerun(run, "test (2)", "gate")
    stage.bench.clock.move(300)
    stage.play.go_on(run)
    told = [("gate", 1), ("test (2)", 1), ("gate", 2), ("test (2)", 2)]
    bench = stage.bench
    for name, attempt in told:
        body = bench.github.webhook("workflow_job", run, job=name, attempt=attempt)
        bench.world.hear(*bench.gh.parse(*body))
    bench.hear(run)
    assert bench.reruns == [f"jobs/{bench.github.job(run, 'gate', 2).id}/rerun"]


def test_a_time_limit_is_known_without_any_failure(make_bench: Callable[..., Bench]) -> None:
    """Where one polls: it is retriggered by rule, though nothing else failed."""
    stage = Stage(make_bench(Rule(Globs(["octo/*"]), retries=1, results=frozenset({"timed_out"}))))
    run = stage.start("name: CI\njobs: {slow: {timeout-minutes: 10}, test: {}}", slow=[TOO_LONG])
    asked = [one for one in stage.bench.github.requests if "/annotations" in one.path]
    if stage.bench.polls:
        assert stage.bench.reruns == [f"jobs/{stage.bench.github.job(run, 'slow', 1).id}/rerun"]
        assert asked == []


def test_what_is_no_workflow_cannot_start(make_bench: Callable[..., Bench]) -> None:
    """It is an entry of its own, rerun as a whole by rule; what its file needs is not known."""
    stage = Stage(make_bench(Rule(Globs(["octo/*"]), retries=1, kinds=frozenset({"test", "workflow"}))))
    run = stage.start("on: push\n")
    assert stage.bench.reruns == [f"runs/{run}/rerun"]
    assert "it has no jobs" in stage.bench.world.store.facts.metadata(PUSH)["unread"]


def test_a_job_that_does_not_run_again_explains_the_run_that_does(stage: Stage) -> None:
    """The run ends as cancelled once more, though what ran in that attempt passed: the job of the first says why."""
    text = "name: CI\non: push\njobs:\n  slow: {timeout-minutes: 10}\n  lint: {}\n"
    run = stage.start(text, slow=[TOO_LONG], lint=["failure"])
    stage.go_on(run)
    judged = stage.bench.judged()
    assert (judged.health, judged.sentence) == (
        Health.INCOMPLETE, "1 is intermittent, 1 job did not finish; nothing more is to come",
    )  # fmt: skip


@pytest.mark.parametrize("ends", ["success", "failure", None])
def test_a_push_that_asks_for_all_jobs_does_not_deploy_again(
    make_bench: Callable[..., Bench], ends: str | None
) -> None:
    """What must not be started with others is not asked for by its push either: not even what failed, three times."""
    bench = make_bench(replace(ONE, requested_default=True))
    run = bench.run({"test": "success", "deploy": ends}, message="try: --rebuild 2")
    bench.hear(run, "test", last=False)
    if ends is None:
        bench.github.finish(run, {"deploy": "success"})
    bench.hear(run, "deploy")
    job = bench.github.job(run, "test", 1).id
    assert bench.reruns == [f"jobs/{job}/rerun"]
    assert bench.world.claim(PUSH, "CI / deploy (push)").refusal is Refusal.STARTS_EXCLUDED
