"""A process that stands still between recording a request and sending it, as a suspended virtual machine does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, failure
from tests.pipeline.heard import PUSH
from triggerbot.core.claim import ClaimState
from triggerbot.core.policy.reconcile import leaves_in_time
from triggerbot.store import Distrust
from triggerbot.store.memory import Memory
from triggerbot.systems.answers import Later, Unknown

#: Answers that a request is lost on its way.
LOST = Unknown("no answer")


@pytest.fixture
def memory() -> MemoryCI:
    """Return a CI that may take a minute to list a run, and knows one failure."""
    system = MemoryCI(grace=60.0)
    system.say(PUSH)
    system.put(failure())
    return system


@contextmanager
def still(world: World, verb: str, act: Callable[[], object], *, first: bool = False) -> Iterator[None]:
    """Let something happen once after a verb of the store was carried out, or before it (`first`)."""
    real, left = getattr(world.store.claims, verb), [act]

    def stand(*arguments: Any, **named: Any) -> Any:
        if first and left:
            left.pop()()
        answer = real(*arguments, **named)
        if left:
            left.pop()()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.store.claims, verb, stand)
        yield


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("seconds", "sent"), [(15, 1), (16, 0), (3600, 0)])
def test_what_was_recorded_long_before_does_not_leave(
    make_world: Callable[..., World], memory: MemoryCI, clock: Clock, seconds: float, sent: int, *, first: bool
) -> None:
    """It is in doubt, since others may have sent it, and is sent as soon as it is clear that nobody has."""
    world = make_world(memory)
    world.hear(failure())
    with still(world, "begin", lambda: clock.move(seconds), first=first):
        world.drain()
    assert len(memory.asked) == sent
    assert world.claim(PUSH, "job").state is (ClaimState.DONE if sent else ClaimState.UNKNOWN)

    world.pass_time(600)

    assert [one.count for one in memory.asked] == [2]
    assert world.claim(PUSH, "job").state is ClaimState.DONE


@pytest.mark.parametrize("verb", ["begin", "resend"])
def test_what_another_replica_has_sent_meanwhile_is_not_sent_again(
    make_world: Callable[..., World], memory: MemoryCI, verb: str
) -> None:
    """The other one looks back twice, finds nothing and sends it; then this one goes on."""
    tables = Memory()
    world = make_world(memory, tables=tables)
    other = world.again()
    memory.answers = [LOST] if verb == "resend" else []
    world.hear(failure())

    with still(world, verb, lambda: other.pass_time(900)):
        world.drain()
        world.pass_time(600)

    assert len(memory.asked) == (2 if verb == "resend" else 1)
    assert len(memory.runs[PUSH]) == 3
    assert world.claim(PUSH, "job").state is ClaimState.DONE


def test_two_replicas_do_not_both_ask_for_the_rest(make_world: Callable[..., World], clock: Clock) -> None:
    """Of three runs that the push asks for, the store has forgotten the requests for two, so one is still to come."""
    memory, tables = MemoryCI(parallel=True), Memory()
    memory.say(PUSH, "try: --rebuild 3")
    memory.put(failure(time=clock()))
    memory.answers = [Later("not now", 30.0)]
    world = make_world(memory, tables=tables)
    world.hear(failure(time=clock()))
    world.drain()
    memory.put(*(failure("job", f"gone-{number}", time=clock(), retrigger_of="forgotten") for number in (1, 2)))
    tables.distrust = Distrust(clock() + 1, "it is a copy")
    clock.move(600)
    other = world.again()

    def other_acts() -> None:
        tables.leases.clear()
        other.dispatcher.step()

    with still(world, "begin", other_acts, first=True):
        world.drain()
        world.pass_time(600)

    assert len(memory.runs[PUSH]) == 1 + 3


@pytest.mark.parametrize(("grace", "seconds", "expected"), [
    (60.0, 15.0, True), (60.0, 15.1, False), (60.0, -3600.0, True), (300.0, 75.0, True), (0.0, 0.25, True),
    (0.0, 0.3, False),
])  # fmt: skip
def test_a_request_has_a_quarter_of_the_grace_time_to_leave(grace: float, seconds: float, expected: bool) -> None:
    """So that it is listed when others look for it the second time, though their clocks differ."""
    assert leaves_in_time(1000.0, grace, 1000.0 + seconds) is expected
