"""What a listing of all attempts of a workflow run says twice: a job that did not run again is listed again; purely."""

from collections.abc import Iterable

from triggerbot.systems.github import messages, parse


def distinct(jobs: Iterable[messages.Job]) -> tuple[list[messages.Job], dict[str, str]]:
    """Reduce a listing to one entry per execution, the earliest, and map it to the newest id, which can be rerun.

    A rerun of some jobs makes a new attempt in which the other jobs are listed again, with new ids and the old
    times; those are no further runs. Returns the entries, oldest first, and {id of the entry: newest id}.
    """
    found: list[messages.Job] = []
    first: dict[tuple[str, str, str], messages.Job] = {}
    newest: dict[str, str] = {}
    for job in sorted({job.id: job for job in jobs}.values(), key=lambda job: (job.run_attempt, job.id)):
        if not job.started_at or not job.completed_at:
            found.append(job)
            continue
        earlier = first.setdefault((parse.job_name(job), job.started_at, job.completed_at), job)
        if earlier.run_attempt < job.run_attempt:
            newest[str(earlier.id)] = str(job.id)
        else:
            found.append(job)
    return found, newest


def repeated(jobs: Iterable[messages.Job]) -> dict[str, str]:
    """Return which execution a job of a later attempt repeats, of those that share their name: {its id: the other's}.

    The other jobs of that name are listed again with their old times: what is left over is what ran again. Nothing is
    said where more than one ran again, for then nobody knows which is which.
    """
    by_name: dict[str, dict[int, list[messages.Job]]] = {}
    for job in {job.id: job for job in jobs}.values():
        by_name.setdefault(parse.job_name(job), {}).setdefault(job.run_attempt, []).append(job)
    found: dict[str, str] = {}
    for attempts in by_name.values():
        original: dict[tuple[str, str], str] = {}
        before: set[str] = set()
        for _, listed in sorted(attempts.items()):
            times = [(job.started_at or str(job.id), job.completed_at or "") for job in listed]
            ids = [original.setdefault(time, str(job.id)) for time, job in zip(times, listed, strict=True)]
            now = set(ids)
            # Times that two of them share tell nothing.
            if len(now) == len(ids) == len(before) > 1 and len(now - before) == 1:
                found[(now - before).pop()] = (before - now).pop()
            before = now if len(now) == len(ids) else set()
    return found
