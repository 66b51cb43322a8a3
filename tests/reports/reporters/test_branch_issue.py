"""Branches at GitHub: one issue each, edited in place, commented on when something changed, closed in the end."""

from collections.abc import Callable

import httpx
import pytest

from tests.fakes.github import Clock, FakeGitHub
from tests.fakes.github.fixtures import clock, connect, github
from tests.fakes.github.issues import FakeIssue
from tests.reports.branches import LINK, MAIN, Board
from triggerbot.reports.reporters.github.branch_issue import BranchIssues
from triggerbot.store.branches import Silence
from triggerbot.systems.github.system import GitHub

__all__ = ["clock", "connect", "github"]

A, B = "test_a.py::test_one FAILED", "RuntimeError: CUDA error: device-side assert"


@pytest.fixture
def board(github: FakeGitHub, connect: Callable[..., GitHub], clock: Clock) -> Board:
    """Report branches called main."""
    github.repositories.add("octo/app")
    client = connect(transport=httpx.HTTPTransport(verify=False)).reporting
    return Board([BranchIssues("gh", client, lambda branch: branch.name == "main", ("ci-failing",), "bot")], clock)


def issues(github: FakeGitHub) -> list[FakeIssue]:
    """List all issues."""
    return list(github.issues.issues.values())


def comments(github: FakeGitHub) -> list[str]:
    """List what the comments say, without their markers."""
    return [one.body.partition("\n")[2] for one in github.talk.comments.values()]


def test_the_life_of_an_issue(github: FakeGitHub, board: Board) -> None:
    """Opened at the first streak, edited, commented on only when a job began or ceased to fail, closed when well."""
    board.report({"linux-1": "F S S", "mac-1": "S S S"})
    assert issues(github) == []

    board.report({"linux-1": "F F S S", "mac-1": "F S S S"}, A, A)
    [one] = issues(github)
    assert (one.title, one.labels, one.state) == ("main: 1 job keeps failing", ["ci-failing"], "open")
    assert "`linux-1` failing since `r1`; good at `r2`; at 2 pushes; the same failure each time" in one.body
    assert "that push is by `author-of-r1`: `test_a.py::test_one FAILED`" in one.body
    assert "`mac-1` fails at the newest push only" in one.body
    assert LINK in one.body
    assert "`@bot silence JOB`" in one.body
    assert "`@bot backfill JOB`" in one.body

    board.report({"linux-1": "F F F S S", "mac-1": "S F S S S"}, A, A, A)
    assert "at 3 pushes" in one.body
    assert comments(github) == []

    board.report({"linux-1": "F F F F S", "mac-1": "F F S F S"})
    assert one.title == "main: 2 jobs keep failing"
    [said] = comments(github)
    assert said.startswith("- keeps failing: `mac-1` failing since `r1`")

    board.report({"linux-1": "S F F F F", "mac-1": "F F F S F"})
    assert comments(github)[1:] == ["- fails no longer: `linux-1`"]
    board.report({"linux-1": "S S F F F", "mac-1": "S F F F S"})
    assert comments(github)[2:] == ["- fails no longer: `mac-1`\n\nNothing keeps failing on `main`."]
    assert (one.state, one.state_reason, len(issues(github))) == ("closed", "completed", 1)

    board.report({"linux-1": "F F S S F", "mac-1": "S S F F F"})
    assert [one.state for one in issues(github)] == ["closed", "open"]


def test_nothing_is_written_that_changes_nothing(github: FakeGitHub, board: Board) -> None:
    """Whatever news comes."""
    board.report({"linux-1": "F F S"})
    before = len(github.requests)
    board.report()
    board.report()
    assert len(github.requests) == before


def test_only_covered_branches(github: FakeGitHub, board: Board) -> None:
    """Neither another branch, nor another system's."""
    board.show({"linux-1": "F F S"})
    board.report(branch=MAIN._replace(name="beta"))
    board.report(branch=MAIN._replace(system="other"))
    assert github.requests == []


def test_many_at_once_are_one_thing(github: FakeGitHub, board: Board) -> None:
    """With the failure that they have in common."""
    board.report({f"linux-{number}": "F F S" for number in range(6)}, A, A)
    [one] = issues(github)
    assert "6 jobs began to fail at `r1`: likely one cause, or the machines" in one.body


def test_many_at_once_are_one_line_of_a_comment(github: FakeGitHub, board: Board) -> None:
    """What is left out is counted."""
    board.report({"mac-1": "F F S"} | {f"linux-{number:02}": "S S S" for number in range(25)})
    board.report({"mac-1": "F F F S"} | {f"linux-{number:02}": "F F S S" for number in range(25)}, A, A)
    [said] = comments(github)
    assert said.startswith(
        "- 25 jobs began to fail at `r1`: likely one cause, or the machines; all of them with the same"
    )
    assert said.endswith("`linux-19` and 5 more")
    assert "\n" not in said


