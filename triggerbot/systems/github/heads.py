"""What GitHub tells of branches and their newest commits: in webhooks, in lists of workflow runs, and when asked.

Webhooks: `push` (forced pushes and deletions among them), `delete`, `pull_request`, and `merge_group` when an entry of
the queue is destroyed. A workflow run tells that its commit was the newest of its branch when the run was created; a
rerun of it does not. Asked in the last moment is `GET /repos/{owner}/{repo}/git/ref/heads/{branch}`: the one request
that says what the branch is at now, deleted branches and pushes without a workflow among them, in a few hundred bytes
that are answered 304 while nothing changes. It needs `contents: read`, which everybody has at a public repository; who
lacks it gets the newest workflow runs of the branch instead. So does who asks for a fork that the token may not see.

Sources: the OpenAPI description that GitHub publishes (`webhook-push`, `webhook-delete`, `webhook-pull-request-*`,
`webhook-merge-group-destroyed`, "Get a reference"), read 2026-11.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from triggerbot.core.errors import CIError, NotKnown, NotUnderstood
from triggerbot.core.model import Head, HeadKind, Heard, Push, PushFacts
from triggerbot.systems.github import messages
from triggerbot.systems.github.client import Client
from triggerbot.systems.http import segments, usable

_BRANCH_REF = "refs/heads/"
#: Events whose workflow runs have the commit at which the branch is at that moment.
_AT_THE_HEAD = frozenset({"push", "pull_request", "pull_request_target", "merge_group"})
#: Workflow runs of a branch that are read where the branch itself cannot be.
_RUNS = 20
#: Seconds for which the name of a default branch is believed.
_DEFAULT_KEPT = 3600.0
#: Seconds until it is asked for again, if GitHub did not say.
_SILENT = 20.0


class PushMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook `push`."""

    ref: str
    after: str
    repository: messages.Repository
    before: str = ""
    forced: bool = False
    deleted: bool = False
    head_commit: messages.Commit | None = None
    sender: messages.Account | None = None


class DeleteMessage(msgspec.Struct, frozen=True):
    """The webhook `delete`."""

    ref: str
    ref_type: str
    repository: messages.Repository


