"""The story of a job is told without noise: each wait is one line, and a retrigger that fails is no refusal."""

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, failure, push
from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.reports.stuck import stuck
from triggerbot.reports.timeline import Line, Standing, of_job
from triggerbot.systems.answers import Later
from triggerbot.systems.github.system import GitHub

PUSH = Push("gh", "octo/app", "main", "ab" * 20)
RULE = Rule(Globs(["octo/app"]))
JOB = "CI / test (push)"
MakeWorld = Callable[..., World]


@pytest.fixture
def github(clock: Clock) -> Iterator[FakeGitHub]:
    """Serve a GitHub that stands in the world's time."""
    with FakeGitHub(clock=clock) as server:
        yield server


@pytest.fixture
def world(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> World:
    """Poll that GitHub."""
    gh = GitHub("gh", url=github.url, token=github.token, repositories=["octo/app"], clock=clock, sleep=clock.move)
    return make_world(gh, rules=(RULE,))


def hear(github: FakeGitHub, world: World, run: int, how: str) -> None:
    """Hear of a workflow run's jobs and its end, by webhooks or by a poll."""
    if how == "poll":
        heard = world.systems["gh"].recent(world.clock() - 7200)
        assert heard is not None
        world.hear(*heard)
        return
    for name in ("test", "lint"):
        action = github.job(run, name).status
        world.hear(*world.systems["gh"].parse(*github.webhook("workflow_job", run, job=name, action=action)))
    if github.runs[run].status == "completed":
        world.hear(*world.systems["gh"].parse(*github.webhook("workflow_run", run)))


def story(world: World, where: Push, job: str) -> list[Line]:
    """Tell the story of a job, as `explain` and its page do."""
    record = world.store.pushes.record(where)
    assert record is not None
    found = next(one for one in record.jobs if one.job == job)
    return of_job(
        found, world.store.pushes.timeline(where, job), Standing(world.clock(), None, world.store.limits.breakers())
    )


def refused(world: World, where: Push, job: str) -> list[str]:
    """List the refusals that are told of a job."""
    return [line.reason for line in story(world, where, job) if line.what == "refuse"]


@pytest.mark.parametrize("how", ["webhook", "poll"])
def test_waiting_for_a_workflow_run_is_one_line_with_its_duration(github: FakeGitHub, world: World, how: str) -> None:
    """However often triggerbot looks, and waits for its turn to look: 12 minutes of it, in the words of GitHub."""
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", {"test": "failure", "lint": None})
    hear(github, world, run, how)
    world.pass_time(700, every=20)

    # Where nobody tells of the end of the workflow run, it is looked at after ten minutes, and the job decided.
    waits = [line.text for line in story(world, PUSH, JOB) if line.what == "wait"]
    assert (
        waits
        == {
            "webhook": ["Waits for the workflow run to complete (11.3 min so far)."],
            "poll": [
                "Waited 10 min for the workflow run to complete.",
                "Waits for the workflow run to complete (1.3 min so far).",
            ],
        }[how]
    )

    github.finish(run, {"lint": "success"})
    world.pass_time(20)
    hear(github, world, run, how)
    world.pass_time(20)

    waits = [line.text for line in story(world, PUSH, JOB) if line.what == "wait"]
    assert waits[0] == f"Waited {'12' if how == 'webhook' else '10'} min for the workflow run to complete."
    assert [one.what for one in world.store.pushes.timeline(PUSH, JOB)].count("wait") <= 3
    assert stuck(world.store) == []


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ({"test": "failure", "lint": "success"}, "Request: reruns job {job} of workflow run {run}."),
        ({"test": "failure", "lint": "failure"}, "Request: reruns the failed jobs of workflow run {run}."),
    ],
)
def test_a_request_is_told_in_the_words_of_github(
    github: FakeGitHub, world: World, jobs: dict[str, str | None], words: str
) -> None:
    """What its users know: a workflow run and its jobs."""
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", jobs)
    job = github.job(run, "test").id
    hear(github, world, run, "webhook")
    world.pass_time(60)

    told = [line.text for line in story(world, PUSH, JOB) if line.what == "send"]
    assert told == [words.format(run=run, job=job)]