@pytest.mark.parametrize("lag", [0.0, 20.0])
@pytest.mark.parametrize("status", [0, 502])
@pytest.mark.parametrize("applied", [True, False])
def test_what_is_created_without_an_answer_is_looked_for(
    github: FakeGitHub, board: Board, status: int, lag: float, *, applied: bool
) -> None:
    """An issue, and later a comment, whose answers were lost, are made once, however late GitHub lists them."""
    github.issues.lag = github.talk.lag = lag
    github.fail_next(status, "oops", method="POST", path="/issues", applied=applied)
    board.report({"linux-1": "F F S", "mac-1": "S S S"})
    for _ in range(3):
        board.settle(40)
    assert len(issues(github)) == 1

    github.fail_next(status, "oops", method="POST", path="/comments", applied=applied)
    board.report({"linux-1": "F F S", "mac-1": "F F S"})
    for _ in range(3):
        board.settle(40)
    assert issues(github)[0].title == "main: 2 jobs keep failing"
    assert len(comments(github)) == 1


def test_older_duplicates_are_closed(github: FakeGitHub, board: Board) -> None:
    """Where nothing is stored any more, the newest of our issues is taken up; other people's are left alone."""
    board.report({"linux-1": "F F S"})
    [first] = issues(github)
    for author in (first.author, "somebody"):
        number = 1001 + len(issues(github))
        github.issues.issues[number] = FakeIssue(
            number, first.repo, author, "User", first.title, first.body, first.made + 1
        )
    board.store.branches.keep(MAIN, "github:gh:issue", "")

    board.report({"linux-1": "F F F S"})

    assert [one.state for one in issues(github)] == ["closed", "open", "open"]
    assert first.state_reason == "not_planned"
    assert "at 3 pushes" in issues(github)[1].body
    assert "at 2 pushes" in issues(github)[2].body


def test_what_somebody_closed_is_left_alone(github: FakeGitHub, board: Board) -> None:
    """Until another job keeps failing: that is a new issue."""
    board.report({"linux-1": "F F S", "mac-1": "S S S"})
    issues(github)[0].state = "closed"
    board.report({"linux-1": "F F F S", "mac-1": "S S S S"})
    board.report({"linux-1": "F F F F S", "mac-1": "S S S S S"})
    assert (len(issues(github)), comments(github)) == (1, [])

    board.report({"linux-1": "F F F F S", "mac-1": "F F S S S"})
    assert [one.state for one in issues(github)] == ["closed", "open"]


def test_silenced_until_the_streak_ends(github: FakeGitHub, board: Board) -> None:
    """It counts neither in the title nor as a change, is listed apart, and after a pass counts anew."""
    board.report({"linux-1": "F F S", "mac-1": "F F S"})
    board.store.branches.silence(MAIN, "mac-1", Silence("r1", "ann", board.clock()), board.clock())
    board.settle()
    [one] = issues(github)
    assert one.title == "main: 1 job keeps failing"
    assert "Silenced until they pass: `mac-1`" in one.body
    assert comments(github) == []

    board.report({"linux-1": "F F S", "mac-1": "S F F"})
    assert board.store.branches.read(MAIN).silenced == {}
    assert comments(github) == ["- fails no longer: `mac-1`"]
    board.report({"linux-1": "F F S", "mac-1": "F F S"})
    assert one.title == "main: 2 jobs keep failing"


def test_all_is_not_well_while_a_silenced_job_fails(github: FakeGitHub, board: Board) -> None:
    """The issue stays open, and says so."""
    board.report({"linux-1": "F F S", "mac-1": "F F S"})
    board.store.branches.silence(MAIN, "mac-1", Silence("r1", "ann", board.clock()), board.clock())
    board.report({"linux-1": "S F F", "mac-1": "F F F"})
    [one] = issues(github)
    assert (one.state, one.title) == ("open", "main: nothing else keeps failing")
    assert comments(github) == [
        "- fails no longer: `linux-1`\n\nNothing keeps failing on `main` but what is silenced: `mac-1`."
    ]
    assert one.body.partition("\n")[2].startswith("**No other job keeps failing** on `main`")

    board.report({"linux-1": "S S F", "mac-1": "S F F"})
    assert (one.state, one.title) == ("closed", "main: nothing keeps failing")


@pytest.mark.parametrize("trouble", ["disabled", "permission"])
def test_what_a_person_has_to_change_is_tried_again_later(github: FakeGitHub, board: Board, trouble: str) -> None:
    """Issues that are switched off, and a permission that is missing."""
    if trouble == "disabled":
        github.issues.disabled.add("octo/app")
    else:
        del github.granted["issues"]
    board.report({"linux-1": "F F S"})
    assert issues(github) == []
    github.issues.disabled.clear()
    github.granted["issues"] = "write"
    board.settle(600)
    assert len(issues(github)) == 1


def test_dry_run_says_what_it_would_post(github: FakeGitHub, connect: Callable[..., GitHub], clock: Clock) -> None:
    """And sends nothing."""
    reporter = BranchIssues("gh", connect().reporting, lambda _: True)
    board = Board([reporter], clock, dry=True)
    board.report({"linux-1": "F F S"})
    assert github.requests == []
