"""Pausing, dry run, and what people ask for."""

from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.world import World
from tests.pipeline.heard import PUSH, REVISION, MakeWorld, counts, failed, hear
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.store import Pause
from triggerbot.systems import System
from triggerbot.systems.generic.system import Generic


def test_a_pause_holds_everything_and_resuming_goes_on(ci: FakeCI, world: World, clock: Clock) -> None:
    """Hearing goes on while sending stands still; nothing is lost by it."""
    world.store.limits.pause(Pause(clock(), "me", "no"))
    failed(ci, world)
    world.pass_time(7200)
    assert ci.posts == []
    assert ci.gets == []
    world.store.limits.pause(None)

    world.drain()

    assert counts(ci) == [2]


class Pausing:
    """Pauses in the very moment between look-back and sending."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.world: World | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "plan" and self.world is not None:
            self.world.store.limits.pause(Pause(0.0, "me"))
        return getattr(self._system, name)


def test_a_pause_holds_what_was_leased_already(make_world: MakeWorld, ci: FakeCI) -> None:
    """The last gate before the first byte looks at the pause."""
    system = Generic("ci", ci.url, token="token")
    pausing = Pausing(system)
    world = make_world(pausing)
    pausing.world = world
    failed(ci, world)

    world.drain()
    assert ci.posts == []
    assert world.claim(PUSH, "job").state is ClaimState.OWED
    pausing.world = None
    world.store.limits.pause(None)
    world.drain()
    system.close()

    assert counts(ci) == [2]


def test_a_dry_run_sends_nothing_and_tells_what_it_would(make_world: MakeWorld, ci: FakeCI) -> None:
    """The budget, too, is that of a real run."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, dry=True)
    for number in range(7):
        failed(ci, world, f"job-{number}")

    world.drain()
    world.pass_time(3600)
    system.close()

    assert ci.posts == []
    claims = list(world.claims(PUSH).values())
    assert [claim.state for claim in claims].count(ClaimState.WOULD) == 5
    assert [claim.refusal for claim in claims].count(Refusal.OVER_BUDGET) == 2
    assert all(claim.dry for claim in claims)
    assert {entry.count for entry in world.store.pushes.timeline(PUSH) if entry.what == "trigger"} == {2}


@pytest.mark.parametrize("decided", [True, False])
def test_what_was_claimed_in_dry_run_is_never_sent(make_world: MakeWorld, ci: FakeCI, decided: bool) -> None:
    """Not even after the switch to a real run, decided before it or after."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, dry=True)
    failed(ci, world)
    if decided:
        world.drain()
    world.close()

    with world.again(dry=False) as later:
        failed(ci, later)
        later.pass_time(3600)
        assert ci.posts == []
        failed(ci, later, "new")
        later.pass_time(60)
    system.close()

    assert ci.jobs_asked() == {(REVISION, "new"): 2}


def test_a_switch_to_dry_run_sends_nothing_that_was_owed(make_world: MakeWorld, ci: FakeCI) -> None:
    """What was decided waits, and goes on when it is real again."""
    system = Generic("ci", ci.url, token="token")
    ci.fault("retrigger", status=429, headers={"Retry-After": "60"})
    world = make_world(system)
    failed(ci, world)
    world.drain()
    assert len(ci.posts) == 1
    world.close()
    with world.again(dry=True) as dry:
        dry.pass_time(7200)
        assert len(ci.posts) == 1

    with world.again(dry=False) as real:
        real.pass_time(600)
    system.close()

    assert counts(ci) == [2]


def test_a_switch_to_dry_run_resends_nothing_in_doubt(make_world: MakeWorld, ci: FakeCI) -> None:
    """It is settled by looking only."""
    system = Generic("ci", ci.url, token="token")
    ci.fault("retrigger", status=500, accept=False)
    world = make_world(system)
    failed(ci, world)
    world.drain()
    world.close()

    with world.again(dry=True) as dry:
        dry.pass_time(7200)
    system.close()

    assert len(ci.posts) == 1


def test_a_person_gets_what_they_ask_for(ci: FakeCI, world: World, clock: Clock) -> None:
    """Besides the bot's own, whatever the push says, not held back by runs or budget, and once."""
    ci.push(REVISION, message="DONTBUILD")
    hear(world, ci.run(REVISION, "job", result="success"))
    for _ in range(2):
        world.store.claims.ask(PUSH, "job", 7, "me-1", dry=False, now=clock())
        world.drain()

    assert counts(ci) == [7]


def test_a_person_in_dry_run_gets_an_answer_and_no_runs(make_world: MakeWorld, ci: FakeCI, clock: Clock) -> None:
    """Told what would have been."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(system, dry=True)
    failed(ci, world)
    world.store.claims.ask(PUSH, "job", 7, "me-1", dry=True, now=clock())

    world.drain()
    system.close()

    assert ci.posts == []
    record = world.store.pushes.record(PUSH)
    assert record is not None
    assert {claim.state for claim in record.jobs[0].claims} == {ClaimState.WOULD}
