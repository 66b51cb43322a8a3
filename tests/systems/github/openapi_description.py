"""GitHub's own OpenAPI description, fetched when tests need it, and cut down to what we use.

It comes from the npm package `@octokit/openapi` and is kept in the user's cache (`$XDG_CACHE_HOME/triggerbot`), never
in the repository. The whole has 13 MB and 800 paths; the part that is used is loaded in milliseconds.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

#: Renew it now and then: what changed in GitHub's API shows as a failed test.
PACKAGE = "@octokit/openapi@23.0.2"
_MEMBER = "package/generated/api.github.com.json"
#: Seconds for npm, which fetches 29 MB once.
_TIMEOUT = 90

PATHS = (
    "/app",
    "/app/installations/{installation_id}/access_tokens",
    "/rate_limit",
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/actions/artifacts/{artifact_id}/{archive_format}",
    "/repos/{owner}/{repo}/actions/jobs/{job_id}/rerun",
    "/repos/{owner}/{repo}/actions/runs",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/artifacts",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
    "/repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs",
    "/repos/{owner}/{repo}/check-runs",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}",
    "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations",
    "/repos/{owner}/{repo}/collaborators/{username}/permission",
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "/repos/{owner}/{repo}/compare/{basehead}",
    "/repos/{owner}/{repo}/commits/{ref}",
    "/repos/{owner}/{repo}/commits/{ref}/check-runs",
    "/repos/{owner}/{repo}/contents/{path}",
    "/repos/{owner}/{repo}/git/ref/{ref}",
    "/repos/{owner}/{repo}/installation",
    "/repos/{owner}/{repo}/issues",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}",
    "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
    "/repos/{owner}/{repo}/issues/{issue_number}",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
    "/repos/{owner}/{repo}/pulls",
    "/repos/{owner}/{repo}/pulls/{pull_number}",
    "/repos/{owner}/{repo}/statuses/{sha}",
    "/user",
)
WEBHOOKS = (
    "check-run-requested-action",
    "check-run-rerequested",
    "delete",
    "issue-comment-created",
    "merge-group-checks-requested",
    "merge-group-destroyed",
    "ping",
    "pull-request-closed",
    "pull-request-dequeued",
    "pull-request-opened",
    "pull-request-reopened",
    "pull-request-synchronize",
    "push",
    "workflow-job-completed",
    "workflow-job-in-progress",
    "workflow-job-queued",
    "workflow-run-completed",
    "workflow-run-in-progress",
    "workflow-run-requested",
)


class NoDescriptionError(Exception):
    """The description cannot be had here; the message says why."""


def description() -> dict[str, Any]:
    """Give the part that we use, from the cache or by npm; raises `NoDescriptionError`."""
    name = hashlib.sha256(repr((PACKAGE, PATHS, WEBHOOKS, 2)).encode()).hexdigest()[:16]
    kept = _cache() / f"github-openapi-{name}.json"
    if not kept.exists():
        part = json.dumps(_cut(_fetch()))
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Several test processes may do this at once: each puts a whole file into place.
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False) as file:
            file.write(part)
        Path(file.name).replace(kept)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "triggerbot"


def _fetch() -> dict[str, Any]:
    npm = shutil.which("npm")
    if npm is None:
        raise NoDescriptionError("npm is not installed")
    with tempfile.TemporaryDirectory() as directory:
        command = [npm, "pack", "--silent", "--ignore-scripts", PACKAGE]
        try:
            subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=_TIMEOUT)
        except (subprocess.SubprocessError, OSError) as error:
            raise NoDescriptionError(f"npm cannot fetch {PACKAGE}: {error}") from None
        with tarfile.open(next(Path(directory).glob("*.tgz"))) as archive:
            member = archive.extractfile(_MEMBER)
            if member is None:
                raise NoDescriptionError(f"{PACKAGE} has no {_MEMBER}")
            whole: dict[str, Any] = json.load(member)
    return whole


def _cut(whole: dict[str, Any]) -> dict[str, Any]:
    """Keep the paths and webhooks that we use, and whatever they refer to."""
    part = {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": whole["servers"],
        "paths": {path: whole["paths"][path] for path in PATHS},
        "x-webhooks": {name: whole["x-webhooks"][name] for name in WEBHOOKS},
        "components": {},
    }
    todo: list[Any] = [part["paths"], part["x-webhooks"]]
    while todo:
        todo.extend(_inside(todo.pop(), whole, part))
    return part


def _inside(node: Any, whole: dict[str, Any], part: dict[str, Any]) -> list[Any]:
    """List what is in a node, and what it refers to if that is new."""
    if isinstance(node, list):
        return list(node)
    if not isinstance(node, dict):
        return []
    if node.get("nullable") is True and isinstance(node.get("enum"), list) and None not in node["enum"]:
        # By the letter of OpenAPI 3.0 the enum forbids the null that GitHub allows and sends.
        node["enum"].append(None)
    inside = list(node.values())
    reference = node.get("$ref")
    if isinstance(reference, str):
        _, _, kind, name = reference.split("/", 3)
        kept = part["components"].setdefault(kind, {})
        if name not in kept:
            kept[name] = whole["components"][kind][name]
            inside.append(kept[name])
    return inside
