"""Issues: what is written for those who watch a branch as a whole. All raise as `replies` says."""

from typing import Any

import msgspec

from triggerbot.core.errors import CIDenied
from triggerbot.systems.github import messages
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.replies import WRITE_ISSUES, written
from triggerbot.systems.http import segments

#: What is read of an issue: GitHub lists pull requests as issues, too ("List repository issues").
_OPEN, _CLOSED = "open", "closed"


class Issue(msgspec.Struct):
    """An issue, or a pull request that is listed as one."""

    number: int
    state: str = ""
    body: str | None = None
    user: messages.Account | None = None
    pull_request: dict[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.state == _OPEN


class Issues:
    """The issues of repositories, as far as they are ours."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ours(self, project: str, login: str, marker: str) -> list[Issue]:
        """List the open issues that we (`login`) wrote and whose text begins with a marker, the oldest first."""
        path = segments("repos", *project.split("/"), "issues")
        found = self._client.items(project, path, list[Issue], {"state": _OPEN, "creator": login})
        mine = [one for one in found if one.pull_request is None and (one.body or "").startswith(marker)]
        return sorted(
            (one for one in mine if one.user is not None and one.user.login.lower() == login.lower()),
            key=lambda one: one.number,
        )

    def create(self, project: str, title: str, body: str, labels: tuple[str, ...]) -> int:
        """Open an issue and return its number. Labels that do not exist are made, if the token may push."""
        path = segments("repos", *project.split("/"), "issues")
        content = {"title": title, "body": body, **({"labels": list(labels)} if labels else {})}
        reply = written(self._client, "POST", project, path, content, needed=WRITE_ISSUES)
        return messages.answer(reply.body, Issue).number

    def edit(self, project: str, number: int, title: str, body: str) -> bool:
        """Edit an issue; return whether it is open: somebody may have closed or deleted it."""
        try:
            return self._patch(project, number, {"title": title, "body": body}).is_open
        except CIDenied:
            # GitHub answers 404 for an issue that the token may not edit, and 410 for one that is deleted.
            path = segments("repos", *project.split("/"), "issues", str(number))
            if self._client.get(project, path, conditional=False).status not in (404, 410):
                raise
            return False

    def close(self, project: str, number: int, *, done: bool) -> None:
        """Close an issue: what it was about is over, or (not `done`) another issue is about it."""
        self._patch(project, number, {"state": _CLOSED, "state_reason": "completed" if done else "not_planned"})

    def _patch(self, project: str, number: int, content: dict[str, Any]) -> Issue:
        path = segments("repos", *project.split("/"), "issues", str(number))
        return messages.answer(written(self._client, "PATCH", project, path, content, needed=WRITE_ISSUES).body, Issue)

    def comment(self, project: str, number: int, text: str) -> None:
        """Comment on an issue."""
        path = segments("repos", *project.split("/"), "issues", str(number), "comments")
        written(self._client, "POST", project, path, {"body": text}, needed=WRITE_ISSUES)

    def has_comment(self, project: str, number: int, marker: str, login: str) -> bool:
        """Look for a comment of ours (`login`) that begins with a marker among the newest of an issue."""
        path = segments("repos", *project.split("/"), "issues", str(number), "comments")
        for one in self._client.items(project, path, list[messages.Comment]):
            author = "" if one.user is None else one.user.login
            if (one.body or "").startswith(marker) and author.lower() == login.lower():
                return True
        return False
