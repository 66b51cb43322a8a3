"""A world with a push and its base."""

import pytest

from tests.fakes.world import World
from tests.pipeline.bases.on_base import BASE, HERE, RULE, MakeWorld, OnlyMain
from triggerbot.core.model import PushFacts
from triggerbot.store.memory import Memory


@pytest.fixture(params=["sqlite", "memory"])
def kept(request: pytest.FixtureRequest) -> Memory | None:
    """Keep things in each kind of store."""
    return Memory() if request.param == "memory" else None


@pytest.fixture
def ci() -> OnlyMain:
    """Return a CI that says what the push is based on."""
    made = OnlyMain()
    made.facts[HERE] = PushFacts(HERE, "a change", "dev@example.org", base=BASE.revision)
    made.facts[BASE] = PushFacts(BASE, "before", "ann@example.org")
    return made


@pytest.fixture
def world(make_world: MakeWorld, ci: OnlyMain, kept: Memory | None) -> World:
    """Return a world whose rule takes two retriggers."""
    made: World = make_world(ci, rules=(RULE,), tables=kept)
    return made
