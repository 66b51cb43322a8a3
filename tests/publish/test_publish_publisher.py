"""From news to reports: what is due, when it is judged and reported, and what a failing reporter does to it."""

from collections.abc import Callable

import pytest
from fakes.fixtures import clock, make_world, quiet, rule
from fakes.listening import ListeningCI
from fakes.world import World, event, failure, push

from triggerbot.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.model import Push
from triggerbot.publish import Told
from triggerbot.store import Search
from triggerbot.verdict import Verdict

__all__ = ["clock", "make_world", "quiet", "rule"]

HERE = push("abcdef1234")
LINE = "tests/test_login.py::test_login: AssertionError: 1 != 2"


class Board:
    """A reporter that keeps what it is told."""

    def __init__(self, name: str = "board:one") -> None:
        self.name = name
        self.told: list[Told] = []
        self.kept: list[str] = []
        self.errors: list[BaseException] = []

    def wants(self, push: Push) -> bool:
        return push.project == "try"

    def report(self, told: Told, kept: str, keep: Callable[[str], None]) -> None:
        self.told.append(told)
        self.kept.append(kept)
        if self.errors:
            raise self.errors.pop(0)
        keep(told.judged.sentence)

    def close(self) -> None:
        """There is nothing to let go of."""


@pytest.fixture
def ci() -> ListeningCI:
    """Know one push."""
    made = ListeningCI()
    made.say(HERE)
    return made


@pytest.fixture
def world(make_world: Callable[..., World], ci: ListeningCI) -> World:
    """Have heard of a failed job."""
    ci.put(failure(push=HERE))
    made: World = make_world(ci)
    made.hear(failure(push=HERE))
    return made


def test_news_is_judged_and_reported_once(world: World) -> None:
    """What follows at once is reported with it; without news nothing is."""
    board = Board()
    publisher = world.publisher(board)
    world.hear(event("other", "2", push=HERE, result="success"))
    world.publish(publisher)
    world.publish(publisher, 3600.0)

    assert [told.value["health"] for told in board.told] == ["pending"]
    assert {job["job"] for job in board.told[0].value["jobs"]} == {"job", "other"}
    assert board.told[0].link == f"https://triggerbot.example.org/pushes/try/{HERE.revision}?system=ci&branch=try"


def test_what_was_kept_comes_back(world: World) -> None:
    """A reporter is given what it kept last, by a daemon that was started anew as well."""
    board = Board()
    world.publish(world.publisher(board))
    world.hear(event("other", "2", push=HERE, result="success"))
    world.publish(world.publisher(board))

    assert board.kept == ["", board.told[0].judged.sentence]


def test_a_verdict_that_changes_says_so(world: World, ci: ListeningCI) -> None:
    """In the story, and beside the job."""
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    for run in ("re-1", "re-2"):
        world.hear(failure("job", run, push=HERE))
    world.publish(publisher)
    world.hear(event("job", "extra", push=HERE, result="success"))
    world.publish(publisher)

    (job,) = board.told[-1].value["jobs"]
    assert (job["verdict"], job["was"]) == ("intermittent", "failed")
    changes = [entry.text for entry in world.store.story(HERE, "job") if entry.what == "verdict"]
    assert changes[0].startswith("failed: every one of 3 runs failed")
    assert changes[1].startswith("intermittent (was failed)")


@pytest.mark.parametrize(
    ("error", "soon", "late"),
    [
        (CIUnavailable("down", 30.0), 20.0, 60.0),
        (CIDenied("no permission"), 300.0, 400.0),
        (ValueError("ours"), 300.0, 400.0),
    ],
)
def test_a_failed_report_is_tried_again(world: World, error: Exception, soon: float, late: float) -> None:
    """After a while; the other reporters are none the worse for it."""
    ill, well = Board("board:ill"), Board("board:well")
    ill.errors = [error]
    publisher = world.publisher(ill, well)
    world.publish(publisher)
    world.publish(publisher, soon)
    assert (len(ill.told), len(well.told)) == (1, 1)

    world.publish(publisher, late)

    assert len(ill.told) == 2
    assert "board:ill" in world.store.kept(HERE)


def test_it_is_given_up_after_a_day(world: World) -> None:
    """A reporter that nobody mends is left alone at this push."""
    board = Board()
    board.errors = [CIDenied("no permission") for _ in range(1000)]
    publisher = world.publisher(board)
    for _ in range(150):
        world.publish(publisher, 700.0)
    tries = len(board.told)
    world.hear(event("other", "2", push=HERE, result="success"))
    world.publish(publisher)

    assert len(board.told) == tries < 150


