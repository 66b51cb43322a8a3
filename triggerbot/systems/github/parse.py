"""Parses GitHub's webhooks and listings into events, and comments and buttons into comment commands.

The mapping:

* project: `repository.full_name`; branch: `head_branch`; revision: `head_sha`.
* job: `<workflow name> / <job name>`; matrix values are part of GitHub's job name. Ids change with every attempt, so
  they cannot name a job.
* run id: the job's id; attempt: `run_attempt`; batch: the workflow run, which reruns as a whole. Many workflow runs of
  a commit have jobs of the same names, and only attempts of one are further runs of a job (`per_batch`). What tells
  them apart for people (event, path, fork) is in no `workflow_job`: workflow runs tell it (`PushFacts.batches`).
* A `workflow_job` without a branch or a workflow's name is a lead: which job it is, the API has to say.
* kind: always `test`. GitHub does not distinguish builds from tests; rules can, by `exclude_jobs` and `exclude_steps`.
* `action_required` is not the end of a job: somebody has to approve it first. Jobs in that state are no events.
* a completed workflow run that is no success, and whose jobs do not say why, is an event of its own, of kind `workflow`
  (see `endings`). Where only its jobs can tell, its webhook is a lead besides.

Events of our own reruns are ordinary events with an attempt above 1; a job is claimed once, by the core.

A command is a line that starts with our name (`@triggerbot retry linux`), outside quotes and fenced code, where people
write about commands. Bots are ignored, so that two of them never answer each other endlessly.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qs

from msgspec.structs import replace

from triggerbot.core import identity
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.model import Batch, CommentCommand, Event, Group, Heard, Lead, Push, PushFacts, Result, State
from triggerbot.systems.github import endings, heads, messages

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
#: The runner groups that everybody has: the labels are used instead.
_DEFAULT_GROUPS = frozenset({"", "GitHub Actions", "Default", "default"})
#: Commands read from one comment, at most.
_COMMANDS_MAX = 10
_BOT = "Bot"
#: The command that the button stands for.
_RETRY = "retry failed"
#: Our issue about a branch, by the mark of that.
_BRANCH = re.compile(re.escape(messages.BRANCH_MARKER).replace(r"\{\}", "([0-9a-f]{16})"))
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)


# -- webhooks ---------------------------------------------------------------------------------------------------------


def webhook(
    system: str, headers: Mapping[str, str], body: bytes, mention: str = "triggerbot", *, ask: bool = True
) -> list[Heard]:
    """Parse one verified delivery; `headers` have lower-case names.

    `mention`: the name by which comments address us. `ask`: whether GitHub can be asked for what a delivery leaves out.
    Raises `NotUnderstood` for anything that is not as GitHub documents it.
    """
    kind = headers.get("x-github-event", "")
    if not kind:
        raise NotUnderstood("the header X-GitHub-Event is missing")
    if kind == "issue_comment":
        return [*comment(system, payload(headers, body), mention)]
    if kind == "workflow_job":
        return _job_webhook(system, payload(headers, body), ask=ask)
    if kind == "workflow_run":
        return _run_webhook(system, payload(headers, body), ask=ask)
    reader = _READERS.get(kind)
    return [] if reader is None else reader(system, payload(headers, body))


def payload(headers: Mapping[str, str], body: bytes) -> bytes | str:
    """Return the JSON, taken out of the form if the webhook is configured to send forms."""
    if not headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return body
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=8)
    except ValueError:
        raise NotUnderstood("the body is no form") from None
    if len(fields.get("payload", [])) != 1:
        raise NotUnderstood("the form has no `payload`")
    return fields["payload"][0]


def _job_webhook(system: str, body: bytes | str, *, ask: bool) -> list[Heard]:
    if messages.read(body, messages.Action).action not in _JOB_ACTIONS:
        return []
    message = messages.read(body, messages.JobMessage)
    job = message.workflow_job
    if _is_carried_over(job):
        return []
    # The action is what happened; the status may already be later than it.
    if ask and not (job.head_branch and job.workflow_name):
        found = lead(system, message.repository.full_name, job, _STATES[message.action])
        return [] if found is None else [found]
    if not job.head_branch:
        return []
    push = _push(system, message.repository.full_name, job.head_branch, job.head_sha)
    known = event(push, job, _STATES[message.action])
    return [] if known is None else [known]


def _run_webhook(system: str, body: bytes | str, *, ask: bool) -> list[Heard]:
    if messages.read(body, messages.Action).action not in _RUN_ACTIONS:
        return []
    message = messages.read(body, messages.RunMessage)
    run = message.workflow_run
    if not run.head_branch:
        return []
    push = _push(system, message.repository.full_name, run.head_branch, run.head_sha)
    completed = message.action == "completed"
    found = facts(push, [run], settled=completed)
    entry = endings.of_workflow_run(push, run) if completed else None
    lead = endings.lead(push, run) if completed and ask else None
    told = heads.of_run(push, replace(run, repository=message.repository))
    return [found, *told, *(one for one in (entry, lead) if one is not None)]


def _ping(_system: str, body: bytes | str) -> list[Heard]:
    messages.read(body, dict)
    return []


def _check_webhook(system: str, body: bytes | str) -> list[Heard]:
    return [*button(system, body)]


_READERS = {
    "push": heads.push_webhook,
    "delete": heads.delete_webhook,
    "pull_request": heads.pull_webhook,
    "merge_group": heads.merge_group_webhook,
    "check_run": _check_webhook,
    "ping": _ping,
}


# -- runs and pushes, as webhooks and listings have them --------------------------------------------------------------


def event(
    push: Push,
    job: messages.Job,
    state: State | None = None,
    run: messages.WorkflowRun | None = None,
    repeats: str | None = None,
) -> Event | None:
    """Build the event of a job; `None` if it waits for approval or its state is unknown to us.

    `state`: overrides the job's status. `run`: its workflow run, where that is known: jobs do not name their event.
    `repeats`: the id of the execution that it repeats.
    Raises `NotUnderstood` for an impossible name or time.
    """
    state = state or _STATES.get(job.status)
    if state is None or job.conclusion == "action_required":
        return None
    return Event(
        push=push,
        job=identity.clean(messages.plain(job_name(job, run), "job")),
        run_id=str(job.id),
        state=state,
        result=_result(job, state),
        attempt=job.run_attempt,
        time=_time(job, state),
        url=messages.link(job.html_url),
        retrigger_of=repeats,
        pool=_pool(job),
        step=_failed_step(job),
        batch=str(job.run_id),
        started=_started(job, state),
        event=None if run is None else messages.cut(run.event),
        per_batch=True,
    )


def lead(system: str, name: str, job: messages.Job, state: State) -> Lead | None:
    """Build the lead of a job that does not say whose it is; `None` as for `event`.

    Its group is the workflow run. Raises `NotUnderstood`.
    """
    messages.plain(job.name, "job")
    messages.sha(job.head_sha)
    if job.conclusion == "action_required":
        return None
    return Lead(
        Group(system, f"{messages.full_name(name)}/{job.run_id}"),
        run_id=str(job.id),
        state=state,
        result=_result(job, state),
        attempt=job.run_attempt,
        time=_time(job, state),
    )


def _result(job: messages.Job, state: State) -> Result | None:
    if state is not State.FINISHED:
        return None
    return endings.result_of(job, _RESULTS.get(job.conclusion or "", Result.UNKNOWN))


def facts(push: Push, runs: Iterable[messages.WorkflowRun], *, settled: bool = False) -> PushFacts:
    """Build the facts of a push from its workflow runs (at least one): a fork's if any of them is a fork's.

    Message, author and time are those of the oldest run of the project itself: whoever opens a pull request for a
    commit that others have pushed is not its author. The message is that of the commit, whoever made it run.
    """
    ordered = sorted(runs, key=lambda run: run.id)
    oldest = next((run for run in ordered if not _is_of_fork(push, run)), ordered[0])
    return PushFacts(
        push,
        message=oldest.head_commit.message if oldest.head_commit else None,
        author=oldest.actor.login if oldest.actor else None,
        time=messages.moment(oldest.created_at),
        fork=any(_is_of_fork(push, run) for run in ordered),
        settled=settled,
        batches=tuple(Batch(str(run.id), messages.cut(run.event), run.file, _is_of_fork(push, run)) for run in ordered),
    )


def _is_of_fork(push: Push, run: messages.WorkflowRun) -> bool:
    """Return whether a workflow run is of a fork's commit; one whose repository is gone counts as that."""
    return run.head_repository is None or run.head_repository.full_name.lower() != push.project.lower()


