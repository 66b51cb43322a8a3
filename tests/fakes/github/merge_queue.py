"""The fake GitHub's merge queue: entries with branches of their own, required checks, eviction, and putting back.

entry = github.queue.enqueue(pull.number)
run = github.add_run(entry.repo, "CI", entry.sha, entry.branch, {...}, event="merge_group")
github.queue.look()  # merges or evicts what the required check decides
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.fakes.github import payloads
from tests.fakes.github import reporting_payloads as written
from tests.fakes.github.payloads import FakeRun
from tests.fakes.github.reporting import FakeTalk
from tests.fakes.github.reporting_payloads import FakePull

#: Conclusions with which a required check lets a merge pass.
_PASSES = frozenset({"success", "neutral", "skipped"})


@dataclass
class FakeEntry:
    """A pull request in the queue."""

    number: int
    repo: str
    branch: str
    sha: str
    #: The head of the pull request when it was put in.
    head: str
    #: Why it left the queue; empty while it is in it.
    left: str = ""


class Signs(Protocol):
    """Signs deliveries."""

    def __call__(self, kind: str, body: bytes) -> tuple[dict[str, str], bytes]:
        """Sign any body as a delivery."""


@dataclass
class FakeMergeQueue:
    """One queue for `main`. Its attributes may be changed by tests."""

    talk: FakeTalk
    runs: dict[int, FakeRun]
    sign: Signs
    about: Callable[[str], dict[str, Any]]
    #: The names of required checks.
    required: set[str] = field(default_factory=lambda: {"triggerbot"})
    entries: list[FakeEntry] = field(default_factory=list)

    def enqueue(self, number: int) -> FakeEntry:
        """Put a pull request into the queue."""
        pull = self.talk.pulls[number]
        base = f"{len(self.entries):040x}"
        branch = f"gh-readonly-queue/main/pr-{number}-{base}"
        sha = hashlib.sha1(f"{pull.sha} {base}".encode(), usedforsecurity=False).hexdigest()
        entry = FakeEntry(number, pull.repo, branch, sha, pull.sha)
        self.talk.files[sha] = []
        self.entries.append(entry)
        return entry

    def entry(self, number: int) -> FakeEntry | None:
        """Return the entry of a pull request that is in the queue."""
        return next((one for one in self.entries if one.number == number and not one.left), None)

    def look(self) -> None:
        """Merge or evict each entry as its required checks decide; its branch is deleted then."""
        for entry in [one for one in self.entries if not one.left]:
            ends = [self._end(entry.sha, name) for name in self.required]
            if any(end is not None and end not in _PASSES for end in ends):
                entry.left = "CI_FAILURE"
            elif all(end is not None for end in ends):
                entry.left, self.talk.pulls[entry.number].state = "MERGE", "closed"

    def evict(self, number: int, reason: str) -> FakeEntry:
        """Remove an entry for any reason."""
        entry = self.entry(number)
        assert entry is not None
        entry.left = reason
        return entry

    def _end(self, sha: str, name: str) -> str | None:
        """Return what a check came to, or a status; `None` while there is neither or it is pending."""
        checks = [one.says for one in self.talk.checks.values() if one.sha == sha and one.says["name"] == name]
        states = [one.says["state"] for one in self.talk.statuses if one.sha == sha and one.says["context"] == name]
        if checks:
            return checks[-1]["conclusion"]  # type: ignore[no-any-return]
        return states[-1] if states and states[-1] != "pending" else None

    # -- GraphQL -------------------------------------------------------------------------------------------------------

    def state(self, repo: str, number: int) -> dict[str, Any] | None:
        """Write a pull request with its place in the queue; `None` if there is none."""
        pull = self.talk.pulls.get(number)
        if pull is None or pull.repo != repo:
            return None
        entry = {"id": f"MQE_{number}"} if self.entry(number) else None
        state = "OPEN" if pull.state == "open" else "MERGED"
        return {"id": f"PR_{number}", "state": state, "headRefOid": pull.sha, "mergeQueueEntry": entry}

    def put_back(self, node_id: str, head: str | None) -> str:
        """Put a pull request in, or say why not in words."""
        pull = next((one for one in self.talk.pulls.values() if f"PR_{one.number}" == node_id), None)
        if pull is None:
            return f"Could not resolve to a node with the global id of '{node_id}'"
        if pull.state != "open":
            return "Pull request is closed"
        if head is not None and head != pull.sha:
            return "Head sha didn't match expected_head_oid"
        if self.entry(pull.number):
            return "Pull request is already in the queue"
        self.enqueue(pull.number)
        return ""

    # -- webhooks ------------------------------------------------------------------------------------------------------

    def requested(self, entry: FakeEntry) -> tuple[dict[str, str], bytes]:
        """Write a signed `merge_group`: an entry waits for its checks."""
        person = {"name": "github-merge-queue", "email": "noreply@example.org"}
        group = {
            "head_sha": entry.sha,
            "head_ref": f"refs/heads/{entry.branch}",
            "base_sha": "b" * 40,
            "base_ref": "refs/heads/main",
            "head_commit": {
                "id": entry.sha, "tree_id": entry.sha[::-1], "message": f"Merge pull request #{entry.number}",
                "timestamp": payloads.when(self.talk.clock()), "author": person, "committer": person,
            },
        }  # fmt: skip
        body = {"action": "checks_requested", "merge_group": group, **self.about(entry.repo)}
        return self.sign("merge_group", json.dumps(body).encode())

    def dequeued(self, entry: FakeEntry) -> tuple[dict[str, str], bytes]:
        """Write a signed `pull_request`: an entry has left the queue."""
        pull: FakePull = self.talk.pulls[entry.number]
        more = {"assignees": [], "requested_reviewers": [], "requested_teams": [], "active_lock_reason": None}
        body = {
            "action": "dequeued",
            "number": entry.number,
            "reason": entry.left,
            "pull_request": {**written.pull(self.talk.url, pull, whole=True), **more},
            **self.about(entry.repo),
        }
        return self.sign("pull_request", json.dumps(body).encode())
