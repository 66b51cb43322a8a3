"""Which failed runs are retriggers of ours that fail as their original did."""

from dataclasses import replace

import pytest

from tests.fakes.world import push
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Result, Run, State
from triggerbot.core.verdict.repeats import Judged, of_one_cause, repeats

LINE = "TEST-UNEXPECTED-FAIL | browser/test_login.js | Test timed out"
OTHER = "TEST-UNEXPECTED-FAIL | browser/test_refund.js | expected 3, got 4"


def run(number: int, line: str = LINE, result: Result = Result.FAILURE) -> Run:
    """Return a run that failed with one line, or ended otherwise."""
    lines = (line,) if result is Result.FAILURE and line else ()
    return Run("job", f"run-{number}", 1, State.FINISHED, result, time=float(number), failures=lines)


def claim(of: Run, *, known: int = 1, asked: int = 2, **more: object) -> Claim:
    """Return a claim that was carried out."""
    made = Claim(
        1, push(), "job", ClaimState.DONE, of, dry=False, created=0, due=0, cause=Cause.FAILURE, wanted=asked,
        asked=asked, known_runs=known,
    )  # fmt: skip
    return replace(made, **more)


def pairs(runs: list[Run], *claims: Claim) -> list[tuple[str, str]]:
    """Return the ids of each original and its repetition."""
    return [(one.run_id, two.run_id) for one, two in repeats("job", runs, claims)]


@pytest.mark.parametrize(
    ("further", "expected"),
    [
        ([run(1), run(2)], ["run-1", "run-2"]),
        ([run(1, OTHER), run(2)], ["run-2"]),
        ([run(1, result=Result.SUCCESS), run(2)], ["run-2"]),
        ([run(1, ""), run(2, "")], []),
        ([run(1), run(2), run(3)], ["run-1", "run-2"]),
    ],
)
def test_what_fails_alike_is_a_repetition(further: list[Run], expected: list[str]) -> None:
    """Another failure is one of its own, and so is one of which nothing is known; what others started is theirs."""
    original = run(0)
    assert pairs([original, *further], claim(original)) == [("run-0", one) for one in expected]


def test_an_original_of_which_nothing_is_known() -> None:
    """It is like no other failure."""
    original = run(0, "")
    assert pairs([original, run(1, ""), run(2)], claim(original)) == []


def test_a_line_that_any_failure_shows_tells_of_no_repetition() -> None:
    """By the history of the project; nobody's classification goes by it."""
    runs = [run(0), run(1)]
    assert list(repeats("job", runs, [claim(runs[0])], lambda *_: ())) == []


def test_a_dry_run_started_nothing() -> None:
    """The runs are somebody else's."""
    original = run(0)
    assert pairs([original, run(1)], claim(original, dry=True)) == []


def test_what_repeats_a_repetition_repeats_its_original() -> None:
    """A person asked for more of what the bot had run."""
    runs = [run(number) for number in range(4)]
    by_hand = claim(runs[2], known=3, asked=1, origin="by-hand")
    assert pairs(runs, claim(runs[0]), by_hand) == [("run-0", f"run-{number}") for number in (1, 2, 3)]


def test_what_was_asked_for_after_a_pass_repeats_the_last_failure() -> None:
    """Not the run that passed."""
    runs = [run(0), run(1, result=Result.SUCCESS), run(2)]
    assert pairs(runs, claim(runs[1], known=2, asked=1)) == [("run-0", "run-2")]


def of_job(name: str, lines: str, *, number: int, **more: object) -> Judged:
    """Return a job with a failed run for each line, of which a claim decided."""
    runs = [replace(run(at, line), job=name, run_id=f"{name}-{at}") for at, line in enumerate(lines.split("\n"))]
    return Judged(name, runs, [replace(claim(runs[0], **more), id=number, job=name)])


REFUSED = {
    "asked": 0, "state": ClaimState.REFUSED, "cause": None, "refusal": Refusal.SAME_CAUSE, "note": "as a, same failure",
}  # fmt: skip


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (of_job("b", LINE, number=2, **REFUSED), [("a-0", "b-0")]),
        (of_job("b", OTHER, number=2, **REFUSED), []),
        (of_job("b", LINE, number=2, **{**REFUSED, "note": "as c, same failure"}), []),
        (of_job("b", LINE, number=2, **{**REFUSED, "dry": True}), []),
        (of_job("b", LINE, number=2, **{**REFUSED, "refusal": Refusal.OVER_BUDGET}), []),
        (of_job("b", LINE, number=2), []),
    ],
)
def test_a_job_of_one_cause_goes_with_the_one_that_was_retriggered(other: Judged, expected: list[object]) -> None:
    """If that was for both, and they failed alike."""
    first = of_job("a", f"{LINE}\n{LINE}", number=1, asked=1)
    assert [(one.run_id, two.run_id) for one, two in of_one_cause([first, other])] == expected


def test_a_pass_parts_jobs_of_one_cause() -> None:
    """Whichever of them passed."""
    first, other = of_job("a", f"{LINE}\n{LINE}", number=1, asked=1), of_job("b", LINE, number=2, **REFUSED)
    passed = run(9, result=Result.SUCCESS)
    assert list(of_one_cause([first._replace(runs=[*first.runs, passed]), other])) == []
    assert list(of_one_cause([first, other._replace(runs=[*other.runs, passed])])) == []
