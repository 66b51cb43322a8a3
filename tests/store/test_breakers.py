"""What every store promises of breakers, caps, and what is held behind them."""

import pytest

from tests.fakes.store_items import operation, own
from tests.store.claimed import PUSH, Reopen, owed
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope, Canary, Evidence
from triggerbot.core.policy.limits import Capped
from triggerbot.store import Store

PLACE = BreakerKey(BreakerScope.SYSTEM, "ci")


def an_open_breaker(version: int = 0, place: BreakerKey = PLACE) -> Breaker:
    """A breaker with everything in it."""
    evidence = Evidence(1.5, BreakerCause.REQUESTS, PUSH, "job", "HTTP 503 \u2713")
    canary = Canary(PUSH, "job", 7, 3.25)
    return Breaker(place, version, BreakerCause.REQUESTS, 2.0, (evidence,), "why", 1, 12.0, canary)


def test_a_breaker_is_kept_as_it_is(store: Store) -> None:
    """Under the version that it has then; names may hold anything."""
    odd = BreakerKey(BreakerScope.POOL, "ci", "a/b \x1f {1}")

    assert store.limits.save_breaker(an_open_breaker(), 1.0)
    assert store.limits.save_breaker(an_open_breaker(place=odd), 1.0)

    assert {one.place: one for one in store.limits.breakers()} == {
        PLACE: an_open_breaker(1), odd: an_open_breaker(1, odd),
    }  # fmt: skip


def test_who_saw_an_old_breaker_does_not_change_it(store: Store) -> None:
    """Of two who change the same version, one does."""
    assert store.limits.save_breaker(an_open_breaker(), 1.0)

    assert not store.limits.save_breaker(an_open_breaker(), 1.0)
    assert store.limits.save_breaker(an_open_breaker(1), 1.0)
    assert not store.limits.save_breaker(an_open_breaker(1), 1.0)
    assert [one.version for one in store.limits.breakers()] == [2]


def test_what_is_held_waits_until_it_is_let_go_the_oldest_first(store: Store) -> None:
    """Or until the time that it is held at most."""
    claims = [owed(store, f"job-{number}", now=float(number)) for number in range(4)]
    for claim in reversed(claims):
        store.claims.hold(claim, "cap x", 1000.0, "held: for a reason", 10.0)
    assert store.limits.held() == {"cap x": 4}
    assert store.due.next() == 1000.0
    assert (own(store, "job-0").note, own(store, "job-0").behind) == ("held: for a reason", "cap x")
    assert store.pushes.work(PUSH).claims[0].behind == "cap x"

    assert store.limits.release_held("cap x", 2, 20.0) == 2

    assert [own(store, f"job-{number}").behind for number in range(4)] == ["", "", "cap x", "cap x"]

    assert store.limits.held() == {"cap x": 2}
    assert [claim.job for claim in sorted(store.pushes.work(PUSH).due(21.0), key=lambda one: one.due)] == [
        "job-0",
        "job-1",
    ]
    assert store.limits.release_held("cap x", -1, 30.0) == 2
    assert store.limits.held() == {}
    assert store.limits.release_held("cap x", -1, 30.0) == 0
    odd = BreakerKey(BreakerScope.POOL, "ci", "a/b \x1f {1}").key
    store.claims.hold(claims[0], odd, 1000.0, "held", 40.0)
    assert own(store, "job-0").behind == odd


def test_a_breaker_that_closes_lets_go_of_all_behind_it(store: Store) -> None:
    """At once, in the same step; and of nothing that is held behind others."""
    first, second = owed(store, "a"), owed(store, "b")
    store.limits.save_breaker(an_open_breaker(), 1.0)
    store.claims.hold(first, PLACE.key, 1000.0, "held", 2.0)
    store.claims.hold(second, "cap x", 1000.0, "held", 2.0)

    store.limits.save_breaker(Breaker(PLACE, 1), 5.0)

    assert store.limits.held() == {"cap x": 1}
    assert [claim.job for claim in store.pushes.work(PUSH).due(5.0)] == ["a"]


def test_what_came_to_its_end_is_held_no_more(store: Store) -> None:
    """It is not counted, and not made due."""
    claim = owed(store)
    store.claims.hold(claim, "cap x", 1000.0, "held", 2.0)
    store.claims.finish(claim, "enough", 3.0)

    assert store.limits.held() == {}
    assert store.limits.release_held("cap x", -1, 4.0) == 0
    assert own(store).state is ClaimState.DONE


