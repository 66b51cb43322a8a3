"""The root cause of crashes in a sentence."""

import pytest

from triggerbot.reports.crashes import root_cause
from triggerbot.store import Crash, CrashClass


def incident(number: int, at: float = 10.0, host: str = "host") -> list[Crash]:
    """Return so many workers that died together."""
    return [Crash(at + order, f"{host}/{order}", "SIGKILL", order=order) for order in range(1, number + 1)]


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, ""), (2, ", one other followed"), (3, ", two others followed"), (12, ", 11 others followed")],
)
def test_the_others_are_counted(number: int, words: str) -> None:
    """Of the latest incident only."""
    assert root_cause([*incident(number), *incident(3, at=1.0)]) == f"Root cause: worker 1, SIGKILL{words}"


def test_it_names_class_and_life_and_the_host_where_there_are_several() -> None:
    """The exception is that of the first line."""
    first = Crash(9.0, "a/2", "exit code 1", "ValueError: x\nmore", "", 1, 7, 90.0, CrashClass.AWAY)
    assert root_cause([first, *incident(1, host="b")]) == (
        "Root cause: worker 2 of a, ValueError: x, the store or a CI was away, after 1.5 min"
    )
    assert root_cause([]) == ""
