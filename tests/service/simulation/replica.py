"""One replica of a simulation: its own observer, dispatcher and poll, on a store that may fail it at any call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from triggerbot.core.errors import CIError, StoreUnavailable
from triggerbot.core.model import Heard
from triggerbot.metrics import Metrics
from triggerbot.pipeline.dispatcher import Dispatcher
from triggerbot.pipeline.intakes.poll import Poll
from triggerbot.pipeline.observer import Observer
from triggerbot.pipeline.outages import OutageDetector
from triggerbot.pipeline.sender import DispatchSettings
from triggerbot.store import Store
from triggerbot.store.room import Room

if TYPE_CHECKING:
    from tests.service.simulation.world import World

#: They count for nobody here, and making them is slow.
METRICS = Metrics()


class Killed(BaseException):
    """The end of a replica, in the middle of whatever it does; nothing of it may act on this."""


class Replica:
    """What one process is."""

    def __init__(self, world: "World", name: str, store: Store) -> None:
        self.name = name
        self.dead = False
        #: How far its clock is off.
        self.skew = world.dice.choice((0.0, 0.0, world.dice.uniform(-0.4, 0.4) * min(world.scenario.grace, 10.0)))
        self._world = world
        self._proxy = Proxy(world, self, store)
        scenario = world.scenario
        rules = (scenario.rule,)
        outages = OutageDetector(scenario.bounds.breakers, self.clock)
        self._observer = Observer(
            self._proxy, rules, dry=False, clock=self.clock, metrics=METRICS, outages=outages,
        )  # fmt: skip
        systems: dict[str, Any] = {"ci": Proxy(world, self, world.ci)}
        settings = DispatchSettings(rules, False, scenario.bounds, lambda *_: scenario.background)
        self._dispatcher = Dispatcher(self._proxy, systems, self._observer, settings, clock=self.clock, metrics=METRICS)
        self._poll = Poll(
            systems["ci"], scenario.sweep, self._proxy, self._observer, clock=self.clock, metrics=METRICS
        )  # fmt: skip

    def clock(self) -> float:
        """Return the time as this replica has it."""
        return self._world.now + self.skew

    def jump(self, seconds: float) -> None:
        """Set the clock forward, or back."""
        self.skew += seconds

    def step(self) -> bool:
        """Deal with what is due, if anything is."""
        return self._survives(self._dispatcher.step)

    def tick(self) -> bool:
        """Look after what is held."""
        return self._survives(self._dispatcher.admission.tick)

    def sweep(self) -> bool:
        """Sweep; return whether that succeeded."""
        return self._survives(self._sweep)

    def _sweep(self) -> bool:
        self._poll.once()
        return True

    def hear(self, heard: Heard) -> bool:
        """Take a message; return whether it was acknowledged."""
        return self._survives(lambda: bool(self._observer.observe([heard])))

    def _survives(self, act: Callable[[], bool]) -> bool:
        """Act as the threads of a daemon do: a store or CI that fails ends nothing, a kill ends all."""
        try:
            return act()
        except Killed:
            self._world.died(self)
        except (StoreUnavailable, CIError) as error:
            self._world.note("failed", self, error=str(error))
        return False


class Proxy:
    """Passes calls on, unless something goes wrong just then: before the call took effect, or after."""

    def __init__(self, world: "World", replica: Replica, target: Any) -> None:
        self._world = world
        self._replica = replica
        self._target = target

    def __getattr__(self, name: str) -> Any:
        world, replica = self._world, self._replica
        target = getattr(self._target, name)
        if isinstance(target, Room):
            setattr(self, name, Proxy(world, replica, target))
            return getattr(self, name)
        if not callable(target) or name in ("plan",):
            return target
        of_store = isinstance(self._target, Store | Room)
        watch = world.watches.get(name)

        def act(*arguments: Any, **named: Any) -> Any:
            answer = target(*arguments, **named)
            if watch is not None:
                watch(replica, answer, *arguments, **named)
            return answer

        def call(*arguments: Any, **named: Any) -> Any:
            world.fuse -= 1
            if world.fuse and not replica.dead:
                return act(*arguments, **named)
            return world.goes_wrong(replica, name, lambda: act(*arguments, **named), of_store=of_store)

        setattr(self, name, call)
        return call