@pytest.mark.parametrize("how", ["webhook", "poll"])
def test_a_retrigger_that_fails_is_no_refusal(github: FakeGitHub, world: World, how: str) -> None:
    """Not in the story, and not in the statistics; the metric counts it as ever."""
    run = github.add_run("octo/app", "CI", PUSH.revision, "main", {"test": "failure", "lint": "success"})
    hear(github, world, run, how)
    for _ in range(2):
        world.pass_time(60)
        github.finish(run, {"test": "failure"})
        hear(github, world, run, how)
    world.pass_time(60)

    assert len(github.posts) == 2
    assert refused(world, PUSH, JOB) == []
    decisions = {one["reason"] for one in world.store.statistics.read(0.0)["decisions"]}
    assert decisions == {"failure"}
    labels = {"action": "refuse", "reason": "already_claimed", "mode": "real"}
    assert world.metrics.registry.get_sample_value("triggerbot_decisions_total", labels) == 2.0


def test_a_failure_after_a_refusal_does_not_repeat_it(make_world: MakeWorld) -> None:
    """The first refusal says why; that the job was dealt with before says nothing more."""
    system = MemoryCI()
    world = make_world(system, rules=(Rule(Globs(["*"]), retries=0),))
    for run in "123":
        system.put(failure(run_id=run))
        world.hear(failure(run_id=run))
        world.pass_time(10)

    assert refused(world, push(), "job") == ["enough_runs"]


def test_look_ups_are_one_line(make_world: MakeWorld) -> None:
    """The CI does not know the push yet: asked five times, told once, and no error until it is given up."""
    system = MemoryCI()
    world = make_world(system)
    world.hear(failure())
    world.pass_time(200)

    assert [line.text for line in story(world, push(), "job") if line.what == "wait"] == [
        "Waits for the CI to know it: no such push (2.8 min so far)."
    ]
    assert stuck(world.store) == []

    world.pass_time(600)

    assert [line.text for line in story(world, push(), "job") if line.what == "wait"] == [
        "Waited 7.8 min for the CI to know it: no such push."
    ]
    assert refused(world, push(), "job") == ["not_found"]
    assert [one.jobs for one in stuck(world.store)] == [1]


def test_a_request_that_is_put_off_again_and_again_is_one_line(make_world: MakeWorld) -> None:
    """The requests are counted in it."""
    system = MemoryCI()
    world = make_world(system)
    system.put(failure())
    system.answers = [Later("HTTP 503", 60.0)] * 3
    world.hear(failure())
    world.pass_time(600)

    told = [(line.what, line.text) for line in story(world, push(), "job")]
    assert [what for what, _ in told] == ["run", "trigger", "send", "wait", "send", "accepted"]
    assert told[3][1] == "Waited 3 min, asked 2 more times: HTTP 503."


def test_an_outage_is_one_row(make_world: MakeWorld) -> None:
    """Whichever pushes met it, and whether their jobs wait for an answer or behind the breaker."""
    system = MemoryCI()
    world = make_world(system)
    pushes = [push(f"abcdef{number}") for number in range(8)]
    began = world.clock()

    def down(*_: object) -> None:
        raise CIUnavailable("HTTP 503")

    system.look_back = down  # type: ignore[method-assign, assignment]
    for one in pushes:
        world.hear(failure(push=one), failure("other", push=one))
        world.pass_time(10, every=10)

    (row,) = stuck(world.store)
    assert (row.jobs, row.pushes) == (16, 8)
    assert row.first == pytest.approx(began, abs=11)
    assert row.at > row.first
    assert "HTTP 503" in row.text


def test_different_troubles_are_different_rows(make_world: MakeWorld) -> None:
    """The same answer to several jobs is one row, also where it names the job's own numbers; another is another."""
    system = MemoryCI()
    world = make_world(system)
    answers = ["run 7001 is too old", "run 7002 is too old", "the token may not"]
    system.answers = [Later(why, 600.0) for why in answers]
    for number, _ in enumerate(answers):
        one = failure(f"job-{number}", run_id=str(number))
        system.put(one)
        world.hear(one)
        world.pass_time(1, every=1)

    assert [(row.jobs, row.text.removeprefix("Waits: ")) for row in stuck(world.store)] == [
        (1, "the token may not."), (2, "run 7002 is too old."),
    ]  # fmt: skip
