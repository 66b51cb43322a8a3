"""Which CIs cannot be reached: by what polls of any process say, and by this process's requests."""

from collections.abc import Mapping

import pytest

from triggerbot.cli.config import loads
from triggerbot.pipeline.intakes import poll
from triggerbot.reports.polls import Unreachable, unreachable
from triggerbot.store import Store
from triggerbot.store.factory import open_memory

CONFIG = loads("""\
systems:
  ci: {type: generic, url: "http://127.0.0.1:9", sweep: 100s}
  quiet: {type: generic, url: "http://127.0.0.1:9", sweep: off}
rules: [{projects: [try]}]
""")
NOW = 1_000_000.0


def store(**cursors: float) -> Store:
    """Make a store with cursors of the polls of `ci`."""
    made = open_memory()
    names = {"answered": poll.cursor, "began": poll.began, "refused": poll.refusal}
    for name, at in cursors.items():
        made.observe([], NOW, dry=False, cursor=(names[name]("ci"), repr(at)))
    return made


@pytest.mark.parametrize(
    ("cursors", "silent", "expected"),
    [
        ({}, {}, []),
        ({"answered": NOW - 360}, {}, []),
        ({"answered": NOW - 361}, {}, [Unreachable("ci", NOW - 361, "")]),
        ({"answered": NOW - 361}, {"ci": (NOW - 5, "502")}, [Unreachable("ci", NOW - 361, "502")]),
        # It was asked first an hour, less the overlap of polls, after where the first poll reaches back to.
        ({"began": NOW - 3300}, {}, []),
        ({"began": NOW - 3300 - 361}, {}, [Unreachable("ci", NOW - 361, "")]),
        ({"refused": NOW - 5000}, {}, []),
        # A request failed, and later a poll was answered.
        ({"answered": NOW - 10}, {"ci": (NOW - 100, "502")}, []),
        ({"answered": NOW - 100}, {"ci": (NOW - 90, "502")}, [Unreachable("ci", NOW - 90, "502")]),
        ({}, {"quiet": (NOW - 61, "reset")}, [Unreachable("quiet", NOW - 61, "reset")]),
        ({}, {"quiet": (NOW - 59, "reset")}, []),
        # A system that the config does not name any more.
        ({}, {"gone": (NOW - 900, "reset")}, []),
    ],
)
def test_who_cannot_be_reached(
    cursors: Mapping[str, float], silent: Mapping[str, tuple[float, str]], expected: list[Unreachable]
) -> None:
    """A start that has just begun, a CI without polls and a single lost request say nothing."""
    assert unreachable(store(**cursors), CONFIG, silent, NOW) == expected
