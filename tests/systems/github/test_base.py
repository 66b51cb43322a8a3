"""What a push at GitHub is based on: asked for once, where a job failed; and what fails there, too, is not rerun."""

from dataclasses import replace

import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.systems.github.desk import RULE, A, B, C, Desk, Make
from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Push
from triggerbot.core.verdict.base import Relation
from triggerbot.reports.judge import Judge
from triggerbot.systems.github.system import GitHub

LINE = "test_login.py:7: AssertionError: no session"
BASE = "ba5e" * 10
HERE = Push("gh", "octo/app", "topic", A)


def lines(desk: Desk, run: int, text: str, job: str = "test") -> None:
    """Let the failed job of a run have an annotation."""
    desk.github.talk.annotations[desk.github.job(run, job).id] = [
        {"path": "test.py", "annotation_level": "failure", "message": text}
    ]


def compared(desk: Desk) -> list[str]:
    """Return the comparisons that were asked for."""
    return [one.path for one in desk.github.requests if "/compare/" in one.path]


@pytest.mark.parametrize("heard", [True, False])
def test_what_fails_on_the_merge_base_is_inherited(make_desk: Make, heard: bool) -> None:
    """Make one comparison, by webhooks and by polling, whether the base's run was heard of or is looked up."""
    desk = make_desk(replace(RULE, retries=0))
    desk.github.bases[A] = BASE
    base = desk.run(BASE, {"test": "failure"}, branch="main", ago=600 if heard else 100_000)
    lines(desk, base, LINE)
    if heard:
        desk.pushed(base)
        desk.ended(base, "test")
        desk.settle()
        assert desk.reasons(BASE, "main") == {"test": "enough_runs"}
    here = desk.run(A, {"test": "failure"})
    lines(desk, here, LINE)
    desk.pushed(here)
    desk.ended(here, "test")
    desk.settle()
    assert desk.reasons(A) == {"test": "inherited"}
    assert len([one for one in compared(desk) if A in one]) == 1
    record = desk.world.store.pushes.record(HERE)
    assert record is not None
    assert record.facts.base == BASE


def test_a_push_without_a_failure_asks_nothing(desk: Desk) -> None:
    """The request limits are for those who need it."""
    desk.github.bases[A] = BASE
    run = desk.run(A, {"test": "success"})
    desk.pushed(run)
    desk.ended(run, "test")
    desk.settle()
    assert compared(desk) == []


def test_the_default_branch_has_its_last_commit(github: FakeGitHub, connect: object, clock: Clock) -> None:
    """Of any other branch that is the same pull request's own; and a forced push is based on something else."""
    gh: GitHub = connect(repositories=["octo/app"])  # type: ignore[operator]
    github.add_run("octo/app", "CI", B, "main", {"test": "success"})
    github.add_run("octo/app", "CI", B, "topic", {"test": "success"})
    told = {
        (branch, forced): gh.parse(*github.push("octo/app", branch, C, forced=forced))[0].base  # type: ignore[union-attr]
        for branch, forced in (("topic", False), ("main", False))
    }
    assert told == {("topic", False): None, ("main", False): B}
    github.moved["octo/app", "main"] = B
    assert gh.parse(*github.push("octo/app", "main", C, forced=True))[0].base is None  # type: ignore[union-attr]


def test_the_merge_base_and_what_is_on_the_branch_itself(github: FakeGitHub, connect: object) -> None:
    """There the commit's parent is the base; and what GitHub does not compare has none."""
    gh: GitHub = connect(repositories=["octo/app"])  # type: ignore[operator]
    github.add_run("octo/app", "CI", B, "main", {"test": "success"})
    github.bases |= {A: BASE, B: C}
    assert gh.base(HERE).base == BASE
    on_main = gh.base(HERE._replace(branch="main", revision=B))
    assert (on_main.base, on_main.parents) == (C, (C,))
    with pytest.raises(NotKnown):
        gh.base(HERE._replace(revision=C))


def test_a_pull_request_says_which_branch_it_is_for(github: FakeGitHub, connect: object) -> None:
    """A fork's as well."""
    gh: GitHub = connect(repositories=["octo/app"])  # type: ignore[operator]
    github.add_run("octo/app", "CI", B, "main", {"test": "success"})
    github.bases[A] = BASE
    headers, body = github.pull("opened", 7, "octo/app", "topic", A, head="else/app")
    gh.parse(headers, body.replace(b'"ref": "main"', b'"ref": "release/1"'))
    gh.base(HERE)
    assert [one.path for one in github.requests if "/compare/" in one.path] == [
        f"/repos/octo/app/compare/release%2F1...{A}"
    ]


def test_a_workflow_run_names_the_target_of_its_pull_request(github: FakeGitHub, connect: object) -> None:
    """A look-back reads it: no webhook is needed, nor is it forgotten with the process."""
    gh: GitHub = connect(repositories=["octo/app"])  # type: ignore[operator]
    github.bases[A] = BASE
    run = github.add_run("octo/app", "CI", A, "topic", {"test": "failure"})
    github.runs[run].target = "release/1"
    gh.look_back(HERE)
    gh.base(HERE)
    assert [one.path for one in github.requests if "/compare/" in one.path] == [
        f"/repos/octo/app/compare/release%2F1...{A}"
    ]


