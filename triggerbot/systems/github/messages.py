"""GitHub's webhooks and answers as typed values, and the checks of what they contain.

Source: the OpenAPI description that GitHub publishes (schemas `job`, `workflow-run`, `webhook-workflow-job-*`,
`webhook-workflow-run-*`, `webhook-push`, `check-annotation`, `check-run`, `commit`, `issue-comment`, `pull-request`,
`repository-collaborator-permission`, `webhook-issue-comment-created`, `webhook-check-run-requested-action`), read
2026-11. Only the keys that we use are named; the rest is skipped.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from triggerbot.core.errors import CIUnavailable, NotUnderstood

#: An id at GitHub: 64 bits, by its description.
Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
#: The attempt of a workflow run, counted from 1.
Attempt = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
#: The name of our check runs, and the context of our commit statuses.
NAME = "triggerbot"
#: The first line of our comments, by which they are recognised.
MARKER = "<!-- triggerbot -->"
#: The first line of our issue about a branch, with its mark.
BRANCH_MARKER = "<!-- triggerbot: branch {} -->"
#: The identifier of the button of our check runs.
RETRY_FAILED = "retry_failed"
_FULL_NAME = re.compile(r"(?!\.+/)[A-Za-z0-9_.-]+/(?!\.+\Z)[A-Za-z0-9_.-]+")
_SHA = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})")
#: Characters; no real name, branch or URL is longer, and none must fill the store.
_TEXT_MAX = 2000
_T = TypeVar("_T")


# -- runs and pushes --------------------------------------------------------------------------------------------------


class Account(msgspec.Struct, frozen=True):
    """A user, bot or organisation."""

    login: str
    type: str = ""


class Commit(msgspec.Struct, frozen=True):
    """A commit as runs and pushes carry it."""

    message: str | None = None


class Repository(msgspec.Struct, frozen=True):
    """A repository; `pushed_at` is a number in push events and a text elsewhere."""

    full_name: str
    pushed_at: int | str | None = None
    default_branch: str | None = None


class Step(msgspec.Struct, frozen=True):
    """One step of a job."""

    name: str
    conclusion: str | None = None
    number: int | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job in one attempt of a workflow run; `id` is new in every attempt."""

    id: Id
    node_id: str | None = None
    run_id: Id
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    run_attempt: Attempt = 1
    workflow_name: str | None = None
    head_branch: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    html_url: str | None = None
    labels: list[str] | None = None
    runner_group_name: str | None = None
    steps: list[Step] | None = None


class PullOfRun(msgspec.Struct, frozen=True):
    """An open pull request of a workflow run's commit; a fork's are not listed."""

    base: "Head"


class WorkflowRun(msgspec.Struct, frozen=True, kw_only=True):
    """One workflow run: all of its attempts have the same `id`."""

    id: Id
    head_sha: str
    status: str | None = None
    name: str | None = None
    path: str | None = None
    event: str | None = None
    head_branch: str | None = None
    conclusion: str | None = None
    run_attempt: Attempt = 1
    html_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    actor: Account | None = None
    head_commit: Commit | None = None
    head_repository: Repository | None = None
    repository: Repository | None = None
    pull_requests: list[PullOfRun] | None = None

    @property
    def file(self) -> str | None:
        """The file of its workflow, without the commit that it may be told at."""
        return cut((self.path or "").partition("@")[0])


class JobsPage(msgspec.Struct, frozen=True):
    """One page of the jobs of a workflow run."""

    total_count: int
    jobs: list[Job]


class RunsPage(msgspec.Struct, frozen=True):
    """One page of workflow runs."""

    total_count: int
    workflow_runs: list[WorkflowRun]


class Action(msgspec.Struct, frozen=True):
    """The key common to all webhooks about runs and jobs, read first so that other actions are skipped unparsed."""

    action: str


class JobMessage(msgspec.Struct, frozen=True):
    """The webhook `workflow_job`."""

    action: str
    workflow_job: Job
    repository: Repository


class RunMessage(msgspec.Struct, frozen=True):
    """The webhook `workflow_run`."""

    action: str
    workflow_run: WorkflowRun
    repository: Repository


# -- credentials ------------------------------------------------------------------------------------------------------


class Permissions(msgspec.Struct, frozen=True):
    """The permissions of an App's installation."""

    actions: str = ""
    checks: str = ""
    pull_requests: str = ""
    issues: str = ""
    contents: str = ""
    merge_queues: str = ""


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """An App as installed on an account."""

    id: Id
    app_slug: str = ""
    suspended_at: str | None = None
    permissions: Permissions = Permissions()


class AppSelf(msgspec.Struct, frozen=True):
    """An App as it sees itself."""

    name: str = ""
    permissions: Permissions = Permissions()


