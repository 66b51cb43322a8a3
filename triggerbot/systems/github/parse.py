"""GitHub's webhooks and listings as events, and comments and buttons as comment commands.

What maps to what:

* project: `repository.full_name`; branch: `head_branch`; revision: `head_sha`.
* job: `<workflow name> / <job name>`; matrix values are part of GitHub's job name. Ids change with every attempt, so
  they cannot name a job. Two workflow files with the same `name:` cannot be told apart.
* run id: the job's id; attempt: `run_attempt`; batch: the workflow run, which reruns as a whole.
* kind: always `test`. GitHub does not tell builds from tests; rules can, by `exclude_jobs` and `exclude_steps`.
* `action_required` is no end of a run: somebody has to approve it first. Such jobs are not events.

Events of our own reruns are ordinary events with an attempt above 1; a job is claimed once, by the core.

A command is a line that begins with our name (`@triggerbot retry linux`); not in quotes, nor in fenced code, where
people write about commands. Bots are not heard, so that two of them never talk to each other without end.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qs

from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import CommentCommand, Event, Heard, Push, PushFacts, Result, State
from triggerbot.systems.github import messages

_STATES = {
    "queued": State.PENDING,
    "waiting": State.PENDING,
    "requested": State.PENDING,
    "pending": State.PENDING,
    "in_progress": State.RUNNING,
    "completed": State.FINISHED,
}
_RESULTS = {
    "success": Result.SUCCESS,
    "failure": Result.FAILURE,
    "cancelled": Result.CANCELLED,
    "timed_out": Result.TIMED_OUT,
    "skipped": Result.SKIPPED,
    "neutral": Result.SKIPPED,
    "stale": Result.INFRA,
    "startup_failure": Result.INFRA,
}
_JOB_ACTIONS = frozenset({"queued", "waiting", "in_progress", "completed"})
_RUN_ACTIONS = frozenset({"requested", "in_progress", "completed"})
#: The runner groups that everybody has; the labels say more.
_DEFAULT_GROUPS = frozenset({"", "GitHub Actions", "Default", "default"})
_BRANCH_REF = "refs/heads/"
#: Commands of one comment that are heard.
_COMMANDS_MAX = 10
_BOT = "Bot"
#: What the button asks for, in the words of comments.
_RETRY = "retry failed"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)


# -- webhooks ---------------------------------------------------------------------------------------------------------


def webhook(system: str, headers: Mapping[str, str], body: bytes, mention: str = "triggerbot") -> list[Heard]:
    """Understand one delivery that was verified; `headers` have lower-case names.

    `mention`: the name by which people address us in comments.
    Raises `NotUnderstood` for whatever is not of the form that GitHub documents.
    """
    kind = headers.get("x-github-event", "")
    if not kind:
        raise NotUnderstood("the header X-GitHub-Event is missing")
    if kind == "issue_comment":
        return [*comment(system, _json(headers, body), mention)]
    reader = _READERS.get(kind)
    return [] if reader is None else reader(system, _json(headers, body))


def _json(headers: Mapping[str, str], body: bytes) -> bytes | str:
    """Take the JSON out of the form, if the webhook is set to send forms."""
    if not headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return body
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=8)
    except ValueError:
        raise NotUnderstood("the body is no form") from None
    if len(fields.get("payload", [])) != 1:
        raise NotUnderstood("the form has no `payload`")
    return fields["payload"][0]


def _job_webhook(system: str, body: bytes | str) -> list[Heard]:
    if messages.read(body, messages.Action).action not in _JOB_ACTIONS:
        return []
    message = messages.read(body, messages.JobMessage)
    job = message.workflow_job
    if not job.head_branch or _is_carried_over(job):
        return []
    push = _push(system, message.repository.full_name, job.head_branch, job.head_sha)
    # The action is what happened; the status may already be ahead of it.
    found = event(push, job, _STATES[message.action])
    return [] if found is None else [found]


def _run_webhook(system: str, body: bytes | str) -> list[Heard]:
    if messages.read(body, messages.Action).action not in _RUN_ACTIONS:
        return []
    message = messages.read(body, messages.RunMessage)
    run = message.workflow_run
    if not run.head_branch:
        return []
    push = _push(system, message.repository.full_name, run.head_branch, run.head_sha)
    return [facts(push, [run], settled=message.action == "completed")]


def _push_webhook(system: str, body: bytes | str) -> list[Heard]:
    message = messages.read(body, messages.PushMessage)
    branch = message.ref.removeprefix(_BRANCH_REF)
    if message.deleted or not message.ref.startswith(_BRANCH_REF) or not branch:
        return []
    push = _push(system, message.repository.full_name, branch, message.after)
    pushed = message.repository.pushed_at
    return [
        PushFacts(
            push,
            message=message.head_commit.message if message.head_commit else None,
            author=message.sender.login if message.sender else None,
            time=messages.moment(pushed) if isinstance(pushed, str) else _seconds(pushed),
        )
    ]


def _ping(_system: str, body: bytes | str) -> list[Heard]:
    messages.read(body, dict)
    return []


def _check_webhook(system: str, body: bytes | str) -> list[Heard]:
    return [*button(system, body)]


_READERS = {
    "workflow_job": _job_webhook,
    "workflow_run": _run_webhook,
    "push": _push_webhook,
    "check_run": _check_webhook,
    "ping": _ping,
}


def _seconds(number: int | None) -> float | None:
    return float(number) if number is not None and 0 <= number < 1e11 else None


# -- runs and pushes, as webhooks and listings have them --------------------------------------------------------------


def event(push: Push, job: messages.Job, state: State | None = None) -> Event | None:
    """Say a job in our words; `None` if it waits for somebody's approval or is in a state unknown to us.

    Raises `NotUnderstood` for a name or a time that cannot be.
    """
    state = state or _STATES.get(job.status)
    if state is None or job.conclusion == "action_required":
        return None
    return Event(
        push=push,
        job=messages.plain(job_name(job), "job"),
        run_id=str(job.id),
        state=state,
        result=_RESULTS.get(job.conclusion or "", Result.UNKNOWN) if state is State.FINISHED else None,
        attempt=job.run_attempt,
        time=_time(job, state),
        url=messages.link(job.html_url),
        pool=_pool(job),
        step=_failed_step(job),
        batch=str(job.run_id),
        started=_started(job, state),
    )


def facts(push: Push, runs: Iterable[messages.WorkflowRun], *, settled: bool = False) -> PushFacts:
    """Say what workflow runs (one at least) tell of their push: from the oldest, and a fork if any is of one.

    A run whose repository is gone (`head_repository` null) counts as one of a fork.
    """
    ordered = sorted(runs, key=lambda run: run.id)
    oldest, project = ordered[0], push.project.lower()
    return PushFacts(
        push,
        message=oldest.head_commit.message if oldest.head_commit else None,
        author=oldest.actor.login if oldest.actor else None,
        time=messages.moment(oldest.created_at),
        fork=any(run.head_repository is None or run.head_repository.full_name.lower() != project for run in ordered),
        settled=settled,
    )


def distinct(jobs: Iterable[messages.Job]) -> tuple[list[messages.Job], dict[str, str]]:
    """Keep one entry for each execution, the earliest, and say under which newest id it can be rerun.

    A rerun of some jobs makes a new attempt in which the other jobs are listed again: with new ids and the old
    times. Those are no further runs. Returns what is left, oldest first, and {id kept: newest id}.
    """
    kept: list[messages.Job] = []
    first: dict[tuple[str, str, str], messages.Job] = {}
    newest: dict[str, str] = {}
    for job in sorted({job.id: job for job in jobs}.values(), key=lambda job: (job.run_attempt, job.id)):
        if not job.started_at or not job.completed_at:
            kept.append(job)
            continue
        earlier = first.setdefault((job_name(job), job.started_at, job.completed_at), job)
        if earlier.run_attempt < job.run_attempt:
            newest[str(earlier.id)] = str(job.id)
        else:
            kept.append(job)
    return kept, newest


def push_of(system: str, project: str, run: messages.WorkflowRun) -> Push | None:
    """Name the push of a workflow run; `None` if it has no branch. Raises `NotUnderstood` for impossible names."""
    return _push(system, project, run.head_branch, run.head_sha) if run.head_branch else None


def _push(system: str, name: str, branch: str, revision: str) -> Push:
    return Push(system, messages.full_name(name), messages.plain(branch, "branch"), messages.sha(revision))


def job_name(job: messages.Job) -> str:
    """Name a job so that it is the same in every attempt: the workflow's and its own name."""
    return f"{job.workflow_name} / {job.name}" if job.workflow_name else job.name