def test_a_rate_limit_is_left_to_reruns(github: FakeGitHub, connect: object) -> None:
    """It is no answer: the base may be asked for again."""
    gh: GitHub = connect(repositories=["octo/app"])  # type: ignore[operator]
    github.add_run("octo/app", "CI", B, "main", {"test": "success"})
    github.bases[A] = BASE
    github.remaining = 60
    gh.default_branch("octo/app")
    with pytest.raises(CIUnavailable) as caught:
        gh.base(HERE)
    assert caught.value.healthy


def test_a_base_that_only_the_ci_knows(make_desk: Make) -> None:
    """What fails there in another way is new here; it becomes no push, and nothing of it is rerun."""
    desk = make_desk(RULE)
    desk.github.bases |= {A: BASE, C: BASE}
    base = desk.run(BASE, {"test": "failure", "other": "failure"}, branch="main", ago=100_000)
    lines(desk, base, LINE)
    lines(desk, base, "x.py:1: KeyError: 'amount'", "other")
    here = desk.run(A, {"test": "failure", "other": "failure"})
    lines(desk, here, LINE)
    lines(desk, here, "y.py:9: TypeError: no such thing", "other")
    desk.pushed(here)
    desk.ended(here, "test", "other")
    desk.settle()
    assert desk.reasons(A) == {"test": "inherited", "other": "owed"}
    assert len(desk.reruns) == 1
    assert desk.world.store.pushes.find("octo/app", BASE) == []
    record = desk.world.store.pushes.record(HERE)
    assert record is not None
    found = {one.job: one.base.relation for one in Judge(desk.world.store, desk.world.clock).judge(record).jobs}
    assert found["CI / other (push)"] is Relation.DIFFERENT
    assert found["CI / test (push)"] is Relation.INHERITED


def test_a_control_run_is_a_rerun_of_the_base(make_desk: Make) -> None:
    """Of the job that proves nothing there, once; what it comes to is the verdict."""
    desk = make_desk(replace(RULE, retries=1, control=True))
    world = desk.world
    desk.github.bases[A] = BASE
    base = desk.run(BASE, {"test": "timed_out", "other": "success"}, branch="main", ago=900)
    there = str(desk.github.job(base, "test").id)
    desk.pushed(base)
    desk.ended(base, "test", "other")
    here = desk.run(A, {"test": "failure"})
    lines(desk, here, LINE)
    desk.pushed(here)
    desk.ended(here, "test")
    desk.settle()
    publisher = world.publisher()
    world.publish(publisher)
    desk.github.finish(here, {"test": "failure"})
    lines(desk, here, LINE)
    desk.ended(here, "test")
    for _ in range(3):
        desk.settle()
        world.publish(publisher)
    assert [one for one in desk.reruns if there in one] == [f"jobs/{there}/rerun"]
    desk.github.finish(base)
    desk.ended(base, "test")
    for _ in range(3):
        desk.settle()
        world.publish(publisher)
    record = world.store.pushes.record(HERE)
    assert record is not None
    (job,) = [one for one in Judge(world.store, world.clock).judge(record).jobs if "test" in one.job]
    assert job.base.relation is Relation.PASSES
    assert job.why.endswith("passes on the base (ba5eba5eba5e), fails here")


@pytest.mark.parametrize("why", ["superseded", "starts_excluded"])
def test_a_control_run_does_no_harm(make_desk: Make, why: str) -> None:
    """Nothing is run at a base whose rerun could cancel a newer commit's CI, nor what may never be started."""
    desk = make_desk(replace(RULE, retries=1, control=True))
    world, job = desk.world, "deploy" if why == "starts_excluded" else "test"
    desk.github.bases[A] = BASE
    branch = "main" if why == "starts_excluded" else "stack"
    base = desk.run(BASE, {job: "timed_out", "other": "success"}, branch=branch, ago=900)
    desk.pushed(base)
    desk.ended(base, job, "other")
    if why == "superseded":
        newer = desk.run(B, {job: "success"}, branch=branch, ago=700)
        desk.pushed(newer)
        desk.ended(newer, job)
    here = desk.run(A, {job: "failure"})
    lines(desk, here, LINE, job)
    desk.pushed(here)
    desk.ended(here, job)
    desk.settle()
    desk.github.finish(here, {job: "failure"})
    lines(desk, here, LINE, job)
    desk.ended(here, job)
    publisher = world.publisher()
    for _ in range(3):
        desk.settle()
        world.publish(publisher)
    found = [
        str(claim.refusal)
        for one in world.store.pushes.record(Push("gh", "octo/app", branch, BASE)).jobs  # type: ignore[union-attr]
        for claim in one.claims
        if claim.control
    ]
    assert found == [why]
