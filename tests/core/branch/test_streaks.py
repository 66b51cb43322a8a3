"""Which jobs keep failing along a branch, and since when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.branch.rows import KINDS, revisions, row
from triggerbot.core.branch.cells import Cell, CellKind, failed
from triggerbot.core.branch.streaks import Along, Row, Streak, along

A, B, C = "test_a.py::test_one FAILED", "RuntimeError: CUDA error: device-side assert", "ld: undefined symbol foo_bar"


def found(letters: str, *lines: str, pushes: int = 2) -> Along:
    """Return what one row shows."""
    return along([row(letters, *lines)], revisions(letters), pushes=pushes)


def streak(letters: str, *lines: str) -> Streak:
    """Return the one streak of a row."""
    [one] = found(letters, *lines).failing
    return one


def test_failing_since_the_older_failure() -> None:
    """What was not run at the newest pushes does not hide it."""
    one = streak("? ? F F S S")
    assert (one.since, one.newest, one.pushes) == ("r3", "r2", 2)
    assert (one.running_between, one.did_not_run, one.last_good, one.gap) == (0, (), "r4", ())


@pytest.mark.parametrize("letters", ["S ? F F S S", "P S F F S S", "I F F S"])
def test_nothing_once_it_passes_again(letters: str) -> None:
    """Whatever it did before."""
    assert found(letters) == Along()


def test_a_failure_between_passes_is_isolated() -> None:
    """It is listed, and nobody is alerted."""
    shown = found("F S F S S S", A, B)
    assert shown.failing == ()
    assert [one.revision for one in shown.newest_only] == ["r0"]
    assert [(one.revision, one.line) for one in shown.isolated] == [("r2", B)]


@pytest.mark.parametrize("letter", ["P", "A"])
def test_what_still_runs_in_between_does_not_end_a_streak(letter: str) -> None:
    """It would hide what is really broken."""
    one = streak(f"F {letter} F S S S")
    assert (one.since, one.pushes, one.running_between, one.did_not_run) == ("r2", 2, 1, ())


def test_unlike_failures_are_a_streak_of_lower_rank() -> None:
    """Never silence: lines may be read wrongly."""
    one = streak("F F S", A, B)
    assert (one.since, one.same_failure, one.words) == ("r1", False, "differently each time")
    rows = [row("F F F S", A, B, C, job="a"), row("? F F S", job="b"), row("? F F S", A, A, job="c")]
    assert [one.job for one in along(rows, revisions("F F F S")).failing] == ["c", "b", "a"]


@pytest.mark.parametrize(
    "lines", [(), (A,), ("Process completed with exit code 1.",) * 2, ("##[error]The action has timed out.",) * 2]
)
def test_without_a_telling_line_there_is_no_evidence_either_way(lines: tuple[str, ...]) -> None:
    """A line that any failure may show is none."""
    one = streak("F F S", *lines)
    assert (one.same_failure, one.words) == (None, "no evidence that it is one failure")


def test_one_failure() -> None:
    """Told with how many of them show it."""
    one = streak("F ? F F S", A, A, A)
    assert (one.same_failure, one.alike, one.telling, one.line, one.words) == (
        True, 3, 3, A, "the same failure each time",
    )  # fmt: skip
    assert streak("F F F S", A, "", A).words == "the same failure in 2 of 3"
    assert streak("F F F F S", A, A, B, B).same_failure is False


def test_pushes_in_between_that_did_not_run_it_are_candidates_for_a_backfill() -> None:
    """Those outside the streak are not."""
    one = streak("F K N F S S")
    assert (one.since, one.did_not_run, one.running_between) == ("r3", ("r1", "r2"), 0)
    assert streak("? F ? F ? S").did_not_run == ("r2",)


def test_the_pushes_between_the_last_good_and_the_first_bad_are_told_apart() -> None:
    """Who broke it is among them."""
    one = streak("F F ? C K S ? F")
    assert (one.since, one.last_good, one.gap) == ("r1", "r5", ("r2", "r4"))
    assert (streak("F F ? ?").last_good, streak("F F ? ?").gap) == (None, ())


@pytest.mark.parametrize("letter", ["C", "X", "U"])
def test_what_proves_nothing_neither_ends_nor_lengthens_a_streak(letter: str) -> None:
    """A cancelled run says nothing of the job."""
    one = streak(f"F {letter} F S")
    assert (one.since, one.pushes, one.did_not_run, one.running_between) == ("r2", 2, (), 0)
    assert found(f"F {letter} S").failing == ()


def test_what_retriggers_proved_intermittent_neither_begins_nor_continues_a_streak() -> None:
    """It passed at that very revision."""
    shown = found("F I F S")
    assert shown.failing == ()
    assert ([one.revision for one in shown.newest_only], [one.revision for one in shown.isolated]) == (["r0"], ["r2"])
    assert found("I I I") == Along()
    assert streak("F F I S").last_good == "r3"


@pytest.mark.parametrize("letters", ["F S S S", "P F S S", "A F S S"])
def test_a_failure_at_the_newest_push_is_not_yet_a_streak(letters: str) -> None:
    """The next push will tell."""
    shown = found(letters)
    assert shown.failing == shown.isolated == ()
    assert [one.job for one in shown.newest_only] == ["job"]


def test_how_many_pushes_make_a_streak_can_be_chosen() -> None:
    """By the rule."""
    assert [one.job for one in found("F F S", pushes=3).newest_only] == ["job"]
    assert found("F F F S", pushes=3).failing[0].pushes == 3


def test_an_empty_branch_has_none() -> None:
    """Nor has a job without pushes."""
    assert along([], []) == along([Row("job", ())], []) == Along()


def test_many_jobs_that_begin_to_fail_at_one_push_are_one_message() -> None:
    """With the failure that most of them share."""
    rows = [row("F F S", A, A, job=f"job-{letter}") for letter in "abcdef"]
    rows.append(row("F F F", B, B, B, job="other"))
    shown = along(rows, revisions("F F S"), many=5)
    [one] = shown.beginnings
    assert (one.since, len(one.jobs)) == ("r1", 6)
    assert one.common is not None
    assert (one.common.line, len(one.common.jobs)) == (A, 6)
    assert along(rows, revisions("F F S"), many=6).beginnings == ()
    silent = [row("F F S", job=f"job-{letter}") for letter in "abcdef"]
    assert along(silent, revisions("F F S")).beginnings[0].common is None


def test_where_tests_are_known_the_same_failure_goes_by_them() -> None:
    """Whatever their lines say."""
    cells = (failed([A], ["a"]), failed([B], ["a", "b"]), Cell(CellKind.PASSED))
    assert along([Row("job", cells)], ["r0", "r1", "r2"]).failing[0].same_failure is True
    cells = (failed([A], ["a"]), failed([A], ["b"]), Cell(CellKind.PASSED))
    assert along([Row("job", cells)], ["r0", "r1", "r2"]).failing[0].same_failure is False


letters = st.text("".join(KINDS), max_size=12)
PROVING_NOTHING = ["P", "A", "K", "N", "?", "C", "X", "U"]


@given(letters)
def test_a_streak_begins_and_ends_with_a_failure_and_has_no_pass_in_between(text: str) -> None:
    """Whatever else happened."""
    shown = found(text)
    for one in shown.failing:
        between = text[int(one.newest[1:]) : int(one.since[1:]) + 1]
        assert between[0] == between[-1] == "F"
        assert between.count("F") == one.pushes >= 2
        assert not set(between) & set("SI")
        assert len(one.did_not_run) == sum(map(between.count, "KN?"))
        assert not set(text[: int(one.newest[1:])]) & set("FSI")
    assert len(shown.failing) + len(shown.newest_only) <= 1


@given(letters, st.sampled_from("SI"))
def test_nothing_fails_now_once_the_job_passed(text: str, well: str) -> None:
    """At the newest push that proves anything."""
    shown = found(well + text)
    assert shown.failing == shown.newest_only == ()


@given(letters, st.integers(0, 12), st.sampled_from(PROVING_NOTHING))
def test_what_proves_nothing_changes_no_streak_wherever_it_stands(text: str, place: int, letter: str) -> None:
    """It only adds to what is told of it."""

    def said(shown: Along) -> list[object]:
        failing = [(one.job, one.pushes, one.same_failure) for one in shown.failing]
        return [failing, len(shown.newest_only), len(shown.isolated)]

    assert said(found(text[:place] + letter + text[place:])) == said(found(text))


@given(letters)
def test_each_single_failure_is_told_once(text: str) -> None:
    """And only failures are."""
    shown = found(text)
    told = [one.revision for one in (*shown.isolated, *shown.newest_only)]
    assert len(told) == len(set(told))
    assert all(text[int(revision[1:])] == "F" for revision in told)
