"""Failure lines: fetching them from the CI in time, and their effect on a report."""

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.world import World, event, failure
from tests.reports.board import HERE, Board, ci, world
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import PushFacts
from triggerbot.core.verdict.verdict import Verdict

__all__ = ["ci", "clock", "make_world", "quiet", "rule", "world"]

LINE = "tests/test_login.py::test_login: AssertionError: 1 != 2"


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
    (job,) = board.reports[-1].value["jobs"]
    assert job["failure"] == {
        "line": LINE, "same": 2, "failed_runs": 3, "without_evidence": 1, "different_each_time": False,
        "one_test": False, "other_tests": False, "others": [],
    }  # fmt: skip


@pytest.mark.parametrize("error", [CIUnavailable("down"), CIDenied("no permission")])
def test_a_ci_that_gives_no_lines(world: World, ci: ListeningCI, error: Exception) -> None:
    """It does not hold the verdict up."""
    ci.lines = {"1": error}
    board = Board()

    world.publish(world.publisher(board))

    assert [report.value["jobs"][0]["job"] for report in board.reports] == ["job"]


def test_lines_that_are_never_known(world: World, ci: ListeningCI) -> None:
    """They are requested a few times, however much news there is, and then given up."""
    ci.lines = {"1": NotKnown("its log is not read yet")}
    board = Board()
    publisher = world.publisher(board)
    for number in range(10):
        world.hear(event(f"other-{number}", "2", push=HERE, result="success"))
        world.publish(publisher)
    asked = len(ci.asked_why)
    for _ in range(60):
        world.publish(publisher, 60.0)

    assert asked <= 3
    assert ci.asked_why.count("1") == 6
    assert len(ci.asked_why) == 7, "one run that passed is asked what such runs show"
    assert len(board.reports) <= 10 + 6


def test_a_ci_that_never_answers_is_asked_ever_less(world: World, ci: ListeningCI) -> None:
    """After a day or more, not at all."""
    ci.lines = {"1": CIUnavailable("down")}
    board = Board()
    publisher = world.publisher(board)
    for _ in range(60):
        world.publish(publisher, 60.0)
    assert len(ci.asked_why) <= 12

    for _ in range(200):
        world.publish(publisher, 1000.0)

    assert len(ci.asked_why) == 100
    assert len(board.reports) <= 101


def test_a_slow_ci_does_not_hold_up_reports(world: World, ci: ListeningCI) -> None:
    """Of many runs as many are asked about as time allows; a CI that hangs is left alone for a while."""
    others = [HERE._replace(revision=f"{number:010x}") for number in range(5)]
    for where in others:
        ci.say(where)
        world.hear(*(failure(f"job-{number}", str(number), push=where) for number in range(30)))
    ci.meanwhile = lambda: world.clock.move(10.0)
    board = Board()
    publisher = world.publisher(board)
    world.clock.move(2.0)
    publisher.step()
    assert len(ci.asked_why) <= 5
    assert len(board.reports) == 1

    ci.meanwhile = lambda: world.clock.move(60.0)
    ci.lines = {str(number): CIUnavailable("no answer") for number in range(30)}
    asked, began = len(ci.asked_why), world.clock()
    for _ in range(5):
        publisher.step()
    assert len(ci.asked_why) - asked == 1
    assert len(board.reports) == 6
    assert world.clock() - began < 90.0


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

    (job,) = board.reports[-1].judged.jobs
    assert job.verdict is Verdict.INTERMITTENT
    assert job.suspected
    assert "1 suspected new" in board.reports[-1].judged.sentence


def test_the_branch_of_a_fork_is_not_listed(world: World, ci: ListeningCI) -> None:
    """A reporter for `main` gets no report of a fork's `main`, which is `fork:main` there."""
    boards = {branches: Board(f"board:{branches}", branches) for branches in ("*", "try", "fork:*", "other")}
    publisher = world.publisher(*boards.values())
    world.hear(PushFacts(HERE, "", "bob", fork=True))

    world.publish(publisher)

    assert [branches for branches, board in boards.items() if board.reports] == ["*", "fork:*"]


def test_what_a_passing_job_of_the_push_shows_is_no_evidence(world: World, ci: ListeningCI) -> None:
    """One that passed is asked at once, so that it needs no history."""
    everywhere = "the mirror of packages is deprecated: move to the registry"
    ci.lines = {"1": [everywhere], "re-1": [everywhere], "fine": [everywhere], "also": [everywhere]}
    board = Board()
    publisher = world.publisher(board)
    world.hear(failure("job", "re-1", push=HERE), event("other", "fine", push=HERE, result="success"))
    world.hear(event("another", "also", push=HERE, result="success"))

    world.publish(publisher)
    world.publish(publisher, 3600.0)

    assert len({"fine", "also"} & set(ci.asked_why)) == 1
    job = next(job for job in board.reports[-1].judged.jobs if job.job == "job")
    assert job.failing is not None
    assert job.failing.shapes == ()


def test_a_line_that_everything_shows_is_no_evidence(world: World, ci: ListeningCI) -> None:
    """A line that failures of other jobs at other pushes share does not make two failures the same."""
    board = Board()
    publisher = world.publisher(board)
    for number in range(25):
        other = HERE._replace(revision=f"{number:010x}")
        world.hear(failure(f"job-{number}", "1", push=other, failures=("the harness gave up on us",), kind="build"))
    world.publish(publisher)
    for run in ("1", "2"):
        world.hear(failure("last", run, push=HERE, kind="build", failures=("the harness gave up on us",)))

    world.publish(publisher)

    report = next(report for report in reversed(board.reports) if report.push == HERE)
    job = next(job for job in report.judged.jobs if job.job == "last")
    assert job.failing is not None
    assert job.failing.sameness.same == 0
