"""When breakers open, whom they let pass, and what closes them; and what tells an ill CI from broken pushes."""

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.model import Event, Kind, Push, Run, State
from triggerbot.core.policy import circuit_breaker
from triggerbot.core.policy.circuit_breaker import (
    Breaker,
    BreakerCause,
    BreakerKey,
    BreakerScope,
    BreakerSettings,
    Evidence,
)
from triggerbot.pipeline.outages import OutageDetector

PLACE = BreakerKey(BreakerScope.SYSTEM, "ci")
SETTINGS = BreakerSettings(failures=3, pushes=3, within=600, canary=10, longest=60)


def seen(number: int, at: float = 0.0, trouble: BreakerCause = BreakerCause.REQUESTS) -> Evidence:
    """Something that went wrong with one of many pushes."""
    return Evidence(at, trouble, push(f"{number:07x}"), "job", f"HTTP 503 ({number})")


def after(*evidence: Evidence) -> Breaker:
    """A breaker after all of these."""
    one = Breaker(PLACE)
    for each in evidence:
        one = circuit_breaker.record_failure(one, each, SETTINGS)
    return one


def claim(number: int, where: Push | None = None, **run: object) -> Claim:
    """A claim of a push."""
    told = Run("job", "1", 1, State.FINISHED, None, Kind.TEST, **run)  # type: ignore[arg-type]
    return Claim(number, where or push(f"{number:07x}"), "job", ClaimState.OWED, told, False, 0.0, 0.0)


def test_so_many_in_a_row_open_it() -> None:
    """One less does not; and it says why, with its evidence."""
    assert not after(seen(1), seen(2)).open

    one = after(seen(1), seen(2), seen(3, at=7.0))

    assert (one.open, one.trouble, one.since, one.probe) == (True, BreakerCause.REQUESTS, 7.0, 17.0)
    assert one.why == "3 requests in a row failed, the last with: HTTP 503 (3)"
    assert [each.push.revision for each in one.evidence] == ["0000001", "0000002", "0000003"]


def test_the_same_job_counts_once() -> None:
    """One job that the CI chokes on is no outage."""
    assert not after(*[seen(1, at=float(at)) for at in range(20)]).open


def test_a_success_ends_the_row() -> None:
    """Rows of each sort are counted apart."""
    one = circuit_breaker.record_success(after(seen(1), seen(2)), BreakerCause.REQUESTS, 1.0)

    assert not circuit_breaker.record_failure(one, seen(3), SETTINGS).open
    mixed = after(seen(1), seen(2), seen(3, trouble=BreakerCause.LOOK_BACKS), seen(4, trouble=BreakerCause.LOOK_BACKS))
    assert not mixed.open
    assert len(circuit_breaker.record_success(mixed, BreakerCause.LOOK_BACKS, 1.0).evidence) < len(mixed.evidence)


def test_only_what_it_is_open_for_closes_it() -> None:
    """Look-backs that work prove nothing of requests."""
    one = after(seen(1), seen(2), seen(3))

    assert circuit_breaker.record_success(one, BreakerCause.LOOK_BACKS, 9.0).open
    closed = circuit_breaker.record_success(one, BreakerCause.REQUESTS, 9.0)
    assert (closed.open, closed.evidence, closed.since) == (False, (), 9.0)


def test_one_canary_at_a_time_ever_more_seldom() -> None:
    """Only the canary passes; after each that fails the next waits twice as long, up to the longest."""
    one = after(seen(1), seen(2), seen(3))
    assert not one.admits(claim(1))
    assert not one.free(9.9)
    assert one.free(10.0)
    waits = []
    for number in range(10, 15):
        now = one.probe
        ahead = circuit_breaker.send_canary(one, claim(number), now)
        assert ahead.admits(claim(number))
        assert not ahead.admits(claim(99))
        # Claims are numbered within their pushes.
        assert not ahead.admits(claim(number, push("another")))
        assert not ahead.free(now + 1000)
        one = circuit_breaker.record_failure(ahead, seen(number, at=now), SETTINGS)
        waits.append(one.probe - now)

    assert waits == [20, 40, 60, 60, 60]
    assert one.tries == 5


def test_what_was_under_way_when_it_opened_is_no_canary() -> None:
    """Its failure neither frees the place of the canary nor makes the next wait longer."""
    ahead = circuit_breaker.send_canary(after(seen(1), seen(2), seen(3)), claim(7), 10.0)

    later = circuit_breaker.record_failure(ahead, seen(8, at=11.0), SETTINGS)

    assert (later.canary, later.tries) == (ahead.canary, 0)


def test_a_canary_that_never_comes_back_is_given_up() -> None:
    """A process may die with it; a run may never end."""
    ahead = circuit_breaker.send_canary(after(seen(1), seen(2), seen(3)), claim(7), 10.0)

    assert not circuit_breaker.canary_lost(ahead, 10.0 + circuit_breaker.LOST)
    assert circuit_breaker.canary_lost(ahead, 11.0 + circuit_breaker.LOST)


