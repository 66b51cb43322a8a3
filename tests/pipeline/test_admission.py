"""A CI that does not take requests: claims are held, and one canary at a time is sent."""

from itertools import pairwise

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from tests.pipeline.breakers import SETTINGS, MakeWorld, a_push, asked, breakers, fail, finish, guarded, memory
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import CIUnavailable, StoreUnavailable
from triggerbot.core.policy.limits import Limits
from triggerbot.core.policy.planning import Capacity
from triggerbot.systems.answers import Later, Refused, Unknown

__all__ = ["guarded", "memory"]


def states(world: World, numbers: range) -> list[ClaimState]:
    """How far their claims are."""
    return [world.claim(a_push(number), "job").state for number in numbers]


# -- the CI does not take requests ------------------------------------------------------------------------------


def test_an_outage_costs_a_canary_now_and_then(memory: MemoryCI, guarded: World, clock: Clock) -> None:
    """Three requests fail; of everything that comes then only canaries are sent; then all goes on, in order."""
    memory.answers = [Later("HTTP 503")] * 100
    fail(memory, guarded, range(1, 11))
    assert asked(memory) == [1, 2, 3]
    (one,) = breakers(guarded)
    assert one.why == "3 requests in a row failed, the last with: HTTP 503"
    assert "held: the breaker of system ci is open" in guarded.claim(a_push(9), "job").note

    guarded.pass_time(120, every=1)
    assert 4 <= len(asked(memory)) <= 8

    memory.answers = []
    before = len(asked(memory))
    guarded.pass_time(300, every=1)
    assert breakers(guarded) == []
    assert states(guarded, range(1, 11)) == [ClaimState.DONE] * 10
    first, *rest = asked(memory)[before:]
    assert sorted([first, *rest]) == list(range(1, 11))
    held = [number for number in rest if number > 3]
    assert held == sorted(held)


def test_nothing_is_asked_of_an_ill_ci_but_by_the_canary(memory: MemoryCI, guarded: World) -> None:
    """Not even look-backs."""
    memory.answers = [Later("HTTP 503")] * 100
    fail(memory, guarded, range(1, 4))
    looks = memory.looks

    fail(memory, guarded, range(4, 50))

    assert memory.looks == looks


def test_a_lost_answer_that_turns_out_a_yes_closes_it(memory: MemoryCI, guarded: World) -> None:
    """The look-back proves that requests arrive: nothing is sent twice, and the rest goes on."""
    memory.answers = [Unknown("HTTP 500")] * 3
    fail(memory, guarded, range(1, 6))
    assert len(breakers(guarded)) == 1
    for one in memory.asked:
        memory.put(event(run_id=f"new-{one.push.revision}", push=one.push, retrigger_of=one.operation))

    guarded.pass_time(300, every=5)

    assert breakers(guarded) == []
    assert sorted(asked(memory)) == [1, 2, 3, 4, 5]
    assert states(guarded, range(1, 6)) == [ClaimState.DONE] * 5


def test_what_was_lost_in_the_outage_is_sent_again_by_canaries(memory: MemoryCI, guarded: World) -> None:
    """A request in doubt that did not arrive leaves again as a canary, or after it was all over."""
    memory.answers = [Unknown("HTTP 500")] * 6
    fail(memory, guarded, range(1, 6))

    guarded.pass_time(3600, every=5)

    assert breakers(guarded) == []
    assert states(guarded, range(1, 6)) == [ClaimState.DONE] * 5
    assert len(asked(memory)) == 11


def test_being_in_doubt_behind_a_breaker_is_told_once(memory: MemoryCI, guarded: World) -> None:
    """However often it is looked whether the breaker is closed."""
    memory.answers = [Unknown("HTTP 500")] * 100
    fail(memory, guarded, range(1, 6))

    guarded.pass_time(1800, every=5)

    for number in range(1, 4):
        told = [(entry.what, entry.text) for entry in guarded.store.pushes.timeline(a_push(number), "job")]
        assert all(one != other for one, other in pairwise(told))


def test_a_canary_that_needs_nothing_more_is_replaced_at_once(make_world: MakeWorld, clock: Clock) -> None:
    """It had asked before the outage, and its run passes: nothing is sent for it, so it tells nothing of the CI."""
    serial = MemoryCI(capacity=Capacity.SERIAL)
    world = make_world(serial, bounds=Limits(SETTINGS))
    fail(serial, world, range(1, 2))
    assert asked(serial) == [1]
    serial.answers = [Later("HTTP 503", 60.0)] * 3
    fail(serial, world, range(2, 7))
    assert [str(one.place) for one in breakers(world)] == ["system ci"]
    clock.move(SETTINGS.canary)
    finish(world, serial, 1, "success")
    world.drain()
    assert states(world, range(1, 2)) == [ClaimState.DONE]
    (one,) = breakers(world)
    assert one.canary is not None
    assert one.canary.push == a_push(1)

    world.pass_time(2, every=1)

    assert breakers(world) == []
    assert asked(serial)[4:] == [5, 6]


def test_a_ci_that_only_limits_us_is_well(memory: MemoryCI, guarded: World) -> None:
    """A rate limit has its own waits."""
    memory.answers = [Later("HTTP 429", 5.0, healthy=True)] * 10

    fail(memory, guarded, range(1, 11))

    assert breakers(guarded) == []


