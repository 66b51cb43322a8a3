"""Whose run it is: which workflow runs and jobs are told apart, and which are one, all the way to the verdict."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock as WorldClock
from tests.fakes.github import FakeGitHub
from tests.fakes.world import World
from tests.systems.github.cases import PUSH, SHA
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Event, Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.history import Novelty
from triggerbot.reports.judge import Judge
from triggerbot.store import PushRecord
from triggerbot.systems.github.system import GitHub


@pytest.fixture
def make_world(github: FakeGitHub, connect: Callable[..., GitHub], tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make worlds around the fake GitHub, with one rule for its repository."""
    made: list[World] = []

    def make(*, projects: str = "octo/app", settings: dict[str, Any] | None = None, **rule: Any) -> World:
        clock = WorldClock(github.clock())
        systems = {"gh": connect(clock=clock, sleep=clock.move, **(settings or {}))}
        world = World(tmp_path / "state.db", systems, [Rule(Globs([projects]), **rule)], clock)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


def tell(world: World, github: FakeGitHub, kind: str, run: int, **what: Any) -> None:
    """Deliver a webhook."""
    world.hear(*world.systems["gh"].parse(*github.webhook(kind, run, **what)))


def poll(world: World) -> None:
    """Hear what a poll finds."""
    world.hear(*(world.systems["gh"].recent(0.0) or ()))


def test_case_of_owner_and_repository(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """The config may spell them otherwise than GitHub; webhooks and polls are of one push, found in any spelling."""
    world = make_world(projects="octo/APP", settings={"repositories": ["OCTO/app"]})
    run = github.add_run("Octo/App", "CI", SHA, "main", {"test": "failure"})
    tell(world, github, "workflow_job", run, job="test")
    poll(world)
    world.drain()
    there = Push("gh", "Octo/App", "main", SHA)
    assert world.store.pushes.find("octo/app", SHA[:8]) == [there]
    assert world.store.pushes.recent(5, "OCTO/APP") == [there]
    assert [post.path.split("/")[2:4] for post in github.posts] == [["Octo", "App"]]


def verdicts(world: World, push: Push = PUSH) -> dict[str, str]:
    """Judge a push: the verdict of each job, by the name that people read."""
    record = world.store.pushes.record(push)
    assert record is not None
    return {job.job: str(job.verdict) for job in Judge(world.store, world.clock).judge(record).jobs}


def health(world: World, push: Push = PUSH) -> str:
    """Judge a push as a whole."""
    record = world.store.pushes.record(push)
    assert record is not None
    return str(Judge(world.store, world.clock).judge(record).health)


BOTH = ["jobs first", "runs first", "poll"]


def hear(world: World, github: FakeGitHub, how: str, *runs: int) -> None:
    """Hear of the ends of workflow runs and of their jobs, in one order or the other, or by polling."""
    if how == "poll":
        return poll(world)
    for run in runs:
        jobs = [job.name for job in github.runs[run].current()]
        if how == "runs first":
            tell(world, github, "workflow_run", run, action="requested")
        for job in dict.fromkeys(jobs):
            tell(world, github, "workflow_job", run, job=job)
        tell(world, github, "workflow_run", run)


def watching(make_world: Callable[..., World], how: str, **rule: Any) -> World:
    """Make a world that hears in this way."""
    return make_world(settings={"repositories": ["octo/app"]} if how == "poll" else None, **rule)


@pytest.mark.parametrize("how", BOTH)
def test_push_and_pull_request(github: FakeGitHub, make_world: Callable[..., World], how: str) -> None:
    """The run of the pull request tests other code than that of the push: it is another job, and is rerun by itself."""
    world = watching(make_world, how)
    of_push = github.add_run("octo/app", "CI", SHA, "main", {"test": "success"})
    of_pull = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}, event="pull_request")
    hear(world, github, how, of_push, of_pull)
    world.drain()

    assert verdicts(world) == {"CI / test (push)": "passed", "CI / test (pull_request)": "pending"}
    assert [post.path.split("/")[-2] for post in github.posts] == [str(github.job(of_pull, "test", 1).id)]
    github.clock.now += 100  # type: ignore[attr-defined]
    github.finish(of_pull, {"test": "failure"})
    hear(world, github, how, of_pull)
    assert health(world) != "good"
    assert [run.result for job in record(world).named("CI / test (push)") for run in job.runs] == ["success"]


