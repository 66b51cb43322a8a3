"""A stop at every point where the daemon could; within requests fewer than `python -m tests.service.chaos` has."""

import pytest

from tests.fakes.rabbit import Rabbit
from tests.service.chaos.harness import IntakeName, StoreName
from tests.service.chaos.points import points

pytestmark = pytest.mark.slow

USUAL = {"after store.begin", "before store.accepted", "before the answer", "after the answer"}
OF = {
    "sqlite": {"before the commit", "after the commit"},
    "redis": {"before the script in Redis", "after the script in Redis"},
    "webhook": {"before a part of the answer to a webhook"},
    "amqp": {"before the acknowledgement", "after the acknowledgement"},
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("store", "intake"), [("sqlite", "webhook"), ("redis", "amqp")])
def test_nothing_is_lost_or_doubled(store: StoreName, intake: IntakeName, request: pytest.FixtureRequest) -> None:
    """For each stop, and each stop of the next life."""
    rabbit: Rabbit | None = request.getfixturevalue("rabbit") if intake == "amqp" else None
    verdict, about = points(store, intake, 1, rabbit)
    assert verdict.good, (verdict, about)
    assert set(about["names"]) >= USUAL | OF[store] | OF[intake]
    assert about["stopped"] > about["points"] / 2
    assert about["stopped_again"] > 0
