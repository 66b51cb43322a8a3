"""Reruns at GitHub: which can be requested now, and what the answer to one means; purely.

GitHub reruns inside a workflow run (our batch): the run gets a further attempt, of which there is one at a time, and
nothing can be rerun until the whole run has completed. So each call requests one copy, a batch gets one call at a
time, and several jobs go together where GitHub offers that. "Rerun failed jobs" takes all that failed or were
cancelled, so it is only used if all that failed are wanted. The whole run is rerun if most of its jobs were asked for.
Of the 50 reruns that a workflow run may have some are left to people (`reserve`).

GitHub answers nearly everything with 403, so only the text distinguishes 'already running', 'too old', a job of an
attempt that is no longer the newest, a missing permission and a rate limit. Texts seen (2024 to 2026): "The workflow
run containing this job is already running", "This workflow is already running", "Only jobs from the current attempt
can be re-run", "This workflow run cannot be retried", "Unable to retry this workflow run because it was created over a
month ago", "Resource not accessible by integration" (or "by personal access token"), "Must have admin rights to
Repository.". How the limit of 50 reruns is worded is not documented: any text about a limit of reruns counts. The
header `X-Accepted-GitHub-Permissions` names the permissions that would have been enough. What is none of these is no
missing permission: a job that cannot be rerun alone may still be among "rerun failed jobs", which is tried once.
"""

import re
from collections.abc import Sequence

import msgspec

from triggerbot.core.decision import Cause
from triggerbot.core.model import Event, Kind, Result, State
from triggerbot.core.needs import Needs
from triggerbot.core.policy.planning import GOES_ON, Call, Owed, Plan, by_round
from triggerbot.systems.answers import Accepted, Answer, Later, Refused, Unknown
from triggerbot.systems.github.auth import NEEDED
from triggerbot.systems.github.client import DENIED_AFTER, RENEWED_AFTER
from triggerbot.systems.github.limits import is_limited
from triggerbot.systems.github.settings import RERUNS_MAX, RESERVE
from triggerbot.systems.http import Reply, unacknowledged

_TURN = "waits for its turn: GitHub reruns one thing at a time in a workflow run"
_RESERVED = "reruns that GitHub allows this workflow run were made: the others are left to people"
#: Results that "rerun failed jobs" certainly skips; it includes cancelled jobs.
_SKIPPED = frozenset({Result.SUCCESS, Result.SKIPPED})
#: Seconds until the next try for a running workflow run, in case the message about its end gets lost.
_RUNNING_AFTER = 60.0
#: Seconds until the next look-back where nothing has to be waited for.
_AT_ONCE = 0.0
_RUNNING = re.compile(r"already running", re.IGNORECASE)
_NOT_NEWEST = re.compile(r"current attempt", re.IGNORECASE)
_NOT_PERMITTED = re.compile(r"resource not accessible|must have admin rights", re.IGNORECASE)
#: The header in which GitHub names the permissions that a request needs.
_ACCEPTED = "x-accepted-github-permissions"
_NEVER = re.compile(
    r"cannot be (retried|re-?run)|unable to (retry|re-?run)|over a month ago|archived"
    r"|(maximum|limit|exceed|too many|more than).*(re-?run|retr|attempt)"
    r"|(re-?run|retr|attempt).*(maximum|limit|exceed|too many|more than)",
    re.IGNORECASE | re.DOTALL,
)


# -- requests ---------------------------------------------------------------------------------------------------------


def plan(all_owed: Sequence[Owed], busy: frozenset[str], runs: Sequence[Event], reserve: int = RESERVE) -> Plan:
    """Plan at most one call per batch; whatever else is owed there is held, with the reason.

    `reserve`: how many of the reruns that GitHub allows a workflow run are only for what people ask for.
    """
    batches = {event.key: event.batch for event in runs}
    groups: dict[str, list[Owed]] = {}
    for owed in all_owed:
        batch = owed.target.batch or batches.get(owed.target.key, "")
        groups.setdefault(batch or f"job {owed.target.run_id}", []).append(owed)
    plans = [_plan_batch(batch, group, busy, runs, RERUNS_MAX - reserve) for batch, group in groups.items()]
    return Plan(
        tuple(call for one in plans for call in one.calls),
        tuple(held for one in plans for held in one.held),
        tuple(ended for one in plans for ended in one.ended),
    )


def _plan_batch(
    batch: str, all_owed: list[Owed], busy: frozenset[str], runs: Sequence[Event], planned_max: int
) -> Plan:
    listed = [event for event in runs if event.batch == batch]
    newest = _newest(listed)
    running = any(owed.target.state is not State.FINISHED for owed in all_owed)
    running = running or any(event.state is not State.FINISHED for event in newest.values())
    if batch in busy or running:
        return Plan(held=tuple((owed, GOES_ON) for owed in all_owed))
    reruns = max((event.attempt for event in listed), default=1) - 1
    ended = [owed for owed in all_owed if reruns >= planned_max and not owed.claim.by_person]
    left = by_round([owed for owed in all_owed if owed not in ended])
    jobs = {job: event for job, event in newest.items() if event.kind is not Kind.WORKFLOW}
    call = _call(left, jobs, Needs(listed)) if left else None
    return Plan(
        () if call is None else (call,),
        tuple((owed, _TURN) for owed in left if call is not None and owed not in call.wants),
        tuple((owed, f"{reruns} of the {RERUNS_MAX} {_RESERVED}") for owed in ended),
    )


