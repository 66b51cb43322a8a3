"""GitHub's API for reports and comment commands: pull requests, check runs, statuses, annotations, permissions.

Unlike a rerun, a report may be written twice: edits are idempotent, and what was created is looked for before it is
created again. So a write whose answer is in doubt raises `CIUnavailable`.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from triggerbot.core.errors import CIDenied, NotKnown
from triggerbot.core.model import CommentCommand, Kind, Push, Run
from triggerbot.core.policy import slots
from triggerbot.core.policy.slots import Rank
from triggerbot.systems import FAILURES_MAX, Asker
from triggerbot.systems.github import messages
from triggerbot.systems.github.auth import AppAuth, bot
from triggerbot.systems.github.client import PER_PAGE, Client
from triggerbot.systems.github.issues import Issues
from triggerbot.systems.github.replies import (
    READ_CHECKS,
    READ_CONTENTS,
    READ_METADATA,
    READ_PULLS,
    WRITE_CHECKS,
    WRITE_COMMENTS,
    WRITE_STATUSES,
    readable,
    written,
)
from triggerbot.systems.http import segments

#: Characters of a check run's name.
_NAME_MAX = 100
#: Characters of a failure line.
_LINE_MAX = 2000
#: Files of one page; GitHub cuts there ("Get a commit", 2026).
_FILES_MAX = 300
_LEVELS = ("failure", "warning")
#: Before what is only a warning.
WARNING = "warning: "
#: Paths of annotations about no file, such as "Process completed with exit code 1."
_NOWHERE = ("", ".github")
#: Permissions and roles that can rerun jobs in GitHub itself.
_WRITERS = frozenset({"admin", "maintain", "write"})
#: Prefix of the ids of commands in comments.
_COMMENT = "comment:"


class ReportingClient:
    """The client of reporters. `app`: the App that writes; a token writes as its owner. Thread-safe."""

    def __init__(self, client: Client, app: AppAuth | None, clock: Callable[[], float]) -> None:
        self.checks = Checks(client)
        self.pulls = Pulls(client)
        self.issues = Issues(client)
        self.clock = clock
        self._client = client
        self._app = app
        self._lock = threading.Lock()
        self._owner = ""

    @property
    def by_app(self) -> bool:
        """Whether an App writes: only Apps can create check runs."""
        return self._app is not None

    @contextmanager
    def turn(self, push: Push, what: str, *, verdict: bool) -> Iterator[None]:
        """Have the turn to write one report; raises `CIUnavailable` where it has to wait. A verdict waits for no other.

        `what`: which of the reports on the push it is.
        """
        caller = slots.caller(push.project, f"{what} {push.branch} {push.revision}")
        self._client.check_turn(push.project, caller, Rank.VERDICT if verdict else Rank.PROGRESS)
        try:
            yield
        finally:
            self._client.leave_turn(push.project, caller)

    def workflow_runs(self, push: Push) -> list[messages.WorkflowRun]:
        """List the workflow runs of a push; raises as `Pulls` does."""
        path = segments("repos", *push.project.split("/"), "actions", "runs")
        pages = self._client.pages(push.project, path, {"head_sha": push.revision}, messages.RunsPage)
        return [run for page in pages for run in page.workflow_runs if run.head_branch == push.branch]

    def login(self, project: str) -> str:
        """Return the login that we write as; raises `CIDenied`, `CIUnavailable`."""
        if self._app is not None:
            return self._app.login(project)
        with self._lock:
            if not self._owner:
                reply = readable(self._client.get("", "/user"), "the token's owner", READ_METADATA)
                self._owner = messages.answer(reply.body, messages.Account).login
            return self._owner


class Pulls:
    """Pull requests and comments. All methods raise `CIUnavailable`, `CIDenied` and `NotKnown`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, project: str, number: int) -> messages.Pull:
        """Read one pull request."""
        reply = self._client.get(project, segments("repos", *project.split("/"), "pulls", str(number)))
        body = readable(reply, f"pull request {number} of {project}", READ_PULLS).body
        return messages.answer(body, messages.Pull)

    def of_head(self, project: str, sha: str, *, fork: bool | None = None) -> list[messages.Pull]:
        """List the open pull requests that have this commit as their head, the oldest first.

        GitHub does not find those from forks by their commits, but the pull request of a commit that was just pushed is
        among those that changed last. `fork`: whether it is from a fork, where that is known.
        """
        found = list(self._of_commit(project, sha))
        if not found and fork is not False:
            found = list(self._changed_last(project))
        return sorted((one for one in found if one.state == "open" and one.head.sha == sha), key=lambda one: one.number)

    def _of_commit(self, project: str, sha: str) -> Iterator[messages.Pull]:
        path = segments("repos", *project.split("/"), "commits", sha, "pulls")
        reply = self._client.get(project, path, {"per_page": str(PER_PAGE)})
        if reply.status in (404, 409, 422):  # a commit that only a fork has, or no commit
            return
        body = readable(reply, f"the pull requests of {sha[:12]}", READ_PULLS).body
        yield from messages.answer(body, list[messages.Pull])

    def _changed_last(self, project: str) -> Iterator[messages.Pull]:
        path = segments("repos", *project.split("/"), "pulls")
        query = {"state": "open", "sort": "updated", "direction": "desc", "per_page": str(PER_PAGE)}
        reply = self._client.get(project, path, query)
        body = readable(reply, f"the pull requests of {project}", READ_PULLS).body
        yield from messages.answer(body, list[messages.Pull])

    def comment_of(self, project: str, number: int, login: str) -> int:
        """Return the id of our comment (by `login`) on a pull request; 0 if there is none."""
        path = segments("repos", *project.split("/"), "issues", str(number), "comments")
        for one in self._client.items(project, path, list[messages.Comment]):
            author = "" if one.user is None else one.user.login
            if (one.body or "").startswith(messages.MARKER) and author.lower() == login.lower():
                return one.id
        return 0

    def comment(self, project: str, number: int, text: str) -> int:
        """Create a comment on a pull request and return its id."""
        path = segments("repos", *project.split("/"), "issues", str(number), "comments")
        reply = written(
            self._client, "POST", project, path, {"body": text}, needed=WRITE_COMMENTS
        )  # fmt: skip
        return messages.answer(reply.body, messages.Comment).id

    def edit(self, project: str, number: int, text: str) -> bool:
        """Edit a comment; return whether it still exists."""
        path = segments("repos", *project.split("/"), "issues", "comments", str(number))
        try:
            written(self._client, "PATCH", project, path, {"body": text}, needed=WRITE_COMMENTS)
        except CIDenied:
            # GitHub answers 404 for a comment that is gone, and for one that the token may not edit.
            if self._client.get(project, path, conditional=False).status != 404:
                raise
            return False
        return True

    def react(self, project: str, number: int, content: str) -> None:
        """React to a comment; idempotent."""
        path = segments("repos", *project.split("/"), "issues", "comments", str(number), "reactions")
        body = {"content": content}
        written(self._client, "POST", project, path, body, needed=WRITE_COMMENTS)

    def access(self, project: str, login: str) -> messages.Access:
        """Read a person's permission; empty if GitHub does not know them."""
        path = segments("repos", *project.split("/"), "collaborators", login, "permission")
        try:
            body = readable(
                self._client.get(project, path, conditional=False), f"what {login} may do", READ_METADATA
            ).body
        except NotKnown:
            return messages.Access()
        return messages.answer(body, messages.Access)


