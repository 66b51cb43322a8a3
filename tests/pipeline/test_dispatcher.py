"""From a claim to a retrigger, over real HTTP, on a clock that the test moves; and what the push says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event
from tests.pipeline.heard import PUSH, REVISION, MakeWorld, counts, failed, hear
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Result
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.verdict import Verdict, of_job
from triggerbot.systems.answers import Later
from triggerbot.systems.generic.system import Generic

# -- when all goes well -----------------------------------------------------------------------------------------


def test_a_failure_is_retriggered_and_judged(ci: FakeCI, world: World) -> None:
    """The whole way: failure, look-back, one POST for two runs, their ends, the verdict."""
    failed(ci, world)

    world.drain()

    (post,) = ci.posts
    assert post.accepted
    assert {key: post.body[key] for key in ("project", "branch", "revision", "job", "run_id", "count")} == {
        "project": "try", "branch": "try", "revision": REVISION, "job": "job", "run_id": "1001", "count": 2,
    }  # fmt: skip
    assert post.headers["authorization"] == "Bearer token"
    claim = world.claim(PUSH, "job")
    assert (claim.state, claim.cause, claim.asked) == (ClaimState.DONE, Cause.FAILURE, 2)
    hear(world, *(ci.finish(run, "success") for run in post.runs))
    world.pass_time(3600)
    record = world.store.pushes.record(PUSH)
    assert record is not None
    (job,) = record.jobs
    assert of_job(job.job, job.runs, job.claims).verdict is Verdict.INTERMITTENT
    assert len(ci.posts) == 1


def test_failures_of_retriggers_cause_nothing_more(ci: FakeCI, world: World) -> None:
    """Both new runs fail, too, and are told over and over: one claim, one request."""
    failed(ci, world)
    world.drain()
    for run in ci.posts[0].runs * 3:
        hear(world, ci.finish(run, "failure"))
        world.pass_time(300)

    assert len(ci.posts) == 1


def test_nothing_is_sent_for_what_passes(ci: FakeCI, world: World) -> None:
    """A push that is all green costs no POST."""
    for job in "abc":
        hear(world, ci.run(REVISION, job, result="success"))

    world.pass_time(600)

    assert ci.posts == []


def test_facts_and_runs_of_a_push_are_read_once_for_many_jobs(ci: FakeCI, world: World) -> None:
    """Three failures of one push, due at once: one look-back serves them all."""
    for job in "abc":
        failed(ci, world, job)

    world.drain()

    assert len(ci.gets) == 1
    assert sorted(post.body["job"] for post in ci.posts) == ["a", "b", "c"]


def test_what_the_look_back_lists_is_taken_like_anything_heard(ci: FakeCI, world: World) -> None:
    """A failure whose webhook was lost is found beside another, and retriggered as well."""
    ci.run(REVISION, "lost", result="failure")
    failed(ci, world)

    world.drain()

    assert ci.jobs_asked() == {(REVISION, "job"): 2, (REVISION, "lost"): 2}


@pytest.mark.parametrize("others", [1, 2, 5])
def test_runs_that_the_ci_lists_already_count(ci: FakeCI, world: World, others: int) -> None:
    """Somebody retriggered by hand before us: only what is missing is asked for."""
    told = ci.run(REVISION, "job", result="failure")
    for _ in range(others):
        ci.run(REVISION, "job")
    hear(world, told)

    world.drain()

    assert counts(ci) == ([1] if others == 1 else [])
    assert world.claim(PUSH, "job").refusal is (None if others == 1 else Refusal.ENOUGH_RUNS)


def test_names_of_any_characters_reach_the_ci(make_world: MakeWorld, ci: FakeCI) -> None:
    """Slashes, dots, percent signs, other scripts: in the path and in the body they are what they were."""
    name = "a/b ?#%41é漢"
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, rules=(Rule(Globs(["*"])),))
    for project, branch in ((name, name), ("..", ".")):
        hear(world, ci.run(REVISION, name, project=project, branch=branch, result="failure"))

    world.drain()
    system.close()

    assert {(post.body["project"], post.body["branch"], post.accepted) for post in ci.posts} == {
        (name, name, True), ("..", ".", True),
    }  # fmt: skip


# -- what the push says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("a change DONTBUILD", Refusal.DONTBUILD), ("try: --no-retry", Refusal.NO_RETRY),
        ("try: --rebuild-x 1\ntriggerbot: --no-retry", Refusal.NO_RETRY),
    ],
)  # fmt: skip
def test_the_message_is_known_only_by_look_back(ci: FakeCI, world: World, message: str, refusal: Refusal) -> None:
    """And decides all the same."""
    ci.push(REVISION, message=message)
    failed(ci, world)

    world.drain()

    assert ci.posts == []
    assert world.claim(PUSH, "job").refusal is refusal


def test_the_author_is_known_only_by_look_back(make_world: MakeWorld, ci: FakeCI) -> None:
    """And is excluded all the same."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, rules=(Rule(Globs(["try"]), exclude_authors=Globs(["autoland@*"])),))
    ci.push(REVISION, author="autoland@example.org")
    failed(ci, world)

    world.drain()
    system.close()

    assert ci.posts == []
    assert world.claim(PUSH, "job").refusal is Refusal.AUTHOR_EXCLUDED