def _time(job: messages.Job, state: State) -> float | None:
    ended = job.completed_at if state is State.FINISHED else None
    return messages.moment(ended or job.started_at or job.created_at)


def _started(job: messages.Job, state: State) -> float | None:
    """Tell when a job began: GitHub names a time for those that wait, too, and for those carried over that of then."""
    if state is State.PENDING:
        return None
    began, made = messages.moment(job.started_at), messages.moment(job.created_at)
    return None if began is not None and made is not None and began < made else began


def _pool(job: messages.Job) -> str | None:
    if job.runner_group_name and job.runner_group_name not in _DEFAULT_GROUPS:
        return messages.cut(job.runner_group_name)
    return messages.cut(",".join(sorted(job.labels or ())))


def _failed_step(job: messages.Job) -> str | None:
    steps = sorted(job.steps or (), key=lambda step: step.number or 0)
    return next((messages.cut(step.name) for step in steps if step.conclusion == "failure"), None)


def _is_carried_over(job: messages.Job) -> bool:
    """Tell whether a job of a later attempt ended before it was made: then it did not run again."""
    ended, made = messages.moment(job.completed_at), messages.moment(job.created_at)
    return job.run_attempt > 1 and ended is not None and made is not None and ended < made


# -- comments and buttons ---------------------------------------------------------------------------------------------


