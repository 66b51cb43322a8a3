"""Costs and savings of retriggers: measured figures, and estimates that are marked as such."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.decision import Cause, Refusal
from triggerbot.reports import costs

DAY = 1_795_132_800.0  # a midnight in UTC


def decision(reason: str, jobs: int, retriggers: int = 0, *, dry: bool = False) -> dict[str, Any]:
    """Make a line of decisions as the store counts them."""
    action = "trigger" if reason in set(Cause) else "refuse"
    return {"action": action, "reason": reason, "dry_run": dry, "jobs": jobs, "retriggers": retriggers}


def hour(at: float, **counted: int) -> dict[str, Any]:
    """Make an hour as the store counts it."""
    return {"hour": at, "would_have_sent": 0, "sent": 0, "decided": 0, "refused": 0, **counted}


def found(**more: Any) -> dict[str, Any]:
    """Make the statistics of a period, as the store returns them."""
    ended = {"passed": 60, "failed": 30, "other": 5, "unfinished": 5, "seconds": 9000.0, "timed": 50, "proved": 26}
    return {
        "decisions": [
            decision(Cause.FAILURE, 40, 80), decision(Cause.MANUAL, 4, 20), decision(Refusal.OVER_BUDGET, 10),
            decision(Refusal.KIND_EXCLUDED, 5), decision(Refusal.REFUSED_BY_CI, 7), decision(Refusal.NOT_FOUND, 2),
        ],
        "hours": [hour(DAY, sent=70, decided=80), hour(DAY + 3600, refused=24), hour(DAY + 86_400, sent=30)],
        "ended": ended,
        "machine": {"seconds": 100_000.0, "runs": 1000},
        "spared": {"jobs": 15, "over_budget": 10},
        "runs": 2000,
    } | more  # fmt: skip


def test_counts_are_shown_as_they_are() -> None:
    """Retriggers by how they ended, and their share of all runs."""
    made = costs.of(found())

    assert (made.retriggers, made.runs, made.share) == (100, 2000, 0.05)
    assert made.sentences()[0] == (
        "100 retriggers, 5.0 % of 2000 runs: 60 passed, 30 failed, 5 proved nothing, 5 not finished."
    )


def test_days_are_summed_up() -> None:
    """In UTC, oldest first."""
    made = costs.of(found())

    assert made.days == (
        costs.Day(DAY, sent=70, decided=80, refused=24),
        costs.Day(DAY + 86_400, sent=30),
    )


def test_machine_time_is_extrapolated_and_says_so() -> None:
    """From the retriggers of known length to all that have ended."""
    made = costs.of(found())

    assert (made.spent.known, made.spent.timed, made.spent.estimate) == (9000.0, 50, 95 * 180.0)
    assert made.spent.share == pytest.approx(95 * 180 / (100 * 2000))
    assert made.sentences()[1] == (
        "Machine time of retriggers: about 4.8 h, 8.6 % of that of all runs "
        "(an estimate; measured: 2.5 h of 50 retriggers)."
    )


def test_what_was_refused_spared_machines() -> None:
    """By the failures that were not retriggered, as the store counts them; with the formula."""
    made = costs.of(found())

    assert (made.spared.failures, made.spared.over_budget, made.spared.seconds) == (15, 10, 15 * 2 * 180.0)
    assert made.sentences()[2] == (
        "Machine time spared: about 1.5 h (an estimate: 15 failures not retriggered, 10 of them for the budget, "
        "× 2.0 retriggers that a failure got on average, × 3 min each)."
    )


def test_peoples_time_rests_on_an_assumption() -> None:
    """Only failures that retriggers proved intermittent before anybody asked saved people's time."""
    made = costs.of(found(), minutes=15)

    assert (made.people.failures, made.people.seconds) == (26, 26 * 900.0)
    assert made.sentences()[3] == (
        "People's time saved: about 6.5 h (an estimate: 26 failures that retriggers proved intermittent and nobody had "
        "to ask for, × 15 min each, which is an assumption)."
    )


