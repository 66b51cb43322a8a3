"""What the end of a run proves, and so which runs count as runs: for N, for verdicts and for rates. Pure."""

from collections.abc import Collection, Iterable

from triggerbot.core.model import PROVING, Event, Result, Run, State


def proving(covered: Collection[str]) -> frozenset[Result]:
    """Return the results that prove something under a rule that covers these results.

    A time-out counts only where the rule takes it for a failure. Errors of the CI itself never count, even where a rule
    retriggers them.
    """
    return PROVING | {Result.TIMED_OUT} if Result.TIMED_OUT in covered else PROVING


def counts(run: Run | Event, results: Collection[Result]) -> bool:
    """Whether a run counts as one: it ended with one of these results, or may still do so."""
    return run.state is not State.FINISHED or run.result in results


def count(runs: Iterable[Run], results: Collection[Result]) -> int:
    """Return how many different runs count."""
    return len({run.key for run in runs if counts(run, results)})
