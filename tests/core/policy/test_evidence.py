"""How many retriggers prove something, by the history of a job."""

from dataclasses import replace
from random import Random

import pytest

from triggerbot.core.model import Kind
from triggerbot.core.policy import evidence
from triggerbot.core.policy.evidence import NO_HISTORY, Background, Past, Pool, UntilProved, Weight, fitted

RULE = UntilProved()


def test_the_chance_by_hand() -> None:
    """The rate is 3/12, lambda .1; after two failures E = 4/13 * 5/14."""
    known = Background(Past(2, 9), Pool(1, 2), 0.1)

    assert known.rate == pytest.approx(3 / 12)
    assert known.chance(0) == pytest.approx(0.25 / 0.35)
    after_two = 0.25 * (4 / 13) * (5 / 14)
    assert known.chance(2) == pytest.approx(after_two / (after_two + 0.1))


def test_what_the_base_shows_of_the_failure() -> None:
    """A failure that is known as intermittent there is hardly the change; one that is new is so more often."""
    pool, past = Pool(1, 9), Past(4, 40)
    chances = [
        Background(past, pool, 0.1, known_on_base=known, new_on_base=new).chance(1)
        for known, new in ((True, False), (False, False), (False, True))
    ]

    assert chances == sorted(chances, reverse=True)
    assert Background(past, pool, 0.1, known_on_base=True).chance(1) == pytest.approx(
        Background(past, pool, 0.002).chance(1)
    )
    assert Background(past, pool, 0.1, new_on_base=True).chance(1) == pytest.approx(
        Background(past, pool, 0.2).chance(1)
    )


def test_without_history_two_are_enough() -> None:
    """One at a time, and two in all."""
    assert NO_HISTORY.chance(1) > RULE.limit >= NO_HISTORY.chance(2)
    assert [RULE.wave(NO_HISTORY, further, 4 - further, several=True) for further in range(4)] == [1, 1, 0, 0]


def test_a_job_that_is_often_intermittent_needs_more() -> None:
    """As many as it may have; and what they are worth is said."""
    often = Background(Past(60, 100), Pool(1, 9), 0.1)

    assert [RULE.wave(often, further, 4 - further, several=True) for further in range(5)] == [2, 1, 1, 1, 0]
    assert [RULE.wave(often, further, 4 - further, several=False) for further in range(5)] == [1, 1, 1, 1, 0]
    assert RULE.weigh(often, 4).words(5, 5) == "failed 5 of 5, not proved: this job fails so at 55 % of pushes"


def test_a_rate_is_said_of_a_job_only_where_it_is_its_own() -> None:
    """At few pushes it is mostly that of other jobs."""
    few = Background(Past(1, 19), Pool(1, 9), 0.1)

    unknown = "failed 2 of 2, not proved: too little is known of how often this job is intermittent"
    assert RULE.weigh(NO_HISTORY, 1).words(2, 2) == RULE.weigh(few, 1).words(2, 2) == unknown
    assert "at 7 % of pushes" in RULE.weigh(replace(few, past=Past(1, 20)), 1).words(2, 2)


def test_a_job_that_never_was_needs_one() -> None:
    """Never none: one failure is not every time."""
    never = Background(Past(0, 500), Pool(0.5, 7), 0.05)

    assert never.chance(0) <= RULE.limit
    assert [RULE.wave(never, further, 4 - further, several=True) for further in range(2)] == [1, 0]
    assert RULE.weigh(never, 1).words(2, 2) == "fails every time; less than 1 % that it is intermittent"
    assert not RULE.weigh(never, 0).proved


def test_words() -> None:
    """In whole percents."""
    assert Weight(0.0234, 0.1, True).words(3, 3) == "fails every time; 2 % that it is intermittent"
    assert evidence.percent(0) == "0 %"


def test_a_build_gets_one_at_most() -> None:
    """And none where none is to be had."""
    assert [RULE.most_of(kind) for kind in (Kind.TEST, Kind.BUILD, Kind.OTHER)] == [4, 1, 4]
    assert UntilProved(most=0).most_of(Kind.BUILD) == 0


@pytest.mark.parametrize(("a", "b"), [(0.5, 7.0), (2.0, 38.0), (0.1, 4.0)])
def test_a_pool_is_found_again(a: float, b: float) -> None:
    """Fitted to jobs whose rates were drawn from it, and which ran at few pushes or at many."""
    dice = Random(7)
    pasts = []
    for _ in range(4000):
        rate, pushes = dice.betavariate(a, b), dice.choice((20, 50, 200))
        pasts.append(Past(sum(dice.random() < rate for _ in range(pushes)), pushes))

    pool = fitted(pasts)

    assert pool.mean == pytest.approx(a / (a + b), rel=0.1)
    assert pool.a + pool.b == pytest.approx(a + b, rel=0.25)


@pytest.mark.parametrize("pasts", [
    [], [Past(1, 1000)], [Past(5, 19)] * 50,
])  # fmt: skip
def test_too_little_is_no_history(pasts: list[Past]) -> None:
    """One job, or jobs that ran at few pushes."""
    assert fitted(pasts) == evidence.UNKNOWN_POOL


@pytest.mark.parametrize("pasts", [
    [Past(0, 100)] * 5, [Past(100, 100)] * 5, [Past(10, 100)] * 5, [Past(0, 100), Past(100, 100)], [Past(0, 20)] * 2,
])  # fmt: skip
def test_any_pool_gives_a_chance(pasts: list[Past]) -> None:
    """Jobs that are all alike, always or never intermittent: a share between none and all, which further runs lower."""
    pool = fitted(pasts)
    lambdas = {evidence.breaks_at_first(pool, base=base) for base in (True, False)}

    for breaks in lambdas | {0.0, 1.0}:
        chances = [Background(past, pool, breaks).chance(further) for past in pasts for further in range(6)]
        assert all(0 <= one <= 1 for one in chances)
        for past in pasts:
            falling = [Background(past, pool, breaks).chance(further) for further in range(6)]
            assert falling == sorted(falling, reverse=True)


def test_nothing_known_at_all() -> None:
    """A rate and a lambda of zero are no division by zero."""
    assert Background(Past(), Pool(0.0, 1.0), 0.0).chance(2) == 0
