"""What an entry of a merge queue comes to, where it fails as its base does."""

import pytest

from triggerbot.core.model import Result, Run, State
from triggerbot.core.verdict import health, verdict
from triggerbot.core.verdict.base import Relation, Standing
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.merge_queue import Conclusion, conclude, may_return
from triggerbot.core.verdict.verdict import JobVerdict

AT_BASE = Standing(Relation.INHERITED, "ba5e" * 10)


def job(name: str, *results: Result, tier: int = 1) -> JobVerdict:
    """Return a job whose runs ended so."""
    runs = [Run(name, str(number), 1, State.FINISHED, one, tier=tier) for number, one in enumerate(results)]
    return verdict.of_job(name, runs, (), max_tier=2)


def inherited(tier: int = 1) -> JobVerdict:
    """Return a job that fails on the base too."""
    return verdict.against_base(job("old", Result.FAILURE, tier=tier), AT_BASE)


@pytest.mark.parametrize("timed_out", [False, True])
def test_what_fails_on_the_base_too_is_no_proof(*, timed_out: bool) -> None:
    """Elsewhere the push is good without it; here nothing is waited for, since GitHub would not merge it either."""
    judged = health.of_push([job("new", Result.SUCCESS), inherited()])
    assert judged.health is Health.GOOD
    assert conclude(judged, timed_out=timed_out) == (Conclusion.FAILURE, "fails on the base too: old")


def test_an_entry_is_not_put_back_to_fail_as_its_base_does() -> None:
    """Whatever else of it was intermittent."""
    flapping = job("flapping", Result.FAILURE, Result.SUCCESS)
    assert may_return(health.of_push([flapping]))
    assert not may_return(health.of_push([flapping, inherited()]))


def test_what_a_rule_hides_decides_nothing_here_either() -> None:
    """That it fails on the base changes nothing."""
    judged = health.of_push([job("new", Result.SUCCESS), inherited(tier=3)])
    assert conclude(judged, timed_out=False)[0] is Conclusion.SUCCESS
