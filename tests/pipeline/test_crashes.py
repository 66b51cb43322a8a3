"""A crash around any step of a request: nothing doubled, nothing lost."""

from typing import Any

import pytest

from tests.fakes.ci import FakeCI
from tests.pipeline.heard import PUSH, REVISION, MakeWorld, counts, failed
from triggerbot.core import event_json
from triggerbot.core.claim import ClaimState
from triggerbot.store.room import Room
from triggerbot.systems import System
from triggerbot.systems.generic.system import Generic


class Crash(BaseException):
    """The process is killed."""


class Crashing:
    """A system or store whose process dies at a chosen point: before or after a call goes through."""

    def __init__(self, system: System, call: str, after: bool) -> None:
        self._system, self._call, self._after, self._armed = system, call, after, True
        self._rooms: dict[str, Crashing] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._system, name)
        if isinstance(found, Room):
            return self._rooms.setdefault(name, Crashing(found, self._call, self._after))  # type: ignore[arg-type]
        if name != self._call or not self._armed:
            return found

        def crash(*arguments: Any, **named: Any) -> Any:
            self._armed = False
            if self._after:
                found(*arguments, **named)
            raise Crash

        return crash


STORE_STEPS = ["observe", "lease", "work", "decide", "begin", "accepted", "release"]


@pytest.mark.parametrize("call", ["look_back", "plan", "retrigger"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("lag", [0.0, 45.0])
def test_a_crash_around_any_call_loses_and_doubles_nothing(
    make_world: MakeWorld, ci: FakeCI, call: str, after: bool, lag: float
) -> None:
    """Killed before or after it went through: a new process on the same store ends with two new runs, exactly."""
    ci.lag_seconds = lag
    system = Generic("ci", ci.url, token="token")
    world = make_world(Crashing(system, call, after))
    failed(ci, world)
    with pytest.raises(Crash):
        world.drain()
    world.close()

    with world.again(systems={"ci": system}) as later:
        later.drain()
        later.pass_time(3600, every=11)
        assert later.claim(PUSH, "job").state is ClaimState.DONE
    system.close()

    assert counts(ci) == [2]


@pytest.mark.parametrize("step", STORE_STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_around_any_step_of_the_store_loses_and_doubles_nothing(
    make_world: MakeWorld, ci: FakeCI, step: str, after: bool
) -> None:
    """Killed before or after anything is written: what was heard comes again, and ends with two runs, exactly."""
    from triggerbot.pipeline.dispatcher import Dispatcher
    from triggerbot.pipeline.observer import Observer
    from triggerbot.pipeline.sender import DispatchSettings

    system = Generic("ci", ci.url, token="token")
    world = make_world(system)
    told = event_json.from_json(ci.run(REVISION, "job", result="failure"), "ci")
    store: Any = Crashing(world.store, step, after)  # type: ignore[arg-type]
    observer = Observer(store, world.rules, dry=False, clock=world.clock, metrics=world.metrics)
    dispatcher = Dispatcher(
        store, {"ci": system}, observer, DispatchSettings(world.rules), clock=world.clock, metrics=world.metrics
    )
    try:
        store.observe([observer.triage(told).item], world.clock(), dry=False)
        for _ in range(9):
            dispatcher.step()
    except Crash:
        pass
    world.close()

    with world.again() as later:
        later.hear(told)
        later.drain()
        later.pass_time(3600, every=11)
        assert later.claim(PUSH, "job").state is ClaimState.DONE
    system.close()

    assert counts(ci) == [2]


def test_what_was_abandoned_while_sending_is_looked_for_first(make_world: MakeWorld, ci: FakeCI) -> None:
    """After a crash between writing down and sending, the first thing that happens is no POST."""
    system = Generic("ci", ci.url, token="token")
    world = make_world(Crashing(system, "retrigger", False))
    failed(ci, world)
    with pytest.raises(Crash):
        world.drain()
    world.close()

    with world.again(systems={"ci": system}) as later:
        later.drain()
        later.pass_time(119, every=7)
        assert ci.posts == []
        later.pass_time(60, every=7)
    system.close()

    assert counts(ci) == [2]
