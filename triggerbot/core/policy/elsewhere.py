"""Runs of which the store knows no request: people made them at the CI, or the store has forgotten the request. Pure.

The CI does not tell which, so all of them count, for what a person asked for and for the budget. That is the safe side:
a store that was restored from an older copy asks for nothing twice.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from triggerbot.core import proof
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.model import Event, Result, Run, RunKey

#: Seconds by which the clocks of a CI and of who asks may differ; some CIs tell whole seconds only.
SKEW = 5.0
#: Results of runs that no request brings: the CI left the job out, or runs it once more by itself.
_NO_ANSWER = frozenset({Result.SKIPPED, Result.RETRY})
#: A run by its job, id and attempt, or what ran again together: nothing, the batch, and the attempt.
Again = tuple[str, str, int]
#: The further runs that a CI lists, by job; see `further_runs`.
Further = Mapping[str, frozenset[Again]]
NO_RUNS: Further = {}


def since_asked(claim: Claim, runs: Sequence[Run], requests: Iterable[Operation]) -> int:
    """Count the runs since a person's request that came of no request known.

    `runs`: all runs of the job, in the order in which they came; `requests`: the push's, except those that the CI did
    not take. A run that names a request belongs to that one. Of the runs that name none and were not known before it,
    each request has as many as it asked for.
    """
    first = next((place for place, run in enumerate(runs) if run.key == claim.run.key), -1) + 1
    later = {run.key for run in runs[first:] if not _was_there(run, claim.created)}
    return sum(run.key in later for run in _unexplained(claim.job, runs, requests))


def forgotten(
    claim: Claim, runs: Sequence[Run], requests: Iterable[Operation], distrusted: float | None
) -> tuple[Run, ...]:
    """Return the runs of a job that may have come of requests of ours which the store has forgotten.

    Those are all further runs that came of no request known and began before the store was last known to have lost
    something (`distrusted`; `None`: it has lost nothing), whatever their results: who asked twice because the first
    run was cancelled would have asked twice. `runs`, `requests`: as in `since_asked`.
    """
    if distrusted is None or not runs:
        return ()
    first = min(runs, key=lambda run: (run.attempt, math.inf if (began := _began(run)) is None else began)).key
    further = (run for run in _unexplained(claim.job, runs, requests) if run.key != first)
    return tuple(run for run in further if (began := _began(run)) is None or began < distrusted + SKEW)


def _unexplained(job: str, runs: Sequence[Run], requests: Iterable[Operation]) -> list[Run]:
    of_job = sorted((one for one in requests if job in one.baseline), key=lambda one: one.started)
    known = {one.id for one in of_job}
    rest = [run for run in runs if run.retrigger_of not in known and run.result not in _NO_ANSWER]
    for one in of_job:
        left = one.count - sum(run.retrigger_of == one.id for run in runs)
        before = one.baseline[job]
        new = [run.key for run in rest if run.retrigger_of is None and run.key not in before]
        came = frozenset(new[: max(0, left)])
        rest = [run for run in rest if run.key not in came]
    return rest


def _began(run: Run) -> float | None:
    return run.time if run.started is None else run.started


def _was_there(run: Run, asked: float) -> bool:
    """Whether a run certainly was there when somebody asked; without a time the order in which runs came decides."""
    began = _began(run)
    return began is not None and began < asked - SKEW


def further_runs(listed: Iterable[Event], results: Collection[Result]) -> Further:
    """Return the further runs that a CI lists, by job: those that count (see `proof.counts`) except the first.

    Where the CI runs parts of a batch again (see `Event.per_batch`), jobs that ran again together have the same.
    """
    found: dict[str, dict[RunKey, Event]] = {}
    for event in listed:
        if proof.counts(event, results):
            found.setdefault(event.job, {})[event.key] = event
    return {
        job: frozenset(_again(event) for event in sorted(runs.values(), key=_age)[1:])
        for job, runs in found.items()
        if len(runs) > 1
    }


def _age(event: Event) -> tuple[int, float, str]:
    return event.attempt, event.time or 0.0, event.run_id


def _again(event: Event) -> Again:
    return ("", event.batch, event.attempt) if event.per_batch else (event.job, *event.key)


def spent(further: Further, asked: Collection[str], counted: Collection[str]) -> int:
    """Count the jobs that have used up budget though the store does not say so: they have further runs all the same.

    `asked`: jobs for which requests are known, which also explain the runs of other jobs that came of the same ones;
    `counted`: jobs that the store counts, or that are to be left out.
    """
    explained = frozenset[Again]().union(*(further.get(job, ()) for job in asked))
    return sum(not runs <= explained for job, runs in further.items() if job not in asked and job not in counted)