@pytest.mark.parametrize("how", BOTH)
@pytest.mark.parametrize("order", [1, -1])
def test_a_stranger_is_not_the_author(
    github: FakeGitHub, make_world: Callable[..., World], how: str, order: int
) -> None:
    """A fork's pull request for the very commit and branch of upstream's push, whichever run is the older one."""
    world = watching(make_world, how, exclude_authors=Globs(["stranger"]))
    who: list[dict[str, Any]] = [{"actor": "dev"}, {"actor": "stranger", "head_repository": "stranger/app"}]
    made = [
        github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}, event=f"event-{number}", **one)
        for number, one in enumerate(who[::order])
    ]
    hear(world, github, how, *made)
    world.drain()

    assert record(world).facts.author == "dev"


def record(world: World) -> PushRecord:
    """Read the push."""
    found = world.store.pushes.record(PUSH)
    assert found is not None
    return found


@pytest.mark.parametrize("how", BOTH)
def test_each_has_its_own_claim(github: FakeGitHub, make_world: Callable[..., World], how: str) -> None:
    """If both fail, both are rerun; one that passes then says nothing of the other."""
    world = watching(make_world, how)
    runs = [
        github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}, event=event)
        for event in ("push", "pull_request")
    ]
    hear(world, github, how, *runs)
    world.drain()
    assert len(github.posts) == 2
    github.clock.now += 100  # type: ignore[attr-defined]
    world.clock.move(100)
    github.finish(runs[0], {"test": "success"})
    github.finish(runs[1], {"test": "failure"})
    hear(world, github, how, *runs)
    world.drain()
    assert verdicts(world) == {"CI / test (push)": "intermittent", "CI / test (pull_request)": "pending"}
    assert len(github.posts) == 3


@pytest.mark.parametrize("how", BOTH)
@pytest.mark.parametrize("event", ["workflow_dispatch", "repository_dispatch", "workflow_run", "issue_comment"])
def test_not_started_by_a_change(github: FakeGitHub, make_world: Callable[..., World], event: str, how: str) -> None:
    """What a person or another run started is not rerun unless a rule covers it, and is no run of the push's job."""
    world = watching(make_world, how)
    of_push = github.add_run("octo/app", "Deploy", SHA, "main", {"go": "success"})
    by_hand = github.add_run("octo/app", "Deploy", SHA, "main", {"go": "failure"}, event=event)
    hear(world, github, how, of_push, by_hand)
    world.drain()
    assert github.posts == []
    assert verdicts(world) == {"Deploy / go (push)": "passed", f"Deploy / go ({event})": "failed"}
    story = world.store.pushes.timeline(PUSH, f"Deploy / go ({event})")
    assert {entry.reason for entry in story if entry.what == "refuse"} == {"event_excluded"}


@pytest.mark.parametrize("how", BOTH)
def test_newest_workflow_run_counts(github: FakeGitHub, make_world: Callable[..., World], how: str) -> None:
    """A later workflow run of the same workflow and event takes the place of the earlier, which stays to be seen."""
    world = watching(make_world, how, events=Globs(["*"]), retries=0)
    first = github.add_run("octo/app", "Nightly", SHA, "main", {"all": "failure"}, event="schedule")
    second = github.add_run("octo/app", "Nightly", SHA, "main", {"all": "success"}, event="schedule")
    hear(world, github, how, second, first)
    world.drain()
    earlier = f"Nightly / all (schedule), workflow run {first}"
    assert verdicts(world) == {"Nightly / all (schedule)": "passed", earlier: "failed"}
    assert health(world) == "good"
    third = github.add_run("octo/app", "Nightly", SHA, "main", {"all": "skipped"}, event="schedule")
    fourth = github.add_run("octo/app", "Nightly", SHA, "main", {"all": "failure"}, event="schedule")
    hear(world, github, how, third, fourth)
    world.drain()
    assert verdicts(world)["Nightly / all (schedule)"] == "failed"
    assert health(world) == "failing"


