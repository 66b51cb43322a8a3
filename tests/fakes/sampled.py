"""A job that is measured, its further run ended: for whoever shows what came of it."""

from triggerbot.core.claim import Operation
from triggerbot.core.decision import Cause, Decision
from triggerbot.core.model import Event, Result, State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.calibration import Measured, Sample
from triggerbot.core.policy.rules import Triage
from triggerbot.store import Observation, Store


def sampled(store: Store, ran: Event, result: Result, now: float) -> None:
    """Let a run that passed be known, and a further run, asked for to measure that, end so."""
    push, job = ran.push, ran.job
    store.observe([Observation(ran, Triage())], now, dry=False)
    store.calibration.ask(push, [Sample(job, Measured.PASSED)], Budget(percent=100), dry=False, now=now)
    record = store.pushes.record(push)
    assert record is not None
    found = next(one.calibration for one in record.jobs if one.job == job)
    assert found is not None
    store.claims.decide(found.claim, Decision.trigger(Cause.CALIBRATION, 1), None, now)
    operation = Operation(f"measures {job}", push, (found.claim.id,), 1, now, {job: (ran.key,)})
    store.claims.begin(operation, push, "", now)
    store.claims.accepted(operation, "", now)
    again = Event(push, job, f"{ran.run_id}-again", State.FINISHED, result, time=now)
    store.observe([Observation(again, Triage(failed=result is not Result.SUCCESS))], now, dry=False)
