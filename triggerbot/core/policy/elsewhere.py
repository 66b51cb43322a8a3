"""Runs of which the store knows no request: people made them at the CI, or the store has forgotten the request. Pure.

The CI does not tell which, so all of them count, for what a person asked for and for the budget. That is the safe side:
a store that was restored from an older copy asks for nothing twice.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from triggerbot.core import proof
from triggerbot.core.claim import Claim, Operation
from triggerbot.core.model import Event, PushFacts, Result, Run, RunKey

#: Seconds by which the clocks of a CI and of who asks may differ; some CIs tell whole seconds only.
SKEW = 5.0
#: Seconds after a loss within which it is not to be told from the runs of a push alone that it is newer than that: the
#: older ones may be missing in a list.
_UNSURE = 86_400.0
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
    job: str, runs: Sequence[Run], requests: Iterable[Operation], distrusted: float | None
) -> tuple[Run, ...]:
    """Return the runs of a job that may have come of requests of ours which the store has forgotten.

    Those are all further runs that came of no request known and began before the store was last known to have lost
    something (`distrusted`; `None`: it has lost nothing), whatever their results: who asked twice because the first
    run was cancelled would have asked twice. `runs`, `requests`: as in `since_asked`.
    """
    first = min((run for run in runs if run.result not in _NO_ANSWER), key=_age, default=None)
    if distrusted is None or first is None:
        return ()
    further = (run for run in _unexplained(job, runs, requests) if run.key != first.key)
    return tuple(run for run in further if _predates(_began(run), distrusted))


def beyond_counted(ours: Iterable[Run], counted: Sequence[Run]) -> int:
    """Count the runs of forgotten requests that no count of further runs has in it.

    `counted`: the runs of the job that count, oldest first. The first of them is no further run for the policy, which
    it may well be where the job's first run proved nothing: then it came of a request all the same.
    """
    further = {run.key for run in counted[1:]}
    return sum(run.key not in further for run in ours)


def may_predate(push: PushFacts, runs: Iterable[Run | Event], lost: float) -> bool:
    """Return whether a push may be from before the store lost something (`lost`), so that requests may be missing."""
    times = [push.time, *map(_began, runs)]
    known = [time for time in times if time is not None]
    return not known or _predates(min(known), lost if push.time is not None else lost + _UNSURE)


def _predates(time: float | None, lost: float) -> bool:
    return time is None or time < lost + SKEW


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


def _began(run: Run | Event) -> float | None:
    return run.time if run.started is None else run.started


def _was_there(run: Run, asked: float) -> bool:
    """Whether a run certainly was there when somebody asked; without a time the order in which runs came decides."""
    began = _began(run)
    return began is not None and began < asked - SKEW


def further_runs(listed: Iterable[Event], results: Collection[Result], lost: float | None = None) -> Further:
    """Return the further runs that a CI lists, by job: those that count (see `proof.counts`) except the first.

    Where the store has lost something (`lost`: the last time that it did), all that began before count but the job's
    first, whatever their results: what was spent on them is forgotten, too.
    Where the CI runs parts of a batch again (see `Event.per_batch`), jobs that ran again together have the same.
    """
    found: dict[str, dict[RunKey, Event]] = {}
    for event in listed:
        if event.result not in _NO_ANSWER:
            found.setdefault(event.job, {})[event.key] = event
    further = {}
    for job, runs in found.items():
        oldest = sorted(runs.values(), key=_age)
        again = [event for event in oldest if proof.counts(event, results)][1:]
        if lost is not None:
            again += [event for event in oldest[1:] if _predates(_began(event), lost)]
        if again:
            further[job] = frozenset(map(_again, again))
    return further


def _age(run: Run | Event) -> tuple[int, float, str]:
    began = _began(run)
    return run.attempt, math.inf if began is None else began, run.run_id


def _again(event: Event) -> Again:
    return ("", event.batch, event.attempt) if event.per_batch else (event.job, *event.key)


def spent(further: Further, asked: Collection[str], counted: Collection[str]) -> int:
    """Count the jobs that have used up budget though the store does not say so: they have further runs all the same.

    `asked`: jobs for which requests are known, which also explain the runs of other jobs that came of the same ones;
    `counted`: jobs that the store counts, or that are to be left out.
    """
    explained = frozenset[Again]().union(*(further.get(job, ()) for job in asked))
    return sum(not runs <= explained for job, runs in further.items() if job not in asked and job not in counted)