def test_refusals_count_too_but_end_their_claims(memory: MemoryCI, guarded: World) -> None:
    """A CI that refuses everything may have lost our permissions: the rest is not thrown after the first."""
    memory.answers = [Refused("HTTP 422")] * 3
    fail(memory, guarded, range(1, 7))
    assert states(guarded, range(1, 7)) == [ClaimState.REFUSED] * 3 + [ClaimState.OPEN] * 3

    guarded.pass_time(60, every=1)

    assert states(guarded, range(1, 7)) == [ClaimState.REFUSED] * 3 + [ClaimState.DONE] * 3


def test_runs_that_cannot_be_retriggered_hold_nothing_back(memory: MemoryCI, guarded: World) -> None:
    """A dozen that are too old tell nothing of the CI; neither does one of them as a canary."""
    memory.answers = [Refused("HTTP 409 too old", healthy=True)] * 12
    fail(memory, guarded, range(1, 14))
    assert states(guarded, range(1, 14)) == [ClaimState.REFUSED] * 12 + [ClaimState.DONE]

    memory.answers = [Later("HTTP 503")] * 3 + [Refused("HTTP 409 too old", healthy=True)] * 2
    fail(memory, guarded, range(14, 20))
    assert len(breakers(guarded)) == 1
    guarded.pass_time(SETTINGS.canary + 2, every=1)
    assert breakers(guarded) == []


def test_a_ci_that_cannot_be_asked(memory: MemoryCI, guarded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-backs that fail open it as well; the first that works closes it."""
    with monkeypatch.context() as patch:
        patch.setattr(memory, "look_back", lambda *_: (_ for _ in ()).throw(CIUnavailable("HTTP 502")))
        fail(memory, guarded, range(1, 7))
        (one,) = breakers(guarded)
        assert one.why == "3 look-backs in a row failed, the last with: HTTP 502"
    guarded.pass_time(120, every=1)

    assert breakers(guarded) == []
    assert states(guarded, range(1, 7)) == [ClaimState.DONE] * 6


def test_it_holds_over_a_restart(memory: MemoryCI, guarded: World) -> None:
    """A new process finds the breaker open."""
    memory.answers = [Later("HTTP 503")] * 100
    fail(memory, guarded, range(1, 5))
    again = guarded.again()

    with again:
        fail(memory, again, range(5, 9))

        assert asked(memory) == [1, 2, 3]
        memory.answers = []
        again.pass_time(120, every=1)
        assert states(again, range(1, 9)) == [ClaimState.DONE] * 8


def test_a_breaker_that_holds_nothing_is_forgotten(memory: MemoryCI, guarded: World) -> None:
    """It would stay open for days where nothing fails; if the CI is still ill, it opens again."""
    memory.answers = [Refused("HTTP 422")] * 3
    fail(memory, guarded, range(1, 4))
    assert len(breakers(guarded)) == 1

    guarded.pass_time(3700, every=100)

    assert breakers(guarded) == []


def test_another_system_is_another_breaker(make_world: MakeWorld, memory: MemoryCI) -> None:
    """One CI's outage holds up no other."""
    other = MemoryCI("other")
    world = make_world(memory, other, bounds=Limits(SETTINGS))
    memory.answers = [Later("HTTP 503")] * 100
    fail(memory, world, range(1, 5))
    there = failure(push=push("eeeeeee", system="other"))
    other.put(there)
    world.hear(there)
    world.drain()

    assert len(other.asked) == 1


def test_dry_run_is_not_held(make_world: MakeWorld, memory: MemoryCI) -> None:
    """It tells at once what it would have done."""
    world = make_world(memory, bounds=Limits(SETTINGS), dry=True)

    fail(memory, world, range(1, 9), pool="arm")

    assert states(world, range(1, 9)) == [ClaimState.WOULD] * 8


# -- when nobody can tell whether sending is allowed ------------------------------------------------------------


@pytest.mark.parametrize(("room", "verb"), [("claims", "begin"), ("limits", "breakers"), ("pushes", "work")])
def test_nothing_is_sent_while_the_store_cannot_be_read(
    memory: MemoryCI, guarded: World, monkeypatch: pytest.MonkeyPatch, room: str, verb: str
) -> None:
    """Whether somebody paused, or a breaker is open, stands in the store: in doubt nothing leaves."""
    told = failure(push=a_push(1))
    memory.put(told)
    guarded.hear(told)

    def fail_to(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(getattr(guarded.store, room), verb, fail_to)
        with pytest.raises(StoreUnavailable):
            guarded.drain()
    assert memory.asked == []

    guarded.pass_time(120)
    assert asked(memory) == [1]


def test_a_job_that_has_not_run_yet_may_be_the_canary(memory: MemoryCI, guarded: World, clock: Clock) -> None:
    """Requests of backfills alone open the breaker, and are held behind it one by one."""
    memory.answers = [Later("HTTP 503")] * 100
    memory.put(event("job", "1", push=push("abcdef1"), result="success"))
    where = [a_push(number) for number in range(1, 11)]
    for one in where:
        memory.say(one)
        guarded.hear(event("else", "2", push=one, result="success", time=clock()))
    search, _ = guarded.store.backfills.begin(where[0][:3], "job", "", where[-1].revision, clock(), most=10, by="ann")
    guarded.store.backfills.run_at(search.id, [one.revision for one in where], "", clock(), clock())
    guarded.drain()
    assert len(breakers(guarded)) == 1
    guarded.pass_time(120, every=1)
    assert 4 <= len(memory.asked) <= 8
    memory.answers = []
    guarded.pass_time(300, every=1)
    assert breakers(guarded) == []
    assert len({one.push for one in memory.asked}) == 10