class Checks:
    """Check runs and commit statuses. All methods raise `CIUnavailable`, `CIDenied` and `NotKnown`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(self, project: str, sha: str, branch: str, login: str) -> tuple[int, str]:
        """Look for the check run of our App (`login`) for a commit on a branch; return its id, or 0, and its name.

        A commit usually has one. A commit on two branches is judged separately on each, and neither may hide the other:
        the second check run has its branch in its name.
        """
        ours = self._ours(project, sha, messages.NAME, login)
        if not ours or branch in ours:
            return ours.get(branch, 0), messages.NAME
        name = f"{messages.NAME} ({branch})"[:_NAME_MAX]
        return self._ours(project, sha, name, login).get(branch, 0), name

    def _ours(self, project: str, sha: str, name: str, login: str) -> dict[str, int]:
        path = segments("repos", *project.split("/"), "commits", sha, "check-runs")
        # All of them, not only the newest: that may be another branch's.
        query = {"check_name": name, "filter": "all", "per_page": str(PER_PAGE)}
        reply = self._client.get(project, path, query)
        body = readable(reply, f"the check runs of {sha[:12]}", WRITE_CHECKS).body
        listed = messages.answer(body, messages.CheckRuns).check_runs
        # The oldest of each branch: it is written last.
        return {
            run.external_id: run.id
            for run in sorted(listed, key=lambda run: -run.id)
            if run.external_id and run.app is not None and bot(run.app.slug) == login
        }

    def create(self, project: str, sha: str, name: str, branch: str, content: dict[str, Any]) -> int:
        """Create a check run and return its id."""
        path = segments("repos", *project.split("/"), "check-runs")
        body = {"name": name, "head_sha": sha, "external_id": branch, **content}
        reply = written(self._client, "POST", project, path, body, needed=WRITE_CHECKS)
        return messages.answer(reply.body, messages.CheckRun).id

    def edit(self, project: str, number: int, content: dict[str, Any]) -> None:
        """Edit a check run."""
        path = segments("repos", *project.split("/"), "check-runs", str(number))
        written(self._client, "PATCH", project, path, content, needed=WRITE_CHECKS)

    def status(self, project: str, sha: str, content: dict[str, Any]) -> None:
        """Set the commit status; GitHub accepts a thousand for each commit and context."""
        path = segments("repos", *project.split("/"), "statuses", sha)
        body = {"context": messages.NAME, **content}
        written(self._client, "POST", project, path, body, needed=WRITE_STATUSES)


# -- about a push -----------------------------------------------------------------------------------------------------


def failures(client: Client, push: Push, run: Run) -> tuple[str, ...]:
    """Return the failure lines of a job: its annotations; raises as `ListsFailures.failures` does.

    A workflow run as a whole has none.
    """
    return () if run.kind is Kind.WORKFLOW else annotations(client, push, run.run_id)


def annotations(client: Client, push: Push, job_id: str) -> tuple[str, ...]:
    """Return the annotations of a job (see `lines_of`); raises as `failures` does.

    The id of a job is that of its check run ("Workflow jobs", `check_run_url`).
    """
    if not (job_id.isascii() and job_id.isdigit()):
        raise NotKnown(f"{job_id[:100]!r} is no id of a job of GitHub's")
    path = segments(*_repository(push), "check-runs", job_id, "annotations")
    reply = client.get(push.project, path, {"per_page": str(PER_PAGE)}, conditional=False)
    body = readable(reply, f"the annotations of job {job_id}", READ_CHECKS).body
    return lines_of(messages.answer(body, list[messages.Annotation]))


def lines_of(listed: Iterable[messages.Annotation]) -> tuple[str, ...]:
    """Return annotations as failure lines, failures before warnings, those with a place first."""
    found = [one for one in listed if one.annotation_level in _LEVELS]
    found.sort(key=lambda one: (_LEVELS.index(one.annotation_level or ""), one.path in _NOWHERE))
    lines = (_line(one) for one in found)
    return tuple(dict.fromkeys(line for line in lines if line))[:FAILURES_MAX]


def _line(one: messages.Annotation) -> str:
    title, message = (" ".join((text or "").replace("\0", "").split()) for text in (one.title, one.message))
    if title and title not in message:
        message = f"{title}: {message}" if message else title
    if message and one.path not in _NOWHERE:
        where = one.path if one.start_line is None else f"{one.path}:{one.start_line}"
        message = f"{where}: {message}"
    # A warning is no failure: the comparison of failures knows it by this.
    return (f"{WARNING}{message}" if message and one.annotation_level == "warning" else message)[:_LINE_MAX]


def files(client: Client, push: Push) -> tuple[str, ...]:
    """Return the files that a commit changes, the first 300 at most; raises as `failures` does."""
    path = segments(*_repository(push), "commits", push.revision)
    reply = client.get(push.project, path, {"per_page": str(_FILES_MAX), "page": "1"}, conditional=False)
    body = readable(reply, f"the files of {push.revision[:12]}", READ_CONTENTS).body
    changed = messages.answer(body, messages.CommitDetail).files or []
    return tuple(file.filename for file in changed[:_FILES_MAX])


def _repository(push: Push) -> tuple[str, ...]:
    if not messages.is_full_name(push.project):
        raise NotKnown(f"{push.project[:200]!r} is no owner/repository")
    return ("repos", *push.project.split("/"))


# -- comment commands -------------------------------------------------------------------------------------------------


def asker(pulls: Pulls, command: CommentCommand) -> Asker:
    """Look up what the author of a command may do; raises as `ListsFailures.failures` does."""
    _check_project(command)
    access = pulls.access(command.project, command.author)
    if command.about is not None:
        about = []
    elif command.pull is not None:
        about = [pulls.get(command.project, command.pull)]
    else:
        about = pulls.of_head(command.project, command.revision or "")
    authors = {one.user.login.lower() for one in about if one.user is not None}
    return Asker(
        may_write=access.permission in _WRITERS or access.role_name in _WRITERS,
        is_author=command.author.lower() in authors,
        pushes_of=command.author,
    )


def revision(pulls: Pulls, command: CommentCommand) -> str:
    """Return the commit that a command is about: its own, or the head of its pull request now."""
    _check_project(command)
    if command.revision is not None:
        return command.revision
    if command.pull is None:
        raise NotKnown(f"{command.id} names neither a pull request nor a commit")
    return pulls.get(command.project, command.pull).head.sha.lower()


def react(pulls: Pulls, command: CommentCommand, *, heard: bool) -> None:
    """React to the comment of a command; a button has nothing to react to."""
    number = command.id.removeprefix(_COMMENT)
    if command.id.startswith(_COMMENT) and number.isascii() and number.isdigit():
        _check_project(command)
        pulls.react(command.project, int(number), "+1" if heard else "confused")


def _check_project(command: CommentCommand) -> None:
    if not messages.is_full_name(command.project):
        raise NotKnown(f"{command.project[:200]!r} is no owner/repository")
