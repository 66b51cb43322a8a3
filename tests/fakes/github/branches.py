"""Branches of the fake GitHub: what they are at, concurrency groups, and what people stop; part of `FakeApi`.

A branch is at the commit of its newest workflow run, unless a test moves or deletes it. A run that enters a concurrency
group with `cancel-in-progress` cancels what runs there, as a rerun does.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.fakes.github import payloads, reporting_payloads
from tests.fakes.github.payloads import FakeRun
from tests.fakes.github.reporting_payloads import FakePull
from tests.fakes.github.reruns import ApiError, Recorded

_NOBODY = "0" * 40


class FakeBranches:
    """What branches are at, and runs that are stopped."""

    url: str
    runs: dict[int, FakeRun]
    private: set[str]
    granted: dict[str, str]
    narrow: dict[str, dict[str, str]]
    clock: Callable[[], float]
    sign: Callable[[str, bytes], tuple[dict[str, str], bytes]]

    def __init__(self) -> None:
        #: By repository and branch: the commit that it was moved to, or `None` once it is deleted.
        self.moved: dict[tuple[str, str], str | None] = {}
        self.tags: dict[tuple[str, str], str] = {}
        #: What commits are based on: the parent of each on the branch that it is to be merged into.
        self.bases: dict[str, str] = {}
        #: The concurrency groups of runs; all of them with `cancel-in-progress`.
        self.groups: dict[int, str] = {}

    def at(self, repo: str, branch: str) -> str | None:
        """Return the commit that a branch is at; `None` if there is no such branch."""
        if (repo, branch) in self.moved:
            return self.moved[repo, branch]
        runs = [run for run in self.runs.values() if run.branch == branch and run.head_repository == repo]
        return max(runs, key=lambda run: (run.created, run.id)).sha if runs else None

    def enter_group(self, run_id: int, group: str) -> None:
        """Let a run enter a concurrency group; what runs in it is cancelled."""
        self.groups[run_id] = group
        for other, known in self.groups.items():
            if known == group and other != run_id and self.runs[other].status != "completed":
                self.cancel(other)

    def cancel(self, run_id: int) -> None:
        """Cancel a run, as a person or its group does: what has not ended is cancelled."""
        run = self.runs[run_id]
        for one in run.current():
            if one.status != "completed":
                one.status, one.conclusion, one.completed = "completed", "cancelled", self.clock()
                one.started = one.started or self.clock()
        run.came_to, run.updated = "cancelled", self.clock()

    def _ref(self, request: Recorded, repo: str, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        token = request.headers["authorization"].removeprefix("Bearer ")
        has = self.narrow.get(token, self.granted).get("contents", "")
        if repo in self.private and has not in ("read", "write"):
            raise ApiError(403, "Resource not accessible by integration")
        name = unquote(name)
        sha = self.at(repo, name) if kind == "heads" else self.tags.get((repo, name))
        if sha is None:
            raise ApiError(404, "Not Found")
        where = f"{self.url}/repos/{repo}/git"
        target = {"type": "commit", "sha": sha, "url": f"{where}/commits/{sha}"}
        ref = f"refs/{kind}/{name}"
        return 200, {"ref": ref, "node_id": f"REF_{sha[:8]}", "url": f"{where}/{ref}", "object": target}, {}

    def _compare(self, request: Recorded, repo: str, basehead: str) -> tuple[int, Any, dict[str, str]]:
        target, _, head = unquote(basehead).partition("...")
        base = self.bases.get(head)
        if base is None:
            raise ApiError(404, "Not Found")
        on_target = self.at(repo, target) == head
        shown = reporting_payloads.commit(self.url, repo, head if on_target else base, [])
        link = {"url": f"{self.url}/repos/{repo}/commits/{base}", "html_url": f"https://github.example/{repo}"}
        shown |= {"parents": [{"sha": base, **link}] if on_target else []}
        where = f"{self.url}/repos/{repo}/compare/{basehead}"
        return 200, {
            "url": where, "html_url": where, "permalink_url": where, "diff_url": where, "patch_url": where,
            "base_commit": shown, "merge_base_commit": shown, "status": "ahead", "ahead_by": 1, "behind_by": 0,
            "total_commits": 1, "commits": [],
        }, {}  # fmt: skip

    # -- webhooks -----------------------------------------------------------------------------------------------

    def push(self, repo: str, branch: str, sha: str, *, forced: bool = False) -> tuple[dict[str, str], bytes]:
        """Move a branch, and write the `push` of that."""
        before = self.at(repo, branch) or _NOBODY
        self.moved[repo, branch] = sha
        return self._pushed(repo, branch, before, sha, forced=forced)

    def delete(self, repo: str, branch: str) -> tuple[dict[str, str], bytes]:
        """Delete a branch, and write the `push` of that."""
        before = self.at(repo, branch) or _NOBODY
        self.moved[repo, branch] = None
        return self._pushed(repo, branch, before, _NOBODY)

    def _pushed(
        self, repo: str, branch: str, before: str, after: str, *, forced: bool = False
    ) -> tuple[dict[str, str], bytes]:
        about = self._of(repo)
        about["repository"] |= {"created_at": 1, "pushed_at": int(self.clock())}
        return self._write("push", {
            "ref": f"refs/heads/{branch}", "before": before, "after": after, "created": before == _NOBODY,
            "deleted": after == _NOBODY, "forced": forced, "base_ref": None, "compare": "https://github.example/x",
            "commits": [], "head_commit": None, "pusher": {"name": "dev", "email": "dev@example.org"}, **about,
        })  # fmt: skip

    def deleted(self, repo: str, branch: str, kind: str = "branch") -> tuple[dict[str, str], bytes]:
        """Delete a branch or tag, and write the `delete` of that."""
        if kind == "branch":
            self.moved[repo, branch] = None
        body = {"ref": branch, "ref_type": kind, "pusher_type": "user", **self._of(repo)}
        return self._write("delete", body)

    def pull(
        self, action: str, number: int, repo: str, branch: str, sha: str, *, head: str | None = None, ago: float = 0.0,
        before: str = "",
    ) -> tuple[dict[str, str], bytes]:  # fmt: skip
        """Write a `pull_request`; `head`: the repository of its branch, if a fork; `before`: its last commit."""
        at = self.clock() - ago
        state = "closed" if action == "closed" else "open"
        one = FakePull(number, repo, sha, branch, "dev", head or repo, at, at, state)
        nobody: dict[str, Any] = {"assignees": [], "requested_reviewers": [], "requested_teams": []}
        pull = reporting_payloads.pull(self.url, one, whole=True) | nobody | {"active_lock_reason": None}
        if action == "closed":
            pull |= {"closed_at": payloads.when(at), "merged": False}
        body = {"action": action, "number": number, "pull_request": pull, **self._of(repo)}
        if action == "synchronize":
            body |= {"before": before, "after": sha}
        return self._write("pull_request", body)

    def destroyed(self, repo: str, branch: str, sha: str) -> tuple[dict[str, str], bytes]:
        """Take an entry out of the merge queue, and write the `merge_group` of that."""
        self.moved[repo, branch] = None
        group = {
            "head_sha": sha, "head_ref": f"refs/heads/{branch}", "base_sha": _NOBODY, "base_ref": "refs/heads/main",
            "head_commit": self._commit_of(sha),
        }  # fmt: skip
        body = {"action": "destroyed", "reason": "dequeued", "merge_group": group, **self._of(repo)}
        return self._write("merge_group", body)

    def _commit_of(self, sha: str) -> dict[str, Any]:
        person = {"name": "dev", "email": "dev@example.org"}
        return {
            "id": sha, "tree_id": sha[::-1], "message": "a change", "timestamp": payloads.when(self.clock()),
            "author": person, "committer": person,
        }  # fmt: skip

    def _of(self, repo: str) -> dict[str, Any]:
        private = repo in self.private
        repository = payloads.full_repository(self.url, repo, private=private, now=self.clock(), push=True)
        return {"repository": repository, "sender": payloads.user(self.url, "dev")}

    def _write(self, kind: str, body: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        return self.sign(kind, json.dumps(body).encode())
