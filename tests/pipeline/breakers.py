"""A world whose breakers open early, and what is looked at in it."""

from collections.abc import Callable

import pytest

from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from triggerbot.core.model import Event, Push, State
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerSettings
from triggerbot.core.policy.limits import Limits

MakeWorld = Callable[..., World]
SETTINGS = BreakerSettings(failures=3, pushes=3, within=600, canary=10, longest=40)


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


def breakers(world: World) -> list[Breaker]:
    """Those that are open."""
    return [one for one in world.store.limits.breakers() if one.open]


@pytest.fixture
def memory() -> MemoryCI:
    """A CI."""
    return MemoryCI()


@pytest.fixture
def guarded(make_world: MakeWorld, memory: MemoryCI) -> World:
    """A world whose breakers open early."""
    return make_world(memory, bounds=Limits(SETTINGS))


def finish(world: World, memory: MemoryCI, number: int, result: str) -> None:
    """Let the retriggers of a push end."""
    pending = [one for one in memory.runs[a_push(number)].values() if one.state is State.PENDING]
    for run in pending:
        told: Event = event(
            run.job, run.run_id, push=run.push, result=result, pool=run.pool, retrigger_of=run.retrigger_of
        )  # fmt: skip
        memory.put(told)
        world.hear(told)