def test_a_request_in_doubt_is_not_held(store: Store) -> None:
    """It has its own time to be looked for."""
    claim = owed(store)
    store.claims.begin(operation(claim), PUSH, "", 2.0)
    store.claims.doubted(operation(claim), 60.0, "no answer", 3.0)

    store.claims.hold(own(store), "cap x", 1000.0, "held", 4.0)

    assert store.limits.held() == {}
    assert own(store).due == 60.0


def test_nothing_leaves_through_a_breaker_that_opened_meanwhile(store: Store) -> None:
    """Whoever passed an earlier version has to ask again; whoever passed this one is its canary."""
    claim = owed(store)
    assert store.limits.save_breaker(an_open_breaker(), 1.0)
    other = {BreakerKey(BreakerScope.POOL, "ci", "arm"): 0}

    assert store.claims.begin(operation(claim), PUSH, "", 2.0, passes={PLACE: 0, **other}) is False
    assert own(store).state is ClaimState.OWED
    assert store.claims.begin(operation(claim), PUSH, "", 2.0, passes={PLACE: 1, **other}) is True


def test_a_closed_breaker_stops_nothing(store: Store) -> None:
    """In whatever version."""
    claim = owed(store)
    store.limits.save_breaker(Breaker(PLACE), 1.0)

    assert store.claims.begin(operation(claim), PUSH, "", 2.0, passes={PLACE: 0}) is True


def test_a_cap_holds_for_every_hour(store: Store) -> None:
    """It counts retriggers, not requests; an hour later there is room again."""
    claims = [owed(store, f"job-{number}") for number in range(4)]
    caps = {"service": 5, "author \x1f": None}

    def begin(number: int, now: float) -> bool | Capped:
        return store.claims.begin(operation(claims[number], f"op-{number}", started=now), PUSH, "", now, caps=caps)

    assert begin(0, 7200.0) is True
    assert begin(1, 7230.0) is True
    assert begin(2, 9000.0) == Capped("service", 5, 4, 2)
    assert own(store, "job-2").state is ClaimState.OWED
    assert store.limits.sent(9000.0) == {"service": 4, "author \x1f": 4}
    assert begin(2, 10799.0) == Capped("service", 5, 4, 2)
    assert begin(2, 10861.0) is True
    assert begin(3, 10862.0) is True
    assert store.limits.sent(10862.0)["service"] == 4


@pytest.mark.parametrize("end", ["refused", "postponed"])
def test_what_was_not_taken_counts_against_no_cap(store: Store, end: str) -> None:
    """Once, however often that is told."""
    claim, other = owed(store), owed(store, "other")
    one = operation(claim, started=7200.0)
    store.claims.begin(operation(other, "other", started=7200.0), PUSH, "", 7200.0, caps={"service": 9})
    store.claims.begin(one, PUSH, "", 7200.0, caps={"service": 9})
    assert store.limits.sent(7200.0) == {"service": 4}

    for _ in range(3):
        if end == "refused":
            store.claims.refused(one, Decision.refuse(Refusal.REFUSED_BY_CI, "gone"), 7201.0)
        else:
            store.claims.postponed(one, 7300.0, "busy", 7201.0)

    assert store.limits.sent(7201.0) == {"service": 2}
    store.claims.accepted(operation(other, "other"), "yes", 7202.0)
    assert store.limits.sent(7202.0) == {"service": 2}


def test_breakers_and_holds_are_there_after_a_restart(store: Store, reopen: Reopen) -> None:
    """Like all else."""
    store.claims.hold(owed(store), "cap x", 1000.0, "held", 2.0)
    store.limits.save_breaker(an_open_breaker(), 1.0)

    again = reopen()

    assert again.limits.held() == {"cap x": 1}
    assert again.limits.breakers() == [an_open_breaker(1)]


def test_old_breakers_are_forgotten_but_no_open_one(store: Store) -> None:
    """Names of pools and steps are foreign text: they must not pile up."""
    store.limits.save_breaker(Breaker(PLACE), 1.0)
    store.limits.save_breaker(an_open_breaker(place=BreakerKey(BreakerScope.POOL, "ci", "arm")), 1.0)

    store.purge(2.0)

    assert [one.place.name for one in store.limits.breakers()] == ["arm"]
