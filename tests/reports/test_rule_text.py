"""Rules in words: what is said of retriggers."""

from triggerbot.core.patterns import Globs
from triggerbot.core.policy.evidence import UntilProved
from triggerbot.core.policy.rules import Rule
from triggerbot.reports import rule_text

TRY = Globs(["try"])
ONE_FOR_ALL = "Of the jobs of a push that fail alike the first is run again, and the others only if it passes."


def test_a_number() -> None:
    """So many, and each job by itself."""
    said = rule_text.terms(Rule(TRY)).sentences

    assert said[0].startswith("A test job that failed is run 2 more times, once a push.")
    assert ONE_FOR_ALL not in said


def test_what_is_expected() -> None:
    """Of the branches that it names, and in hours."""
    said = rule_text.terms(Rule(TRY, Globs(["main", "release/*"]), expect=93_600.0)).sentences

    assert "Something should be heard of “main” at least every 26 h; that nothing was is reported." in said


def test_by_what_they_prove() -> None:
    """When it ends, and how many that may take; one for all."""
    rule = Rule(TRY, retries=4, until_proved=UntilProved(0.025, 4), first_of_cause=True)

    said = rule_text.terms(rule).sentences

    assert said[0].startswith(
        "A test job that failed is run until it passes, or the chance that it is intermittent is at most 2.5 %, up to "
        "4 more times, once a push."
    )
    assert ONE_FOR_ALL in said


def test_everything_that_a_rule_says_is_said() -> None:
    """What pushes are held against, what is run there, and that a build gets one."""
    kinds = frozenset({"build", "test"})
    rule = Rule(TRY, kinds=kinds, retries=4, until_proved=UntilProved(), base_branch="main", control=True)

    said = rule_text.terms(rule).sentences

    assert "at most 5 %, up to 4 more times (a build once), once a push." in said[0]
    assert "Where the CI does not tell what a push is based on, it is held against “main” as it was before." in said
    assert any("is run once at the base of its push" in one for one in said)
