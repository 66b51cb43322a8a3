"""The total of what the message of one push may ask for. Pure."""

from dataclasses import replace

from triggerbot.core.decision import Cause, Decision, Refusal


def within_total(decision: Decision, requested: int) -> Decision:
    """Apply the total of what a message may ask for; `requested`: the runs decided for its sake so far."""
    if decision.cause is not Cause.REQUESTED or decision.total is None:
        return decision
    left = decision.total - requested
    most = f"`requested.total` allows the message of a push {decision.total} further runs in all"
    if left <= 0:
        return Decision.refuse(Refusal.OVER_TOTAL, f"{most}, and {requested} were decided")
    if decision.count <= left:
        return decision
    return replace(decision, count=left, detail=f"{decision.detail}; {most}, of which {left} are left")
