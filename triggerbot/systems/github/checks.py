"""Check runs, which only Apps can make, and commit statuses, which a token can."""

from typing import Any

from triggerbot.systems.github import messages, outcomes, talk
from triggerbot.systems.github.auth import bot
from triggerbot.systems.github.client import PER_PAGE, Client
from triggerbot.systems.http import segments

#: Characters of a check run's name.
_NAME_MAX = 100


class Checks:
    """What GitHub shows beside a commit. Raises `CIUnavailable`, `CIDenied` and `NotKnown` throughout."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(self, project: str, sha: str, branch: str, login: str) -> tuple[int, str]:
        """Look for the check run of a commit that our App (`login`) made for a branch: its id, or 0, and its name.

        A commit mostly has one. Where it stands on two branches, each was judged for itself, and neither hides the
        other: the second bears its branch's name, too.
        """
        ours = self._ours(project, sha, talk.NAME, login)
        if not ours or branch in ours:
            return ours.get(branch, 0), talk.NAME
        name = f"{talk.NAME} ({branch})"[:_NAME_MAX]
        return self._ours(project, sha, name, login).get(branch, 0), name

    def _ours(self, project: str, sha: str, name: str, login: str) -> dict[str, int]:
        path = segments("repos", *project.split("/"), "commits", sha, "check-runs")
        # All, not the newest alone: those of another branch count as well.
        query = {"check_name": name, "filter": "all", "per_page": str(PER_PAGE)}
        reply = self._client.get(project, path, query)
        body = outcomes.readable(reply, f"the check runs of {sha[:12]}", outcomes.WRITE_CHECKS).body
        listed = messages.answer(body, talk.CheckRuns).check_runs
        # The oldest of each branch, whatever the order.
        return {
            run.external_id: run.id
            for run in sorted(listed, key=lambda run: -run.id)
            if run.external_id and run.app is not None and bot(run.app.slug) == login
        }

    def create(self, project: str, sha: str, name: str, branch: str, content: dict[str, Any]) -> int:
        """Make a check run and give its id."""
        path = segments("repos", *project.split("/"), "check-runs")
        body = {"name": name, "head_sha": sha, "external_id": branch, **content}
        reply = outcomes.written(self._client, "POST", project, path, body, needed=outcomes.WRITE_CHECKS)
        return messages.answer(reply.body, talk.CheckRun).id

    def edit(self, project: str, number: int, content: dict[str, Any]) -> None:
        """Change a check run."""
        path = segments("repos", *project.split("/"), "check-runs", str(number))
        outcomes.written(self._client, "PATCH", project, path, content, needed=outcomes.WRITE_CHECKS)

    def status(self, project: str, sha: str, content: dict[str, Any]) -> None:
        """Set the commit status; GitHub takes a thousand for each commit and context."""
        path = segments("repos", *project.split("/"), "statuses", sha)
        body = {"context": talk.NAME, **content}
        outcomes.written(self._client, "POST", project, path, body, needed=outcomes.WRITE_STATUSES)