def test_skipped_takes_no_place(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """A later workflow run in which the job was skipped proves nothing, so that the earlier failure still counts."""
    world = make_world(retries=0)
    first = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}, event="pull_request")
    second = github.add_run("octo/app", "CI", SHA, "main", {"test": "skipped"}, event="pull_request")
    hear(world, github, "runs first", first, second)
    world.drain()
    assert health(world) == "failing"


@pytest.mark.parametrize("how", BOTH)
def test_files_of_one_name(github: FakeGitHub, make_world: Callable[..., World], how: str) -> None:
    """Two workflow files may have the same `name:`; their jobs are told with their files."""
    world = watching(make_world, how)
    runs = [
        github.add_run("octo/app", "CI", SHA, "main", {"test": end}, path=f".github/workflows/{name}.yml")
        for name, end in (("a", "success"), ("b", "failure"))
    ]
    hear(world, github, how, *runs)
    world.drain()
    assert verdicts(world) == {
        "CI / test (push) [.github/workflows/a.yml]": "passed",
        "CI / test (push) [.github/workflows/b.yml]": "pending",
    }
    assert len(github.posts) == 1


def test_fork_of_the_same_commit(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """A fork's pull request from the very commit and branch name of upstream's push: only its own runs are a fork's."""
    for how in ("jobs first", "runs first"):
        sha = SHA if how == "jobs first" else SHA[::-1]
        there = Push("gh", "octo/app", "main", sha)
        world = make_world()
        before = len(github.posts)
        ours = github.add_run("octo/app", "CI", sha, "main", {"test": "failure"})
        theirs = github.add_run(
            "octo/app", "CI", sha, "main", {"test": "failure"}, event="pull_request", head_repository="else/app"
        )
        hear(world, github, how, theirs, ours)
        world.drain()
        assert [post.path.split("/")[-2] for post in github.posts[before:]] == [str(github.job(ours, "test", 1).id)]
        refused = world.claim(there, "CI / test (pull_request)")
        assert (refused.refusal, refused.note) == (Refusal.NOT_WATCHED, "the push comes from a fork")
        github.clock.now += 100  # type: ignore[attr-defined]
        github.finish(ours, {"test": "success"})
        hear(world, github, how, ours)
        assert verdicts(world, there) == {"CI / test (push)": "intermittent", "CI / test (pull_request)": "failed"}
        assert health(world, there) == "good"


@pytest.mark.parametrize("end", ["success", "failure"])
def test_two_jobs_of_one_name(github: FakeGitHub, make_world: Callable[..., World], end: str) -> None:
    """GitHub cuts long names: two ids of one name in one attempt are two jobs, each with its own claim."""
    world = make_world(settings={"repositories": ["octo/app"]})
    run = github.add_run("octo/app", "CI", SHA, "main", {"long": "failure"})
    first = github.job(run, "long")
    github.runs[run].jobs.append(replace(first, id=first.id + 1, conclusion=end))
    poll(world)
    world.drain()
    own = record(world)
    assert [job.job for job in own.jobs] == ["CI / long (push)", "CI / long (push) #2"]
    assert [len(job.runs) for job in own.jobs] == [1, 1]
    claims = [claim.refusal for job in own.jobs for claim in job.claims]
    assert claims == ([None] if end == "success" else [None, None])
    assert "intermittent" not in verdicts(world).values()


def test_reruns_of_two_jobs_of_one_name(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """Which of them a further run is of cannot be told; only if both passed together did each certainly pass."""
    world = make_world(settings={"repositories": ["octo/app"]}, retries=5)
    run = github.add_run("octo/app", "CI", SHA, "main", {"long": "failure"})
    first = github.job(run, "long")
    github.runs[run].jobs.append(replace(first, id=first.id + 1))
    poll(world)
    world.drain()
    for ends in (("success", "failure"), ("success", "success")):
        github.clock.now += 100  # type: ignore[attr-defined]
        world.clock.move(100)
        github.start(run)
        for job, conclusion in zip(github.runs[run].current(), ends, strict=True):
            job.status, job.conclusion, job.completed = "completed", conclusion, github.clock() + 1
        github.runs[run].updated = github.clock() + 1
        poll(world)
        together = set(verdicts(world).values())
        assert together == ({"intermittent"} if ends == ("success", "success") else together - {"intermittent"})
        world.drain()
    assert len(record(world).jobs) == 2


@pytest.mark.parametrize(("patterns", "rerun"), [(["CI / *"], 2), (["* (push)"], 1), (["CI / test (pull_request)"], 1)])
@pytest.mark.parametrize("key", ["jobs", "exclude_jobs"])
@pytest.mark.parametrize("how", BOTH)
def test_patterns(
    github: FakeGitHub, make_world: Callable[..., World], patterns: list[str], rerun: int, how: str, key: str
) -> None:
    """Patterns of rules match with the event and without, also for a job that was heard before its workflow run."""
    world = watching(make_world, how, **{key: Globs(patterns)})
    runs = [
        github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}, event=event)
        for event in ("push", "pull_request")
    ]
    hear(world, github, how, *runs)
    world.drain()
    assert len(github.posts) == (rerun if key == "jobs" else 2 - rerun)


