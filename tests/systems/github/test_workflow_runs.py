"""What the end of a workflow run at GitHub proves, from the webhook to the health of the push."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.github import FakeGitHub
from tests.systems.github.cases import PUSH, SHA
from tests.systems.github.ends import Bench
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Group, Kind, Lead, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.systems.github.system import GitHub


@pytest.mark.parametrize("conclusion", ["startup_failure", "stale", "action_required", "never heard of"])
def test_a_workflow_that_ends_in_no_job_fails(bench: Bench, conclusion: str) -> None:
    """It is an entry of its own, named after the workflow, and no rule covers it that does not say so."""
    bench.run({"test": "success"})
    run = bench.run({}, came_to=conclusion)
    bench.hear(run)

    entry = bench.job("CI")
    assert (entry.verdict, entry.runs[0].kind, entry.runs[0].batch) == (Verdict.FAILED, Kind.WORKFLOW, str(run))
    assert entry.runs[0].failures == (f"the workflow run ended as {conclusion}",)
    assert bench.judged().health is Health.FAILING
    assert [one.reason for one in bench.world.store.pushes.timeline(PUSH) if one.what == "refuse"] == [
        Refusal.KIND_EXCLUDED
    ]
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
        "CI (push)": Verdict.INTERMITTENT, "CI / first (push)": Verdict.PASSED,
    }  # fmt: skip
    assert (bench.judged().health, bench.judged().final) == (Health.GOOD, True)
    bench.world.pass_time(7200)
    assert bench.reruns == [f"runs/{run}/rerun"]


@pytest.mark.parametrize(
    ("name", "jobs", "named"),
    [
        ("CI", "{test: {}, deploy: {needs: [test]}}", "CI / deploy"),
        ("CI", "{test: {}, ship: {needs: [test], environment: prod}}", "CI / ship"),
        ("CI", "{all: {uses: ./.github/workflows/all.yml}}", "CI / all / publish to PyPI"),
        ("Release", "", "Release (push)"),
        ("CI", "{test: {}}", ""),
    ],
)
def test_a_workflow_that_could_not_start_would_start_its_deployments(
    make_bench: Callable[..., Bench], name: str, jobs: str, named: str
) -> None:
    """It lists no jobs: its file names them, or else its own name has to tell."""
    bench = make_bench(Rule(Globs(["octo/*"]), kinds=frozenset({"test", "workflow"})))
    if jobs:
        bench.github.contents.write("octo/app", ".github/workflows/ci.yml", f"on: push\njobs: {jobs}\n")
    called = "on: workflow_call\njobs: {x: {name: publish to PyPI}}\n"
    bench.github.contents.write("octo/app", ".github/workflows/all.yml", called)
    path = ".github/workflows/ci.yml"
    run = bench.github.add_run(
        "octo/app", name, SHA, "main", {}, came_to="startup_failure", path=path, created=bench.clock.now - 3600
    )
    bench.hear(run)
    assert bench.reruns == ([] if named else [f"runs/{run}/rerun"])
    claim = bench.world.claim(PUSH, f"{name} (push)")
    assert (claim.refusal is Refusal.STARTS_EXCLUDED, f"`{named}`" in claim.note) == (bool(named), bool(named))


def test_a_workflow_that_somebody_has_to_approve(bench: Bench) -> None:
    """It has ended, as GitHub says; approved, it goes on in the same attempt, and its jobs tell the rest."""
    run = bench.run({}, came_to="action_required")
    bench.hear(run)
    assert (bench.job("CI").verdict, bench.judged().health) == (Verdict.FAILED, Health.FAILING)

    bench.github.runs[run].came_to = None
    bench.github.add_job(run, "test")
    bench.github.finish(run)
    bench.hear(run, "test")

    assert [job.job for job in bench.judged().jobs if not job.hidden] == ["CI / test (push)"]
    assert (bench.judged().health, bench.judged().final) == (Health.GOOD, True)


def test_entries_of_workflows_are_told_apart_by_their_event(make_bench: Callable[..., Bench]) -> None:
    """Each has its own claim, and one that starts at last takes nothing from the other."""
    bench = make_bench(Rule(Globs(["octo/*"]), kinds=frozenset({"test", "workflow"})))
    of_push = bench.run({}, came_to="startup_failure")
    of_pull = bench.run({}, came_to="startup_failure", event="pull_request")
    by_hand = bench.run({}, came_to="startup_failure", event="workflow_dispatch")
    for run in (of_push, of_pull, by_hand):
        bench.hear(run)
    assert sorted(bench.reruns) == [f"runs/{of_push}/rerun", f"runs/{of_pull}/rerun"]
    bench.github.finish(of_push)
    bench.hear(of_push, "first")

    assert {job.job: job.verdict for job in bench.judged().jobs} == {
        "CI (push)": Verdict.INTERMITTENT, "CI / first (push)": Verdict.PASSED,
        "CI (pull_request)": None, "CI / first (pull_request)": Verdict.PENDING,
        "CI (workflow_dispatch)": Verdict.FAILED,
    }  # fmt: skip
    refused = [one.reason for one in bench.world.store.pushes.timeline(PUSH) if one.what == "refuse"]
    assert refused == [Refusal.EVENT_EXCLUDED]


def test_a_newer_workflow_run_counts_instead_of_one_that_could_not_start(bench: Bench) -> None:
    """Of the same event and file: the entry of the earlier one stays visible, beside the jobs of the newer one."""
    earlier = bench.run({}, came_to="startup_failure")
    bench.hear(earlier)
    assert bench.judged().health is Health.FAILING
    for name, path in (("Docs", ""), ("CI", "other.yml")):
        other = bench.github.add_run("octo/app", name, SHA, "main", {"test": "success"}, path=path)
        bench.hear(other, "test")
        assert bench.judged().health is Health.FAILING
    bench.hear(bench.run({"test": "success"}), "test")

    assert bench.judged().health is Health.GOOD
    entry = bench.job("CI")
    assert (entry.verdict, entry.hidden, entry.aside) == (Verdict.FAILED, True, "a newer workflow run counts")


@pytest.mark.parametrize("ends", [["success"], ["failure", "success"], ["failure", "failure"]])
def test_one_of_two_jobs_of_a_name_that_is_rerun_alone(bench: Bench, ends: list[str]) -> None:
    """The other is listed again as it was, so what ran is known to be a further run of the one that failed."""
    run = bench.run({"test": "failure"}, outcomes={"test": list(ends)})
    first = bench.github.job(run, "test")
    other = replace(first, id=first.id + 500, conclusion="success", completed=(first.completed or 0.0) + 7)
    bench.github.runs[run].jobs.append(other)
    bench.hear(run, "test")
    for _ in ends:
        bench.github.finish(run)
        bench.clock.move(1)
        bench.hear(run, "test")

    # The sweep, which is never far away: after the last retrigger nothing else looks.
    bench.world.hear(*(bench.gh.recent(bench.clock.now - 86_000) or ()))

    found = {job.job: (job.verdict, len(job.runs), job.mixed) for job in bench.judged().jobs}
    passed = ends[-1] == "success"
    assert found == {
        "CI / test (push)": (Verdict.INTERMITTENT if passed else Verdict.FAILED, 1 + len(ends), False),
        "CI / test (push) #2": (Verdict.PASSED, 1, False),
    }
    assert bench.judged().health is (Health.GOOD if passed else Health.FAILING)
    assert len(bench.reruns) == len(ends)


def test_two_jobs_of_a_name_that_are_rerun_together_are_never_intermittent(bench: Bench) -> None:
    """Nobody knows which of them passed."""
    run = bench.run({"test": "failure"})
    first = bench.github.job(run, "test")
    bench.github.runs[run].jobs.append(replace(first, id=first.id + 500, completed=(first.completed or 0.0) + 7))
    bench.hear(run, "test")
    one, two = bench.github.runs[run].current()
    bench.github.finish(run, {"test": "success"})
    two.conclusion, one.completed = "failure", (two.completed or 0.0) - 3
    bench.clock.move(1)
    bench.hear(run, "test", last=False)
    bench.hear(run)

    assert {job.verdict for job in bench.judged().jobs} <= {Verdict.FAILED, Verdict.PENDING}


def test_twins_that_a_rerun_renames_are_waited_for_no_more(bench: Bench) -> None:
    """Two jobs of one name, of which a completed attempt has none: no run of either comes."""
    run = bench.run({"e2e": "failure"})
    first = bench.github.job(run, "e2e")
    bench.github.runs[run].jobs.append(replace(first, id=first.id + 500, step="test"))
    bench.github.runs[run].renames = {"e2e": "e2e / run"}
    bench.hear(run, "e2e")
    if bench.polls:
        assert len(bench.reruns) == 1
        bench.github.finish(run)
        bench.hear(run)
        twins = [job for job in bench.judged().jobs if job.job.startswith("CI / e2e (push)")]
        assert [[one.result for one in job.runs] for job in twins] == [
            [Result.FAILURE, Result.SKIPPED], [Result.FAILURE, Result.SKIPPED],
        ]  # fmt: skip


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


@pytest.mark.parametrize("jobs", [{}, {"test": "success"}])
@pytest.mark.parametrize("came_to", ["failure", "timed_out"])
def test_a_workflow_that_fails_in_no_job_is_known_by_its_webhook(
    make_bench: Callable[..., Bench], came_to: str, jobs: dict[str, str | None]
) -> None:
    """Whether a job failed the webhook does not say, so GitHub is asked; no poll and no failed job is needed."""
    bench = make_bench(Rule(Globs(["octo/*"]), results=frozenset({"failure", "timed_out"})))
    run = bench.run(jobs, came_to=came_to)
    bench.hear(run, *jobs)

    assert (bench.job("CI").verdict, bench.judged().health) == (Verdict.FAILED, Health.FAILING)
    assert bench.world.store.letters.count() == 0


def test_a_workflow_with_a_failed_job_is_not_asked_about(github: FakeGitHub, gh: GitHub) -> None:
    """The webhook of the job said why; where it is not known, the webhook of the run is a lead besides."""
    known, unknown = (github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}) for _ in range(2))
    gh.parse(*github.webhook("workflow_job", known, job="test"))
    leads = [
        [one for one in gh.parse(*github.webhook("workflow_run", run)) if isinstance(one, Lead)]
        for run in (known, unknown)
    ]

    time = float(int(github.runs[unknown].updated))
    expected = Lead(Group("gh", f"octo/app/{unknown}"), str(unknown), State.FINISHED, Result.FAILURE, 1, time, PUSH)
    assert leads == [[], [expected]]


def test_a_workflow_that_nobody_watches_is_not_asked_about(bench: Bench) -> None:
    """Webhooks of an organisation tell of all its repositories."""
    run = bench.github.add_run("else/where", "CI", SHA, "main", {}, came_to="failure")
    bench.world.hear(*bench.gh.parse(*bench.github.webhook("workflow_run", run)))
    bench.world.pass_time(120)
    assert bench.github.requests == []


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
