"""How GitHub writes its objects: complete by its published description, with made-up content."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def _words(text: str) -> list[str]:
    return text.split()


#: The description is checked in test_github_openapi.py; whatever is added there has to be added here.
_REPOSITORY_URLS = _words(
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags "
    "teams trees"
)
_USER_URLS = _words("events followers following gists organizations received_events repos starred subscriptions")
_NUMBERS = _words(
    "forks forks_count stargazers_count watchers watchers_count size open_issues open_issues_count network_count "
    "subscribers_count"
)


@dataclass
class FakeJob:
    """One job in one attempt."""

    id: int
    name: str
    attempt: int
    created: float
    started: float | None = None
    completed: float | None = None
    status: str = "queued"
    conclusion: str | None = None
    step: str = "run tests"
    #: The conclusions of its steps, where they are not what follows from its own.
    steps: list[str | None] | None = None


@dataclass
class FakeRun:
    """A workflow run with the jobs of all its attempts."""

    id: int
    repo: str
    workflow: str
    sha: str
    branch: str | None
    message: str
    actor: str
    head_repository: str | None
    created: float
    updated: float
    attempt: int = 1
    jobs: list[FakeJob] = field(default_factory=list)
    needs: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, list[str]] = field(default_factory=dict)
    labels: list[str] = field(default_factory=lambda: ["ubuntu-latest"])
    group: str = "GitHub Actions"
    event: str = "push"
    path: str = ""
    #: The branch that its pull request is to be merged into; empty without one.
    target: str = ""

    @property
    def file(self) -> str:
        """The path of its workflow, by the workflow's name unless told."""
        return self.path or f".github/workflows/{self.workflow.lower()}.yml"

    #: What it came to in this attempt, whatever its jobs did.
    came_to: str | None = None
    #: What jobs are called when they are rerun.
    renames: dict[str, str] = field(default_factory=dict)

    def current(self) -> list[FakeJob]:
        """Give the jobs of the newest attempt."""
        return [job for job in self.jobs if job.attempt == self.attempt]

    @property
    def status(self) -> str:
        """How far the run is: completed once all jobs are."""
        states = {job.status for job in self.current()}
        if states <= {"completed"}:
            return "completed"
        return "queued" if states == {"queued"} else "in_progress"

    @property
    def conclusion(self) -> str | None:
        """What it came to: the worst of its jobs."""
        if self.status != "completed":
            return None
        if self.came_to is not None:
            return self.came_to
        ends = {job.conclusion for job in self.current()}
        return next((end for end in ("failure", "timed_out", "cancelled", "action_required") if end in ends), "success")


