"""From news to reports: what is due, when it is judged and reported, and failing reporters."""

import threading
from collections.abc import Callable

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.fixtures import clock, make_world, quiet, rule
from tests.fakes.world import World, event, failure
from tests.reports.board import HERE, Board, ci, world
from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, StoreRefused
from triggerbot.core.model import Push
from triggerbot.store import PushRecord, Search

__all__ = ["ci", "clock", "make_world", "quiet", "rule", "world"]


def test_news_is_judged_and_reported_once(world: World) -> None:
    """News in quick succession is reported together; without news there is no report."""
    board = Board()
    publisher = world.publisher(board)
    world.hear(event("other", "2", push=HERE, result="success"))
    world.publish(publisher)
    world.publish(publisher, 3600.0)

    assert [report.value["health"] for report in board.reports] == ["pending"]
    assert {job["job"] for job in board.reports[0].value["jobs"]} == {"job", "other"}
    assert board.reports[0].link == f"https://triggerbot.example.org/pushes/try/{HERE.revision}?system=ci&branch=try"


def test_what_is_held_back_comes_in_time(world: World) -> None:
    """A reporter that held back mere progress is called again at its chosen time, without any news."""
    board = Board()
    publisher = world.publisher(board)
    board.again = world.clock() + 60.0
    world.publish(publisher, 50.0)
    assert len(board.reports) == 1
    board.again = None
    world.publish(publisher, 3600.0)
    assert len(board.reports) == 2


def test_what_was_kept_comes_back(world: World) -> None:
    """A reporter gets its last stored text back, also from a restarted daemon."""
    board = Board()
    world.publish(world.publisher(board))
    world.hear(event("other", "2", push=HERE, result="success"))
    world.publish(world.publisher(board))

    assert board.stored == ["", board.reports[0].judged.sentence]


def test_a_verdict_that_changes_says_so(world: World, ci: ListeningCI) -> None:
    """In the timeline, and beside the job."""
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    for run in ("re-1", "re-2"):
        world.hear(failure("job", run, push=HERE))
    world.publish(publisher)
    world.hear(event("job", "extra", push=HERE, result="success"))
    world.publish(publisher)

    (job,) = board.reports[-1].value["jobs"]
    assert (job["verdict"], job["was"]) == ("intermittent", "failed")
    changes = [entry.text for entry in world.store.pushes.timeline(HERE, "job") if entry.what == "verdict"]
    assert changes[0].startswith("failed: every one of 3 runs failed")
    assert changes[1].startswith("intermittent (was failed)")


def test_a_job_that_had_passed_is_reported_as_such(world: World) -> None:
    """A job fails in a further run after its push had been reported good."""
    board = Board()
    publisher = world.publisher(board)
    world.hear(event("other", "1", push=HERE, result="success", time=10.0))
    world.publish(publisher)
    world.hear(failure("other", "2", push=HERE, time=20.0))
    world.publish(publisher)

    (job,) = [one for one in board.reports[-1].value["jobs"] if one["job"] == "other"]
    assert (job["verdict"], job["was"]) == ("intermittent", "passed")
    (change,) = [entry.text for entry in world.store.pushes.timeline(HERE, "other") if entry.what == "verdict"]
    assert change.startswith("intermittent (was passed)")


def test_what_a_ci_has_lost_is_reported_in_the_end(world: World, ci: ListeningCI) -> None:
    """Runs that it accepted and never lists are waited for, but not for ever; no further news is needed."""
    ci.makes_runs = False
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    world.publish(publisher)
    assert board.reports[-1].value["health"] == "pending"

    world.publish(publisher, 86_500.0)

    assert board.reports[-1].value["health"] == "failing"
    assert board.reports[-1].judged.final
    assert len(board.reports) == 2


