"""Rule 7 of the design: the budget of a push, at its edges, and what is said of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.policy.decisions import CLAIM, RULE, facts
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.policy.budget import Budget, within_budget
from triggerbot.core.policy.rules import decide


@pytest.mark.parametrize(
    ("percent", "floor", "spent", "total", "allowed"),
    [
        (5, 4, 0, 1, True), (5, 4, 4, 1, True), (5, 4, 5, 1, False), (5, 4, 5, 99, False), (5, 4, 5, 100, True),
        (5, 4, 6, 119, False), (5, 4, 6, 120, True), (5, 0, 0, 1, True), (5, 0, 1, 19, False), (5, 0, 1, 20, True),
        (0, 0, 0, 1000, True), (0, 0, 1, 1000, False), (0, 4, 4, 1000, True), (0, 4, 5, 1000, False),
        (100, 0, 7, 7, True), (100, 0, 8, 7, False), (2.5, 0, 1, 40, True), (2.5, 0, 1, 39, False),
        (5, 4, 5, 0, False), (5, 4, 10**6, 10**9, True),
    ],
)  # fmt: skip
def test_the_budget_at_its_edges(percent: float, floor: int, spent: int, total: int, allowed: bool) -> None:
    """Refused if spent > floor and 100 * spent > percent * total: the formula of rule 7, edge by edge."""
    assert Budget(percent, floor).allows(spent, total) is allowed


@given(st.integers(0, 100), st.integers(0, 20), st.integers(0, 2000))
def test_a_push_can_never_spend_more_than_its_share(percent: int, floor: int, total: int) -> None:
    """Spending while allowed ends at the larger of floor and share, plus the one that reached it."""
    budget, spent = Budget(percent, floor), 0
    while budget.allows(spent, total) and spent <= 3000:
        spent += 1

    assert spent == max(floor, percent * total // 100) + 1 == budget.most(total)


@given(st.floats(0, 100), st.integers(0, 20), st.integers(0, 100_000))
def test_what_a_budget_comes_to_is_what_it_allows(percent: float, floor: int, total: int) -> None:
    """To the last job, however odd the share."""
    budget = Budget(percent, floor)

    assert budget.allows(budget.most(total) - 1, total)
    assert not budget.allows(budget.most(total), total)


def test_what_the_push_or_a_person_asks_for_is_not_held_back_by_the_budget() -> None:
    """The budget is for failures only."""
    manual = replace(CLAIM, origin="person", wanted=7)
    by_hand = decide(manual, RULE, facts("DONTBUILD", runs=50))
    assert by_hand == Decision.trigger(Cause.MANUAL, 7, "asked for by a person")
    assert decide(manual, None, facts()) is not None
    requested = decide(CLAIM, RULE, facts("try: --rebuild 3"))
    for decision in (by_hand, requested):
        assert decision is not None
        assert within_budget(decision, Budget(0, 0), 99, 100, dry=False) is decision


@pytest.mark.parametrize(
    ("dry", "before", "spent"), [(False, "that were", "were"), (True, "that would have been", "would have been")]
)
def test_a_decision_tells_the_budget_as_it_was_then(dry: bool, before: str, spent: str) -> None:
    """How much of how much; in dry run nothing was spent."""
    decision = decide(CLAIM, RULE, facts())
    assert decision is not None

    allowed = within_budget(decision, Budget(), 3, 9, dry=dry)
    refused = within_budget(decision, Budget(), 5, 9, dry=dry)

    assert allowed.detail == (
        "further runs wanted of a failed job: 2; runs that there are: 1; "
        f"jobs of the push {before} retriggered for failures before: 3 of at most 5"
    )
    assert refused == Decision.refuse(
        Refusal.OVER_BUDGET,
        f"5 jobs of the push (5 causes) {spent} retriggered for failures; its budget is 5: 5 % of its 9 jobs and one "
        "more, or 5 if that is more",
    )


@pytest.mark.parametrize(
    ("number", "told"),
    [(20, "the push asks for 20 of it"), (50, "the push asks for 50 of it, and `requested.max` allows 20")],
)
def test_a_request_that_is_cut_says_so(number: int, told: str) -> None:
    """And by what."""
    decision = decide(CLAIM, RULE, facts(f"try: --rebuild {number}"))

    assert decision == Decision(Cause.REQUESTED, None, 20, told, 1, total=2000)


def test_what_the_ci_lists_counts_and_is_told() -> None:
    """Jobs with further runs of which the store knows no request have used up budget."""
    decision = decide(CLAIM, RULE, facts())
    assert decision is not None

    allowed = within_budget(decision, Budget(), 2, 9, dry=False, elsewhere=2)
    refused = within_budget(decision, Budget(), 2, 9, dry=False, elsewhere=3)

    words = "by what the CI lists: further runs of which no request is known here"
    assert allowed.detail.endswith(f"before: 4 of at most 5; of these, 2 {words}")
    assert (refused.refusal, refused.detail.partition(";")[0]) == (
        Refusal.OVER_BUDGET, "5 jobs of the push (5 causes) were retriggered for failures",
    )  # fmt: skip
    assert refused.detail.endswith(f"; of these, 3 {words}")
