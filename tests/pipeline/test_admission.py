"""An ill CI, and the hard caps: claims are held, one canary at a time is sent, and what was held goes on in order."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from triggerbot import breaker
from triggerbot.bounds import Bounds
from triggerbot.breaker import NEVER, Breaker, Settings
from triggerbot.calls import Capacity
from triggerbot.caps import Caps
from triggerbot.errors import CIUnavailable, StoreUnavailable
from triggerbot.model import ClaimState, Event, Push, State
from triggerbot.systems import Later, Refused, Unknown

MakeWorld = Callable[..., World]
SETTINGS = Settings(failures=3, pushes=3, within=600, canary=10, longest=40)


def a_push(number: int) -> Push:
    """One of many pushes."""
    return push(f"{number:07x}")


def fail(ci: MemoryCI, world: World, numbers: range, **more: str) -> None:
    """Let a job fail in each of these pushes, each of another author, and deal with it."""
    for number in numbers:
        told = failure(push=a_push(number), author=f"{number}@example.org", **more)
        ci.put(told)
        ci.say(a_push(number), author=f"{number}@example.org")
        world.hear(told)
        world.drain()


def asked(ci: MemoryCI) -> list[int]:
    """The numbers of the pushes that were asked about, in order."""
    return [int(one.push.revision, 16) for one in ci.asked]


def states(world: World, numbers: range) -> list[ClaimState]:
    """How far their claims are."""
    return [world.claim(a_push(number), "job").state for number in numbers]


def breakers(world: World) -> list[Breaker]:
    """Those that are open."""
    return [one for one in world.store.breakers() if one.open]


@pytest.fixture
def memory() -> MemoryCI:
    """A CI."""
    return MemoryCI()


@pytest.fixture
def guarded(make_world: MakeWorld, memory: MemoryCI) -> World:
    """A world whose breakers open early."""
    return make_world(memory, bounds=Bounds(SETTINGS))


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
        told = [(entry.what, entry.text) for entry in guarded.store.story(a_push(number), "job")]
        assert all(one != other for one, other in pairwise(told))


def test_a_canary_that_needs_nothing_more_is_replaced_at_once(make_world: MakeWorld, clock: Clock) -> None:
    """It had asked before the outage, and its run passes: nothing is sent for it, so it tells nothing of the CI."""
    serial = MemoryCI(capacity=Capacity.SERIAL)
    world = make_world(serial, bounds=Bounds(SETTINGS))
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
    memory.answers = [Later("HTTP 429", 5.0, well=True)] * 10

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
    memory.answers = [Refused("HTTP 409 too old", well=True)] * 12
    fail(memory, guarded, range(1, 14))
    assert states(guarded, range(1, 14)) == [ClaimState.REFUSED] * 12 + [ClaimState.DONE]

    memory.answers = [Later("HTTP 503")] * 3 + [Refused("HTTP 409 too old", well=True)] * 2
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
    world = make_world(memory, other, bounds=Bounds(SETTINGS))
    memory.answers = [Later("HTTP 503")] * 100
    fail(memory, world, range(1, 5))
    there = failure(push=push("eeeeeee", system="other"))
    other.put(there)
    world.hear(there)
    world.drain()

    assert len(other.asked) == 1


def test_dry_run_is_not_held(make_world: MakeWorld, memory: MemoryCI) -> None:
    """It tells at once what it would have done."""
    world = make_world(memory, bounds=Bounds(SETTINGS), dry=True)

    fail(memory, world, range(1, 9), pool="arm")

    assert states(world, range(1, 9)) == [ClaimState.WOULD] * 8


# -- the same thing fails everywhere ----------------------------------------------------------------------------


def finish(world: World, memory: MemoryCI, number: int, result: str) -> None:
    """Let the retriggers of a push end."""
    pending = [one for one in memory.runs[a_push(number)].values() if one.state is State.PENDING]
    for run in pending:
        told: Event = event(
            run.job, run.run_id, push=run.push, result=result, pool=run.pool, retrigger_of=run.retrigger_of
        )  # fmt: skip
        memory.put(told)
        world.hear(told)


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
    assert guarded.store.keep_breaker(breaker.closed(one, guarded.clock()), guarded.clock())

    guarded.pass_time(1, every=1)

    assert sorted(asked(memory)) == [1, 2, 3, 4, 5]


def test_switching_breakers_off_lets_go_what_they_hold(memory: MemoryCI, guarded: World) -> None:
    """As after a reload or a restart with that configuration; what is still switched on goes on holding."""
    fail(memory, guarded, range(1, 6), pool="arm")
    assert asked(memory) == [1, 2]
    with guarded.again(bounds=Bounds(replace(SETTINGS, failures=NEVER))) as other:
        other.pass_time(1, every=1)
        assert len(breakers(other)) == 1
    with guarded.again(bounds=Bounds(replace(SETTINGS, pushes=NEVER))) as off:
        fail(memory, off, range(6, 7), pool="arm")
        off.pass_time(1, every=1)

        assert breakers(off) == []
        assert sorted(asked(memory)) == [1, 2, 3, 4, 5, 6]


def test_the_same_for_those_that_requests_opened(memory: MemoryCI, guarded: World) -> None:
    """Each sort has its own switch."""
    memory.answers = [Later("HTTP 503")] * 3
    fail(memory, guarded, range(1, 6))
    assert len(breakers(guarded)) == 1
    with guarded.again(bounds=Bounds(replace(SETTINGS, failures=NEVER))) as off:
        off.pass_time(1, every=1)

        assert breakers(off) == []
        assert sorted(asked(memory)[3:]) == [4, 5]


# -- the caps of an hour ----------------------------------------------------------------------------------------


def sent(memory: MemoryCI) -> int:
    """How many retriggers were asked for."""
    return sum(one.count for one in memory.asked)


def capped(make_world: MakeWorld, memory: MemoryCI, **caps: int | None) -> World:
    """A world with these caps and no others."""
    return make_world(memory, bounds=Bounds(caps=Caps(**({"service": None, "project": None, "author": None} | caps))))


def test_no_hour_has_more_than_the_cap(make_world: MakeWorld, memory: MemoryCI) -> None:
    """What is beyond it waits, with a reason, and goes on in order as time passes; over a restart, too."""
    world = capped(make_world, memory, service=6)
    fail(memory, world, range(1, 11))
    assert asked(memory) == [1, 2, 3]
    note = world.claim(a_push(5), "job").note
    assert note == "held: the cap of 6 retriggers an hour for all projects together is reached (6 were sent)"
    assert world.store.held() == {"cap service": 7}
    with world.again() as again:
        again.pass_time(3500, every=20)
        assert sent(memory) == 6
        again.pass_time(200, every=20)
        assert asked(memory) == [1, 2, 3, 4, 5, 6]
        again.pass_time(3 * 3700, every=20)
    assert asked(memory) == list(range(1, 11))


def test_each_author_has_a_cap(make_world: MakeWorld, memory: MemoryCI) -> None:
    """One who floods the CI holds up nobody else."""
    world = capped(make_world, memory, author=4)
    for number in range(1, 6):
        told = failure(push=a_push(number), author="flood@example.org")
        memory.put(told)
        memory.say(a_push(number), author="flood@example.org")
        world.hear(told)
        world.drain()
    fail(memory, world, range(6, 8))

    assert asked(memory) == [1, 2, 6, 7]


def test_what_the_ci_did_not_take_does_not_count(make_world: MakeWorld, memory: MemoryCI) -> None:
    """Refused or put off: nothing ran."""
    world = capped(make_world, memory, project=4)
    memory.answers = [Refused("gone"), Later("busy", 5.0, well=True)]

    fail(memory, world, range(1, 5))
    world.pass_time(60, every=5)

    assert asked(memory) == [1, 2, 3, 4]
    assert world.store.sent(world.clock())["project try"] == 4


def test_people_are_capped_too(make_world: MakeWorld, memory: MemoryCI) -> None:
    """The cap is for what runs away, whoever lets it run."""
    world = capped(make_world, memory, service=3)
    fail(memory, world, range(1, 2))

    claim = world.store.ask(a_push(1), "job", 5, "by hand", dry=False, now=world.clock())
    world.drain()

    assert claim is not None
    assert sent(memory) == 2


def test_too_little_room_is_not_tried_over_and_over(make_world: MakeWorld, memory: MemoryCI) -> None:
    """The CI is looked at once a minute for it, not once a second; and what never fits comes to its end."""
    world = capped(make_world, memory, service=3)
    fail(memory, world, range(1, 3))
    looks = memory.looks

    world.pass_time(600, every=1)

    assert asked(memory) == [1]
    assert memory.looks <= looks + 11
    world.pass_time(3600, every=30)
    assert asked(memory) == [1, 2]
    assert world.store.ask(a_push(1), "job", 4, "by hand", dry=False, now=world.clock()) is not None
    world.pass_time(90_000, every=300)
    record = world.store.record(a_push(1))
    assert record is not None
    assert [claim.state for claim in record.jobs[0].claims if claim.manual] == [ClaimState.REFUSED]


# -- when nobody can tell whether sending is allowed ------------------------------------------------------------


@pytest.mark.parametrize("verb", ["begin", "breakers", "work"])
def test_nothing_is_sent_while_the_store_cannot_be_read(
    memory: MemoryCI, guarded: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Whether somebody paused, or a breaker is open, stands in the store: in doubt nothing leaves."""
    told = failure(push=a_push(1))
    memory.put(told)
    guarded.hear(told)

    def fail_to(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(guarded.store, verb, fail_to)
        with pytest.raises(StoreUnavailable):
            guarded.drain()
    assert memory.asked == []

    guarded.pass_time(120)
    assert asked(memory) == [1]
