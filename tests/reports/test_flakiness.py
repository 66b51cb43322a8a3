"""The rate at which jobs are intermittent, and its confidence interval."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import push
from triggerbot.reports.flakiness import differs, interval, ranked, worst
from triggerbot.store import FailureRecord


def seen(job: str, number: int, *, failed: int = 1, passed: int = 1, at: float = 1000.0) -> FailureRecord:
    """Make a failure record of a job at a push."""
    return FailureRecord(push(f"{number:040x}"), job, at, failed, passed)


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.2775),
        (1, 10, 0.0179, 0.4042),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (15, 148, 0.0624, 0.1605),
    ],
)
def test_the_interval_is_wilsons(hits: int, tries: int, low: float, high: float) -> None:
    """The values agree with tables and other programs; the last is Newcombe's example (1998, his method 3)."""
    assert interval(hits, tries) == pytest.approx((low, high), abs=5e-4)


COUNTED = st.integers(1, 10_000).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries)))


@given(COUNTED)
def test_the_interval_contains_the_rate(counted: tuple[int, int]) -> None:
    """It never leaves 0 to 1, and is never empty."""
    hits, tries = counted
    low, high = interval(hits, tries)

    assert 0 <= low <= hits / tries <= high <= 1
    assert low < high


@given(COUNTED, st.integers(2, 50))
def test_more_data_makes_it_narrower(counted: tuple[int, int], times: int) -> None:
    """The same rate, seen more often, is known better."""
    hits, tries = counted
    low, high = interval(hits, tries)
    closer_low, closer_high = interval(hits * times, tries * times)

    assert closer_high - closer_low < high - low
    assert closer_low >= low
    assert closer_high <= high


@given(COUNTED)
def test_it_is_the_same_from_the_other_side(counted: tuple[int, int]) -> None:
    """The interval of the passing rate mirrors that of the intermittent rate."""
    hits, tries = counted
    low, high = interval(hits, tries)

    assert interval(tries - hits, tries) == pytest.approx((1 - high, 1 - low))


def test_a_job_is_intermittent_where_it_failed_and_passed() -> None:
    """A job that only failed, or passed after CI errors only, does not count; a push counts once."""
    sightings = [
        seen("a", 1, at=10.0), seen("a", 1, at=30.0), seen("a", 2, at=20.0), seen("a", 3, passed=0),
        seen("b", 1, passed=0), seen("c", 1, failed=0),
    ]  # fmt: skip
    (rate,) = worst(sightings, {"a": 20, "b": 20, "c": 20}, 10)

    assert (rate.job, rate.project, rate.intermittent, rate.ran, rate.rate, rate.last_seen) == (
        "a", "try", 2, 20, 0.1, 30.0
    )  # fmt: skip
    assert (rate.low, rate.high) == interval(2, 20)
    assert str(rate) == "10 % (2.8 % to 30 %): 2 of 20"


def test_the_worst_is_what_is_bad_for_sure() -> None:
    """The lower bound decides: one of two pushes proves little, thirty of a hundred much."""
    sightings = [seen("few", 1), *(seen("many", number) for number in range(30)), seen("rare", 1)]
    found = worst(sightings, {"few": 2, "many": 100, "rare": 1000}, 10)

    assert [rate.job for rate in found] == ["many", "few", "rare"]
    assert worst(sightings, {"few": 2, "many": 100, "rare": 1000}, 2) == found[:2]
    assert ranked(list(reversed(found)), 2) == found[:2]


def test_more_sightings_than_runs_are_no_accident() -> None:
    """Purged runs make no rate above 100 %."""
    (rate,) = worst([seen("a", number) for number in range(3)], {}, 10)

    assert (rate.rate, rate.high) == (1.0, 1.0)


def test_the_json_has_all_figures() -> None:
    """Programs rely on these names."""
    (rate,) = worst([seen("a", 1, at=0.0)], {"a": 8}, 10)

    assert rate.as_json() == {
        "job": "a", "project": "try", "intermittent": 1, "ran": 8, "rate": 0.125, "low": 0.0224, "high": 0.4709,
        "last_seen": "1970-01-01T00:00:00Z",
    }  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 2), st.integers(0, 2)), max_size=40)
)
def test_whatever_was_seen_is_ranked(given_seen: list[tuple[str, int, int, int]]) -> None:
    """In any order of records, and never beyond the limit."""
    sightings = [seen(job, number, failed=failed, passed=passed) for job, number, failed, passed in given_seen]
    found = worst(sightings, {"a": 3}, 2)

    assert found == worst(list(reversed(sightings)), {"a": 3}, 2)
    assert all(one.low >= other.low for one, other in itertools.pairwise(found))
    assert all(0 < one.intermittent <= one.ran for one in found)


@pytest.mark.parametrize(
    ("one", "other", "of", "said"),
    [
        ((2, 2), (0, 2), 1, 0),
        ((15, 15), (0, 15), 1, 1),
        ((0, 15), (15, 15), 1, -1),
        ((8, 10), (1, 10), 1, 1),
        ((8, 10), (1, 10), 20, 0),
        ((1, 1), (0, 0), 1, 0),
    ],
)
def test_shares_differ_only_beyond_chance(one: tuple[int, int], other: tuple[int, int], of: int, said: int) -> None:
    """And the more questions are asked at once, the more it takes."""
    assert differs(*one, *other, of=of) == said
    assert differs(*other, *one, of=of) == -said