def comment(system: str, body: bytes | str, mention: str) -> list[CommentCommand]:
    """Understand `issue_comment`; without a `mention` nothing is for us. Raises `NotUnderstood`."""
    if messages.read(body, messages.Action).action != "created" or not mention:
        return []
    message = messages.read(body, messages.CommentMessage)
    text = message.comment.body or ""
    if message.issue.pull_request is None or _bot(message.sender) or text.startswith(messages.MARKER):
        return []
    found = list(commands(text, mention))
    if not found:
        return []
    return [
        CommentCommand(
            system,
            id=f"comment:{message.comment.id}",
            project=messages.full_name(message.repository.full_name),
            author=messages.plain(message.sender.login, "login"),
            text="\n".join(found[:_COMMANDS_MAX]),
            pull=message.issue.number,
        )
    ]


def button(system: str, body: bytes | str) -> list[CommentCommand]:
    """Understand `check_run`; raises `NotUnderstood`.

    GitHub sends the same bytes again if it delivers again. When somebody presses twice, something in between was
    reported, so that the bytes differ.
    """
    if messages.read(body, messages.Action).action not in ("requested_action", "rerequested"):
        return []
    message = messages.read(body, messages.CheckRunMessage)
    run, pressed = message.check_run, message.requested_action
    if not messages.is_ours(run) or _bot(message.sender):
        return []
    if message.action == "requested_action" and (pressed is None or pressed.identifier != messages.RETRY_FAILED):
        return []
    digest = hashlib.sha256(body if isinstance(body, bytes) else body.encode("utf-8", "replace")).hexdigest()
    return [
        CommentCommand(
            system,
            id=f"action:{run.id}:{digest[:16]}",
            project=messages.full_name(message.repository.full_name),
            author=messages.plain(message.sender.login, "login"),
            text=_RETRY,
            revision=messages.sha(run.head_sha),
        )
    ]


def commands(text: str, mention: str) -> Iterator[str]:
    """Find the commands in a comment, without our name."""
    command = re.compile(rf" {{0,3}}@{re.escape(mention.removeprefix('@'))}[:,]?[ \t]+(\S.*)", re.IGNORECASE)
    fence = ""
    for line in re.split(r"\r\n|\r|\n", text):
        marks = _FENCE.fullmatch(line)
        if fence:
            # Code ends with marks of the same kind, at least as many, and nothing else.
            if marks is not None and marks[1].startswith(fence) and not marks[2].strip():
                fence = ""
        elif marks is not None and not (marks[1][0] == "`" and "`" in marks[2]):
            fence = marks[1]
        elif (found := command.match(line)) is not None:
            yield messages.cut(found[1].strip()) or ""


def _bot(account: messages.Account) -> bool:
    return account.type == _BOT
