"""Checks of the credentials, by harmless reads, and what they allow in words."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from triggerbot.core.errors import CIDenied, ReadOnly
from triggerbot.systems.github import messages
from triggerbot.systems.github.auth import NEEDED, AppAuth
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.limits import quota
from triggerbot.systems.http import Reply, segments, usable

#: Scopes with which classic tokens can rerun jobs; the second only in public repositories.
_SCOPE, _PUBLIC_SCOPE = "repo", "public_repo"
_CONTENTS = "contents: read (to know what jobs need, and which deploy)"


def check_token(client: Client, repositories: Sequence[str]) -> str:
    """Try a personal access token in each repository; raises `CIError`, with a remedy where one is known.

    Raises `ReadOnly` if all of them can be read, and not all rerun.
    """
    if not repositories:
        reply = usable(client.get("", "/rate_limit", conditional=False), "reading the rate limit")
        return f"GitHub accepts the token{_scopes(reply)}; no repositories are configured{_left(reply)}"
    lacks: list[str] = []
    for project in repositories:
        reply = _repository(client, project)
        lacks += _lacking(project, reply)
    if lacks:
        raise ReadOnly("; ".join(lacks))
    unread = [project for project in repositories if not _reads_contents(client, project)]
    without = f"; without {_CONTENTS} in {', '.join(unread)}" if unread else ""
    return f"GitHub accepts the token{_scopes(reply)} for {', '.join(repositories)}{without}{_left(reply)}"


def check_app(
    auth: AppAuth, client: Client, repositories: Sequence[str], queue_wants: frozenset[str] = frozenset()
) -> str:
    """Check an App's permissions in each repository and read each; raises `CIError`, with a remedy.

    `queue_wants`: what is wanted of the merge queue.
    """
    if not repositories:
        itself = auth.itself()
        _check_actions(f"the GitHub App {itself.name!r}", itself.permissions)
        return f"GitHub accepts the App {itself.name!r} with actions: write; no repositories are configured"
    missing: dict[str, list[str]] = {}
    for project in repositories:
        installed = auth.installation(project)
        app = installed.app_slug
        if installed.suspended_at:
            raise CIDenied(f"the installation of the GitHub App {app!r} on {project} is suspended: unsuspend it")
        _check_actions(f"the GitHub App {app!r} in {project}", installed.permissions)
        lacking = [*_missing(installed.permissions), *_missing_for_queue(installed.permissions, queue_wants)]
        for what in lacking:
            missing.setdefault(what, []).append(project)
        reply = _repository(client, project)
    lacks = "".join(f"; without {what} in {', '.join(where)}" for what, where in missing.items())
    return f"GitHub accepts the App {app!r} with actions: write for {', '.join(repositories)}{lacks}{_left(reply)}"


def _repository(client: Client, project: str) -> Reply:
    reply = client.get(project, segments("repos", *project.split("/")), conditional=False)
    if reply.status == 404:
        raise CIDenied(f"{project} is not there, or the token may not see it: check the name and the token")
    return usable(reply, f"reading {project}")


def _reads_contents(client: Client, project: str) -> bool:
    """Whether a token may read the contents of a repository: of fine-grained ones only trying tells."""
    path = segments("repos", *project.split("/"), "contents", ".github", "workflows")
    return client.get(project, path, conditional=False).status != 403


def _lacking(project: str, reply: Reply) -> Iterator[str]:
    """Yield why a token certainly cannot rerun jobs, if so; of fine-grained ones GitHub shows only the role.

    Raises `CIDenied` if nothing can ever be rerun there.
    """
    repository = messages.answer(reply.body, messages.OwnRepository)
    if repository.archived:
        raise CIDenied(f"{project} is archived: nothing can be rerun there; take it out of the config")
    if "x-oauth-scopes" in reply.headers:
        enough = {_SCOPE} if repository.private else {_SCOPE, _PUBLIC_SCOPE}
        if not enough & _scope_set(reply):
            yield f"the token may not rerun jobs in {project}: {NEEDED}; it has{_scopes(reply)}"
    if repository.permissions is not None and repository.permissions.push is False:
        yield f"the token's owner may not write to {project}: give them the role 'write' there"


def _check_actions(who: str, permissions: messages.Permissions) -> None:
    if permissions.actions != "write":
        raise CIDenied(f"{who} has actions: {permissions.actions or 'none'}: {NEEDED}; change and accept it")


def _missing(permissions: messages.Permissions) -> Iterator[str]:
    """Yield the permissions that gates or reports would lack, should there be any; reruns need only `actions`."""
    if permissions.contents not in ("read", "write"):
        yield _CONTENTS
    if permissions.checks != "write":
        yield "checks: write (for check runs)"
    if "write" not in (permissions.pull_requests, permissions.issues):
        yield "pull_requests: write (for comments)"


def _missing_for_queue(permissions: messages.Permissions, wants: frozenset[str]) -> Iterator[str]:
    """Yield the permissions that are lacking for what is wanted of the merge queue."""
    if wants and permissions.merge_queues not in ("read", "write"):
        yield "merge_queues: read (to hear of entries of the merge queue at once)"
    if "requeue" in wants and permissions.contents != "write":
        yield "contents: write (to put pull requests back into the merge queue)"


def _scope_set(reply: Reply) -> set[str]:
    return {scope.strip() for scope in reply.headers.get("x-oauth-scopes", "").split(",")}


def _scopes(reply: Reply) -> str:
    if "x-oauth-scopes" not in reply.headers:
        return " (fine-grained, its permissions cannot be read)"
    return f" with the scopes {', '.join(sorted(_scope_set(reply) - {''})) or '(none)'}"


def _left(reply: Reply) -> str:
    left = quota(reply)
    if left is None:
        return ""
    until = datetime.fromtimestamp(left.reset, UTC).strftime("%H:%M")
    return f"; {left.remaining} of {left.limit} requests are left until {until} UTC"
