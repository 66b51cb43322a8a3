"""Pull requests: which one a commit is the head of, and our comment there."""

from collections.abc import Iterator

from triggerbot.core.errors import CIDenied, NotKnown
from triggerbot.systems.github import messages, outcomes, talk
from triggerbot.systems.github.client import PER_PAGE, Client
from triggerbot.systems.http import segments


class Pulls:
    """Pull requests and comments. Raises `CIUnavailable`, `CIDenied` and `NotKnown` throughout."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, project: str, number: int) -> talk.Pull:
        """Read one pull request."""
        reply = self._client.get(project, segments("repos", *project.split("/"), "pulls", str(number)))
        body = outcomes.readable(reply, f"pull request {number} of {project}", outcomes.READ_PULLS).body
        return messages.answer(body, talk.Pull)

    def of_head(self, project: str, sha: str, *, fork: bool | None = None) -> list[talk.Pull]:
        """List the open pull requests that have this commit as their head, the oldest first.

        GitHub does not name those from forks by their commits; a commit that was just pushed is on one of those that
        changed last. `fork`: whether it may be from one, where that is known.
        """
        found = list(self._of_commit(project, sha))
        if not found and fork is not False:
            found = list(self._changed_last(project))
        return sorted((one for one in found if one.state == "open" and one.head.sha == sha), key=lambda one: one.number)

    def _of_commit(self, project: str, sha: str) -> Iterator[talk.Pull]:
        path = segments("repos", *project.split("/"), "commits", sha, "pulls")
        reply = self._client.get(project, path, {"per_page": str(PER_PAGE)})
        if reply.status in (404, 409, 422):  # a commit that only the fork has, or none
            return
        body = outcomes.readable(reply, f"the pull requests of {sha[:12]}", outcomes.READ_PULLS).body
        yield from messages.answer(body, list[talk.Pull])

    def _changed_last(self, project: str) -> Iterator[talk.Pull]:
        path = segments("repos", *project.split("/"), "pulls")
        query = {"state": "open", "sort": "updated", "direction": "desc", "per_page": str(PER_PAGE)}
        reply = self._client.get(project, path, query)
        body = outcomes.readable(reply, f"the pull requests of {project}", outcomes.READ_PULLS).body
        yield from messages.answer(body, list[talk.Pull])

    def comment_of(self, project: str, number: int, login: str) -> int:
        """Look for our comment (`login`: who we are) on a pull request; 0 if there is none."""
        path = segments("repos", *project.split("/"), "issues", str(number), "comments")
        for one in self._client.items(project, path, list[talk.Comment]):
            author = "" if one.user is None else one.user.login
            if (one.body or "").startswith(talk.MARKER) and author.lower() == login.lower():
                return one.id
        return 0

    def comment(self, project: str, number: int, text: str) -> int:
        """Make a comment on a pull request and give its id."""
        path = segments("repos", *project.split("/"), "issues", str(number), "comments")
        reply = outcomes.written(
            self._client, "POST", project, path, {"body": text}, needed=outcomes.WRITE_COMMENTS
        )  # fmt: skip
        return messages.answer(reply.body, talk.Comment).id

    def edit(self, project: str, number: int, text: str) -> bool:
        """Change a comment; tell whether it is still there."""
        path = segments("repos", *project.split("/"), "issues", "comments", str(number))
        try:
            outcomes.written(self._client, "PATCH", project, path, {"body": text}, needed=outcomes.WRITE_COMMENTS)
        except CIDenied:
            # GitHub says 404 of what is gone and of what a token may not change.
            if self._client.get(project, path, conditional=False).status != 404:
                raise
            return False
        return True

    def react(self, project: str, number: int, content: str) -> None:
        """React to a comment; to do it again changes nothing."""
        path = segments("repos", *project.split("/"), "issues", "comments", str(number), "reactions")
        body = {"content": content}
        outcomes.written(self._client, "POST", project, path, body, needed=outcomes.WRITE_COMMENTS)

    def access(self, project: str, login: str) -> talk.Access:
        """Ask what somebody may do; nothing if GitHub does not know them."""
        path = segments("repos", *project.split("/"), "collaborators", login, "permission")
        try:
            body = outcomes.readable(
                self._client.get(project, path, conditional=False), f"what {login} may do", outcomes.READ_METADATA
            ).body
        except NotKnown:
            return talk.Access()
        return messages.answer(body, talk.Access)