def test_what_was_pending_meanwhile_was_no_verdict(world: World, ci: ListeningCI) -> None:
    """A further run of a failed job is requested: the report names the verdicts before and after it."""
    board = Board()
    publisher = world.publisher(board)
    world.drain()
    world.hear(*(failure("job", run, push=HERE) for run in ("re-1", "re-2")))
    world.publish(publisher)
    verdicts = []
    for run in ("re-3", "re-4"):
        world.store.claims.ask(HERE, "job", 1, f"me {run}", dry=False, now=world.clock())
        world.drain()
        world.publish(publisher)
        verdicts.append((board.reports[-1].value["jobs"][0]["verdict"], board.reports[-1].value["jobs"][0]["was"]))
        world.hear(event("job", run, push=HERE, result="failure" if run == "re-3" else "success"))
        world.publish(publisher)
        verdicts.append((board.reports[-1].value["jobs"][0]["verdict"], board.reports[-1].value["jobs"][0]["was"]))

    assert verdicts == [("pending", "failed"), ("failed", None), ("pending", "failed"), ("intermittent", "failed")]


@pytest.mark.parametrize(
    ("error", "soon", "late"),
    [
        (CIUnavailable("down", 30.0), 20.0, 60.0),
        (CIDenied("no permission"), 300.0, 400.0),
        (ValueError("ours"), 300.0, 400.0),
    ],
)
def test_a_failed_report_is_tried_again(world: World, error: Exception, soon: float, late: float) -> None:
    """It is retried after a while; other reporters are not affected."""
    failing, working = Board("board:ill"), Board("board:well")
    failing.errors = [error]
    publisher = world.publisher(failing, working)
    world.publish(publisher)
    world.publish(publisher, soon)
    assert (len(failing.reports), len(working.reports)) == (1, 1)

    world.publish(publisher, late)

    assert len(failing.reports) == 2
    assert "board:ill" in world.store.facts.metadata(HERE)


def test_other_reporters_get_the_news_while_one_fails(world: World) -> None:
    """A failing reporter does not hold up the others, and is not tried more often for their news."""
    failing, working = Board("board:ill"), Board("board:well")
    failing.errors = [CIDenied("no permission")]
    publisher = world.publisher(failing, working)
    world.publish(publisher)
    for number in range(5):
        world.hear(event(f"other-{number}", "2", push=HERE, result="success"))
        world.publish(publisher)

    assert (len(failing.reports), len(working.reports)) == (1, 6)


def test_what_is_slow_and_fails_is_not_waited_for_again(world: World, ci: ListeningCI) -> None:
    """A reporter that hangs is left alone for a while, so that others report in time."""
    failing, working = Board("board:ill"), Board("board:well")
    failing.errors = [CIUnavailable("no answer within a minute") for _ in range(100)]
    failing.meanwhile = lambda: world.clock.move(60.0)
    publisher = world.publisher(failing, working)
    for number in range(5):
        where = HERE._replace(revision=f"{number:010x}")
        ci.say(where)
        world.hear(failure(push=where))
    began = world.clock()
    world.publish(publisher)

    assert (len(failing.reports), len(working.reports)) == (1, 6)
    assert world.clock() - began < 90.0
    for _ in range(12):
        world.publish(publisher, 60.0)
    assert len(failing.reports) <= 4


def test_reports_end_before_somebody_else_takes_them_up(world: World) -> None:
    """Reports for which there is no time are made at the next try."""
    slow, last = Board("board:slow"), Board("board:last")
    slow.meanwhile = lambda: world.clock.move(100.0)
    publisher = world.publisher(slow, last)
    world.clock.move(2.0)
    publisher.step()
    assert (len(slow.reports), len(last.reports)) == (1, 0)

    slow.meanwhile = lambda: None
    publisher.step()

    assert (len(slow.reports), len(last.reports)) == (2, 1)


def test_a_clock_that_is_set_back_makes_nobody_hurry(world: World) -> None:
    """It also does not wait for as long as the clock was set back."""
    board = Board()
    board.errors = [CIUnavailable("down") for _ in range(4)]
    publisher = world.publisher(board)
    world.publish(publisher)
    world.publish(publisher, 60.0)
    world.clock.move(-86_400.0)
    world.hear(event("other", "2", push=HERE, result="success"))
    for _ in range(60):
        world.publish(publisher, 1.0)
        assert len(board.reports) <= 8

    assert not board.errors
    assert board.reports[-1].judged.sentence == board.reports[-2].judged.sentence


