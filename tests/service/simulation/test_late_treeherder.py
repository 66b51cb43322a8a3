"""Treeherder is an hour late, as it is when it is ill: every retrigger of that hour still happens, and once."""

import pytest

from tests.service.simulation.scenario import late_treeherder
from tests.service.simulation.world import History, World
from triggerbot.core.claim import Claim


def went_well(seed: int) -> int:
    """Let a history happen; return how many runs were made after the hour."""
    world = World(late_treeherder(seed))
    try:
        world.run()
    except History as error:
        pytest.fail("\n".join([*error.trace[-200:], str(error)]))
    return len(world.taken)


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(40, 400, 40))])
def test_an_hour_late(first: int) -> None:
    """Whatever else goes wrong in that hour."""
    assert sum(went_well(seed) for seed in range(first, first + 40)) > 40


def test_it_notices_what_is_given_up_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that nobody listed in time would never be retriggered."""
    monkeypatch.setattr(Claim, "reopened_by", lambda *_, **__: False)

    with pytest.raises(History, match="refused for no reason: not_found"):
        _run_all(range(40))


def _run_all(seeds: range) -> None:
    for seed in seeds:
        World(late_treeherder(seed)).run()
