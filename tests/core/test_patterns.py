"""Shell-style patterns over hostile names."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.patterns import Globs


@pytest.mark.parametrize(
    ("patterns", "text", "matches"),
    [
        (["*"], "", True),
        (["*"], "a\nb", True),
        ([], "a", False),
        (["linux-*"], "linux-opt", True),
        (["linux-*"], "Linux-opt", False),
        (["linux-*"], "a linux-opt", False),
        (["linux"], "linux-opt", False),
        (["a", "b*"], "bc", True),
        (["?"], "ab", False),
        (["?b"], "\nb", True),
        (["[ab]c"], "bc", True),
        (["[!ab]c"], "bc", False),
        (["dependabot[bot]"], "dependabot[bot]", True),
        (["dependabot[bot]"], "dependabotb", True),
        (["*-unstable*"], "linux-unstable-1", True),
        (["a.b"], "axb", False),
        (["[a"], "[a", True),
        (["a"], "a\n", False),
        (["*a"], "a\n", False),
    ],
)
def test_a_text_matches_if_any_pattern_does(patterns: list[str], text: str, matches: bool) -> None:
    """Whole text, case as written, brackets also as themselves."""
    assert Globs(patterns).match(text) is matches


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "pattern", ["*a*a*a*a*a*a*a*a*b", "*?*?*?*?*?*?x", "a" + "*" * 60 + "b", "*[ab]*[ab]*[ab]*[ab]*c", "*a" * 30 + "x"]
)
def test_a_hostile_text_does_not_hang(pattern: str) -> None:
    """No pattern of a rule takes more than a moment over a name of the longest sort, made to backtrack."""
    started = time.monotonic()

    for text in ("a" * 2000, "ab" * 1000, "a" * 2000 + "\n"):
        Globs([pattern]).match(text)

    assert time.monotonic() - started < 5


def test_lists_of_patterns_are_values() -> None:
    """They compare and hash by what is written in them, and show it."""
    assert Globs(["a"]) == Globs(("a",))
    assert Globs(["a"]) != Globs(["b"])
    assert Globs(["a"]) != ["a"]
    assert len({Globs(["a"]), Globs(["a"])}) == 1
    assert repr(Globs(["a", "b*"])) == "Globs(['a', 'b*'])"


@given(st.text(min_size=1), st.text())
def test_a_name_matches_itself_and_what_starts_with_it(name: str, rest: str) -> None:
    """Any name, even one full of brackets, can be written as a pattern for itself."""
    assert Globs([name]).match(name)
    assert Globs(["*"]).match(name + rest)


@given(st.lists(st.text("ab*?[]!-", max_size=8), max_size=4), st.text("ab[]!-", max_size=8))
def test_any_pattern_compiles_and_answers(patterns: list[str], text: str) -> None:
    """Whatever is written in a config, matching answers yes or no, as one pattern of them does."""
    assert Globs(patterns).match(text) is any(Globs([pattern]).match(text) for pattern in patterns)


@pytest.mark.parametrize(
    ("pattern", "project", "matches"),
    [
        ("octo/app", "Octo/App", True),
        ("Octo/App", "octo/app", True),
        ("Octo/*", "octo/APP", True),
        ("octo/[A]pp", "octo/app", True),
        ("octo/app", "octo/apps", False),
        ("try", "Try", False),
    ],
)
def test_projects(pattern: str, project: str, matches: bool) -> None:
    """Owner and repository match in whatever case, and everything else in its own."""
    assert Globs([pattern]).match_project(project) is matches
    assert not Globs([pattern.upper()]).match(project.lower())
