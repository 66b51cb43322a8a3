"""What the end of a run proves, and so which runs count as runs: for N, for verdicts and for rates. Pure."""

from collections.abc import Collection, Iterable

from triggerbot.core.model import PROVING, Event, Result, Run, State


def proving(covered: Collection[str]) -> frozenset[Result]:
    """Return the results that prove something under a rule that covers these results.

    A time-out counts only where the rule takes it for a failure. Errors of the CI itself never count, even where a rule
    retriggers them.
    """
    return PROVING | {Result.TIMED_OUT} if Result.TIMED_OUT in covered else PROVING


#: Of a finished run: what a result may turn out to have been, once the CI is asked about it.
_CORRECTIONS = frozenset(
    {(Result.FAILURE, Result.INFRA), (Result.CANCELLED, Result.INFRA), (Result.CANCELLED, Result.TIMED_OUT)}
)


def corrects(new: Result | None, old: Result | None) -> bool:
    """Whether a result says more precisely how a finished run ended; the one it corrects never comes back."""
    return (old, new) in _CORRECTIONS


def may_correct(event: Event) -> bool:
    """Whether an event may say more of a finished run than was known at its end."""
    repeats = event.per_batch and event.retrigger_of is not None
    told = event.allowed_to_fail or (bool(event.needs) and event.result is not Result.SUCCESS)
    return repeats or told or any(event.result is new for _, new in _CORRECTIONS)


def counts(run: Run | Event, results: Collection[Result]) -> bool:
    """Whether a run counts as one: it ended with one of these results, or may still do so, and was to decide."""
    if isinstance(run, Run) and run.calibrates:
        return False
    return run.state is not State.FINISHED or run.result in results


def count(runs: Iterable[Run], results: Collection[Result]) -> int:
    """Return how many different runs count."""
    return len({run.key for run in runs if counts(run, results)})
