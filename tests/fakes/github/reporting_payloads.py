"""How GitHub writes what people read there: complete by its published description, with made-up content."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github import payloads
from tests.fakes.github.payloads import when


@dataclass
class FakePull:
    """A pull request."""

    number: int
    repo: str
    sha: str
    branch: str
    author: str
    #: That of the head: another one's for a fork.
    head_repository: str
    made: float
    updated: float
    state: str = "open"


@dataclass
class FakeComment:
    """A comment on a pull request."""

    id: int
    repo: str
    pull: int
    author: str
    body: str
    made: float
    kind: str = "User"
    reactions: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class FakeCheck:
    """A check run, with what was last said of it."""

    id: int
    repo: str
    sha: str
    made: float
    says: dict[str, Any]
    completed: float | None = None


@dataclass
class FakeStatus:
    """A commit status."""

    id: int
    repo: str
    sha: str
    says: dict[str, Any]
    made: float


def account(api: str, login: str, kind: str = "User") -> dict[str, Any]:
    """Write a `simple-user` or a bot."""
    return {**payloads.user(api, login), "type": kind}


def comment(api: str, one: FakeComment) -> dict[str, Any]:
    """Write an `issue-comment`."""
    address = f"{api}/repos/{one.repo}/issues"
    names = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
    counts = {name: sum(content == name for _, content in one.reactions) for name in names}
    return {
        "id": one.id,
        "node_id": f"IC_{one.id}",
        "url": f"{address}/comments/{one.id}",
        "html_url": f"https://github.example/{one.repo}/pull/{one.pull}#issuecomment-{one.id}",
        "body": one.body,
        "user": account(api, one.author, one.kind),
        "created_at": when(one.made),
        "updated_at": when(one.made),
        "issue_url": f"{address}/{one.pull}",
        "author_association": "CONTRIBUTOR",
        "performed_via_github_app": None,
        "reactions": {"url": f"{address}/comments/{one.id}/reactions", "total_count": len(one.reactions), **counts},
    }


def check_run(api: str, one: FakeCheck, app_id: str) -> dict[str, Any]:
    """Write a `check-run` of the App."""
    address = f"{api}/repos/{one.repo}/check-runs/{one.id}"
    output = one.says.get("output", {})
    return {
        "id": one.id,
        "head_sha": one.sha,
        "node_id": f"CR_{one.id}",
        "external_id": one.says.get("external_id", ""),
        "url": address,
        "html_url": f"https://github.example/{one.repo}/runs/{one.id}",
        "details_url": one.says.get("details_url", "https://triggerbot.example"),
        "status": one.says.get("status", "queued"),
        "conclusion": one.says.get("conclusion"),
        "started_at": when(one.made),
        "completed_at": when(one.completed),
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{address}/annotations",
        },
        "name": one.says["name"],
        "check_suite": {"id": one.id + 1},
        "app": payloads.integration(api, app_id, actions="write", now=one.made),
        "pull_requests": [],
    }


def status(api: str, one: FakeStatus, owner: str) -> dict[str, Any]:
    """Write a `status`."""
    return {
        "url": f"{api}/repos/{one.repo}/statuses/{one.sha}",
        "avatar_url": None,
        "id": one.id,
        "node_id": f"SC_{one.id}",
        "state": one.says["state"],
        "description": one.says.get("description"),
        "target_url": one.says.get("target_url"),
        "context": one.says.get("context", "default"),
        "created_at": when(one.made),
        "updated_at": when(one.made),
        "creator": account(api, owner),
    }


def pull(api: str, one: FakePull, *, whole: bool = False) -> dict[str, Any]:
    """Write a `pull-request-simple`, or with `whole` a `pull-request`."""
    address = f"{api}/repos/{one.repo}/pulls/{one.number}"
    page = f"https://github.example/{one.repo}/pull/{one.number}"
    places = {
        "comments_url": f"{api}/repos/{one.repo}/issues/{one.number}/comments",
        "commits_url": f"{address}/commits",
        "statuses_url": f"{api}/repos/{one.repo}/statuses/{one.sha}",
        "html_url": page,
        "issue_url": f"{api}/repos/{one.repo}/issues/{one.number}",
        "review_comments_url": f"{address}/comments",
        "review_comment_url": f"{address}/comments{{/number}}",
        "url": address,
    }
    return {
        **places,
        "id": 9000 + one.number,
        "node_id": f"PR_{one.number}",
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": "a change",
        "user": account(api, one.author),
        "body": None,
        "labels": [],
        "milestone": None,
        "created_at": when(one.made),
        "updated_at": when(one.updated),
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": None,
        "assignee": None,
        "head": _end(api, one.head_repository, one.branch, one.sha, one.made),
        "base": _end(api, one.repo, "main", "b" * 40, one.made),
        "_links": {name: {"href": url} for name, url in _links(places).items()},
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "draft": False,
        **(_counts() if whole else {}),
    }


def _links(places: dict[str, str]) -> dict[str, str]:
    links = {name.removesuffix("_url"): url for name, url in places.items()}
    return {**links, "self": links.pop("url")}


def _counts() -> dict[str, Any]:
    numbers = ("comments", "review_comments", "commits", "additions", "deletions", "changed_files")
    return {
        **dict.fromkeys(numbers, 1),
        "merged": False,
        "mergeable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "maintainer_can_modify": False,
    }


def _end(api: str, repository: str, branch: str, sha: str, now: float) -> dict[str, Any]:
    owner = repository.split("/", maxsplit=1)[0]
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": account(api, owner),
        "repo": payloads.full_repository(api, repository, private=False, now=now, push=True),
    }


def commit(api: str, repo: str, sha: str, files: list[str]) -> dict[str, Any]:
    """Write a `commit` with its files."""
    address = f"{api}/repos/{repo}/commits/{sha}"
    person = {"name": "dev", "email": "dev@example.org", "date": "2026-11-20T00:00:00Z"}
    return {
        "url": address,
        "sha": sha,
        "node_id": f"C_{sha}",
        "html_url": f"https://github.example/{repo}/commit/{sha}",
        "comments_url": f"{address}/comments",
        "commit": {
            "url": address,
            "author": person,
            "committer": person,
            "message": "a change",
            "comment_count": 0,
            "tree": {"sha": sha, "url": address},
        },
        "author": account(api, "dev"),
        "committer": account(api, "dev"),
        "parents": [],
        "stats": {"additions": 1, "deletions": 0, "total": 1},
        "files": [_file(address, sha, name) for name in files],
    }


def _file(address: str, sha: str, name: str) -> dict[str, Any]:
    return {
        "sha": sha,
        "filename": name,
        "status": "modified",
        "additions": 1,
        "deletions": 0,
        "changes": 1,
        "blob_url": f"{address}/blob",
        "raw_url": f"{address}/raw",
        "contents_url": f"{address}/contents",
        "patch": "+x",
    }


def annotation(api: str, repo: str, said: dict[str, Any]) -> dict[str, Any]:
    """Write a `check-annotation`: what an Action said, or else what GitHub does of a step that failed."""
    return {
        "path": ".github",
        "start_line": 1,
        "end_line": 1,
        "start_column": None,
        "end_column": None,
        "annotation_level": "failure",
        "title": "",
        "message": "Process completed with exit code 1.",
        "raw_details": "",
        "blob_href": f"https://github.example/{repo}/blob/x",
        **said,
    }


def annotation_node(one: dict[str, Any]) -> dict[str, Any]:
    """Write a `check-annotation` as GraphQL has it."""
    return {
        "path": one["path"],
        "annotationLevel": (one["annotation_level"] or "").upper() or None,
        "title": one["title"],
        "message": one["message"],
        "location": {"start": {"line": one["start_line"]}},
    }


def issue(api: str, one: FakePull | None, number: int, repo: str, now: float) -> dict[str, Any]:
    """Write the `issue` of a webhook about a comment: of a pull request, or of an issue."""
    address = f"{api}/repos/{repo}/issues/{number}"
    page = f"https://github.example/{repo}/issues/{number}"
    links = {f"{name}_url": f"{page}.{name}" for name in ("diff", "patch")}
    about = {"pull_request": {"url": f"{api}/repos/{repo}/pulls/{number}", "html_url": page, **links}}
    return {
        "active_lock_reason": None,
        "assignee": None,
        "assignees": [],
        "author_association": "CONTRIBUTOR",
        "body": None,
        "closed_at": None,
        "comments": 1,
        "comments_url": f"{address}/comments",
        "created_at": when(now),
        "events_url": f"{address}/events",
        "html_url": page,
        "id": 8000 + number,
        "labels": [],
        "labels_url": f"{address}/labels{{/name}}",
        "locked": False,
        "milestone": None,
        "node_id": f"I_{number}",
        "number": number,
        "reactions": comment(api, FakeComment(1, repo, number, "x", "", now))["reactions"],
        "repository_url": f"{api}/repos/{repo}",
        "state": "open",
        "title": "a change",
        "updated_at": when(now),
        "url": address,
        "user": account(api, "dev"),
        **(about if one is not None else {}),
    }
