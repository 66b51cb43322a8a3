"""A clock that was set back: what waits goes on, and people hear of it."""

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.fixtures import ci, clock, make_world, quiet, rule, world
from tests.fakes.reported import logged
from tests.fakes.world import World
from tests.pipeline.heard import PUSH, counts, failed
from triggerbot.core.claim import ClaimState
from triggerbot.core.model import CommentCommand, Group, Lead, State
from triggerbot.daemon.clock import TOLERANCE, ClockWatch
from triggerbot.systems.generic.system import Generic

__all__ = ["ci", "clock", "make_world", "quiet", "rule", "world"]

HOURS = 5 * 3600.0


def watch(world: World, host: str = "here") -> ClockWatch:
    """Watch the clock of a machine, as a process does that has just started."""
    made = ClockWatch(world.store, world.clock, host)
    made.check()
    return made


@pytest.mark.parametrize("restarted", [False, True])
def test_what_waits_goes_on_as_if_the_clock_had_always_been_right(ci: FakeCI, world: World, *, restarted: bool) -> None:
    """A retrigger that the CI put off by five minutes is sent after these, not after five hours and these."""
    ci.fault("retrigger", status=503, headers={"Retry-After": "300"})
    watched = watch(world)
    failed(ci, world)
    world.drain()
    world.pass_time(100)
    watched.check()
    world.clock.move(-HOURS)
    with logged() as lines:
        (watch(world) if restarted else watched).check()

    world.pass_time(199, every=13)
    assert counts(ci) == []
    world.pass_time(3, every=1)

    assert counts(ci) == [2]
    assert [line["event"] for line in lines] == ["clock.set_back"]


@pytest.fixture
def right_ci() -> Iterator[FakeCI]:
    """Provide a CI whose own clock goes right."""
    with FakeCI(token="token", clock=lambda: 1_795_000_000.0) as made:
        yield made


def test_a_request_in_doubt_is_settled_soon_and_not_sent_twice(
    right_ci: FakeCI, make_world: Callable[..., World]
) -> None:
    """What came of it is looked for as soon as ever."""
    ci, world = right_ci, make_world(Generic("ci", right_ci.url, token="token", grace=60.0))
    watched = watch(world)
    ci.fault("retrigger", status=500, accept=True)
    failed(ci, world)
    world.drain()
    assert world.claim(PUSH, "job").state is ClaimState.UNKNOWN
    watched.check()
    world.clock.move(-HOURS)
    watched.check()

    world.pass_time(300)

    assert world.claim(PUSH, "job").state is ClaimState.DONE
    assert counts(ci) == [2]
    assert len(ci.posts) == 1


def test_everything_that_waits_is_due_as_much_earlier(world: World) -> None:
    """Leads, commands and reports as well."""
    watched, now = watch(world), world.clock()
    lead = Lead(Group("ci", "group"), "1", State.RUNNING)
    command = CommentCommand("ci", "1", "try", "mel", "why x")
    world.store.observe([lead, command], now, dry=False)
    world.store.leads.put_off(lead.group, now + 600)
    world.store.commands.take(now, 60)
    world.store.commands.end(command, now + 600)
    world.clock.move(-HOURS)

    watched.check()

    now = world.clock()
    assert world.store.due.next() == pytest.approx(now + 600, abs=1)
    assert world.store.commands.take(now + 599, 60) is None
    assert world.store.commands.take(now + 601, 60) is not None


@pytest.mark.parametrize("back", [0.0, TOLERANCE - 1, -HOURS])
def test_other_clocks_change_nothing(ci: FakeCI, world: World, back: float) -> None:
    """Corrected by a little, set forward, or another machine's: what the CI asked for is kept to the second."""
    ci.fault("retrigger", status=503, headers={"Retry-After": "300"})
    watched = watch(world)
    failed(ci, world)
    world.drain()
    due = world.store.due.next()
    world.clock.move(-back)
    watched.check()
    world.clock.move(-HOURS)
    watch(world, "elsewhere").check()

    assert world.store.due.next() == due
    assert watched.trouble(world.clock()) == ""


def test_the_health_tells_of_it_for_a_day(world: World) -> None:
    """And no longer."""
    watched = watch(world)
    world.clock.move(-HOURS)
    watched.check()

    assert watched.trouble(world.clock()).startswith("it was set back by 5 h")
    assert watched.trouble(world.clock() + 86_401) == ""