def _call(wants: list[Owed], newest: dict[str, Event], needs: Needs) -> Call:
    """Choose the request that gives most of what is wanted, and starts nothing that must not be started.

    What one job alone would start was looked at when it was decided; only what goes along with others is, here.
    """
    first, jobs = wants[0], {owed.target.job for owed in wants}
    never = first.never_start
    if not first.target.batch:
        return Call((first,), 1, first.target)
    if first.target.kind is Kind.WORKFLOW:
        return Call((first,), 1, first.target, whole=True)
    taken = {job for job, event in newest.items() if event.result not in _SKIPPED}
    # GitHub ends jobs itself when another one fails: they have to run, too, before anything is proved.
    cancelled = {job for job in taken if newest[job].result is Result.CANCELLED}
    # Gates run again with what they need, whether anybody asks for them or not.
    derived = {job for job in taken if needs.follows_from(newest[job])}
    failed = [owed for owed in wants if owed.target.failed and owed.target.job in taken]
    covered = {owed.target.job for owed in failed}
    started = taken | needs.dependents(first.target.batch, taken)
    along = not any(never.along(job, newest.get(job)) for job in started - jobs)
    together = first in failed and taken - cancelled - derived == covered - derived and len(taken) > 1 and along
    if together and len(failed) == len(wants):
        return Call(tuple(failed), 1, first.target, together=True)
    asked = {owed.target.job for owed in wants if owed.claim.cause in (Cause.REQUESTED, Cause.MANUAL)}
    most = len(asked) > 1 and 2 * len(asked) > len(newest)
    if most and not any(never.along(job, newest[job]) for job in newest.keys() - jobs):
        return Call(tuple(wants), 1, first.target, whole=True)
    if together:
        return Call(tuple(failed), 1, first.target, together=True)
    return Call((first,), 1, first.target, may_widen=first in failed and taken == {first.target.job})


def _newest(events: Sequence[Event]) -> dict[str, Event]:
    """Return the newest run of each job of a batch; of two jobs with the same name, one that failed."""
    newest: dict[str, Event] = {}
    for event in events:
        known = newest.get(event.job)
        if known is None or _order(event) > _order(known):
            newest[event.job] = event
    return newest


def _order(event: Event) -> tuple[int, bool, int]:
    number = int(event.run_id) if event.run_id.isascii() and event.run_id.isdigit() else 0
    return event.attempt, event.failed, number


def in_words(segments: tuple[str, str, str], call: Call) -> str:
    """Describe a rerun for people; `segments`: the last ones of its path."""
    kind, number, what = segments
    if kind == "jobs":
        of = f" of workflow run {call.target.batch}" if call.target.batch else ""
        return f"reruns job {number}{of}"
    jobs = "the failed jobs" if what == "rerun-failed-jobs" else "all jobs"
    return f"reruns {jobs} of workflow run {number}"


# -- answers ----------------------------------------------------------------------------------------------------------


def is_unexplained(reply: Reply) -> bool:
    """Return whether GitHub refuses a rerun with words that say neither what is wrong nor what to do about it."""
    why = message(reply)
    known = (_NOT_NEWEST, _RUNNING, _NEVER, _NOT_PERMITTED)
    return (
        reply.status == 403
        and not is_limited(reply)
        and _ACCEPTED not in reply.headers
        and not any(pattern.search(why) for pattern in known)
    )


def answer(reply: Reply, project: str, *, limited: float, renewed: bool, other_way: bool = False) -> Answer:
    """Interpret the answer to one rerun.

    `limited`: seconds that a rate limit makes us wait now. `renewed`: after a 401, whether the token was dropped
    and a new one may be accepted. `other_way`: whether an unexplained refusal leaves another way to be tried.
    """
    why = message(reply)
    if 200 <= reply.status < 300:
        return unacknowledged(reply) if reply.is_foreign else Accepted()
    if is_limited(reply):
        return Later(f"GitHub limits us: {why}", limited or None, healthy=True)
    if reply.status == 401:
        return Later(f"GitHub does not accept the token: {why}", RENEWED_AFTER if renewed else DENIED_AFTER)
    if reply.status == 403:
        return _forbidden(reply, why, project, other_way=other_way)
    if reply.status == 404:
        # GitHub also answers 404 where a token may not see the repository, which an operator can fix.
        return Later(f"{project}: the job is gone or the token may not see the repository: {why}", DENIED_AFTER)
    if 300 <= reply.status < 400:
        return Later(f"{project} was renamed or moved (HTTP {reply.status}): use its new name", DENIED_AFTER)
    if reply.status >= 500 or reply.status == 408:
        return Unknown(f"HTTP {reply.status} {why}")
    return Refused(f"HTTP {reply.status} {why}")


def _forbidden(reply: Reply, why: str, project: str, *, other_way: bool) -> Answer:
    if _NOT_NEWEST.search(why):
        # Somebody has rerun it meanwhile: the next look-back finds the job's newest id.
        return Later(why, _AT_ONCE, healthy=True)
    if _RUNNING.search(why):
        return Later(why, _RUNNING_AFTER, healthy=True)
    if _NEVER.search(why):
        return Refused(why, healthy=True)
    accepted = reply.headers.get(_ACCEPTED, "")
    if accepted or _NOT_PERMITTED.search(why):
        named = f" (GitHub names `{accepted[:100]}`)" if accepted else ""
        return Later(f"the token may not rerun jobs in {project}: {NEEDED}{named}. GitHub says: {why}", DENIED_AFTER)
    if other_way:
        return Later(f"GitHub does not rerun the job alone: all failed jobs are tried next. It says: {why}", _AT_ONCE)
    return Refused(f"HTTP 403 {why}")


class _Error(msgspec.Struct, frozen=True):
    """The body of an error."""

    message: str = ""


def message(reply: Reply) -> str:
    """Return the `message` of an error, or else the beginning of its body."""
    try:
        return msgspec.json.decode(reply.body, type=_Error).message[:300] or reply.excerpt
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return reply.excerpt