def when(moment: float | None) -> str | None:
    """Write a time as GitHub does."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(api: str, login: str) -> dict[str, Any]:
    """Write a `simple-user`."""
    return {
        "login": login,
        "id": 1000 + sum(login.encode()),
        "node_id": f"U_{login}",
        "avatar_url": f"https://avatars.example/{login}",
        "gravatar_id": "",
        "url": f"{api}/users/{login}",
        "html_url": f"https://github.example/{login}",
        "type": "User",
        "site_admin": False,
        **{f"{name}_url": f"{api}/users/{login}/{name}" for name in _USER_URLS},
    }


def minimal_repository(api: str, full_name: str, *, private: bool = False) -> dict[str, Any]:
    """Write a `minimal-repository`."""
    owner, name = full_name.split("/")
    return {
        "id": 1 + sum(full_name.encode()),
        "node_id": f"R_{name}",
        "name": name,
        "full_name": full_name,
        "private": private,
        "owner": user(api, owner),
        "html_url": f"https://github.example/{full_name}",
        "description": None,
        "fork": False,
        "url": f"{api}/repos/{full_name}",
        **{f"{part}_url": f"{api}/repos/{full_name}/{part}" for part in _REPOSITORY_URLS},
    }


def full_repository(api: str, full_name: str, *, private: bool, now: float, push: bool) -> dict[str, Any]:
    """Write a `full-repository`, which is also good as the `repository` of a webhook."""
    address = f"github.example/{full_name}"
    return {
        **minimal_repository(api, full_name, private=private),
        **dict.fromkeys(_NUMBERS, 0),
        **{f"has_{part}": True for part in ("issues", "projects", "wiki", "pages", "discussions", "downloads")},
        "clone_url": f"https://{address}.git",
        "git_url": f"git://{address}.git",
        "ssh_url": f"ssh://git@{address}.git",
        "svn_url": f"https://{address}",
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "default_branch": "main",
        "visibility": "private" if private else "public",
        "archived": False,
        "disabled": False,
        "topics": [],
        "created_at": when(now - 1e7),
        "updated_at": when(now),
        "pushed_at": when(now),
        "permissions": {"admin": False, "push": push, "pull": True},
    }


def commit(run: FakeRun) -> dict[str, Any]:
    """Write a `simple-commit`: the head of a workflow run."""
    person = {"name": run.actor, "email": f"{run.actor}@example.org"}
    return {
        "id": run.sha,
        "tree_id": run.sha[::-1],
        "message": run.message,
        "timestamp": when(run.created),
        "author": person,
        "committer": person,
    }


def pull_of_run(api: str, run: FakeRun) -> dict[str, Any]:
    """Write a `pull-request-minimal`."""
    repo = {"id": 1, "url": f"{api}/repos/{run.repo}", "name": run.repo.partition("/")[2]}
    return {
        "id": 7,
        "number": 7,
        "url": f"{api}/repos/{run.repo}/pulls/7",
        "head": {"ref": run.branch, "sha": run.sha, "repo": repo},
        "base": {"ref": run.target, "sha": "0" * 40, "repo": repo},
    }


def workflow_run(api: str, run: FakeRun) -> dict[str, Any]:
    """Write a `workflow-run` as of its newest attempt."""
    address = f"{api}/repos/{run.repo}/actions/runs/{run.id}"
    parts = ("jobs", "logs", "cancel", "rerun", "artifacts")
    return {
        "id": run.id,
        "name": run.workflow,
        "node_id": f"WFR_{run.id}",
        "head_branch": run.branch,
        "head_sha": run.sha,
        "path": run.file,
        "display_title": run.message.split("\n")[0],
        "run_number": run.id % 1000,
        "run_attempt": run.attempt,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": 1 + sum(run.file.encode()),
        "check_suite_id": run.id + 1,
        "check_suite_node_id": f"CS_{run.id}",
        "check_suite_url": f"{api}/repos/{run.repo}/check-suites/{run.id + 1}",
        "previous_attempt_url": f"{address}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "url": address,
        "html_url": f"https://github.example/{run.repo}/actions/runs/{run.id}",
        "workflow_url": f"{api}/repos/{run.repo}/actions/workflows/1",
        **{f"{part}_url": f"{address}/{part}" for part in parts},
        "pull_requests": [pull_of_run(api, run)] if run.target else [],
        "referenced_workflows": [],
        "created_at": when(run.created),
        "updated_at": when(run.updated),
        "run_started_at": when(run.created),
        "actor": user(api, run.actor),
        "triggering_actor": user(api, run.actor),
        "head_commit": commit(run),
        "repository": minimal_repository(api, run.repo),
        "head_repository": minimal_repository(api, run.head_repository) if run.head_repository else None,
    }


def job(api: str, run: FakeRun, one: FakeJob) -> dict[str, Any]:
    """Write a `job`."""
    address = f"{api}/repos/{run.repo}"
    return {
        "id": one.id,
        "run_id": run.id,
        "run_url": f"{address}/actions/runs/{run.id}",
        "run_attempt": one.attempt,
        "node_id": f"CR_{one.id}",
        "head_sha": run.sha,
        "head_branch": run.branch,
        "workflow_name": run.workflow,
        "url": f"{address}/actions/jobs/{one.id}",
        "html_url": f"https://github.example/{run.repo}/actions/runs/{run.id}/job/{one.id}",
        "check_run_url": f"{address}/check-runs/{one.id}",
        "status": one.status,
        "conclusion": one.conclusion,
        "created_at": when(one.created),
        "started_at": when(one.started or one.created),
        "completed_at": when(one.completed),
        "name": one.name,
        "steps": _steps(one),
        "labels": run.labels,
        "runner_id": 7 if one.started else None,
        "runner_name": "runner 7" if one.started else None,
        "runner_group_id": 1 if one.started else None,
        "runner_group_name": run.group if one.started else None,
    }


def _steps(one: FakeJob) -> list[dict[str, Any]]:
    if one.status != "completed" or one.conclusion == "skipped":
        return []
    if one.steps is not None:
        return [
            {"name": f"step {at}", "number": at + 1, "conclusion": end, "status": "completed" if end else "in_progress"}
            for at, end in enumerate(one.steps)
        ]
    times = {"started_at": when(one.started), "completed_at": when(one.completed), "status": "completed"}
    end = one.conclusion if one.conclusion in ("success", "failure", "cancelled") else "cancelled"
    return [
        {"name": "Set up job", "number": 1, "conclusion": "success", **times},
        {"name": one.step, "number": 2, "conclusion": end, **times},
    ]


def installation(api: str, number: int, app_id: str, *, actions: str | None, now: float) -> dict[str, Any]:
    """Write an `installation` of an App."""
    address = f"{api}/app/installations/{number}"
    return {
        "id": number,
        "account": user(api, "octo"),
        "repository_selection": "all",
        "access_tokens_url": f"{address}/access_tokens",
        "repositories_url": f"{api}/installation/repositories",
        "html_url": f"https://github.example/settings/installations/{number}",
        "app_id": int(app_id),
        "app_slug": "triggerbot-test",
        "target_id": 1,
        "target_type": "Organization",
        "permissions": {"metadata": "read", **({"actions": actions} if actions else {})},
        "events": ["workflow_job", "workflow_run"],
        "single_file_name": None,
        "created_at": when(now - 1e6),
        "updated_at": when(now - 1e6),
        "suspended_by": None,
        "suspended_at": None,
    }


def integration(api: str, app_id: str, *, actions: str | None, now: float) -> dict[str, Any]:
    """Write an App as it sees itself."""
    return {
        "id": int(app_id),
        "node_id": "A_1",
        "slug": "triggerbot-test",
        "name": "triggerbot test",
        "owner": user(api, "octo"),
        "description": None,
        "external_url": "https://triggerbot.example",
        "html_url": "https://github.example/apps/triggerbot-test",
        "created_at": when(now - 1e6),
        "updated_at": when(now - 1e6),
        "permissions": {"metadata": "read", **({"actions": actions} if actions else {})},
        "events": ["workflow_job"],
    }


def workflow(api: str, run: FakeRun) -> dict[str, Any]:
    """Write the `workflow` of a webhook."""
    address = f"{api}/repos/{run.repo}/actions/workflows/1"
    return {
        "id": 1,
        "node_id": "W_1",
        "name": run.workflow,
        "path": run.file,
        "state": "active",
        "created_at": when(run.created),
        "updated_at": when(run.created),
        "url": address,
        "html_url": f"https://github.example/{run.repo}/blob/main/.github/workflows/x.yml",
        "badge_url": f"https://github.example/{run.repo}/badge.svg",
    }


def push_event(api: str, run: FakeRun, repository: dict[str, Any]) -> dict[str, Any]:
    """Write a `push` that put a run's commit onto its branch."""
    person = {"name": run.actor, "email": f"{run.actor}@example.org", "username": run.actor}
    head = {
        **commit(run),
        "author": person,
        "committer": person,
        "distinct": True,
        "url": f"https://github.example/{run.repo}/commit/{run.sha}",
        "added": [],
        "removed": [],
        "modified": ["file.py"],
    }
    return {
        "ref": f"refs/heads/{run.branch}",
        "before": "0" * 40,
        "after": run.sha,
        "created": True,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": f"https://github.example/{run.repo}/compare/{run.sha}",
        "commits": [head],
        "head_commit": head,
        # In pushes, and there only, two times of the repository are seconds since the epoch.
        "repository": {**repository, "created_at": int(run.created), "pushed_at": int(run.created)},
        "pusher": {"name": run.actor, "email": f"{run.actor}@example.org"},
        "sender": user(api, run.actor),
    }
