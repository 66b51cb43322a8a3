"""kill -9 of the daemon, a few times in each way; by the thousand it is `python -m tests.service.chaos kills`."""

import pytest

from tests.fakes.rabbit import Rabbit
from tests.service.chaos.kills import IntakeName, StoreName, kills

KILLS = 15


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("intake", ["webhook", "amqp"])
@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_nothing_is_lost_or_doubled(store: StoreName, intake: IntakeName, request: pytest.FixtureRequest) -> None:
    """The kill may come at any moment."""
    rabbit: Rabbit | None = request.getfixturevalue("rabbit") if intake == "amqp" else None
    verdict, about = kills(store, intake, KILLS, 1, rabbit)
    assert about["settled"], (verdict, about)
    assert verdict.good, (verdict, about)
    # The run met trouble: lives that worked, requests that failed, and some that were recovered.
    assert about["log"]["daemon.started"] > KILLS / 2
    assert sum(about["faults"].values()) > 0
    assert about["log"]["recovered"] > 0
    assert "TRACEBACK" not in about["log"]


def test_a_few_kills_lose_and_double_nothing() -> None:
    """The shortest of these runs."""
    verdict, about = kills("sqlite", "webhook", 4, 1)
    assert about["settled"], (verdict, about)
    assert verdict.good, (verdict, about)
    assert "TRACEBACK" not in about["log"]
