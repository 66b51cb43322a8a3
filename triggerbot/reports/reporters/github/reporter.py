"""Reports at GitHub: a check run or a commit status on the commit, and one comment on its pull request.

A push at which nothing fails gets one write, at its end. What is to be created is recorded before it is sent. After a
crash or an answer in doubt it is looked for, once GitHub had time to show it, before it is sent again. Edits are
idempotent.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import msgspec
import structlog

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport, ReportContext
from triggerbot.reports.reporters import markdown
from triggerbot.reports.reporters.github.branch_issue import BranchIssues
from triggerbot.reports.reporters.github.required_check import Decided, RequiredCheck, Waiting
from triggerbot.reports.reporters.github.settings import GitHubReportSettings
from triggerbot.systems.github import messages
from triggerbot.systems.github.replies import Locked, Unsent
from triggerbot.systems.github.reporting import ReportingClient
from triggerbot.systems.github.system import GitHub

log = structlog.get_logger("triggerbot.publish")

#: Bytes of a comment, and of a check run's summary: GitHub takes 65,536 and 65,535 characters.
_COMMENT_MAX, _SUMMARY_MAX = 65_000, 65_000
#: Characters of a title, and of a commit status.
_TITLE_MAX = 140
#: Seconds between two reports of mere progress: a busy push must not use up the writes that other reports need.
_CALM = 60.0
#: Seconds that GitHub may take to list what was created.
_GRACE = 30.0
_BUTTON = {
    "label": "Retry failed",
    "description": "Run the jobs that fail once more",
    "identifier": messages.RETRY_FAILED,
}
#: An incomplete push is an error: the CI did not come to an end that proves anything. Only a good one is a success.
_STATES = {
    Health.GOOD: "success", Health.FAILING: "failure", Health.PENDING: "pending", Health.INCOMPLETE: "error",
}  # fmt: skip


class _Made(msgspec.Struct):
    """A check run, commit status or comment that was created, as stored beside the push."""

    #: Its id at GitHub; 0 if it is not known to exist.
    id: int = 0
    #: When its creation was last requested, in seconds since the epoch.
    asked: float = 0.0
    #: A digest of its content.
    says: str = ""
    #: Whether somebody has deleted it, or locked the conversation: it is left alone.
    gone: bool = False


class _Stored(msgspec.Struct):
    """The check run and comment of one push, as stored beside it."""

    check: _Made = msgspec.field(default_factory=_Made)
    comment: _Made = msgspec.field(default_factory=_Made)
    pull: int = 0
    #: Whether the pull request has no comment of ours from an earlier push.
    none: bool = False
    #: The `_urgency` of the last report, and when it was updated (seconds since the epoch).
    tone: str = ""
    told: float = 0.0
    #: Of an entry of the merge queue.
    entry: Waiting = msgspec.field(default_factory=Waiting)


class GitHubReporter:
    """Reports the pushes of one GitHub (a `Reporter`).

    `check`: a check run, which only an App can create, or else a commit status. `comment`: on the pull request.
    `mention`: the name that comment commands start with, if commands are allowed.
    """

    def __init__(
        self,
        system: str,
        reporting: ReportingClient,
        *,
        check: bool,
        comment: bool,
        wants: Callable[[Push], bool],
        mention: str = "",
        required: RequiredCheck | None = None,
    ) -> None:
        self.name = f"github:{system}" if check else f"github:{system}:comment"
        self._system = system
        self._client = reporting
        self._check = check
        self._comment = comment
        self._wants = wants
        self._mention = mention.removeprefix("@")
        self._required = required

    @property
    def decides_merges(self) -> bool:
        """Whether its check of an entry of the merge queue is a required one."""
        return self._required is not None

    def wants(self, push: Push) -> bool:
        """Return whether this push is reported here."""
        return push.system == self._system and messages.is_full_name(push.project) and self._wants(push)

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> float | None:
        """Update check run and comment, each even if the other fails; raises `CIError`.

        A change of the verdict is reported at once, mere progress once a minute.
        """
        made, now = _read(stored), self._client.clock()
        entry = self._required.decide(report, made.entry, now) if self._required is not None else None
        urgency = _urgency(report, entry)
        if made.tone == urgency and 0 <= now - made.told < _CALM:
            return min(made.told + _CALM, (entry and entry.due) or math.inf)
        before = (made.check.says, made.comment.says)
        parts: list[Callable[[PushReport, _Stored, Callable[[], None]], None]] = []
        if self._check:
            check = self._report_check if self._client.by_app else self._report_status
            parts.append(partial(check, entry=entry))
        if self._comment:
            parts.append(self._report_comment)
        errors: list[CIError] = []
        for part in parts:
            try:
                part(report, made, lambda: save(msgspec.json.encode(made).decode()))
            except CIError as error:
                errors.append(error)
        if errors:
            raise min(errors, key=_retry_order)
        if before != (made.check.says, made.comment.says):
            made.tone, made.told = urgency, now
            save(msgspec.json.encode(made).decode())
        return None if entry is None else entry.due

    def close(self) -> None:
        """Close nothing: the connections are the system's."""

    def _report_check(
        self, report: PushReport, stored: _Stored, save: Callable[[], None], *, entry: Decided | None
    ) -> None:
        content, made, push = check_run(report), stored.check, report.push
        if entry is not None:
            content = entry.check_run(content)
        says = _digest(content)
        if made.says == says or (entry is None and _can_wait(report, made)):
            return
        checks = self._client.checks
        with self._client.turn(push, "check run", verdict=_is_verdict(report, stored)):
            if not made.id:
                login = self._client.login(push.project)
                made.id, name = checks.find(push.project, push.revision, push.branch, login)
                if not made.id:
                    make = partial(checks.create, push.project, push.revision, name, push.branch, content)
                    made.id = self._make(made, save, make)
                    made.says = says
                save()
            if made.says != says:
                checks.edit(push.project, made.id, content)
                made.says = says
                save()

    def _report_status(
        self, report: PushReport, stored: _Stored, save: Callable[[], None], *, entry: Decided | None
    ) -> None:
        """Set the commit status; of a commit on several branches, the one judged last shows."""
        content = {
            "state": _STATES[report.judged.health],
            "description": _cut(report.judged.sentence),
            **({"target_url": report.link} if report.link else {}),
        }
        if entry is not None:
            content |= {"state": str(entry.conclusion), "description": _cut(entry.why)}
        says = _digest(content)
        if stored.check.says != says and not (entry is None and _can_wait(report, stored.check)):
            with self._client.turn(report.push, "status", verdict=_is_verdict(report, stored)):
                self._client.checks.status(report.push.project, report.push.revision, content)
            stored.check.says = says
            save()

    def _report_comment(self, report: PushReport, stored: _Stored, save: Callable[[], None]) -> None:
        made = stored.comment
        # A push at which nothing ever failed gets no comment, unless an earlier push of the pull request got one.
        worth = markdown.troubled(report) or bool(report.answers)
        text = f"{messages.MARKER}\n{markdown.comment(report, _COMMENT_MAX, self._mention)}"
        says = _digest(text)
        if made.says == says or made.gone or (stored.none and not worth):
            return
        # Without anything worth telling there is usually nothing to write, which needs no turn.
        verdict = _is_verdict(report, stored)
        turn = self._client.turn(report.push, "comment", verdict=verdict) if worth else nullcontext()
        with turn:
            self._write_comment(report, stored, text, save, worth=worth)

    def _write_comment(
        self, report: PushReport, stored: _Stored, text: str, save: Callable[[], None], *, worth: bool
    ) -> None:
        made = stored.comment
        pull = self._pull(report, stored.pull)
        if pull is None:
            return
        stored.pull = pull.number
        try:
            self._update_comment(report, stored, pull, text, save, worth=worth)
        except Locked as error:
            log.info("comment.locked", report=self.name, error=str(error), **push_fields(report.push))
            made.gone = True
            save()

    def _update_comment(
        self,
        report: PushReport,
        stored: _Stored,
        pull: messages.Pull,
        text: str,
        save: Callable[[], None],
        *,
        worth: bool,
    ) -> None:
        made, pulls, project, says = stored.comment, self._client.pulls, report.push.project, _digest(text)
        if not made.id:
            made.id = pulls.comment_of(project, pull.number, self._client.login(project))
            if not made.id and worth and pull.state == "open":
                made.id = self._make(made, save, partial(pulls.comment, project, pull.number, text))
                made.says = says
            stored.none = not made.id
            save()
        if made.id and made.says != says:
            made.gone = not pulls.edit(project, made.id, text)
            made.says = says
            save()

    def _pull(self, report: PushReport, known: int) -> messages.Pull | None:
        """Return the pull request whose head the push is, if any; another push's comment is left alone."""
        push = report.push
        if known:
            pull = self._client.pulls.get(push.project, known)
            return pull if pull.head.sha == push.revision else None
        found = self._client.pulls.of_head(push.project, push.revision, fork=report.record.facts.fork)
        return next((pull for pull in found if pull.head.ref == push.branch), None)

    def _make(self, made: _Made, save: Callable[[], None], make: Callable[[], int]) -> int:
        """Record that something is created, create it and return its id.

        Raises `CIUnavailable` while the result of an earlier try may still appear.
        """
        now = self._client.clock()
        left = made.asked + _GRACE - now
        if 0 < left <= _GRACE:  # more than that: the clock was set back
            raise CIUnavailable("a report was asked for a moment ago, and GitHub may still come to show it", left)
        before, made.asked = made.asked, now
        save()
        try:
            return make()
        except Unsent:
            # Nothing was sent, so nothing can appear: on a busy day most reports have to wait for their turn.
            made.asked = before
            save()
            raise


