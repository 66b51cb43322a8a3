"""Pushes of which jobs fail as on the base: neither failing for that, nor good by it alone."""

import itertools

import pytest

from tests.fakes.push_report import job
from triggerbot.core.verdict import health, merge_queue, verdict
from triggerbot.core.verdict.base import Relation, Standing
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.core.verdict.merge_queue import Conclusion
from triggerbot.core.verdict.verdict import JobVerdict

LINE = "tests/test_login.py::test_login: AssertionError: 401 != 200"
THERE = Standing(Relation.INHERITED, "ba5e" * 10)


def judged(*jobs: str) -> PushVerdict:
    """Judge jobs by the letters of their runs; those with a `b` before these fail on the base too."""
    return health.of_push(of(str(number), letters) for number, letters in enumerate(jobs))


def of(name: str, letters: str) -> JobVerdict:
    """Judge one job."""
    found = verdict.of_job(name, job(name, letters.removeprefix("b"), lines=[LINE]).runs, ())
    return verdict.against_base(found, THERE) if letters.startswith("b") else found


@pytest.mark.parametrize(
    ("jobs", "expected", "sentence"),
    [
        (("bOO", "G"), Health.GOOD, "1 fails on the base too, 1 passed"),
        (("bO", "bOO", "OG"), Health.GOOD, "2 fail on the base too, 1 is intermittent"),
        (("bOO", "G", "-"), Health.GOOD, "1 fails on the base too, 1 passed, 1 was skipped"),
        (("bOO", "OO"), Health.FAILING, "1 job fails every time, 1 fails on the base too"),
        (("bOO", "."), Health.PENDING, "1 fails on the base too, 1 is pending"),
        (("bOO",), Health.INCOMPLETE, "1 fails on the base too, nothing else passed; nothing more is to come"),
        (
            ("bOO", "-"), Health.INCOMPLETE,
            "1 fails on the base too, nothing else passed, 1 was skipped; nothing more is to come",
        ),
        (("bOO", "G", "X"), Health.INCOMPLETE, None),
    ],
)  # fmt: skip
def test_a_push_is_judged_by_what_is_its_own(jobs: tuple[str, ...], expected: Health, sentence: str | None) -> None:
    """In any order; what is inherited is told apart, and something else has to prove that the push is good."""
    for order in itertools.permutations(jobs):
        found = judged(*order)
        assert found.health is expected
        assert found.final == (expected is not Health.PENDING)
        assert sentence in (None, found.sentence)


@pytest.mark.parametrize("jobs", [("bOO", "G"), ("bOO",), ("bOO", "-"), ("bOO", "OO"), ("bOO", ".")])
def test_an_entry_of_a_merge_queue_that_fails_as_its_base_does_is_not_merged(jobs: tuple[str, ...]) -> None:
    """At once, whatever else passes or is still to come; and it is not put back, for it would fail again."""
    found = judged(*jobs)
    assert merge_queue.conclude(found, timed_out=False)[0] is Conclusion.FAILURE
    assert merge_queue.has_failed(found)
    assert not merge_queue.may_return(found)


def test_an_entry_that_was_evicted_for_an_intermittent_job_beside_an_inherited_one_stays_out() -> None:
    """What its own checks require fails again."""
    assert merge_queue.may_return(judged("OG", "G"))
    assert not merge_queue.may_return(judged("bOO", "OG"))
