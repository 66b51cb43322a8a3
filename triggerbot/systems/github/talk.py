"""GitHub's words for what people read and write there: comments, pull requests, check runs, annotations.

Source: the OpenAPI description that GitHub publishes (schemas `check-annotation`, `check-run`, `commit`,
`issue-comment`, `pull-request`, `repository-collaborator-permission`, `webhook-issue-comment-created`,
`webhook-check-run-requested-action`), read 2026-11. Only the keys that we use are named; the rest is skipped.
"""

import msgspec

from triggerbot.systems.github.messages import Account, Id, Repository

#: The name of our check runs, and the context of our commit statuses.
NAME = "triggerbot"
#: By this first line a comment of ours is known.
MARKER = "<!-- triggerbot -->"
#: What the button of our check runs is called.
RETRY_FAILED = "retry_failed"


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """What a job says about a place in a file, or about itself."""

    path: str = ""
    start_line: int | None = None
    annotation_level: str | None = None
    title: str | None = None
    message: str | None = None


class ChangedFile(msgspec.Struct, frozen=True):
    """A file that a commit changes."""

    filename: str


class CommitDetail(msgspec.Struct, frozen=True):
    """A commit with the files that it changes."""

    files: list[ChangedFile] | None = None


class App(msgspec.Struct, frozen=True):
    """Whose check run it is."""

    slug: str = ""


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """One check run."""

    id: Id
    name: str = ""
    head_sha: str = ""
    external_id: str | None = None
    app: App | None = None


class CheckRuns(msgspec.Struct, frozen=True):
    """One page of the check runs of a commit."""

    check_runs: list[CheckRun]


class Comment(msgspec.Struct, frozen=True):
    """One comment; `user` is missing if the account is gone."""

    id: Id
    body: str | None = None
    user: Account | None = None


class Head(msgspec.Struct, frozen=True):
    """The branch of a pull request."""

    sha: str
    ref: str = ""


class Pull(msgspec.Struct, frozen=True):
    """One pull request."""

    number: Id
    state: str
    head: Head
    user: Account | None = None


class Access(msgspec.Struct, frozen=True):
    """What somebody may do in a repository; `role_name` tells roles apart that `permission` does not."""

    permission: str = ""
    role_name: str = ""


class Issue(msgspec.Struct, frozen=True):
    """What a comment is on; only pull requests have `pull_request`."""

    number: Id
    pull_request: dict[str, object] | None = None


class CommentMessage(msgspec.Struct, frozen=True):
    """The webhook `issue_comment`."""

    comment: Comment
    issue: Issue
    repository: Repository
    sender: Account


class Button(msgspec.Struct, frozen=True):
    """Which button of a check run was pressed."""

    identifier: str = ""


class CheckRunMessage(msgspec.Struct, frozen=True):
    """The webhook `check_run`."""

    action: str
    check_run: CheckRun
    repository: Repository
    sender: Account
    requested_action: Button | None = None


def is_ours(run: CheckRun) -> bool:
    """Tell by its name whether a check run is ours; other Apps' do not come to our webhook."""
    return run.name == NAME or run.name.startswith(f"{NAME} (")
