"""Whose run it is: which job of a push a run belongs to, and what people call that job. Pure.

Some CIs make many batches of runs for one commit that share the names of their jobs: GitHub makes a workflow run for
the push, one for the pull request, one for each time that a person starts it. Only runs of the same batch are further
runs of one job there (`Event.per_batch`). So such a job is kept under a key that says which batch it is of. The key
never changes, whatever is heard of the batch later and in whatever order; the name that people read is made of it,
and of what is known of the batch by then.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from triggerbot.core.model import Batch, Event, Kind, Result, Run, RunKey, State

#: Between the parts of a key: a name, its batch, and what tells it from another job of that name there.
_SEPARATOR = "\x1d"
_UNKNOWN = Batch("")


class Kept(NamedTuple):
    """A run as it is kept: the key of its job, its own, its batch, and whether it failed."""

    job: str
    run: RunKey
    batch: str
    failed: bool


def key(name: str, batch: str) -> str:
    """Return the key of the first job of this name in a batch."""
    return f"{clean(name)}{_SEPARATOR}{batch}"


def clean(name: str) -> str:
    """Return a name without what would part a key."""
    return name.replace(_SEPARATOR, " ")


def is_per_batch(job: str) -> bool:
    """Return whether a key names a job of one batch alone."""
    return _SEPARATOR in job


def base(job: str) -> str:
    """Return the name that a job has at every push, from its key: by it goes its history."""
    return job if _SEPARATOR not in job else job.partition(_SEPARATOR)[0]


def is_of_workflow(job: str, workflow: str) -> bool:
    """Return whether a job is one of a workflow, by their names."""
    return job.startswith(f"{workflow} / ")


def batch_of(job: str) -> str:
    """Return the batch that a key names; empty if it names none."""
    return (*job.split(_SEPARATOR), "", "")[1]


def of_event(job: str, event: str | None) -> tuple[str, ...]:
    """Return the names by which patterns know a job: without what made the CI run it, and with it."""
    name = base(job)
    return (name,) if event is None else (name, f"{name} ({event})")


def label(job: str, event: str | None = None) -> str:
    """Return a name for logs, from a job's key and its event alone, without the other jobs of its push."""
    return of_event(job, event)[-1] if is_per_batch(job) else job


def place(event: Event, kept: Sequence[Kept]) -> str:
    """Return the key of the job that an event's run belongs to; `kept`: the runs of all jobs of this name.

    What one attempt has twice under one name are two jobs: GitHub cuts long names, and a matrix may repeat one. Where
    the CI does not tell which of them a further run repeats, it goes to one that failed (see `mixed`). A batch that an
    earlier version kept without its key stays where it is, with its claims.
    """
    if not event.per_batch:
        return event.job
    for one in kept:
        if one.run == event.key:
            return one.job
    if any(one.job == event.job and one.batch == event.batch for one in kept):
        return event.job
    own = key(event.job, event.batch)
    of_job: dict[str, list[Kept]] = defaultdict(list)
    for one in kept:
        if one.job == own or one.job.startswith(own + _SEPARATOR):
            of_job[one.job].append(one)
    if not of_job:
        return own
    same = [job for job, runs in of_job.items() if any(one.run.run_id == event.run_id for one in runs)]
    if same:
        return same[0]
    free = [job for job, runs in of_job.items() if all(one.run.attempt != event.attempt for one in runs)]
    if not free:
        return f"{own}{_SEPARATOR}{event.run_id}"
    repeated = [job for job in free if any(one.run.run_id == event.retrigger_of for one in of_job[job])]
    failed = [job for job in free if max(of_job[job], key=lambda one: one.run.attempt).failed]
    return (repeated or failed or free)[0]


def names(jobs: Iterable[str], batches: Mapping[str, Batch]) -> dict[str, str]:
    """Return what people call each job that is of one batch alone, by its key; no two are called the same.

    As in GitHub's list of checks: `CI / test (push)`. Where two files define one name each is told with its file, and
    where one ran several times for the same event, the earlier ones with their workflow run.
    """
    taken, labels = set(), defaultdict(list)
    for job in jobs:
        if is_per_batch(job):
            labels[of_event(job, batches.get(batch_of(job), _UNKNOWN).event)[-1]].append(job)
        else:
            taken.add(job)
    found: dict[str, str] = {}
    for label, own in labels.items():
        sources: dict[str, list[str]] = defaultdict(list)
        for job in own:
            sources[batches.get(batch_of(job), _UNKNOWN).source or ""].append(job)
        for source, same in sources.items():
            title = f"{label} [{source}]" if source and len(sources) > 1 else label
            found |= _numbered(title, same, newest_is_plain=title not in taken)
    return found


