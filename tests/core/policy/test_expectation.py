"""Which branches something is expected of."""

from triggerbot.core.patterns import Globs
from triggerbot.core.policy.expectation import Expected, expected
from triggerbot.core.policy.rules import Rule


def rule(projects: list[str], branches: list[str], expect: float | None = 60.0) -> Rule:
    """Return a rule."""
    return Rule(Globs(projects), Globs(branches), expect=expect)


def test_branches_that_are_named_are_expected_and_patterns_are_no_names() -> None:
    """Each of each project that is named, too."""
    found = expected([rule(["a", "b", "c-*"], ["main", "release/*", "beta"])])
    assert found == tuple(Expected(project, branch, 60.0) for project in "ab" for branch in ("main", "beta"))
    assert expected([rule(["a"], ["main"], None)]) == ()


def test_the_first_rule_of_a_branch_says_what_is_expected() -> None:
    """As it says everything else of it; a repository is the same in any case."""
    rules = [rule(["Octo/App"], ["main"], 60.0), rule(["octo/app"], ["main", "beta"], 90.0)]
    assert expected(rules) == (Expected("Octo/App", "main", 60.0), Expected("octo/app", "beta", 90.0))
    assert expected([rule(["*"], ["*"], None), rule(["a"], ["main"])]) == ()