def test_a_claim_passes_the_breakers_of_its_run() -> None:
    """Its system, its pool, and the step at which its run failed; in dry run only the system."""
    places = circuit_breaker.keys_of(claim(1, pool="arm", step="checkout"))

    assert [str(one) for one in places] == ["system ci", "pool arm of ci", "step checkout of ci"]


# -- what fails everywhere --------------------------------------------------------------------------------------

ARM = BreakerKey(BreakerScope.POOL, "ci", "arm")
CHECKOUT = BreakerKey(BreakerScope.STEP, "ci", "checkout")


def fails(number: int, author: str | None = None, **more: object) -> Event:
    """A failure in one of many pushes."""
    return failure(push=push(f"{number:07x}"), author=author or f"{number}@example.org", **more)


@pytest.fixture
def clock() -> Clock:
    """Stand somewhere."""
    return Clock()


@pytest.fixture
def outages(clock: Clock) -> OutageDetector:
    """Know nothing yet."""
    return OutageDetector(SETTINGS, clock)


def test_the_same_pool_in_unrelated_pushes(outages: OutageDetector) -> None:
    """Three authors are enough, with all of what the pool ran; the evidence names their pushes."""
    outages.record([fails(1, pool="arm"), fails(2, pool="arm")])
    assert outages.outage(ARM) is None

    outages.record([fails(3, pool="arm")])

    illness = outages.outage(ARM)
    assert illness is not None
    assert illness.why == "3 of 3 of its runs in 10 min failed there, in 3 unrelated pushes"
    assert [one.push.revision for one in illness.evidence] == ["0000001", "0000002", "0000003"]
    assert outages.outage(BreakerKey(BreakerScope.POOL, "other", "arm")) is None


def test_pushes_of_one_author_are_related(outages: OutageDetector) -> None:
    """One broken change, pushed again and again, is no illness of the CI; nor is one branch of nobody known."""
    outages.record([fails(number, author="a@example.org", pool="arm") for number in range(9)])
    outages.record([failure(push=push(f"{number:07x}"), pool="arm") for number in range(9)])

    assert outages.outage(ARM) is None


def test_a_pool_that_mostly_passes_is_well(outages: OutageDetector) -> None:
    """Failures in many pushes are what every day brings."""
    outages.record([fails(number, pool="arm") for number in range(4)])
    outages.record([event(run_id=str(number), result="success", pool="arm") for number in range(5)])

    assert outages.outage(ARM) is None


def test_a_step_is_held_against_all_that_ended(outages: OutageDetector) -> None:
    """Most failures are at the step that runs the tests: only if most runs fail there is that the CI's doing."""
    outages.record([fails(number, step="checkout") for number in range(4)])
    assert outages.outage(CHECKOUT) is not None

    outages.record([event(run_id=str(number), result="success") for number in range(5)])

    assert outages.outage(CHECKOUT) is None


def test_it_passes(outages: OutageDetector, clock: Clock) -> None:
    """What was long ago, or before it was closed, does not count."""
    outages.record([fails(number, pool="arm") for number in range(4)])
    assert outages.outage(ARM, clock() - 100) is not None
    assert outages.outage(ARM, clock() + 16) is None
    clock.move(601 + 15)

    assert outages.outage(ARM) is None


def test_what_passes_again_shows_that_it_is_over(outages: OutageDetector, clock: Clock) -> None:
    """Where enough was heard since."""
    opened = clock()
    clock.move(30)
    assert not outages.recovered(ARM, opened)

    outages.record([event(run_id=str(number), result="success", pool="arm") for number in range(6)])

    assert outages.recovered(ARM, opened)


def test_a_step_is_over_when_runs_pass_it_again(outages: OutageDetector, clock: Clock) -> None:
    """Runs that end without failing there show it; a few that still do are what every day brings."""
    opened = clock()
    clock.move(30)
    outages.record([fails(1, step="checkout"), *(event(run_id=str(number), result="success") for number in range(4))])
    assert not outages.recovered(CHECKOUT, opened)

    outages.record([event(run_id="9", result="success")])

    assert outages.recovered(CHECKOUT, opened)


def test_history_is_no_weather(outages: OutageDetector, clock: Clock) -> None:
    """After an outage of hours a sweep brings all that failed meanwhile at once."""
    outages.record([fails(number, pool="arm", time=clock() - 4300) for number in range(9)])

    assert outages.outage(ARM) is None


def test_foreign_names_do_not_fill_the_memory(outages: OutageDetector) -> None:
    """Events that each name a new pool evict the oldest; the memory stays bounded."""
    outages.record([fails(1, pool=f"pool-{number}") for number in range(5000)])

    assert len(outages._slices) <= 2000