def _retry_order(error: CIError) -> int:
    """Rank errors by how soon a retry makes sense."""
    return 0 if isinstance(error, CIUnavailable) else 1 if isinstance(error, CIDenied) else 2


def _read(stored: str) -> _Stored:
    try:
        return msgspec.json.decode(stored or "{}", type=_Stored)
    except msgspec.MsgspecError:  # another version wrote it: everything is looked for again
        return _Stored()


def _urgency(report: PushReport, entry: Decided | None = None) -> str:
    """Digest what is reported at once when it changes: the health, whether it is final, and the answers."""
    judged = report.judged
    troubled = any(job.troubles for job in judged.jobs)
    decided = [] if entry is None else [entry.conclusion]
    suspected = any(job.suspected for job in judged.jobs)
    return _digest([judged.health, judged.final, troubled, suspected, report.answers, *decided])


def _can_wait(report: PushReport, made: _Made) -> bool:
    """Return whether nobody needs to be told yet: all is on its way, and nothing failed or is owed.

    GitHub shows its own list of checks meanwhile.
    """
    judged, told = report.judged, made.id or made.says or made.asked
    return (
        judged.health is Health.PENDING
        and not (told or report.answers)
        and not any(job.awaited or any(run.failed for run in job.runs) for job in judged.jobs)
    )