def test_what_nobody_knows_is_not_made_up() -> None:
    """A CI without start times of runs, or no retriggers yet."""
    ended = dict.fromkeys(("passed", "failed", "other", "unfinished", "seconds", "timed", "proved"), 0)
    nothing = {"machine": {"seconds": 0.0, "runs": 0}, "decisions": [], "spared": {"jobs": 0, "over_budget": 0}}
    made = costs.of(found(ended=ended, runs=0, hours=[], **nothing))

    assert (made.share, made.spent.estimate, made.spent.share, made.spared.seconds) == (None, None, None, None)
    assert made.sentences() == [
        "No retrigger among 0 runs.",
        "Machine time of retriggers: none.",
        "Machine time spared: no estimate; 0 failures not retriggered.",
        (
            "People's time saved: about 0 s (an estimate: 0 failures that retriggers proved intermittent and nobody "
            "had to ask for, × 10 min each, which is an assumption)."
        ),
    ]
    assert costs.of(found(ended=ended | {"passed": 1}, **nothing)).sentences()[1] == (
        "Machine time of retriggers: nobody knows, for the CI does not tell when runs begin."
    )


def test_other_runs_stand_in_for_retriggers_of_unknown_length() -> None:
    """That is better than nothing, and is an estimate all the same."""
    ended = {"passed": 10, "failed": 0, "other": 0, "unfinished": 0, "seconds": 0.0, "timed": 0, "proved": 0}

    assert costs.of(found(ended=ended)).spent.estimate == 10 * 100.0


def test_what_dry_run_decided_says_nothing_of_what_a_failure_gets() -> None:
    """Nothing was spent, so nobody knows what was spared."""
    made = costs.of(found(decisions=[decision(Cause.FAILURE, 10, 20, dry=True)]))

    assert (made.spared.retriggers_each, made.spared.seconds) == (None, None)


def test_the_json_has_stable_keys() -> None:
    """Programs rely on these names; what is an estimate is called one."""
    values = costs.of(found()).as_json()

    assert list(values) == ["days", "retriggers", "runs", "share", "ended", "machine", "spared", "people", "text"]
    assert values["days"][0] == {
        "at": "2026-11-20T00:00:00Z", "sent": 70, "would_have_sent": 0, "decided": 80, "refused": 24
    }  # fmt: skip
    assert values["machine"] == {
        "known_seconds": 9000, "timed": 50, "seconds_estimate": 17_100, "share_estimate": 0.0855
    }  # fmt: skip
    assert values["spared"]["seconds_estimate"] == 5400
    assert values["people"] == {"failures": 26, "minutes_each_assumed": 10.0, "seconds_estimate": 15_600}
    assert values["text"] == costs.of(found()).sentences()


NUMBERS = st.integers(0, 10_000)


@given(
    st.fixed_dictionaries(dict.fromkeys(["passed", "failed", "other", "unfinished", "timed", "proved"], NUMBERS)),
    st.dictionaries(st.sampled_from([*map(str, Cause), *map(str, Refusal)]), st.tuples(NUMBERS, NUMBERS)),
    NUMBERS,
    NUMBERS,
    st.floats(0, 1e9),
)
def test_any_counts_can_be_shown(
    ended: dict[str, int], decisions: dict[str, tuple[int, int]], runs: int, spared_jobs: int, seconds: float
) -> None:
    """No share is more than the whole, nothing is negative, and every estimate is called one."""
    made = costs.of(
        found(
            ended={**ended, "seconds": seconds},
            decisions=[decision(reason, jobs, number) for reason, (jobs, number) in decisions.items()],
            machine={"seconds": seconds, "runs": runs},
            spared={"jobs": spared_jobs, "over_budget": spared_jobs // 2},
            runs=runs + sum(ended.values()) - ended["timed"] - ended["proved"],
        )
    )

    assert made.spent.share is None or 0 <= made.spent.share <= 1
    assert all("estimate" in sentence for sentence in made.sentences() if "about" in sentence)
