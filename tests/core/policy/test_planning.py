"""Which requests are planned for what is owed."""

from dataclasses import replace

import pytest

from tests.fakes.planning import plan_parallel, plan_serial
from tests.fakes.world import push
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.model import Result, Run, State
from triggerbot.core.policy import planning
from triggerbot.core.policy.planning import Owed

RUN = Run("job", "1", 1, State.FINISHED, Result.FAILURE)


def want(job: str, owed: int, *runs: Run) -> Owed:
    """A claim with what it still needs."""
    named = tuple(replace(run, job=job) for run in runs)
    return Owed(Claim(1, push(), job, ClaimState.OWED, named[0], dry=False, created=0, due=0), owed, named)


NEWER = replace(RUN, run_id="2")
RUNNING = replace(RUN, run_id="3", state=State.RUNNING, result=None)
WANTS = [want("a", 3, RUN, NEWER), want("b", 1, RUN), want("c", 2, RUN, RUNNING)]


@pytest.mark.parametrize(
    ("plan", "calls_made", "held"),
    [
        (planning.plan_batch, [("a", "2", 3), ("b", "1", 1), ("c", "3", 2)], []),
        (plan_parallel, [("a", "2", 1), ("b", "1", 1), ("c", "3", 1)], []),
        (plan_serial, [("a", "2", 1), ("b", "1", 1)], ["c"]),
    ],
)
def test_a_plan_fits_what_the_ci_can_do(plan, calls_made, held) -> None:
    """A number at once, one copy a request, or one copy at a time; always of the newest run."""
    planned = plan(WANTS)

    assert [(call.target.job, call.target.run_id, call.count) for call in planned.calls] == calls_made
    assert [one.claim.job for one, why in planned.held if why] == held
    assert {one.claim.job for call in planned.calls for one in call.wants} | set(held) == {"a", "b", "c"}


@pytest.mark.parametrize("plan", [planning.plan_batch, plan_parallel, plan_serial])
def test_nothing_owed_needs_nothing(plan) -> None:
    """No wants, no calls."""
    assert plan([]) == planning.Plan()