class PullHead(msgspec.Struct, frozen=True):
    """The branch of a pull request; `repo` is missing if it is gone."""

    sha: str
    ref: str
    repo: messages.Repository | None = None


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The pull request of a webhook."""

    number: messages.Id
    head: PullHead
    updated_at: str | None = None


class PullMessage(msgspec.Struct, frozen=True):
    """The webhook `pull_request`."""

    action: str
    pull_request: PullRequest
    repository: messages.Repository


class MergeGroup(msgspec.Struct, frozen=True):
    """An entry of a merge queue."""

    head_sha: str
    head_ref: str


class MergeGroupMessage(msgspec.Struct, frozen=True):
    """The webhook `merge_group`."""

    action: str
    merge_group: MergeGroup
    repository: messages.Repository


class Target(msgspec.Struct, frozen=True):
    """What a reference points at."""

    sha: str


class Reference(msgspec.Struct, frozen=True):
    """A branch or tag."""

    object: Target


class OfDefault(msgspec.Struct, frozen=True):
    """A repository with the name of its default branch."""

    default_branch: str = ""


# -- webhooks ---------------------------------------------------------------------------------------------------------


def push_webhook(system: str, body: bytes | str) -> list[Heard]:
    """Parse `push`: the facts of a push, and what it makes of the branch. Raises `NotUnderstood`."""
    message = messages.read(body, PushMessage)
    branch = message.ref.removeprefix(_BRANCH_REF)
    if not message.ref.startswith(_BRANCH_REF) or not branch:
        return []
    pushed = message.repository.pushed_at
    time = messages.moment(pushed) if isinstance(pushed, str) else _seconds(pushed)
    revision = "" if message.deleted else messages.sha(message.after)
    push = _push(system, message.repository, branch, revision)
    if message.deleted:
        return [_head(push, HeadKind.GONE, at=time)]
    facts = PushFacts(
        push,
        message=message.head_commit.message if message.head_commit else None,
        author=message.sender.login if message.sender else None,
        time=time,
        base=_before(message, branch),
    )
    return [facts, *_default(push, message.repository), _head(push, HeadKind.PUSHED, at=time)]


def _before(message: PushMessage, branch: str) -> str | None:
    """Return what the default branch was at before; of any other that is its own last commit, and no base."""
    if message.forced or message.repository.default_branch != branch or not message.before.strip("0"):
        return None
    return messages.sha(message.before)


def delete_webhook(system: str, body: bytes | str) -> list[Heard]:
    """Parse `delete`, which does not say when. Raises `NotUnderstood`."""
    message = messages.read(body, DeleteMessage)
    if message.ref_type != "branch":
        return []
    return [_head(_push(system, message.repository, message.ref, ""), HeadKind.GONE)]


def pull_webhook(system: str, body: bytes | str) -> list[Heard]:
    """Parse `pull_request`: what is pushed to it, and whether it is open. Raises `NotUnderstood`."""
    message = messages.read(body, PullMessage)
    pull, action = message.pull_request, message.action
    if action not in ("opened", "reopened", "synchronize", "closed"):
        return []
    push = _push(system, message.repository, pull.head.ref, messages.sha(pull.head.sha))
    fork, at = _fork(push, pull.head.repo), messages.moment(pull.updated_at)
    if action == "synchronize":
        return [_head(push, HeadKind.PUSHED, at=at, fork=fork)]
    kind = HeadKind.CLOSED if action == "closed" else HeadKind.OPENED
    return [_head(push._replace(revision=""), kind, at=at, fork=fork, detail=str(pull.number))]


def merge_group_webhook(system: str, body: bytes | str) -> list[Heard]:
    """Parse `merge_group`: an entry that is destroyed takes its commit along. Raises `NotUnderstood`."""
    message = messages.read(body, MergeGroupMessage)
    if message.action != "destroyed":
        return []
    branch = message.merge_group.head_ref.removeprefix(_BRANCH_REF)
    push = _push(system, message.repository, branch, messages.sha(message.merge_group.head_sha))
    return [_head(push, HeadKind.GONE)]


def _seconds(number: int | None) -> float | None:
    return float(number) if number is not None and 0 <= number < 1e11 else None


def _push(system: str, repository: messages.Repository, branch: str, revision: str) -> Push:
    return Push(system, messages.full_name(repository.full_name), messages.plain(branch, "branch"), revision)


def _head(push: Push, kind: HeadKind, *, at: float | None = None, fork: str = "", detail: str = "") -> Head:
    return Head(push.system, push.project, push.branch, kind, push.revision, at, fork, detail)


def _default(push: Push, repository: messages.Repository) -> list[Head]:
    """Return that the branch is the default one, if it is."""
    is_default = repository.default_branch == push.branch
    return [_head(push._replace(revision=""), HeadKind.DEFAULT)] if is_default else []


def _fork(push: Push, repository: messages.Repository | None) -> str:
    """Return the fork that a commit is of; empty for the project itself."""
    if repository is None:
        return "?"
    return "" if repository.full_name.lower() == push.project.lower() else repository.full_name


# -- workflow runs ----------------------------------------------------------------------------------------------------


def of_run(push: Push, run: messages.WorkflowRun) -> list[Head]:
    """Return what a workflow run tells of its branch. Raises `NotUnderstood`."""
    if run.event not in _AT_THE_HEAD:
        return []
    fork, created = _fork(push, run.head_repository), messages.moment(run.created_at)
    found = _default(push, run.repository) if run.repository is not None and not fork else []
    if created is not None:
        found.append(_head(push, HeadKind.RAN, at=created, fork=fork))
    if run.status == "completed" and run.conclusion == "cancelled":
        ended = messages.moment(run.updated_at)
        found.append(_head(push, HeadKind.CANCELLED, at=ended, fork=fork, detail=run.file or ""))
    return found


def of_runs(push: Push, runs: Iterable[messages.WorkflowRun]) -> tuple[Head, ...]:
    """Return what the workflow runs of a push tell of its branch. Raises `NotUnderstood`."""
    return tuple(head for run in runs for head in of_run(push, run))


# -- asking -----------------------------------------------------------------------------------------------------------


class Branches:
    """Asks what branches are at now. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        #: By repository: its default branch, and when it was read.
        self._defaults: dict[str, tuple[str, float]] = {}

    def default(self, project: str) -> str | None:
        """Return the default branch of a repository; `None` if GitHub does not say. Never raises."""
        name, read = self._defaults.get(project.lower(), ("", 0.0))
        if self._clock() - read < (_DEFAULT_KEPT if name else _SILENT):
            return name or None
        try:
            reply = usable(self._client.get(project, segments("repos", *project.split("/"))), "the repository")
            name = messages.answer(reply.body, OfDefault).default_branch
        except CIError:
            # The branch that it was is most likely still that.
            pass
        self._defaults[project.lower()] = (name, self._clock())
        return name or None

    def heads(self, push: Push, fork: str) -> Sequence[Head]:
        """Return what is to be told of a push's branch now, nothing if the push is at its head; raises `CIError`."""
        repository = fork if messages.is_full_name(fork) else push.project
        if fork and repository != fork:
            return self._of_runs(push)
        path = segments("repos", *repository.split("/"), "git", "ref", "heads", *push.branch.split("/"))
        reply = self._client.get(push.project, path)
        if reply.status == 200:
            at = messages.answer(reply.body, Reference).object.sha.lower()
            newest = _head(push._replace(revision=at), HeadKind.PUSHED, at=self._clock(), fork=fork)
            return [] if at == push.revision else [newest]
        if reply.status == 404 and not fork and not self._is_tag(push):
            return [_head(push._replace(revision=""), HeadKind.GONE, at=self._clock())]
        return self._of_runs(push) if reply.status in (403, 404) else []

    def _is_tag(self, push: Push) -> bool:
        """Return whether what a push names as its branch is a tag, which workflow runs do not tell apart."""
        path = segments("repos", *push.project.split("/"), "git", "ref", "tags", *push.branch.split("/"))
        return self._client.get(push.project, path).status == 200

    def _of_runs(self, push: Push) -> Sequence[Head]:
        """Return what the newest workflow runs of the branch tell."""
        path = segments("repos", *push.project.split("/"), "actions", "runs")
        reply = self._client.get(push.project, path, {"branch": push.branch, "per_page": str(_RUNS)})
        if reply.status == 404:
            raise NotKnown(f"GitHub lists no workflow runs of {push.project}")
        runs = messages.answer(usable(reply, "the workflow runs").body, messages.RunsPage).workflow_runs
        found: list[Head] = []
        for run in runs:
            if run.head_branch == push.branch:
                try:
                    found += of_run(push._replace(revision=messages.sha(run.head_sha)), run)
                except NotUnderstood:
                    continue
        return found
