"""Many failures at once at a CI that limits writes: each waits for its turn, and no attempt is wasted."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.fakes.clock import Clock
from tests.fakes.github import FakeGitHub
from tests.fakes.world import World
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.store.memory import Memory
from triggerbot.systems.github.system import GitHub

RULE = Rule(Globs(["octo/app"]))
MakeWorld = Callable[..., World]


@pytest.fixture
def github(clock: Clock) -> Iterator[FakeGitHub]:
    """Serve a GitHub that stands in the world's time."""
    with FakeGitHub(clock=clock) as server:
        yield server


def connect(github: FakeGitHub, clock: Clock) -> GitHub:
    """Connect as any replica does."""
    return GitHub("gh", url=github.url, token=github.token, repositories=["octo/app"], clock=clock, sleep=clock.move)


def a_push(number: int) -> Push:
    """Name a push."""
    return Push("gh", "octo/app", f"change-{number}", f"{number:040x}")


def fail(github: FakeGitHub, world: World, pushes: int, *, runs: int = 1) -> None:
    """Let one job of each push fail, in each of its workflow runs, and find all of that by one poll."""
    for number, run in itertools.product(range(1, pushes + 1), range(runs)):
        push = a_push(number)
        # So many passed that nobody takes it for an outage.
        jobs: dict[str, str | None] = {"test": "failure"} | {f"lint-{one}": "success" for one in range(9)}
        github.add_run("octo/app", f"W{run}", push.revision, push.branch, jobs, created=world.clock() - 600)
    heard = world.systems["gh"].recent(world.clock() - 3600)
    assert heard is not None
    world.hear(*heard)


def spread(moments: list[float]) -> tuple[float, int]:
    """Return how close two of them are at least, and how many there are in a minute at most."""
    apart = min((after - before for before, after in itertools.pairwise(moments)), default=1.0)
    return apart, max(sum(start <= one < start + 60 for one in moments) for start in moments)


def watch(github: FakeGitHub) -> list[float]:
    """Note when each rerun is asked for."""
    moments: list[float] = []
    handle = github.handle

    def noting(request):  # type: ignore[no-untyped-def]
        answer = handle(request)
        if request.method == "POST":
            moments.append(github.clock())
        return answer

    github.handle = noting  # type: ignore[method-assign]
    return moments