def push_of(system: str, project: str, run: messages.WorkflowRun) -> Push | None:
    """Return the push of a workflow run; `None` if it has no branch. Raises `NotUnderstood` for impossible names.

    The project is spelled as GitHub does, so that it is the same as in webhooks however the config spells it.
    """
    told = project if run.repository is None else run.repository.full_name
    name = told if told.lower() == project.lower() else project
    return _push(system, name, run.head_branch, run.head_sha) if run.head_branch else None


def _push(system: str, name: str, branch: str, revision: str) -> Push:
    return Push(system, messages.full_name(name), messages.plain(branch, "branch"), messages.sha(revision))


def job_name(job: messages.Job, run: messages.WorkflowRun | None = None) -> str:
    """Return a name for a job that is the same in every attempt: the workflow's and its own.

    A workflow without a name has that of its file.
    """
    workflow = job.workflow_name or (None if run is None else run.name or run.file)
    return f"{workflow} / {job.name}" if workflow else job.name


def _time(job: messages.Job, state: State) -> float | None:
    ended = job.completed_at if state is State.FINISHED else None
    return messages.moment(ended or job.started_at or job.created_at)


def _started(job: messages.Job, state: State) -> float | None:
    """Return when a job started; GitHub also gives a time to waiting jobs, and to those carried over their old one."""
    if state is State.PENDING:
        return None
    started, created = messages.moment(job.started_at), messages.moment(job.created_at)
    return None if started is not None and created is not None and started < created else started


