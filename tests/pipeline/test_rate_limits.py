"""The caps of an hour, for a service, a project and an author."""

from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, failure
from tests.pipeline.breakers import MakeWorld, a_push, asked, fail, memory
from triggerbot.core.claim import ClaimState
from triggerbot.core.policy.limits import Caps, Limits
from triggerbot.systems.answers import Later, Refused

__all__ = ["memory"]


def sent(memory: MemoryCI) -> int:
    """How many retriggers were asked for."""
    return sum(one.count for one in memory.asked)


def capped(make_world: MakeWorld, memory: MemoryCI, **caps: int | None) -> World:
    """A world with these caps and no others."""
    return make_world(memory, bounds=Limits(caps=Caps(**({"service": None, "project": None, "author": None} | caps))))


def test_no_hour_has_more_than_the_cap(make_world: MakeWorld, memory: MemoryCI) -> None:
    """What is beyond it waits, with a reason, and goes on in order as time passes; over a restart, too."""
    world = capped(make_world, memory, service=6)
    fail(memory, world, range(1, 11))
    assert asked(memory) == [1, 2, 3]
    note = world.claim(a_push(5), "job").note
    assert note == "held: the cap of 6 retriggers an hour for all projects together is reached (6 were sent)"
    assert world.store.limits.held() == {"cap service": 7}
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
    memory.answers = [Refused("gone"), Later("busy", 5.0, healthy=True)]

    fail(memory, world, range(1, 5))
    world.pass_time(60, every=5)

    assert asked(memory) == [1, 2, 3, 4]
    assert world.store.limits.sent(world.clock())["project try"] == 4


def test_people_are_capped_too(make_world: MakeWorld, memory: MemoryCI) -> None:
    """The cap is for what runs away, whoever lets it run."""
    world = capped(make_world, memory, service=3)
    fail(memory, world, range(1, 2))

    claim = world.store.claims.ask(a_push(1), "job", 5, "by hand", dry=False, now=world.clock())
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
    assert world.store.claims.ask(a_push(1), "job", 4, "by hand", dry=False, now=world.clock()) is not None
    world.pass_time(90_000, every=300)
    record = world.store.pushes.record(a_push(1))
    assert record is not None
    assert [claim.state for claim in record.jobs[0].claims if claim.manual] == [ClaimState.REFUSED]
