"""How far a run has come, as the memory model keeps it."""

from dataclasses import replace
from typing import TypeVar

from triggerbot.core import proof
from triggerbot.core.model import Event, Run, RunKey, State

T = TypeVar("T")


def record(job: str, runs: dict[RunKey, Run], event: Event) -> bool:
    """Record a run as far as it has come, never back, and return whether that is news."""
    known = runs.get(event.key)
    if known is None:
        runs[event.key] = Run(
            job, event.run_id, event.attempt, event.state, event.result, event.kind, event.tier, event.pool,
            event.step, event.url, event.time, event.retrigger_of, event.batch, event.failures, event.started,
            event.event, event.allowed_to_fail, event.needs,
        )  # fmt: skip
        return True
    if event.state.rank <= known.state.rank:
        return _correct(runs, event, known)
    runs[event.key] = replace(
        known, state=event.state, result=event.result, kind=event.kind, tier=event.tier,
        time=latest(event.time, known.time), url=latest(event.url, known.url), pool=latest(event.pool, known.pool),
        retrigger_of=latest(event.retrigger_of, known.retrigger_of), step=latest(event.step, known.step),
        failures=event.failures or known.failures, started=latest(event.started, known.started),
        event=latest(event.event, known.event),
        allowed_to_fail=event.allowed_to_fail or known.allowed_to_fail, needs=event.needs or known.needs,
    )  # fmt: skip
    return True


def _correct(runs: dict[RunKey, Run], event: Event, known: Run) -> bool:
    """Record what an event says more precisely of a run, and return whether that is news."""
    finer = known.state is State.FINISHED and proof.corrects(event.result, known.result)
    result = event.result if finer else known.result
    runs[event.key] = replace(
        known, result=result, allowed_to_fail=event.allowed_to_fail or known.allowed_to_fail,
        retrigger_of=latest(known.retrigger_of, event.retrigger_of), needs=event.needs or known.needs,
    )  # fmt: skip
    return runs[event.key] != known


def latest(new: T | None, old: T | None) -> T | None:
    """Give what is new, or what was known if nothing is new."""
    return old if new is None else new