def _is_verdict(report: PushReport, stored: _Stored) -> bool:
    """Return whether a report tells a new verdict, which goes before mere progress of other pushes."""
    if stored.entry.began:
        return True  # a merge waits for it
    changed = stored.tone != _urgency(report) and report.judged.health is not Health.PENDING
    return report.judged.final or changed


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:16]


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE_MAX else text[: _TITLE_MAX - 1] + "…"


def check_run(report: PushReport) -> dict[str, Any]:
    """Build a check run; a final failure is reported at once, though other jobs are still running."""
    judged = report.judged
    conclusion = _conclusion(judged)
    failing = any(job.troubles for job in judged.jobs)
    return {
        **({"status": "completed", "conclusion": conclusion} if conclusion else {"status": "in_progress"}),
        **({"details_url": report.link} if report.link else {}),
        "output": {"title": _cut(judged.sentence), "summary": markdown.summary(report, _SUMMARY_MAX)},
        "actions": [_BUTTON] if failing else [],
    }


def _conclusion(judged: PushVerdict) -> str:
    """Return the conclusion of a check run; empty while the push is open.

    It is neutral for an incomplete push, which proves nothing, and for one that may have introduced an intermittent
    failure.
    """
    match judged.health:
        case Health.FAILING:
            return "failure"
        case Health.GOOD:
            return "neutral" if any(job.suspected for job in judged.jobs) else "success"
        case Health.INCOMPLETE:
            return "neutral"
        case Health.PENDING:
            return ""


def build(settings: GitHubReportSettings, context: ReportContext) -> Iterator[GitHubReporter | BranchIssues]:
    """Yield one for each place: what hinders one (a permission that somebody forgot) does not hold up the other."""
    system = context.systems[settings.system]
    assert isinstance(system, GitHub)  # the config was checked for it
    if settings.check:
        queue = settings.merge_queue
        required = RequiredCheck(system.reporting, queue.timeout) if queue and queue.required_check else None
        yield GitHubReporter(
            settings.system, system.reporting, check=True, comment=False, wants=settings.covers, required=required
        )
    # What people ask is answered in the comment.
    if settings.comment or settings.commands is not None:
        mention = "" if settings.commands is None else settings.commands.mention
        yield GitHubReporter(
            settings.system, system.reporting, check=False, comment=True, wants=settings.covers, mention=mention
        )
    if settings.streaks.patterns:
        mention = "" if settings.commands is None else settings.commands.mention
        yield BranchIssues(settings.system, system.reporting, settings.covers_streaks, settings.labels, mention)
