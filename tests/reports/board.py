"""A world whose pushes are reported to a recording reporter."""

from collections.abc import Callable

import pytest

from tests.fakes.commented_ci import ListeningCI
from tests.fakes.world import World, failure, push
from triggerbot.core.model import Push
from triggerbot.core.patterns import Globs
from triggerbot.reports import PushReport

HERE = push("abcdef1234")


class Board:
    """A reporter that records its reports."""

    def __init__(self, name: str = "board:one", branches: str = "*") -> None:
        self.name = name
        self.branches = Globs([branches])
        self.reports: list[PushReport] = []
        self.stored: list[str] = []
        self.errors: list[BaseException] = []
        #: When it wants the next report.
        self.again: float | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    def wants(self, push: Push) -> bool:
        return push.project in ("try", "app") and self.branches.match(push.branch)

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> float | None:
        self.reports.append(report)
        self.stored.append(stored)
        self.meanwhile()
        if self.errors:
            raise self.errors.pop(0)
        save(report.judged.sentence)
        return self.again

    def close(self) -> None:
        """Nothing has to be closed."""


@pytest.fixture
def ci() -> ListeningCI:
    """Return a CI with one push."""
    made = ListeningCI()
    made.say(HERE)
    return made


@pytest.fixture
def world(make_world: Callable[..., World], ci: ListeningCI) -> World:
    """Return a world with a failed job."""
    ci.put(failure(push=HERE))
    made: World = make_world(ci)
    made.hear(failure(push=HERE))
    return made
