"""The checker itself: it has to detect each kind of fault."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.chaos.checker import bound, check
from tests.service.chaos.ci_process import Ground

A, B, C = ("abc", "job-a"), ("abc", "job-b"), ("def", "job-a")


def test_all_is_well() -> None:
    """Fed, acknowledged, and retriggered as often as wanted."""
    verdict = check([A, B, C, A], [A, B, C], {A: 2, B: 2, C: 2}, 2)
    assert verdict.good
    assert verdict.counts() == {
        "attempted": 3, "acknowledged": 3, "ok": 3, "recovered": 0, "lost": 0, "doubled": 0, "unexpected": 0
    }  # fmt: skip


@pytest.mark.parametrize("runs", [{A: 2}, {A: 2, B: 0}, {A: 2, B: 1}])
def test_a_lost_one(runs: dict[tuple[str, str], int]) -> None:
    """Acknowledged, but retriggered never or too seldom."""
    verdict = check([A, B], [A, B], runs, 2)
    assert not verdict.good
    assert (verdict.lost, verdict.doubled, verdict.unexpected) == ((B,), (), ())


@pytest.mark.parametrize("number", [3, 4])
def test_a_doubled_one(number: int) -> None:
    """Retriggered more often than wanted, whether it was acknowledged or not."""
    for acknowledged in ([A, B], [A]):
        verdict = check([A, B], acknowledged, {A: 2, B: number}, 2)
        assert not verdict.good
        assert (verdict.lost, verdict.doubled, verdict.unexpected) == ((), (B,), ())


def test_an_unexpected_one() -> None:
    """Retriggered though it was never fed."""
    verdict = check([A], [A], {A: 2, C: 1}, 2)
    assert not verdict.good
    assert (verdict.lost, verdict.doubled, verdict.unexpected) == ((), (), (C,))


def test_one_that_was_never_acknowledged() -> None:
    """It may be retriggered or not; both are right."""
    assert check([A, B], [A], {A: 2}, 2).good
    verdict = check([A, B], [A], {A: 2, B: 2}, 2)
    assert verdict.good
    assert verdict.recovered == 1


@given(st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 4)), st.sets(st.sampled_from([A, B, C])))
def test_nothing_slips_through(runs: dict[tuple[str, str], int], fed: set[tuple[str, str]]) -> None:
    """The verdict is good if and only if the CI made exactly the wanted runs of exactly the fed jobs."""
    exact = {job: number for job, number in runs.items() if number} == dict.fromkeys(fed, 2)
    assert check(fed, fed, runs, 2).good is exact


def test_the_bound() -> None:
    """The rule of three; it gives no figure where something failed or nothing was tried."""
    assert bound(0, 3000) == 0.001
    assert bound(1, 3000) is None
    assert bound(0, 0) is None


def test_the_log_of_the_ci(tmp_path: Path) -> None:
    """Every POST that made runs counts; several for one job add up."""
    log = tmp_path / "ground.jsonl"
    posts = [("abc", "job-a", 2), ("abc", "job-b", 1), ("abc", "job-b", 2)]
    log.write_text("".join(json.dumps({"revision": r, "job": j, "runs": n}) + "\n" for r, j, n in posts))
    assert dict(Ground(log, 0).made()) == {A: 2, B: 3}