def test_each_failure_takes_a_second(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> None:
    """40 pushes with one failure each: 40 requests within 45 seconds, a second apart, with one look for each."""
    world = make_world(connect(github, clock), rules=(RULE,))
    moments, began = watch(github), clock()
    fail(github, world, 40)
    before = len(github.requests)

    world.pass_time(45, every=0.5)

    assert len(github.posts) == 40
    assert moments[-1] - began <= 45
    assert spread(moments)[0] >= 1.0
    assert [post.status for post in github.posts] == [201] * 40
    # The list of workflow runs, the jobs of the one, its workflow file, what it is based on, the commit that its branch
    # is at, the rerun; and once, which branch is the default one.
    assert len(github.requests) - before == 6 * 40 + 1


def test_waiting_for_a_turn_is_no_attempt(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> None:
    """It is not told as a request, and not counted as a try; the claim says what it waits for."""
    world = make_world(connect(github, clock), rules=(RULE,))
    fail(github, world, 10)

    world.pass_time(3, every=0.5)

    waiting = [
        number for number in range(1, 11) if world.claim(a_push(number), "W0 / test (push)").state is ClaimState.OPEN
    ]
    assert len(waiting) >= 6
    for number in waiting:
        claim = world.claim(a_push(number), "W0 / test (push)")
        assert (claim.tries, claim.lookups, claim.note) == (
            0, 0, "waits for its turn: this CI limits how often it may be asked",
        )  # fmt: skip
        told = [entry.what for entry in world.store.pushes.timeline(a_push(number), "W0 / test (push)")]
        assert told.count("wait") == 1
        assert "send" not in told


@pytest.mark.parametrize("kept", ["sqlite", "memory"])
def test_two_replicas_together_keep_the_pace(
    github: FakeGitHub, make_world: MakeWorld, clock: Clock, kept: str
) -> None:
    """The queue is in the store: never two requests within a second, and none is left out."""
    tables = Memory() if kept == "memory" else None
    one = make_world(connect(github, clock), rules=(RULE,), tables=tables)
    moments = watch(github)
    with closing(connect(github, clock)) as other, one.again(systems={"gh": other}) as two:
        fail(github, one, 20)
        for _ in range(50):
            clock.move(0.5)
            one.drain()
            two.drain()
    assert len(moments) == 20
    apart, in_a_minute = spread(moments)
    assert apart >= 1.0
    assert in_a_minute <= 80


def test_several_workflow_runs_of_one_push(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> None:
    """They go one after another, from one look-back."""
    world = make_world(connect(github, clock), rules=(RULE,))
    moments = watch(github)
    fail(github, world, 1, runs=4)
    before = len(github.requests)

    world.pass_time(5, every=1)

    assert len(moments) == 4
    assert spread(moments)[0] >= 1.0
    # One list of runs, the jobs of each, the workflow file of each, and the reruns; which branch is the default one,
    # what the push is based on, and where this one is at.
    assert len(github.requests) - before == 1 + 4 + 4 + 4 + 1 + 1 + 4


def test_a_run_that_still_runs_is_not_asked_about_again_and_again(
    github: FakeGitHub, make_world: MakeWorld, clock: Clock
) -> None:
    """Its end is what is waited for, and polling finds that: three failures on the way cost no look."""
    world = make_world(connect(github, clock), rules=(RULE,))
    push = a_push(1)
    jobs: dict[str, str | None] = dict.fromkeys(("a", "b", "c", "d"))
    run = github.add_run("octo/app", "W0", push.revision, push.branch, jobs)
    looks = 0
    for name in ("a", "b", "c"):
        clock.move(120)
        github.finish(run, {name: "failure"})
        heard = world.systems["gh"].recent(world.clock() - 3600)
        assert heard is not None
        world.hear(*heard)
        before = len(github.requests)
        world.pass_time(120)
        looks += sum(request.path.endswith("/actions/runs") for request in github.requests[before:])
    assert looks == 0
    github.finish(run, {"d": "success"})
    heard = world.systems["gh"].recent(world.clock() - 3600)
    assert heard is not None
    world.hear(*heard)

    world.pass_time(5, every=1)

    assert [post.path.rpartition("/")[2] for post in github.posts] == ["rerun-failed-jobs"]


def hear(github: FakeGitHub, world: World, kind: str, run: int, job: str = "", action: str = "completed") -> None:
    """Hear a webhook."""
    world.hear(*world.systems["gh"].parse(*github.webhook(kind, run, job=job, action=action)))


@pytest.mark.parametrize("lost", ["nothing", "the end of a job", "the end of the run", "the last event of both"])
def test_early_failures_told_by_webhooks(github: FakeGitHub, make_world: MakeWorld, clock: Clock, lost: str) -> None:
    """Nothing is asked until the workflow run has ended; where nobody tells its end, a look in ten minutes does."""
    world = make_world(connect(github, clock), rules=(RULE,))
    push, names = a_push(1), ("a", "b", "c")
    run = github.add_run("octo/app", "W0", push.revision, push.branch, dict.fromkeys(names))
    hear(github, world, "workflow_run", run, action="requested")
    for name in names:
        hear(github, world, "workflow_job", run, name, "in_progress")
    for name in ("a", "b"):
        clock.move(60)
        github.finish(run, {name: "failure"})
        hear(github, world, "workflow_job", run, name)
        world.pass_time(30)
    assert github.requests == []
    github.finish(run, {"c": "success"})
    if lost != "the end of the run":
        # In the other order than usual.
        hear(github, world, "workflow_run", run) if lost != "the last event of both" else None
    if lost in ("nothing", "the end of the run"):
        hear(github, world, "workflow_job", run, "c")
    told = lost in ("nothing", "the end of a job")

    world.pass_time(5 if told else 600, every=5)

    assert [post.path.rpartition("/")[2] for post in github.posts] == ["rerun-failed-jobs"]
    # The list of workflow runs, the jobs of the one, what those that failed say, and the rerun.
    # The runs, the jobs, the workflow file; which branch is the default one, what the push is based on, and
    # where its branch is at; what is wrong.
    assert github.requests.index(github.posts[0]) == 7


def test_only_the_workflow_run_that_failed_is_read(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> None:
    """Of nine others of the commit, which passed and are known, nothing is asked."""
    world = make_world(connect(github, clock), rules=(RULE,))
    push = a_push(1)
    failed = github.add_run("octo/app", "W0", push.revision, push.branch, {"test": "failure"}, created=clock() - 600)
    for number in range(1, 10):
        github.add_run("octo/app", f"W{number}", push.revision, push.branch, {"x": "success"}, created=clock() - 600)
    heard = world.systems["gh"].recent(world.clock() - 3600)
    assert heard is not None
    world.hear(*heard)
    before = len(github.requests)

    world.pass_time(2, every=1)

    assert len(github.posts) == 1
    read = [request.path for request in github.requests[before:] if request.path.endswith("/jobs")]
    assert read == [f"/repos/octo/app/actions/runs/{failed}/jobs"]


def test_what_is_not_sent_takes_no_turn(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> None:
    """A push whose run still runs gives its turn to the next."""
    world = make_world(connect(github, clock), rules=(RULE,))
    for number in (1, 2):
        jobs: dict[str, str | None] = {"test": "failure", "lint": None if number == 1 else "success"}
        github.add_run("octo/app", "W0", a_push(number).revision, a_push(number).branch, jobs)
    heard = world.systems["gh"].recent(world.clock() - 3600)
    assert heard is not None
    world.hear(*heard)
    began = clock()

    world.pass_time(2, every=1)

    assert [post.status for post in github.posts] == [201]
    assert world.store.limits.ask_slot(world.systems["gh"].queue("octo/app"), "x", 0, began) <= began + 3


@pytest.mark.parametrize("kept", ["sqlite", "memory"])
@pytest.mark.parametrize("where", ["a rerun", "a read"])
def test_a_rate_limit_told_to_one_replica_holds_for_all(
    github: FakeGitHub, make_world: MakeWorld, clock: Clock, kept: str, where: str
) -> None:
    """What GitHub told one of them no other has to be told: none sends anything until the limit ends."""
    one = make_world(connect(github, clock), rules=(RULE,), tables=Memory() if kept == "memory" else None)
    method = "POST" if where == "a rerun" else "GET"
    with closing(connect(github, clock)) as other, one.again(systems={"gh": other}) as two:
        fail(github, one, 3)
        github.fail_next(403, "You have exceeded a secondary rate limit.", {"retry-after": "120"}, method=method)
        one.drain()
        before = len(github.requests)
        for _ in range(118):
            clock.move(1)
            two.drain()
            one.drain()
        assert len(github.requests) == before
        for _ in range(20):
            clock.move(1)
            two.drain()
            one.drain()
    assert [post.status for post in github.posts if post.status == 201] == [201] * 3


def test_repositories_take_turns(github: FakeGitHub, make_world: MakeWorld, clock: Clock) -> None:
    """60 failures in one repository do not hold up the one of another, which comes last."""
    system = GitHub(
        "gh", url=github.url, token=github.token, repositories=["octo/app", "octo/other"], clock=clock, sleep=clock.move
    )  # fmt: skip
    world = make_world(system, rules=(Rule(Globs(["octo/*"])),))
    fail(github, world, 60)
    world.pass_time(3, every=0.5)
    revision = "f" * 40
    github.add_run("octo/other", "CI", revision, "main", {"test": "failure", "lint": "success"}, created=clock() - 600)
    heard = system.recent(clock() - 3600)
    assert heard is not None
    world.hear(*heard)

    world.pass_time(4, every=0.5)

    assert sum("/octo/other/" in post.path for post in github.posts) == 1
    assert len(github.posts) >= 7
