"""Parsing of commands in comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.reports import comment_syntax
from triggerbot.reports.comment_syntax import MOST, Rebuild, Retry, Unclear, Why


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("rebuild 3", Rebuild(3)),
        ("Rebuild 20 linux-*", Rebuild(20, "linux-*")),
        ("rebuild 2 `mac-*`", Rebuild(2, "mac-*")),
        ("rebuild `2 mac-*`", Rebuild(2, "mac-*")),
        ("rebuild 2 ``", Rebuild(2)),
        ("retry linux-opt-mochitest-1", Retry("linux-opt-mochitest-1")),
        ("retry `CI / test (3.11, ubuntu)`", Retry("CI / test (3.11, ubuntu)")),
        ("rerun  *mochitest* ", Retry("*mochitest*")),
        ("retry failed", Retry()),
        ("retry FAILED", Retry()),
        ("why CI / test?", Why("CI / test")),
        ("why CI / test", Why("CI / test")),
        ("why `CI / test`?", Why("CI / test")),
        ("why `CI / test?`", Why("CI / test?")),
    ],
)
def test_commands(text: str, command: comment_syntax.Command) -> None:
    """Each command is read in its usual spellings."""
    assert comment_syntax.read(text) == [command]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rebuild", "number"), ("rebuild 0", "number"), ("rebuild many", "number"), ("rebuild 99999", "number"),
        ("retry", "the name of a job"), ("why", "the name of a job"), ("please", "no command"),
        ("retry ``", "the name of a job"), ("why ?", "the name of a job"),
    ],
)  # fmt: skip
def test_what_is_not_understood_says_what_would_be(text: str, words: str) -> None:
    """The message names what is missing."""
    (command,) = comment_syntax.read(text)

    assert isinstance(command, Unclear)
    assert words in command.why


def test_one_command_a_line() -> None:
    """Empty lines are skipped, and the number of commands is limited."""
    assert comment_syntax.read("\nrebuild 2\n\n  retry a\n") == [Rebuild(2), Retry("a")]
    assert len(comment_syntax.read("rebuild 2\n" * 1000)) == MOST


@given(st.text())
def test_anything_is_read(text: str) -> None:
    """Any text is parsed without an exception."""
    assert all(isinstance(one, comment_syntax.Command) for one in comment_syntax.read(text))
