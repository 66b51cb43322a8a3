"""What every page says above everything else: a CI that cannot be reached, and a breaker that is open."""

from collections.abc import Callable

import pytest

from tests.fakes.clock import Clock
from tests.fakes.site import House, Person
from tests.fakes.world import failure, push
from tests.web.page import PATH
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope
from triggerbot.pipeline.intakes import poll

PAGES = ("/", PATH, f"{PATH}?job=job", f"/branches/try/{push().branch}", "/about", "/statistics", "/errors", "/actions")


def answered(house: House, at: float) -> None:
    """Let the sweep of the CI have been answered then."""
    house.store.observe([], at, dry=False, cursor=(poll.cursor("ci"), repr(at)))


@pytest.mark.parametrize("path", PAGES)
def test_a_ci_that_does_not_answer_is_on_every_page(make_house: Callable[..., House], clock: Clock, path: str) -> None:
    """Whichever process asks it; and no more once it answers."""
    house = make_house(clock=clock, more="intakes: [{poll: {system: ci, every: 60s}}]")
    house.hear(failure(started=clock() - 9, time=clock()))
    answered(house, clock())
    with Person(house) as visitor:
        clock.move(239)
        assert "does not answer" not in visitor.get(path).text
        clock.move(2)
        assert "<strong>ci does not answer</strong>" in visitor.get(path).text
        answered(house, clock())
        assert "does not answer" not in visitor.get(path).text


@pytest.mark.parametrize("path", PAGES)
def test_an_open_breaker_is_on_every_page(house: House, visitor: Person, clock: Clock, path: str) -> None:
    """With its reason."""
    house.hear(failure(started=clock() - 9, time=clock()))
    key = BreakerKey(BreakerScope.SYSTEM, "ci")
    house.store.limits.save_breaker(Breaker(key, trouble=BreakerCause.REQUESTS, since=clock(), why="5 failed"), clock())

    assert "<strong>The breaker of system ci is open</strong>" in visitor.get(path).text
