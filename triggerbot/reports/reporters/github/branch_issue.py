"""Reports branches at GitHub: one issue a branch, edited in place, closed when nothing keeps failing there.

It is commented on only when a job began or ceased to keep failing, so that who watches it is notified of changes and of
nothing else. What is created is recorded before it is sent; after a crash or an answer in doubt it is looked for by a
marker in its text, once GitHub had time to show it, before it is sent again.
"""

import hashlib
from collections.abc import Callable

import msgspec
import structlog

from triggerbot.core.errors import CIUnavailable
from triggerbot.core.model import Branch
from triggerbot.reports import BranchReport
from triggerbot.reports.reporters import branch_changes, branch_markdown
from triggerbot.reports.reporters.branch_changes import Changes
from triggerbot.systems.github import messages
from triggerbot.systems.github.replies import Unsent
from triggerbot.systems.github.reporting import ReportingClient

log = structlog.get_logger("triggerbot.publish")

#: Bytes of the text: GitHub takes 65,536 characters.
_BODY_MAX = 60_000
#: Seconds that GitHub may take to list what was created.
_GRACE = 30.0


class _Stored(msgspec.Struct):
    """The issue of a branch, as stored beside it."""

    #: Its number; 0 if there is none.
    number: int = 0
    #: Whether it was looked for: an earlier state of the store may have known of one.
    looked: bool = False
    #: When the creation of issue or comment was last requested, in seconds since the epoch.
    asked: float = 0.0
    #: A digest of its content, and of the comment that is being made.
    says: str = ""
    saying: str = ""
    #: The jobs that kept failing when it was last said.
    failing: list[str] = msgspec.field(default_factory=list)
    #: Somebody closed it although jobs keep failing: it is left alone until another one does.
    left: bool = False


class BranchIssues:
    """Reports the branches of one GitHub, as an issue each (a `BranchReporter`)."""

    def __init__(
        self,
        system: str,
        client: ReportingClient,
        covers: Callable[[Branch], bool],
        labels: tuple[str, ...] = (),
        mention: str = "",
    ) -> None:
        self.name = f"github:{system}:issue"
        self._system = system
        self._client = client
        self._covers = covers
        self._labels = labels
        self._mention = mention.removeprefix("@")

    def covers(self, branch: Branch) -> bool:
        """Return whether this branch is reported here."""
        return branch.system == self._system and messages.is_full_name(branch.project) and self._covers(branch)

    def report_branch(self, report: BranchReport, stored: str, save: Callable[[str], None]) -> None:
        """Open, edit, comment on or close the issue of a branch; raises `CIError`."""
        made = _read(stored)
        _Issue(
            self._client, report, made, lambda: save(msgspec.json.encode(made).decode()), self._labels, self._mention
        ).update()

    def close(self) -> None:
        """Close nothing: the connections are the system's."""


class _Issue:
    """The issue of one branch while it is being updated."""

    def __init__(
        self,
        client: ReportingClient,
        report: BranchReport,
        made: _Stored,
        save: Callable[[], None],
        labels: tuple[str, ...],
        mention: str,
    ) -> None:
        self._client = client
        self._issues = client.issues
        self._report = report
        self._project = report.branch.project
        self._made = made
        self._save = save
        self._labels = labels
        self._mention = mention

    def update(self) -> None:
        """Do what there is to do, in steps that may each be the last."""
        made, jobs = self._made, sorted(self._report.jobs)
        if made.asked and not made.number:
            # It is not known whether an issue was opened.
            self._wait()
            made.asked, made.looked = 0.0, False
        if not jobs and made.looked and not made.number:
            return
        if not made.looked:
            self._look()
        if made.left and not set(jobs) <= set(made.failing):
            made.number, made.left, made.says, made.failing = 0, False, "", []
        if made.left:
            self._leave(jobs)
        elif jobs and not made.number:
            self._open(jobs)
        elif made.number:
            self._edit(jobs)

    def _look(self) -> None:
        """Find our issue about the branch; of several the newest is kept, and the others are closed."""
        ours = self._issues.ours(self._project, self._client.login(self._project), self._marker())
        for older in ours[:-1]:
            self._issues.close(self._project, older.number, done=False)
        if ours:
            self._made.number = ours[-1].number
            # What it said last is not known any more, and is no news again.
            self._made.failing = self._made.failing or sorted(self._report.jobs)
        self._made.looked = True
        self._save()

    def _open(self, jobs: list[str]) -> None:
        made = self._made
        title, text = self._content()
        self._ask("")
        try:
            made.number = self._issues.create(self._project, title, text, self._labels)
        except Unsent:
            made.asked = 0.0
            self._save()
            raise
        made.says, made.failing, made.asked = _digest(title, text), jobs, 0.0
        self._save()

    def _edit(self, jobs: list[str]) -> None:
        made = self._made
        title, text = self._content()
        if made.says != _digest(title, text):
            if not self._issues.edit(self._project, made.number, title, text):
                self._leave(jobs)
                return
            made.says = _digest(title, text)
            self._save()
        changes = branch_changes.since(made.failing, self._report)
        if changes:
            self._comment(changes)
            made.failing = sorted(set(jobs) | {one.job for one in self._report.silenced} & set(made.failing))
            self._save()
        if not jobs and not self._report.silenced:
            self._issues.close(self._project, made.number, done=True)
            made.number, made.says, made.failing = 0, "", []
            self._save()

    def _leave(self, jobs: list[str]) -> None:
        """Leave alone what somebody closed or deleted, until another job keeps failing, or none does."""
        made = self._made
        if not made.left:
            log.info("issue.left_alone", number=made.number, project=self._project, branch=self._report.branch.name)
        made.left = bool(jobs)
        if not jobs:
            made.number, made.says = 0, ""
        made.failing = jobs
        self._save()

    def _comment(self, changes: Changes) -> None:
        made = self._made
        text = branch_markdown.change(self._report, changes)
        digest = _digest(str(made.number), text)
        marker = f"<!-- triggerbot: change {digest} -->"
        if made.saying == digest and made.asked:
            self._wait()
            if self._issues.has_comment(self._project, made.number, marker, self._client.login(self._project)):
                made.saying, made.asked = "", 0.0
                return
        self._ask(digest)
        try:
            self._issues.comment(self._project, made.number, f"{marker}\n{text}")
        except Unsent:
            made.saying, made.asked = "", 0.0
            self._save()
            raise
        made.saying, made.asked = "", 0.0

    def _ask(self, digest: str) -> None:
        """Record that something is about to be created."""
        self._wait()
        self._made.saying, self._made.asked = digest, self._client.clock()
        self._save()

    def _wait(self) -> None:
        """Raise `CIUnavailable` while the result of an earlier try may still appear."""
        left = self._made.asked + _GRACE - self._client.clock()
        if self._made.asked and 0 < left <= _GRACE:
            raise CIUnavailable("something was asked for a moment ago, and GitHub may still come to show it", left)

    def _marker(self) -> str:
        """Return the marker of the branch: names may end a comment, digests do not."""
        return messages.BRANCH_MARKER.format(self._report.branch.mark)

    def _content(self) -> tuple[str, str]:
        text = f"{self._marker()}\n{branch_markdown.body(self._report, _BODY_MAX, self._mention)}"
        return branch_markdown.title(self._report), text


def _read(stored: str) -> _Stored:
    try:
        return msgspec.json.decode(stored or "{}", type=_Stored)
    except msgspec.MsgspecError:  # another version wrote it: everything is looked for again
        return _Stored()


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:16]