def _pool(job: messages.Job) -> str | None:
    if job.runner_group_name and job.runner_group_name not in _DEFAULT_GROUPS:
        return messages.cut(job.runner_group_name)
    return messages.cut(",".join(sorted(job.labels or ())))


def _failed_step(job: messages.Job) -> str | None:
    steps = sorted(job.steps or (), key=lambda step: step.number or 0)
    return next((messages.cut(step.name) for step in steps if step.conclusion == "failure"), None)


def _is_carried_over(job: messages.Job) -> bool:
    """Return whether a job of a later attempt ended before it was created: then it did not run again.

    Of one that ended in the very second in which it was created, the start tells.
    """
    ended, created = messages.moment(job.completed_at), messages.moment(job.created_at)
    if job.run_attempt == 1 or ended is None or created is None:
        return False
    return ended < created or (ended == created and (messages.moment(job.started_at) or created) < created)


# -- comments and buttons ---------------------------------------------------------------------------------------------


def comment(system: str, body: bytes | str, mention: str) -> list[CommentCommand]:
    """Parse `issue_comment`; without a `mention` there are no commands. Raises `NotUnderstood`."""
    if messages.read(body, messages.Action).action != "created" or not mention:
        return []
    message = messages.read(body, messages.CommentMessage)
    text = message.comment.body or ""
    if _is_bot(message.sender) or text.startswith(messages.MARKER):
        return []
    pull = None if message.issue.pull_request is None else message.issue.number
    about = _BRANCH.match(message.issue.body or "") if pull is None else None
    found = list(commands(text, mention))
    if not found or (pull is None and about is None):
        return []
    return [
        CommentCommand(
            system,
            id=f"comment:{message.comment.id}",
            project=messages.full_name(message.repository.full_name),
            author=messages.plain(message.sender.login, "login"),
            text="\n".join(found[:_COMMANDS_MAX]),
            pull=pull,
            about=None if about is None else about[1],
        )
    ]


def button(system: str, body: bytes | str) -> list[CommentCommand]:
    """Parse `check_run`; raises `NotUnderstood`.

    A redelivery has the same bytes, and so the same id. If somebody presses the button twice, the check run was
    updated in between, so the bytes differ.
    """
    if messages.read(body, messages.Action).action not in ("requested_action", "rerequested"):
        return []
    message = messages.read(body, messages.CheckRunMessage)
    run, pressed = message.check_run, message.requested_action
    if not messages.is_ours(run) or _is_bot(message.sender):
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
    """Yield the commands in a comment, without our name."""
    command = re.compile(rf" {{0,3}}@{re.escape(mention.removeprefix('@'))}[:,]?[ \t]+(\S.*)", re.IGNORECASE)
    fence = ""
    for line in re.split(r"\r\n|\r|\n", text):
        marks = _FENCE.fullmatch(line)
        if fence:
            # A fence is closed by at least as many marks of the same kind, and nothing else.
            if marks is not None and marks[1].startswith(fence) and not marks[2].strip():
                fence = ""
        elif marks is not None and not (marks[1][0] == "`" and "`" in marks[2]):
            fence = marks[1]
        elif (found := command.match(line)) is not None:
            yield messages.cut(found[1].strip()) or ""


def _is_bot(account: messages.Account) -> bool:
    return account.type == _BOT
