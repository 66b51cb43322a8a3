"""Request planning that no shipped system has: one request per copy, or one copy after another."""

from collections.abc import Sequence

from triggerbot.core.model import State
from triggerbot.core.policy.planning import Call, Owed, Plan


def plan_parallel(wants: Sequence[Owed]) -> Plan:
    """Plan one request per copy; the next is planned when this one is settled."""
    return Plan(tuple(Call((want,), 1, want.target) for want in wants))


def plan_serial(wants: Sequence[Owed]) -> Plan:
    """Plan one copy at a time: a job with an unfinished run has to wait."""
    calls: list[Call] = []
    held: list[tuple[Owed, str]] = []
    for want in wants:
        if any(run.state is not State.FINISHED for run in want.runs):
            held.append((want, "waits until the run before it has finished"))
        else:
            calls.append(Call((want,), 1, want.target))
    return Plan(tuple(calls), tuple(held))