def _numbered(title: str, jobs: Sequence[str], *, newest_is_plain: bool) -> dict[str, str]:
    batches = sorted({batch_of(job) for job in jobs}, key=_number)
    found: dict[str, str] = {}
    for batch in batches:
        plain = batch == batches[-1] and newest_is_plain
        name = title if plain else f"{title}, workflow run {batch}"
        same = sorted((job for job in jobs if batch_of(job) == batch), key=lambda job: (base(job), _twin(job)))
        found |= {job: name if number == 1 else f"{name} #{number}" for number, job in enumerate(same, 1)}
    return found


def _number(text: str) -> tuple[int, str]:
    """Sort ids by their number where they are numbers, so that the newest comes last."""
    return (int(text), "") if text.isascii() and text.isdigit() else (0, text)


def _twin(job: str) -> tuple[int, str]:
    return _number((*job.split(_SEPARATOR), "", "")[2])


def is_newer_batch(batch: Batch, others: Iterable[Batch]) -> bool:
    """Return whether one of the others is of the same kind as a batch, and newer."""
    same = (batch.event, batch.source, batch.fork)
    return any(
        (one.event, one.source, one.fork) == same and _number(one.id) > _number(batch.id)
        for one in others
        if one.event is not None
    )


def replaced_by(job: str, jobs: Mapping[str, Sequence[Run]], batches: Mapping[str, Batch]) -> str:
    """Return the batch in which a job ran again for the same event, so that only that counts; empty if it did not."""
    newest = _newest(jobs, batches)
    number, text = newest.get(job, (0, ""))
    return (text or str(number)) if _number(batch_of(job)) < (number, text) else ""


def replaced(jobs: Mapping[str, Sequence[Run]], batches: Mapping[str, Batch]) -> set[str]:
    """Return the jobs that ran again in a newer batch for the same event, so that only the newer one counts."""
    return {job for job, newest in _newest(jobs, batches).items() if _number(batch_of(job)) < newest}


def _newest(jobs: Mapping[str, Sequence[Run]], batches: Mapping[str, Batch]) -> dict[str, tuple[int, str]]:
    """Return, by job, the number of the newest batch in which it ran for the same event.

    One that the CI skipped takes no other's place; and what is not known to be the same counts beside it.
    """
    newest: dict[tuple[str, Batch], tuple[int, str]] = {}
    kinds: dict[str, tuple[str, Batch]] = {}
    for job, runs in jobs.items():
        batch = batches.get(batch_of(job), _UNKNOWN)
        if is_per_batch(job) and batch.event is not None:
            same = Batch("", batch.event, batch.source, batch.fork)
            of_workflow = batch.source is not None and any(run.kind is Kind.WORKFLOW for run in runs)
            kinds[job] = kind = ("" if of_workflow else base(job), same)
            if not all(run.state is State.FINISHED and run.result is Result.SKIPPED for run in runs):
                # Any job of the newer batch takes the place of an entry of the whole.
                for one in {kind, ("", same)}:
                    newest[one] = max(newest.get(one, (0, "")), _number(batch_of(job)))
    return {job: newest.get(kind, (0, "")) for job, kind in kinds.items()}


def of_others(jobs: Collection[str], batches: Mapping[str, Batch]) -> set[str]:
    """Return the jobs that a fork's change ran, if others ran for the same commit and branch of the project itself."""
    forks = {job: batches.get(batch_of(job), _UNKNOWN).fork for job in jobs if is_per_batch(job)}
    return {job for job, fork in forks.items() if fork} if False in forks.values() else set()


def mixed(jobs: Mapping[str, Sequence[Run]]) -> set[str]:
    """Return the jobs that share their name with another of their batch, whose further runs may be the other's.

    It is certain whose they are where each says which run it repeats; and if all of the jobs passed in the same
    attempt, it is certain that each did.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for job in jobs:
        if is_per_batch(job):
            groups[base(job), batch_of(job)].append(job)
    found: set[str] = set()
    for same in groups.values():
        if len(same) > 1:
            passed = [{run.attempt for run in jobs[job] if run.passed} for job in same]
            if not set.intersection(*passed):
                found.update(job for job in same if not _is_certain(jobs[job]))
    return found


def differ(runs: Sequence[Run]) -> bool:
    """Return whether a job failed and passed only in runs that different things made the CI run: other code, perhaps.

    A CI whose job names are the same for a push and a pull request is not known to run the same for both.
    """
    events = {run.event for run in runs if run.event is not None}
    if len(events) < 2:
        return False
    failed, passed = {run.event for run in runs if run.failed}, {run.event for run in runs if run.passed}
    return bool(failed and passed) and not (failed & passed) - {None}


def _is_certain(runs: Sequence[Run]) -> bool:
    """Return whether each run of a job but the first repeats one of the others, by what the CI says."""
    first = min(run.attempt for run in runs)
    ids = {run.run_id for run in runs}
    return all(run.retrigger_of in ids for run in runs if run.attempt > first)