def test_what_is_gone_is_not_tried_again(world: World) -> None:
    """A commit that GitHub does not know any more gets no report."""
    board = Board()
    board.errors = [NotKnown("no such commit")]
    publisher = world.publisher(board)
    world.publish(publisher)
    world.publish(publisher, 7200.0)

    assert len(board.told) == 1


def test_a_crash_while_reporting_repeats_it(world: World) -> None:
    """Whoever dies with a push in hand loses nothing: it is taken up when its time is over."""
    assert world.store.take_report(world.clock() + 2.0, 180.0) == HERE
    board = Board()

    world.publish(world.publisher(board), 60.0)
    assert board.told == []
    world.publish(world.publisher(board), 180.0)

    assert len(board.told) == 1


def test_dry_run_reports_nothing(make_world: Callable[..., World], ci: ListeningCI) -> None:
    """Only the page shows what would be told."""
    world = make_world(ci, dry=True)
    world.hear(failure(push=HERE))
    board = Board()

    world.publish(world.publisher(board))

    assert board.told == []
    assert [one.health for one in world.store.search(Search(), 10)] != [""]


def test_failure_lines_are_asked_for(world: World, ci: ListeningCI) -> None:
    """Each run once, later again if its log is not read yet; the retrigger's failure is recognised as the same one."""
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    unread = NotKnown("its log is not read yet")
    ci.lines = {"1": [LINE], "re-1": [LINE.replace("1 != 2", "7 != 8")], "re-2": unread}
    for run in ("re-1", "re-2"):
        world.hear(failure("job", run, push=HERE))
    world.publish(publisher)
    ci.lines["re-2"] = ["Process completed with exit code 1."]
    world.publish(publisher, 60.0)
    world.publish(publisher, 3600.0)

    assert sorted(ci.asked_why) == ["1", "re-1", "re-2", "re-2"]
    (job,) = board.told[-1].value["jobs"]
    assert job["failure"] == {
        "line": LINE, "same": 2, "failed_runs": 3, "without_evidence": 1, "different_each_time": False,
    }  # fmt: skip


@pytest.mark.parametrize("error", [CIUnavailable("down"), CIDenied("no permission")])
def test_a_ci_that_does_not_tell(world: World, ci: ListeningCI, error: Exception) -> None:
    """It does not hold the verdict up."""
    ci.lines = {"1": error}
    board = Board()

    world.publish(world.publisher(board))

    assert [told.value["jobs"][0]["job"] for told in board.told] == ["job"]


def test_an_intermittent_that_the_push_touches(world: World, ci: ListeningCI) -> None:
    """It is suspected to be new when its failure names a file of the change."""
    ci.lines = {"1": [LINE]}
    ci.changed = {HERE.revision: ["src/login.py", "tests/test_login.py"]}
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    for run in ("re-1", "re-2"):
        world.hear(event("job", run, push=HERE, result="success"))

    world.publish(publisher)

    (job,) = board.told[-1].judged.jobs
    assert job.verdict is Verdict.INTERMITTENT
    assert job.suspected
    assert "1 suspected new" in board.told[-1].judged.sentence


def test_new_failures_are_set_apart(world: World, ci: ListeningCI) -> None:
    """Against the previous push of the branch: what failed there is known."""
    board = Board()
    publisher = world.publisher(board)
    world.publish(publisher)
    assert board.told[-1].fresh is None
    second = HERE._replace(revision="beefbeef12")
    ci.say(second)
    world.clock.move(60.0)
    world.hear(failure("job", "5", push=second), failure("fresh", "6", push=second, kind="build"))
    world.hear(event("fine", "7", push=second, result="success"))

    world.publish(publisher)

    assert board.told[-1].push == second
    assert board.told[-1].fresh == frozenset({"fresh"})


def test_a_line_that_everything_shows_is_no_evidence(world: World, ci: ListeningCI) -> None:
    """What the failures of other jobs at other pushes show as well is not what makes two runs the same."""
    board = Board()
    publisher = world.publisher(board)
    for number in range(25):
        other = HERE._replace(revision=f"{number:010x}")
        world.hear(failure(f"job-{number}", "1", push=other, failures=("the harness gave up on us",), kind="build"))
    world.publish(publisher)
    for run in ("1", "2"):
        world.hear(failure("last", run, push=HERE, kind="build", failures=("the harness gave up on us",)))

    world.publish(publisher)

    told = next(told for told in reversed(board.told) if told.push == HERE)
    job = next(job for job in told.judged.jobs if job.job == "last")
    assert job.failing is not None
    assert job.failing.sameness.same == 0
