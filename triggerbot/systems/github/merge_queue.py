"""GitHub's merge queue: what its webhooks tell, who is in it, and how to put a pull request back.

An entry is a branch that GitHub makes, `gh-readonly-queue/<base>/pr-<number>-<commit>`; its workflows run for the event
`merge_group`. Sources: the OpenAPI description that GitHub publishes (`webhook-merge-group-checks-requested`,
`webhook-pull-request-dequeued`), and its reference of GraphQL (`enqueuePullRequest`, `MergeQueueEntry`), read 2026-11.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import CommentCommand, Heard, Push, PushFacts
from triggerbot.core.policy import slots
from triggerbot.core.policy.slots import Rank
from triggerbot.systems import Evicted
from triggerbot.systems.github import messages
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.graphql import GraphQL, NotActed, Problem

_BRANCH_REF = "refs/heads/"
#: Reasons for which GitHub removes an entry because of its checks; after all others it is not to come back by itself.
_CHECKS = frozenset({"CI_FAILURE", "CI_TIMEOUT"})
_STATE = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { id state headRefOid mergeQueueEntry { id } }
  }
}
"""
_ENQUEUE = """
mutation($input: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $input) { mergeQueueEntry { id } }
}
"""
#: Permissions that are needed to put a pull request back, in words.
NEEDED = "it needs the permissions `pull_requests: write` and `contents: write`"


class _Group(msgspec.Struct, frozen=True):
    """The `merge_group` of a webhook."""

    head_sha: str
    head_ref: str
    head_commit: messages.Commit | None = None


class _GroupMessage(msgspec.Struct, frozen=True):
    """The webhook `merge_group`."""

    merge_group: _Group
    repository: messages.Repository


class _PullMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook `pull_request` with the action `dequeued`."""

    pull_request: messages.Pull
    repository: messages.Repository
    reason: str = ""


class _Entry(msgspec.Struct, frozen=True):
    id: str = ""


class _PullState(msgspec.Struct, frozen=True, rename="camel"):
    """A pull request, as GraphQL has it."""

    id: str
    state: str
    head_ref_oid: str
    merge_queue_entry: _Entry | None = None


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    pull_request: _PullState | None = None


class _Answer(msgspec.Struct, frozen=True):
    repository: _Repository | None = None


def webhook(system: str, kind: str, body: bytes | str, *, requeue: bool) -> list[Heard]:
    """Parse what the queue tells: an entry that waits for its checks, and with `requeue` one that failed them.

    Raises `NotUnderstood`.
    """
    if kind not in ("merge_group", "pull_request"):
        return []
    action = messages.read(body, messages.Action).action
    if kind == "merge_group" and action == "checks_requested":
        return [_requested(system, messages.read(body, _GroupMessage))]
    if kind == "pull_request" and action == "dequeued" and requeue:
        return _dequeued(system, messages.read(body, _PullMessage))
    return []


def _requested(system: str, message: _GroupMessage) -> PushFacts:
    group, project = message.merge_group, messages.full_name(message.repository.full_name)
    branch = messages.plain(group.head_ref.removeprefix(_BRANCH_REF), "branch")
    push = Push(system, project, branch, messages.sha(group.head_sha))
    return PushFacts(push, message=group.head_commit.message if group.head_commit else None)


def _dequeued(system: str, message: _PullMessage) -> list[Heard]:
    if message.reason not in _CHECKS:
        return []
    pull, head = message.pull_request, messages.sha(message.pull_request.head.sha)
    project = messages.full_name(message.repository.full_name)
    # The same for each eviction of this commit: it is put back once.
    name = f"{Evicted.PREFIX}{project.lower()}#{pull.number}@{head}"
    text = message.reason.replace("_", " ").lower()
    return [CommentCommand(system, name, project, "the merge queue", text, pull=pull.number, revision=head)]


class MergeQueue:
    """Reads the queue, and puts pull requests back into it. `writer`: whose turns writes wait for."""

    def __init__(self, graph: GraphQL, writer: Client) -> None:
        self._graph = graph
        self._writer = writer

    def evicted(self, project: str, number: int) -> Evicted:
        """Read a pull request; raises `CIUnavailable`, `CIDenied`, `NotKnown`."""
        owner, _, name = project.partition("/")
        answer = self._graph.send(project, _STATE, {"owner": owner, "name": name, "number": number})
        if answer.data is None or answer.errors:
            raise _refused(f"reading pull request {number} of {project}", answer.errors or ())
        pull = _converted(answer.data).repository
        if pull is None or pull.pull_request is None:
            raise NotKnown(f"GitHub knows no pull request {number} of {project}")
        one = pull.pull_request
        return Evicted(
            one.id, one.head_ref_oid.lower(), is_open=one.state == "OPEN", is_back=bool(one.merge_queue_entry)
        )

    def put_back(self, project: str, one: Evicted) -> str:
        """Put a pull request back, as long as its head is the same; return why GitHub refuses it, or ''.

        One request, never repeated. Raises `NotActed` if it had certainly no effect, else `CIUnavailable`.
        """
        caller = slots.caller(project, f"enqueue {one.id}")
        try:
            self._writer.check_turn(project, caller, Rank.VERDICT)
        except CIUnavailable as error:
            raise NotActed(str(error), error.after, healthy=error.healthy) from None
        variables = {"input": {"pullRequestId": one.id, "expectedHeadOid": one.head}}
        try:
            answer = self._graph.send(project, _ENQUEUE, variables)
        except NotActed:
            self._writer.leave_turn(project, caller)
            raise
        except CIDenied as error:
            self._writer.spend_turn(project)
            return f"{error}; {NEEDED}"
        except CIUnavailable:
            self._writer.spend_turn(project)
            raise
        self._writer.spend_turn(project)
        return _words(answer.errors) if answer.errors else ""


def _converted(data: dict[str, Any]) -> _Answer:
    try:
        return msgspec.convert(data, _Answer)
    except msgspec.ValidationError as error:
        raise CIUnavailable(f"GitHub's answer is not as documented: {error}") from None


def _refused(what: str, errors: Sequence[Problem]) -> CIDenied | NotKnown:
    if any(one.type == "NOT_FOUND" for one in errors):
        return NotKnown(f"{what}: {_words(errors)}")
    return CIDenied(f"{what}: {_words(errors)}: {NEEDED}")


def _words(errors: Sequence[Problem]) -> str:
    return "; ".join(one.message[:300] for one in errors) or "no answer"
