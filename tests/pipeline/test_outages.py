"""A pool or a step where everything fails: claims are held until runs pass there again."""

from dataclasses import replace

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event
from tests.pipeline.breakers import SETTINGS, a_push, asked, breakers, fail, finish, guarded, memory
from triggerbot.core.policy import circuit_breaker
from triggerbot.core.policy.circuit_breaker import NEVER
from triggerbot.core.policy.limits import Limits
from triggerbot.systems.answers import Later

__all__ = ["guarded", "memory"]


def test_an_ill_pool_is_found_by_a_canary_to_be_well_again(memory: MemoryCI, guarded: World) -> None:
    """Of the pushes after the third only one is retriggered; it fails, another one passes, then all go on."""
    fail(memory, guarded, range(1, 10), pool="arm")
    assert asked(memory) == [1, 2]
    (one,) = breakers(guarded)
    assert one.why == "3 of 3 of its runs in 10 min failed there, in 3 unrelated pushes"
    # Other pools are not concerned.
    fail(memory, guarded, range(20, 21), pool="x86")
    assert asked(memory) == [1, 2, 20]

    guarded.pass_time(15, every=1)
    assert asked(memory) == [1, 2, 20, 3]
    finish(guarded, memory, 3, "failure")
    guarded.pass_time(15, every=1)
    assert asked(memory) == [1, 2, 20, 3]
    guarded.pass_time(10, every=1)
    assert asked(memory) == [1, 2, 20, 3, 4]
    finish(guarded, memory, 4, "success")
    guarded.pass_time(5, every=1)

    assert breakers(guarded) == []
    assert asked(memory)[5:] == [5, 6, 7, 8, 9]


def test_a_pool_where_runs_pass_again_needs_no_canary(memory: MemoryCI, guarded: World, clock: Clock) -> None:
    """What developers push meanwhile tells as much."""
    fail(memory, guarded, range(1, 6), pool="arm")
    clock.move(60)
    for number in range(30, 36):
        guarded.hear(event(push=a_push(number), result="success", pool="arm"))

    guarded.pass_time(2, every=1)

    assert breakers(guarded) == []
    assert sorted(asked(memory)) == [1, 2, 3, 4, 5]


def test_a_step_at_which_everything_fails(memory: MemoryCI, guarded: World) -> None:
    """As with pools."""
    fail(memory, guarded, range(1, 6), step="checkout")

    assert asked(memory) == [1, 2]
    assert [str(one.place) for one in breakers(guarded)] == ["step checkout of ci"]


def test_a_person_may_close_it(memory: MemoryCI, guarded: World) -> None:
    """What was held goes on; what was heard before does not open it again."""
    fail(memory, guarded, range(1, 6), pool="arm")
    (one,) = breakers(guarded)
    assert guarded.store.limits.save_breaker(circuit_breaker.closed(one, guarded.clock()), guarded.clock())

    guarded.pass_time(1, every=1)

    assert sorted(asked(memory)) == [1, 2, 3, 4, 5]


def test_switching_breakers_off_lets_go_what_they_hold(memory: MemoryCI, guarded: World) -> None:
    """As after a reload or a restart with that configuration; what is still switched on goes on holding."""
    fail(memory, guarded, range(1, 6), pool="arm")
    assert asked(memory) == [1, 2]
    with guarded.again(bounds=Limits(replace(SETTINGS, failures=NEVER))) as other:
        other.pass_time(1, every=1)
        assert len(breakers(other)) == 1
    with guarded.again(bounds=Limits(replace(SETTINGS, pushes=NEVER))) as off:
        fail(memory, off, range(6, 7), pool="arm")
        off.pass_time(1, every=1)

        assert breakers(off) == []
        assert sorted(asked(memory)) == [1, 2, 3, 4, 5, 6]


def test_the_same_for_those_that_requests_opened(memory: MemoryCI, guarded: World) -> None:
    """Each sort has its own switch."""
    memory.answers = [Later("HTTP 503")] * 3
    fail(memory, guarded, range(1, 6))
    assert len(breakers(guarded)) == 1
    with guarded.again(bounds=Limits(replace(SETTINGS, failures=NEVER))) as off:
        off.pass_time(1, every=1)

        assert breakers(off) == []
        assert sorted(asked(memory)[3:]) == [4, 5]
