"""What a push is based on at GitHub: the merge base of its commit and the branch that it is to be merged into.

Asked is `GET /repos/{owner}/{repo}/compare/{basehead}`, once a push and only where a job failed, with the second page
of one commit each, for the first lists up to 300 files. Of which branch, a pull request's webhook or workflow run says;
without one it is the default branch. On that branch itself the merge base is the commit, so its parent is the base.

Source: "Compare two commits" of the OpenAPI description that GitHub publishes, read 2026-11.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from triggerbot.core.errors import NotKnown, NotUnderstood
from triggerbot.core.model import Push, PushFacts
from triggerbot.systems.github import messages
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.heads import Branches
from triggerbot.systems.http import segments, usable

#: Commits of pull requests whose target is remembered.
_TARGETS_MAX = 10_000


class _Commit(msgspec.Struct, frozen=True):
    sha: str
    parents: list["_Commit"] = []


class _Comparison(msgspec.Struct, frozen=True):
    merge_base_commit: _Commit


class _Pull(msgspec.Struct, frozen=True):
    head: messages.Head
    base: messages.Head


class _PullMessage(msgspec.Struct, frozen=True):
    pull_request: _Pull
    repository: messages.Repository


class Bases:
    """Asks what pushes are based on. Thread-safe.

    Each process remembers the targets of pull requests for itself. Where another heard the webhook of a fork's, which
    no workflow run names, the default branch is taken.
    """

    def __init__(self, client: Client, branches: Branches) -> None:
        self._client = client
        self._branches = branches
        self._lock = threading.Lock()
        self._targets: OrderedDict[tuple[str, str], str] = OrderedDict()

    def learn(self, body: bytes | str) -> None:
        """Take from a webhook about a pull request which branch it is to be merged into; never raises."""
        try:
            told = messages.read(body, _PullMessage)
        except NotUnderstood:
            return
        self._remember(told.repository.full_name, told.pull_request.head.sha, told.pull_request.base.ref)

    def learn_of(self, project: str, runs: Iterable[messages.WorkflowRun]) -> None:
        """Take from workflow runs which branches their commits are to be merged into."""
        for run in runs:
            for pull in run.pull_requests or ():
                self._remember(project, run.head_sha, pull.base.ref)

    def _remember(self, project: str, sha: str, target: str) -> None:
        if not target:
            return
        with self._lock:
            self._targets[project.lower(), sha.lower()] = target
            while len(self._targets) > _TARGETS_MAX:
                self._targets.popitem(last=False)

    def ask(self, push: Push) -> PushFacts:
        """Return what a push is based on; raises `CIError`."""
        if not messages.is_full_name(push.project):
            raise NotKnown(f"{push.project[:200]!r} is no owner/repository")
        target = self._targets.get((push.project.lower(), push.revision)) or self._branches.default(push.project)
        if not target:
            raise NotKnown("GitHub does not say which branch is the default one")
        path = segments("repos", *push.project.split("/"), "compare", f"{target}...{push.revision}")
        reply = self._client.get(push.project, path, {"per_page": "1", "page": "2"})
        if reply.status in (403, 404):
            raise NotKnown(f"GitHub does not compare {push.revision[:12]} with {target} for us (HTTP {reply.status})")
        found = messages.answer(usable(reply, "the comparison with the base").body, _Comparison).merge_base_commit
        try:
            parents = tuple(messages.sha(one.sha) for one in found.parents)
            sha = messages.sha(found.sha)
        except NotUnderstood as error:
            raise NotKnown(f"GitHub's answer is not as documented: {error}") from None
        if sha != push.revision:
            return PushFacts(push, base=sha)
        if not parents:
            raise NotKnown("it is the first commit")
        return PushFacts(push, base=parents[0], parents=parents)
