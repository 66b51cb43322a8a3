"""What the store knows of a job before its runs are weighed: what the policy of evidence goes by in the daemon."""

from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World
from tests.pipeline.test_history import LOGIN, REFUND, RULE, Bench
from triggerbot.core.policy.evidence import NO_PAST, Past, breaks_at_first
from triggerbot.core.verdict import fingerprint
from triggerbot.pipeline.backgrounds import Backgrounds
from triggerbot.pipeline.history import Histories

STEADY = [f"steady-{number}" for number in range(4)]


@pytest.fixture
def bench(tmp_path: Path) -> "Bench":  # type: ignore[misc]
    """Return a project of 70 pushes of main, at eight of which one job was intermittent, always in one test."""
    with World(tmp_path / "state.db", {"ci": MemoryCI()}, (RULE,), Clock()) as world:
        made = Bench(world)
        for job in ("flaky", *STEADY):
            made.passes("main", 70, job)
        for number in range(8):
            made.flaps(made.push("main", 1000 + number, "zoe"), job="flaky")
        yield made


def test_the_base_weighs_what_fails_on_another_branch(bench: Bench) -> None:
    """What is known there as intermittent soon proves nothing; what is new there does, and a steady job even sooner."""
    backgrounds = Backgrounds(Histories(bench.world.store, bench.world.clock, fresh=0.0))
    here = bench.push("topic", 1, "bob")

    known = backgrounds(here, "flaky", fingerprint.shapes((LOGIN,)))
    other = backgrounds(here, "flaky", fingerprint.shapes((REFUND,)))
    steady = backgrounds(here, "steady-1", fingerprint.shapes((REFUND,)))
    # A test that was never seen is no more known for one that is.
    both = backgrounds(here, "flaky", fingerprint.shapes((LOGIN, REFUND)))

    assert (both.past, both.known_on_base, both.new_on_base) == (Past(8, 70), False, True)
    assert (known.past, known.known_on_base, known.new_on_base) == (Past(8, 70), True, False)
    assert (other.past, other.known_on_base, other.new_on_base) == (Past(8, 70), False, True)
    assert steady.past == Past(0, 70)
    assert known.chance(2) > other.chance(2) > steady.chance(2)
    assert steady.chance(1) < 0.05 < known.chance(4)


def test_lambda_is_the_stores_own_once_it_knows(bench: Bench) -> None:
    """Jobs that broke on other branches raise it for these, and not for the base."""
    backgrounds = Backgrounds(Histories(bench.world.store, bench.world.clock, fresh=0.0))
    here, main = bench.push("topic", 1, "bob"), bench.push("main", 2000)
    before = backgrounds(here, "steady-1", ()).breaks
    assert before == pytest.approx(breaks_at_first(backgrounds(here, "steady-1", ()).pool, base=False))

    for number in range(2, 22):
        where = bench.push("topic", number, "bob")
        for _ in range(3):
            bench.run(where, "failure", "steady-2", REFUND)

    assert backgrounds(here, "steady-1", ()).breaks > before
    assert backgrounds(main, "steady-1", ()).breaks < before


def test_a_project_without_history_has_none(bench: Bench) -> None:
    """Then two further failures are asked for."""
    backgrounds = Backgrounds(Histories(bench.world.store, bench.world.clock))
    found = backgrounds(bench.push("topic", 1)._replace(project="other"), "flaky", fingerprint.shapes((LOGIN,)))

    assert (found.past, found.known_on_base, found.new_on_base) == (NO_PAST, False, False)
    assert found.chance(1) > 0.05 > found.chance(2)
