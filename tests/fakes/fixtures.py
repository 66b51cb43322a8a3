"""Fixtures around the fakes: a clock that is moved by hand, a CI over HTTP, and a world to put them into."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.fakes.ci import FakeCI
from tests.fakes.clock import Clock
from tests.fakes.world import World
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.rules import Rule
from triggerbot.systems import System
from triggerbot.systems.generic.system import Generic


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Turn logs off: rendering them, tracebacks above all, would take most of the time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands in November 2026."""
    return Clock()


@pytest.fixture
def rule() -> Rule:
    """Return a rule for the project `try`, with every default."""
    return Rule(Globs(["try"]))


@pytest.fixture
def ci(clock: Clock) -> Iterator[FakeCI]:
    """Serve an empty CI."""
    with FakeCI(clock=clock, token="token") as server:
        yield server


@pytest.fixture
def make_world(tmp_path: Path, clock: Clock, rule: Rule) -> Iterator[Callable[..., World]]:
    """Return a function that makes worlds on one store, closed at the end."""
    with ExitStack() as stack:

        def make(*systems: System, rules: tuple[Rule, ...] = (rule,), **more: Any) -> World:
            for system in systems:
                stack.callback(system.close)
            world = World(tmp_path / "state.db", {system.name: system for system in systems}, rules, clock, **more)
            return stack.enter_context(world)

        yield make


@pytest.fixture
def world(ci: FakeCI, make_world: Callable[..., World]) -> World:
    """Return a world for the fake CI over HTTP, with the default rule."""
    return make_world(Generic("ci", ci.url, token="token", grace=60.0))
