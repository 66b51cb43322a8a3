"""Requests for jobs that have no run at their push yet, beside those that copy a run."""

from collections.abc import Sequence
from dataclasses import replace

from triggerbot.core.model import Push
from triggerbot.core.policy import planning
from triggerbot.core.policy.planning import Call, Owed, Plan
from triggerbot.systems import LookBack, RunsJobs, System
from triggerbot.systems.answers import Answer


def plan(system: System, owed: Sequence[Owed], view: LookBack) -> Plan:
    """Plan the requests for what is owed: as the system does, but for jobs that have no run to copy."""
    new = [one for one in owed if not one.runs]
    own = system.plan([one for one in owed if one.runs], view.busy, view.events) if len(new) < len(owed) else Plan()
    if not new:
        return own
    why = f"{system.name} cannot run a job at a push that has no run of it"
    if isinstance(system, RunsJobs) and not (why := system.runs_no_jobs()):
        return replace(own, calls=(*own.calls, *planning.plan_batch(new).calls))
    return replace(own, ended=(*own.ended, *((one, why) for one in new)))


def send(system: System, operation: str, push: Push, call: Call) -> Answer:
    """Send exactly one request, as the system sends one of its kind. Never raises."""
    if call.is_new and isinstance(system, RunsJobs):
        return system.run_job(operation, push, call)
    return system.retrigger(operation, push, call)