def test_history_without_the_event(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """How often a job is intermittent goes by its name without the event, at all pushes."""
    world = make_world()
    publisher = world.publisher()
    for sha, event in ((SHA, "push"), (SHA[::-1], "pull_request")):
        run = github.add_run("octo/app", "CI", sha, "main", {"test": "failure"}, event=event)
        failed = {"annotation_level": "failure", "path": "tests/test_cart.py", "message": "test_total: no `price`"}
        github.talk.annotations[github.job(run, "test").id] = [failed]
        hear(world, github, "runs first", run)
        world.drain()
        github.clock.now += 100  # type: ignore[attr-defined]
        world.clock.move(100)
        github.finish(run, {"test": "success"})
        hear(world, github, "runs first", run)
        world.publish(publisher)
    assert [one.job for one in world.store.reports.failure_records("octo/app")] == ["CI / test", "CI / test"]
    assert world.store.reports.ran("octo/app", ["CI / test"]).at == {"CI / test": 2}
    known = Judge(world.store, world.clock).judge(world.store.pushes.record(Push("gh", "octo/app", "main", SHA[::-1])))  # type: ignore[arg-type]
    assert [job.novelty for job in known.jobs] == [Novelty.KNOWN]


def test_upgrade_of_a_push_under_way(github: FakeGitHub, make_world: Callable[..., World]) -> None:
    """What an earlier version claimed under its old name goes on under it, and nothing is claimed again."""
    world = make_world()
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    [old] = world.systems["gh"].parse(*github.webhook("workflow_job", run, job="test"))
    assert isinstance(old, Event)
    world.hear(replace(old, per_batch=False))
    for attempt in range(1, 4):
        tell(world, github, "workflow_run", run)
        world.drain()
        assert len(github.posts) == min(attempt, 2)
        github.clock.now += 100  # type: ignore[attr-defined]
        world.clock.move(100)
        github.finish(run, {"test": "failure"})
        tell(world, github, "workflow_job", run, job="test")
    assert list(verdicts(world)) == ["CI / test"]
    other = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"}, event="pull_request")
    hear(world, github, "runs first", other)
    world.drain()
    assert list(verdicts(world)) == ["CI / test", "CI / test (pull_request)"]
    assert len(github.posts) == 3


@pytest.mark.parametrize("missing", ["workflow_name", "head_branch"])
def test_incomplete_webhook(github: FakeGitHub, make_world: Callable[..., World], missing: str) -> None:
    """A job that does not say whose it is is asked about: what GitHub answers decides, and no phantom is made."""
    world = make_world()
    run = github.add_run("octo/app", "CI", SHA, "main", {"test": "failure"})
    headers, body = github.webhook("workflow_job", run, job="test")
    message = json.loads(body)
    message["workflow_job"][missing] = None
    world.hear(*world.systems["gh"].parse(headers, json.dumps(message).encode()))
    world.pass_time(60)
    assert list(verdicts(world)) == ["CI / test (push)"]
    assert len(github.posts) == 1
