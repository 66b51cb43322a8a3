"""How many retriggers are still owed for a claim. Pure."""

from collections.abc import Collection, Iterable, Sequence

from triggerbot.core import proof
from triggerbot.core.claim import Claim
from triggerbot.core.decision import Cause
from triggerbot.core.model import PROVING, Event, Result, Run, RunKey


def is_gone(last: Run | Event, earlier: Iterable[RunKey]) -> bool:
    """Whether the CI has a job no more: it lists no new run, but the old one as skipped in a later attempt."""
    skipped = last.result is Result.SKIPPED
    return skipped and any(run.run_id == last.run_id and run.attempt < last.attempt for run in earlier)


def still_owed(
    claim: Claim,
    runs: Sequence[Run],
    *,
    one_at_a_time: bool,
    proving: Collection[Result] = PROVING,
    elsewhere: int = 0,
    forgotten: int = 0,
) -> int:
    """Return the number of retriggers still owed for a decided claim, given the job's present runs, oldest first.

    Runs since the decision count if they ended with one of the results `proving`, or may still do so.

    If runs come one at a time, a pass has proved a failed job intermittent, and more runs would prove nothing. What a
    person or the push itself asked for is carried out whatever the results. `elsewhere`: the runs since a person asked
    of which the store knows no request; see `elsewhere.since_asked`. `forgotten`: the runs since the decision that may
    have come of forgotten requests; see `elsewhere.forgotten`.
    """
    if claim.cause is Cause.MANUAL:
        return max(0, claim.owed - elsewhere)
    if claim.cause is Cause.CALIBRATION:
        answered = one_at_a_time and any(run.passed for run in runs if run.calibrates)
        return 0 if answered else max(0, claim.owed - forgotten)
    if one_at_a_time and claim.cause is Cause.FAILURE and any(run.passed and not run.calibrates for run in runs):
        return 0
    if one_at_a_time and claim.asked and runs and is_gone(runs[-1], (run.key for run in runs)):
        return 0
    since = proof.count(runs[claim.known_runs :], proving)
    return max(0, min(claim.owed - forgotten, claim.wanted - since))