def test_it_is_tried_after_a_long_stop(world: World) -> None:
    """The fault may have been fixed while triggerbot was off: the day counts from the first try, not from the news."""
    board = Board()
    board.errors = [CIDenied("no permission")]
    world.publish(world.publisher(board))

    world.publish(world.publisher(board), 3 * 86_400.0)

    assert len(board.reports) == 2
    assert not board.errors


def test_a_large_push_rests(world: World) -> None:
    """A push that takes long to judge is not judged again at once, however much news there is."""
    board = Board()
    board.meanwhile = lambda: (
        world.hear(event("meanwhile", str(len(board.reports)), push=HERE, result="success")) and None
    )
    made = world.publisher(board, rest=1e9)
    world.publish(made)
    steps = 0
    for number in range(5):
        world.hear(event(f"other-{number}", "2", push=HERE, result="success"))
        steps += world.publish(made)

    assert len(board.reports) == 1
    assert steps <= 5


def test_a_push_that_cannot_be_judged(world: World, ci: ListeningCI, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not retried at each of its news, and other pushes are judged."""
    board, tries = Board(), 0
    made = world.publisher(board)
    judge = made._judge.judge

    def fail(record: PushRecord) -> object:
        nonlocal tries
        if record.push != HERE:
            return judge(record)
        tries += 1
        raise ValueError("ours")

    monkeypatch.setattr(made._judge, "judge", fail)
    other = HERE._replace(revision="beefbeef12")
    ci.say(other)
    for number in range(5):
        world.hear(event(f"other-{number}", "2", push=HERE, result="success"), failure(push=other))
        world.publish(made)

    assert tries == 1
    assert {report.push for report in board.reports} == {other}


def test_what_the_store_refuses_ends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged key of one push is no reason to stop reporting all others."""
    board, stop = Board(), threading.Event()
    made = world.publisher(board)
    world.clock.move(2.0)

    def refuse(push: Push, due: float | None) -> None:
        stop.set()
        raise StoreRefused("a damaged key")

    monkeypatch.setattr(world.store.reports, "end", refuse)
    made.run(stop)

    assert len(board.reports) == 1


def test_it_is_given_up_after_a_day(world: World) -> None:
    """A reporter that keeps failing is given up for this push."""
    board = Board()
    board.errors = [CIDenied("no permission") for _ in range(1000)]
    publisher = world.publisher(board)
    for _ in range(150):
        world.publish(publisher, 700.0)
    tries = len(board.reports)
    world.hear(event("other", "2", push=HERE, result="success"))
    world.publish(publisher)

    assert len(board.reports) == tries < 150


def test_what_is_gone_is_not_tried_again(world: World) -> None:
    """A commit that GitHub no longer knows gets no report."""
    board = Board()
    board.errors = [NotKnown("no such commit")]
    publisher = world.publisher(board)
    world.publish(publisher)
    world.publish(publisher, 7200.0)

    assert len(board.reports) == 1


def test_a_crash_while_reporting_repeats_it(world: World) -> None:
    """A daemon that dies with a report in hand loses nothing: it is taken up when its lease is over."""
    assert world.store.reports.take(world.clock() + 2.0, 180.0) == HERE
    board = Board()

    world.publish(world.publisher(board), 60.0)
    assert board.reports == []
    world.publish(world.publisher(board), 180.0)

    assert len(board.reports) == 1


def test_dry_run_reports_nothing(make_world: Callable[..., World], ci: ListeningCI) -> None:
    """Only the page shows what would be reported."""
    world = make_world(ci, dry=True)
    world.hear(failure(push=HERE))
    board = Board()

    world.publish(world.publisher(board))

    assert board.reports == []
    assert [one.health for one in world.store.pushes.search(Search(), 10)] != [""]
