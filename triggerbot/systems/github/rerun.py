"""Which reruns can be asked for now. Pure.

GitHub reruns inside a workflow run (our batch): the run gets a further attempt, of which there is one at a time, and
nothing can be rerun until the whole run has completed. So each call asks for one copy, a batch gets one call at a
time, and several failed jobs of a batch go together where GitHub offers that: "rerun failed jobs" takes all of them,
so it is only used if all of them are wanted.
"""

from collections.abc import Sequence

from triggerbot.core.model import Event, Result, State
from triggerbot.core.policy.planning import Call, Plan, Want

_BUSY = "waits until the workflow run has completed"
_TURN = "waits for its turn: GitHub reruns one thing at a time in a workflow run"
#: What "rerun failed jobs" leaves alone for sure; it may take cancelled jobs along.
_LEFT_ALONE = frozenset({Result.SUCCESS, Result.SKIPPED})


def plan(wants: Sequence[Want], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
    """Plan one call at most for each batch; what else is owed there is held, with the reason."""
    batches = {event.key: event.batch for event in runs}
    groups: dict[str, list[Want]] = {}
    for want in wants:
        batch = want.target.batch or batches.get(want.target.key, "")
        groups.setdefault(batch or f"job {want.target.run_id}", []).append(want)
    plans = [_plan_batch(batch, group, busy, runs) for batch, group in groups.items()]
    return Plan(
        tuple(call for one in plans for call in one.calls),
        tuple(held for one in plans for held in one.held),
    )


def _plan_batch(batch: str, wants: list[Want], busy: frozenset[str], runs: Sequence[Event]) -> Plan:
    newest = _newest([event for event in runs if event.batch == batch])
    running = any(want.target.state is not State.FINISHED for want in wants)
    running = running or any(event.state is not State.FINISHED for event in newest.values())
    if batch in busy or running:
        return Plan(held=tuple((want, _BUSY) for want in wants))
    if len(wants) > 1 and _takes_just(wants, newest):
        return Plan((Call(tuple(wants), 1, wants[0].target, together=True),))
    first, rest = wants[0], wants[1:]
    return Plan((Call((first,), 1, first.target),), tuple((want, _TURN) for want in rest))


def _takes_just(wants: list[Want], newest: dict[str, Event]) -> bool:
    """Tell whether "rerun failed jobs" would rerun these and no others."""
    taken = {job for job, event in newest.items() if event.result not in _LEFT_ALONE}
    wanted = {want.target.job for want in wants}
    return taken == wanted and all(want.target.failed and want.target.batch for want in wants)


def _newest(events: Sequence[Event]) -> dict[str, Event]:
    """Find the newest run of each job of a batch; of two jobs with one name, one that failed."""
    newest: dict[str, Event] = {}
    for event in events:
        known = newest.get(event.job)
        if known is None or _order(event) > _order(known):
            newest[event.job] = event
    return newest


def _order(event: Event) -> tuple[int, bool, int]:
    number = int(event.run_id) if event.run_id.isascii() and event.run_id.isdigit() else 0
    return event.attempt, event.failed, number
