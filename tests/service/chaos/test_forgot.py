"""An older copy of the store comes back, a few times; a hundred times it is `python -m tests.service.chaos forgot`."""

import pytest

from tests.service.chaos.forgot import forgot
from tests.service.chaos.harness import StoreName


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1, 2], ids=["runs name nothing", "runs name their requests"])
@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_nothing_is_over_what_was_asked_for_and_budgeted(store: StoreName, seed: int) -> None:
    """While requests of people and budgets are under way."""
    verdict, about = forgot(store, 8, seed)
    assert about["settled"], (verdict, about)
    assert verdict.good, (verdict, about)
    assert about["asks"] > 0
    assert about["made"] > 0
    assert "TRACEBACK" not in about["log"]
