"""What the end of a job or workflow run at GitHub proves beyond its conclusion; purely.

GitHub concludes `failure` also where the machine went away, and `cancelled` where a job took too long. What it was then
is told by the job's steps and by its annotations, whose words are the runner's and GitHub's own:

=========================================================  ==================================================
words                                                      where they were seen
=========================================================  ==================================================
lost communication with the server                         actions/runner issues 2624, 2040, 3539
received a shutdown signal                                 actions/runner issues 2427, 3724, 2468
was not acquired by Runner of type hosted                  GitHub's own, for lack of machines
hosted runner encountered an error while running your job  GitHub's own, for a machine that broke
internal error when running your job                       GitHub's own
no enabled runners online to process the request           GitHub's own, after a day in the queue
maximum execution time while awaiting a runner             GitHub's own, after a day in the queue
account payments have failed                               GitHub's own, of a job that was never started
exceeded the maximum execution time of                     a time-out: lowlighter/metrics issue 731; `timeout-minutes`
the run was canceled by @                                  GitHub's own, of a run that a person cancelled
higher priority waiting request                            GitHub's own, of a run that its concurrency group cancelled
=========================================================  ==================================================

Not in the table: "The operation was canceled." and exit codes such as 137 and 143, which people and tests cause, too.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from triggerbot.core import identity
from triggerbot.core.model import Event, Group, Kind, Lead, Push, Result, State
from triggerbot.systems.github import messages

_INFRA = re.compile(
    r"lost communication with the server"
    r"|received a shutdown signal"
    r"|was not acquired by Runner of type hosted"
    r"|hosted runner encountered an error while running your job"
    r"|internal error when running your job"
    r"|no enabled runners online to process the request"
    r"|maximum execution time while awaiting a runner"
    r"|account payments have failed",
    re.IGNORECASE,
)
_TIMED_OUT = re.compile(r"exceeded the maximum execution time of", re.IGNORECASE)
_STOPPED = re.compile(r"the run was cancell?ed by @|higher priority waiting request", re.IGNORECASE)
#: Seconds that a job may run where its workflow says nothing, and how much later GitHub may come to end it.
_LONGEST, _SLACK = 360 * 60.0, 15 * 60.0
#: Seconds of the shortest `timeout-minutes`.
_SHORTEST = 60.0
#: Conclusions of workflow runs of which nothing is to be told: the jobs tell it all.
_FINE = frozenset({"success", "skipped", "neutral"})
#: Conclusions of workflow runs that their jobs explain, if there are any.
_OF_JOBS = {"failure": Result.FAILURE, "timed_out": Result.TIMED_OUT, "cancelled": Result.CANCELLED}
#: Conclusions of jobs that explain a workflow run that is no success.
_FAILED = frozenset({"failure", "timed_out", "startup_failure", "stale", "action_required"})


def result_of(job: messages.Job, result: Result) -> Result:
    """Return how a job ended, more precisely than its conclusion, as far as its steps and its times tell."""
    steps = job.steps or ()
    if result is Result.FAILURE and steps and not any(step.conclusion == "failure" for step in steps):
        return Result.INFRA
    started, ended = messages.moment(job.started_at), messages.moment(job.completed_at)
    if result is Result.CANCELLED and steps and started is not None and ended is not None:
        return Result.TIMED_OUT if _LONGEST <= ended - started <= _LONGEST + _SLACK else result
    return result


def is_unclear(event: Event) -> bool:
    """Whether only the annotations of a job tell how it ended: it failed in no step, or was cancelled after a while."""
    if event.result is not Result.CANCELLED or event.time is None or event.started is None:
        return event.result is Result.FAILURE and event.step is None
    return event.time - event.started >= _SHORTEST


def by_annotations(result: Result, lines: Iterable[str]) -> Result:
    """Return how a job ended by what its annotations say."""
    text = "\n".join(lines)
    if result in (Result.FAILURE, Result.CANCELLED) and _INFRA.search(text):
        return Result.INFRA
    return Result.TIMED_OUT if result is Result.CANCELLED and _TIMED_OUT.search(text) else result


def of_workflow_run(push: Push, run: messages.WorkflowRun, jobs: Sequence[messages.Job] | None = None) -> Event | None:
    """Build the entry of a completed workflow run whose jobs do not explain its end, named after the workflow.

    `jobs`: all of them, if they are known. Where they explain it, or all is well, the entry of a later attempt is a
    success, which counts only where the workflow run is known as an entry (see `Event.follows_up`): it could begin.
    """
    conclusion, name = run.conclusion, run.name or run.file
    if run.status != "completed" or not conclusion or not name:
        return None
    if conclusion in _FINE or (jobs is not None and _explain(run, jobs)):
        if run.run_attempt == 1:
            return None
        result = Result.SUCCESS
    elif conclusion in _OF_JOBS:
        # What was cancelled is never retriggered, and the judge leaves it out where its jobs explain it.
        if jobs is None and conclusion != "cancelled":
            return None
        result = _OF_JOBS[conclusion]
    else:
        result = Result.FAILURE
    return Event(
        push=push,
        job=identity.clean(messages.plain(name, "workflow")),
        run_id=str(run.id),
        state=State.FINISHED,
        result=result,
        attempt=run.run_attempt,
        kind=Kind.WORKFLOW,
        time=messages.moment(run.updated_at),
        url=messages.link(run.html_url),
        failures=() if result is Result.SUCCESS else (f"the workflow run ended as {conclusion[:100]}",),
        batch=str(run.id),
        event=messages.cut(run.event),
        per_batch=True,
    )


def stopped(
    runs: Iterable[messages.WorkflowRun], events: Iterable[Event], said: Callable[[str], Iterable[str] | None]
) -> frozenset[str]:
    """Return the workflow runs whose newest attempt was cancelled as a whole: by a person, or by a concurrency group.

    One whose jobs took too long is told as cancelled, too, and fail-fast cancels jobs of a run that failed. `said`:
    returns the annotations of a job that were read; where they name who cancelled the run they settle it.
    """
    of_attempt: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        of_attempt.setdefault((event.batch, event.attempt), []).append(event)
    return frozenset(
        str(run.id)
        for run in runs
        if run.status == "completed" and _was_stopped(run, of_attempt.get((str(run.id), run.run_attempt), []), said)
    )


def _was_stopped(
    run: messages.WorkflowRun, events: Sequence[Event], said: Callable[[str], Iterable[str] | None]
) -> bool:
    ends = {event.result for event in events}
    if run.conclusion == "cancelled" and Result.CANCELLED in ends and Result.TIMED_OUT not in ends:
        return True
    cancelled = (event for event in events if event.result is Result.CANCELLED)
    return any(says_stopped(said(event.run_id) or ()) for event in cancelled)


def says_stopped(lines: Iterable[str]) -> bool:
    """Whether the annotations of a job say that its whole run was cancelled, and by whom or what."""
    return any(_STOPPED.search(line) for line in lines)


def lead(push: Push, run: messages.WorkflowRun) -> Lead | None:
    """Build the lead of a workflow run, named by its own number, of which only its jobs tell why it failed."""
    result = _OF_JOBS.get(run.conclusion or "")
    if result not in (Result.FAILURE, Result.TIMED_OUT):
        return None
    group = Group(push.system, f"{push.project}/{run.id}")
    time = messages.moment(run.updated_at)
    return Lead(group, str(run.id), State.FINISHED, result, run.run_attempt, time, push)


def is_settled(lead: Lead, run: messages.WorkflowRun) -> bool:
    """Return whether the API tells of the end of a workflow run that its lead is about."""
    ended = run.status == "completed" or run.run_attempt > lead.attempt
    return lead.run_id == str(run.id) and ended and run.run_attempt >= lead.attempt


def _explain(run: messages.WorkflowRun, jobs: Iterable[messages.Job]) -> bool:
    """Whether the jobs of the newest attempt tell why it is no success."""
    ends = {job.conclusion for job in jobs if job.run_attempt == run.run_attempt}
    return bool(ends & _FAILED) or (run.conclusion == "cancelled" and "cancelled" in ends)


def complete(
    push: Push, run: messages.WorkflowRun, jobs: Sequence[messages.Job], events: Sequence[Event]
) -> list[Event]:
    """Add to the events of the jobs of a workflow run what only the run as a whole tells.

    A failed job of a run that succeeded is allowed to fail. A job that a completed later attempt does not list any more
    (a rerun may rename it) is skipped there: no further run of it comes.
    """
    if run.status != "completed":
        return list(events)
    name_of = {str(job.id): job.name for job in jobs}
    newest = {job.name: job.conclusion for job in jobs if job.run_attempt == run.run_attempt}
    found = list(events)
    if run.conclusion == "success":
        allowed = {name for name, conclusion in newest.items() if conclusion in _FAILED or conclusion == "cancelled"}
        found = [
            replace(event, allowed_to_fail=True) if name_of.get(event.run_id) in allowed else event for event in found
        ]
    if newest and run.run_attempt > 1:
        found += [_vanished(event, run) for event in _gone(found, name_of, newest) if event.state is State.FINISHED]
    entry = of_workflow_run(push, run, jobs)
    return found if entry is None else [*found, entry]


def _gone(events: Iterable[Event], name_of: Mapping[str, str], listed: Collection[str]) -> list[Event]:
    """Return the last runs of the jobs that are not listed any more.

    Jobs of one name have one each. Those that failed come first, as a further run goes to one that failed.
    """
    last: dict[str, list[Event]] = {}
    for event in events:
        if name_of.get(event.run_id) not in listed:
            same = last.setdefault(event.job, [])
            if same and same[0].attempt < event.attempt:
                same.clear()
            same.append(event)
    return sorted((event for same in last.values() for event in same), key=lambda event: not event.failed)


def _vanished(event: Event, run: messages.WorkflowRun) -> Event:
    time = messages.moment(run.updated_at)
    return replace(
        event,
        attempt=run.run_attempt,
        result=Result.SKIPPED,
        time=time,
        started=None,
        step=None,
        failures=(),
        pool=None,
    )