class Role(msgspec.Struct, frozen=True):
    """The permissions of a token's owner in a repository."""

    push: bool | None = None


class OwnRepository(msgspec.Struct, frozen=True):
    """A repository as the owner of a token sees it."""

    full_name: str = ""
    private: bool = False
    archived: bool = False
    permissions: Role | None = None


class IssuedToken(msgspec.Struct, frozen=True):
    """An installation's token, which `repr` hides."""

    token: str
    expires_at: str

    def __repr__(self) -> str:
        """Hide the token."""
        return "IssuedToken(...)"


# -- reports and comment commands -------------------------------------------------------------------------------------


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """An annotation of a job: about a place in a file, or about the job."""

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
    """The App that made a check run."""

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


class Head(msgspec.Struct, frozen=True):
    """The branch of a pull request, or the one that it is to be merged into."""

    sha: str
    ref: str = ""


class Pull(msgspec.Struct, frozen=True):
    """One pull request."""

    number: Id
    state: str
    head: Head
    user: Account | None = None


class Comment(msgspec.Struct, frozen=True):
    """One comment; `user` is missing if the account is gone."""

    id: Id
    body: str | None = None
    user: Account | None = None


class Issue(msgspec.Struct, frozen=True):
    """The issue of a comment; only pull requests have `pull_request`."""

    number: Id
    pull_request: dict[str, object] | None = None
    body: str | None = None


class Access(msgspec.Struct, frozen=True):
    """A person's permission in a repository; `role_name` distinguishes roles that `permission` does not."""

    permission: str = ""
    role_name: str = ""


class Button(msgspec.Struct, frozen=True):
    """The button of a check run that was pressed."""

    identifier: str = ""


class CommentMessage(msgspec.Struct, frozen=True):
    """The webhook `issue_comment`."""

    comment: Comment
    issue: Issue
    repository: Repository
    sender: Account


class CheckRunMessage(msgspec.Struct, frozen=True):
    """The webhook `check_run`."""

    action: str
    check_run: CheckRun
    repository: Repository
    sender: Account
    requested_action: Button | None = None


def is_ours(run: CheckRun) -> bool:
    """Return whether a check run is ours, by its name; those of other Apps are not delivered to our webhook."""
    return run.name == NAME or run.name.startswith(f"{NAME} (")


# -- reading ----------------------------------------------------------------------------------------------------------


def read(body: bytes | str, kind: type[_T]) -> _T:
    """Decode JSON as one of the types above; raises `NotUnderstood` for any other bytes."""
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise NotUnderstood("the JSON is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise NotUnderstood(str(error)) from None


def answer(body: bytes, kind: type[_T]) -> _T:
    """Decode the body of an answer as one of the types above; raises `CIUnavailable` if it is none."""
    try:
        return read(body, kind)
    except NotUnderstood as error:
        raise CIUnavailable(f"GitHub's answer is not as documented: {error}") from None


def is_full_name(name: str) -> bool:
    """Return whether a name is `owner/repository` as GitHub allows it, safe to use in a URL."""
    return len(name) <= 200 and _FULL_NAME.fullmatch(name) is not None


def full_name(name: str) -> str:
    """Return a repository's name if it is valid; raises `NotUnderstood`."""
    if not is_full_name(name):
        raise NotUnderstood("expected owner/repository - at `$.repository.full_name`")
    return name


def sha(text: str) -> str:
    """Return a full commit id in lower case; raises `NotUnderstood` if it is none."""
    lower = text.lower()
    if not _SHA.fullmatch(lower):
        raise NotUnderstood("expected a commit id of 40 or 64 hexadecimal digits")
    return lower


def plain(text: str, what: str) -> str:
    """Return a name that the store can take: 1 to 2000 characters without NUL; raises `NotUnderstood`."""
    if not text or len(text) > _TEXT_MAX or "\0" in text:
        raise NotUnderstood(f"{what}: expected 1 to {_TEXT_MAX} characters, none of them NUL")
    return text


def cut(text: str | None) -> str | None:
    """Truncate a text that is only displayed; empty becomes `None`."""
    return text[:_TEXT_MAX].replace("\0", "") or None if text else None


def link(address: str | None) -> str | None:
    """Return a URL of the web, or else `None`: it becomes a link on pages."""
    return cut(address) if address and address.startswith(("https://", "http://")) else None


def moment(text: str | None) -> float | None:
    """Parse an RFC 3339 time into seconds since the epoch; raises `NotUnderstood`."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        seconds = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise NotUnderstood("expected a time like 2026-11-20T19:31:02Z") from None
    if not 0 <= seconds < 1e11:
        raise NotUnderstood("a time is out of range")
    return seconds