def test_rebuilds_that_only_the_look_back_tells_cover_all_jobs(ci: FakeCI, world: World) -> None:
    """`--rebuild 3`: every job, those heard before and after, pending or finished, once, whatever its result."""
    ci.push(REVISION, message="try: -u all --rebuild 3")
    hear(world, ci.run(REVISION, "pending"), ci.run(REVISION, "passed", result="success"))
    failed(ci, world, "failed")
    ci.run(REVISION, "unheard", state="running")

    world.pass_time(60)
    hear(world, ci.run(REVISION, "late"))
    world.pass_time(60)

    assert ci.jobs_asked() == {(REVISION, job): 3 for job in ("pending", "passed", "failed", "unheard", "late")}
    for run in ci.runs(REVISION):
        if run["state"] != "finished":
            hear(world, ci.finish(run["run_id"], "failure"))
    world.pass_time(600)
    assert len(ci.posts) == 5


def test_what_a_message_asks_for_has_a_total(make_world: MakeWorld, ci: FakeCI) -> None:
    """Of all its jobs together, in whatever order they come, and over restarts; the last one gets what is left."""
    system = Generic("ci", ci.url, token="token")
    rule = Rule(Globs(["try"]), requested_total=45)
    ci.push(REVISION, message="triggerbot: --rebuild 20")
    world = make_world(system, rules=(rule,))
    for number in range(2):
        hear(world, ci.run(REVISION, f"job-{number}"))
        world.pass_time(5)
    with world.again() as later:
        for number in range(2, 30):
            hear(later, ci.run(REVISION, f"job-{number}"))
        later.pass_time(60)
        refused = [claim for claim in later.claims(PUSH).values() if claim.refusal is not None]
        told = {claim.refusal: claim.note for claim in refused}

    assert sorted(post.count for post in ci.accepted) == [5, 20, 20]
    assert len(refused) == 27
    assert told == {
        Refusal.OVER_TOTAL: "`requested.total` allows the message of a push 45 further runs in all, and 45 were decided"
    }


def test_the_budget_binds_and_says_so(ci: FakeCI, world: World) -> None:
    """Of nine failed jobs of a small push five are retriggered; the others are told as over budget."""
    for number in range(9):
        failed(ci, world, f"job-{number}")

    world.drain()

    assert len(ci.accepted) == 5
    reasons = [claim.refusal for claim in world.claims(PUSH).values()]
    assert reasons.count(Refusal.OVER_BUDGET) == 4


def test_not_all_runs_of_many_are_listed(ci: FakeCI, world: World) -> None:
    """But it is said how many more there are."""
    ci.push(REVISION, message="try: --rebuild 8")
    failed(ci, world)
    world.drain()

    note = world.claim(PUSH, "job").note
    assert note.startswith("the CI accepted it: ")
    assert note.endswith(" and 3 more")


def test_an_answer_that_is_no_json_names_its_call(ci: FakeCI, world: World) -> None:
    """As other answers do that are of no use."""
    ci.fault("look_back", status=200, body=b"<html>")
    failed(ci, world)
    world.drain()

    assert world.claim(PUSH, "job").note.startswith("the look-back at try abcdef1: the answer is no JSON: ")


def test_budget_that_comes_back_is_there_at_once(make_world: MakeWorld, ci: FakeCI, clock: Clock) -> None:
    """A request in doubt is refused when it is sent again: what fails next is retriggered in its place."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, rules=(Rule(Globs(["try"]), budget=Budget(0, 0)),))
    ci.fault("retrigger", status=500)
    ci.fault("retrigger", status=409)
    failed(ci, world, "first")
    world.drain()
    while not (first := world.claim(PUSH, "first")).state.final:
        clock.now = first.due
        if first.operation is not None and first.operation.misses == 1:
            failed(ci, world, "second")
        world.drain()
    system.close()

    assert first.refusal is Refusal.REFUSED_BY_CI
    assert world.claim(PUSH, "second").state is ClaimState.DONE
    assert counts(ci) == [2]


@pytest.mark.parametrize("silent", ["cancelled", "skipped", "retry", "infra", "unknown", "timed_out"])
def test_a_run_that_proves_nothing_uses_up_no_retry(ci: FakeCI, world: World, silent: str) -> None:
    """What was skipped, cancelled, retried by the CI or met an error of its own before the failure is no run."""
    for result in (silent, silent, silent, "failure"):
        hear(world, ci.run(REVISION, "job", result=result))

    world.drain()

    assert sum(post.count for post in ci.accepted) == 2


@pytest.mark.parametrize("found", [{"result": "infra"}, {"allowed_to_fail": True}])
def test_what_turns_out_to_be_no_failure_is_dropped_while_owed(
    make_world: Callable[..., World], found: dict[str, Any]
) -> None:
    """The CI says later that it was an error of its own, or that it does not count: nothing is asked for any more."""
    system = MemoryCI()
    first = event(run_id="1", result="failure", message="")
    system.put(first)
    system.answers = [Later("not now", 60.0)]
    world = make_world(system)
    world.hear(first)
    world.drain()
    assert world.claim(PUSH, "job").state is ClaimState.OWED

    system.put(replace(first, **{key: Result(one) if key == "result" else one for key, one in found.items()}))
    world.pass_time(3600)

    claim = world.claim(PUSH, "job")
    reason = Refusal.RESULT_EXCLUDED if "result" in found else Refusal.HIDDEN
    assert (claim.state, claim.refusal, len(system.asked)) == (ClaimState.REFUSED, reason, 1)
