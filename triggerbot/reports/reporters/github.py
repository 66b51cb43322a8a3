"""Reports at GitHub: a check run or a commit status beside the commit, and one comment on its pull request.

What is to be made is written down before it leaves, and looked for before it is made: after a crash, or an answer in
doubt, at the earliest when GitHub had time to show it. To edit is to say the same again, and does no harm.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import structlog

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport
from triggerbot.reports.reporters import markdown
from triggerbot.systems.github import ReportingClient, messages
from triggerbot.systems.github.reporting import Locked, Unsent

log = structlog.get_logger("triggerbot.publish")

#: Bytes of a comment, and of a check run's summary: GitHub takes 65,536 and 65,535 characters.
_COMMENT_MAX, _SUMMARY_MAX = 65_000, 65_000
#: Characters of a title, and of a commit status.
_TITLE_MAX = 140
#: Seconds between two reports of mere progress: a busy push must not use up the writes that others' reports need.
_CALM = 60.0
#: Seconds that GitHub may take to list what was made.
_GRACE = 30.0
_BUTTON = {
    "label": "Retry failed",
    "description": "Run the jobs that fail once more",
    "identifier": messages.RETRY_FAILED,
}
_STATES = {Health.GOOD: "success", Health.FAILING: "failure", Health.PENDING: "pending"}


class _Made(msgspec.Struct):
    """One thing that was made."""

    #: Its number at GitHub; 0 if it is not known to be there.
    id: int = 0
    #: When it was last asked for, in seconds since the epoch.
    asked: float = 0.0
    #: A digest of what it says.
    says: str = ""
    #: Somebody has deleted it, or locked the conversation: it is left alone.
    gone: bool = False


class _Kept(msgspec.Struct):
    """What was made for one push."""

    check: _Made = msgspec.field(default_factory=_Made)
    comment: _Made = msgspec.field(default_factory=_Made)
    pull: int = 0
    #: The pull request has no comment of ours from an earlier push.
    none: bool = False
    #: What the last report came to, and when it was brought up to date (seconds since the epoch).
    tone: str = ""
    told: float = 0.0


class GitHubReporter:
    """Reports the pushes of one GitHub (a `Reporter`).

    `check`: a check run, which only an App can make, or else a commit status. `comment`: on the pull request.
    `mention`: the name by which people may ask for something there, if they may.
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
    ) -> None:
        self.name = f"github:{system}" if check else f"github:{system}:comment"
        self._system = system
        self._desk = reporting
        self._check = check
        self._comment = comment
        self._wants = wants
        self._mention = mention.removeprefix("@")

    def wants(self, push: Push) -> bool:
        """Tell whether this push is reported here."""
        return push.system == self._system and messages.is_full_name(push.project) and self._wants(push)

    def report(self, told: PushReport, kept: str, keep: Callable[[str], None]) -> float | None:
        """Bring check run and comment up to date; what hinders one does not hinder the other; raises `CIError`.

        What changes the verdict is told at once, mere progress once a minute.
        """
        made, tone, now = _read(kept), _tone(told), self._desk.clock()
        if made.tone == tone and 0 <= now - made.told < _CALM:
            return made.told + _CALM
        said = (made.check.says, made.comment.says)
        parts: list[Callable[[PushReport, _Kept, Callable[[], None]], None]] = []
        if self._check:
            parts.append(self._report_check if self._desk.by_app else self._report_status)
        if self._comment:
            parts.append(self._report_comment)
        errors: list[CIError] = []
        for part in parts:
            try:
                part(told, made, lambda: keep(msgspec.json.encode(made).decode()))
            except CIError as error:
                errors.append(error)
        if errors:
            raise min(errors, key=_patience)
        if said != (made.check.says, made.comment.says):
            made.tone, made.told = tone, now
            keep(msgspec.json.encode(made).decode())
        return None

    def close(self) -> None:
        """Hold nothing: the connections are the system's."""

    def _report_check(self, told: PushReport, kept: _Kept, keep: Callable[[], None]) -> None:
        content, made, push = _check_run(told), kept.check, told.push
        says = _digest(content)
        if made.says == says:
            return
        self._desk.check_turn()
        checks = self._desk.checks
        if not made.id:
            login = self._desk.login(push.project)
            made.id, name = checks.find(push.project, push.revision, push.branch, login)
            if not made.id:
                make = partial(checks.create, push.project, push.revision, name, push.branch, content)
                made.id = self._make(made, keep, make)
                made.says = says
            keep()
        if made.says != says:
            checks.edit(push.project, made.id, content)
            made.says = says
            keep()

    def _report_status(self, told: PushReport, kept: _Kept, keep: Callable[[], None]) -> None:
        """Set the commit status; where a commit stands on several branches, the last one to be judged shows."""
        content = {
            "state": _STATES[told.judged.health],
            "description": _cut(told.judged.sentence),
            **({"target_url": told.link} if told.link else {}),
        }
        says = _digest(content)
        if kept.check.says != says:
            self._desk.checks.status(told.push.project, told.push.revision, content)
            kept.check.says = says
            keep()

    def _report_comment(self, told: PushReport, kept: _Kept, keep: Callable[[], None]) -> None:
        made = kept.comment
        #: Nobody is told of a push at which nothing ever failed, unless an earlier one of the pull request was told of.
        worth = markdown.troubled(told) or bool(told.answers)
        text = f"{messages.MARKER}\n{markdown.comment(told, _COMMENT_MAX, self._mention)}"
        says = _digest(text)
        if made.says == says or made.gone or (kept.none and not worth):
            return
        if worth:  # mostly there is nothing to be written else: that needs no turn
            self._desk.check_turn()
        pull = self._pull(told, kept.pull)
        if pull is None:
            return
        kept.pull = pull.number
        try:
            self._bring_comment(told, kept, pull, text, keep, worth=worth)
        except Locked as error:
            log.info("comment.locked", report=self.name, error=str(error), **push_fields(told.push))
            made.gone = True
            keep()

    def _bring_comment(
        self, told: PushReport, kept: _Kept, pull: messages.Pull, text: str, keep: Callable[[], None], *, worth: bool
    ) -> None:
        made, pulls, project, says = kept.comment, self._desk.pulls, told.push.project, _digest(text)
        if not made.id:
            made.id = pulls.comment_of(project, pull.number, self._desk.login(project))
            if not made.id and worth and pull.state == "open":
                made.id = self._make(made, keep, partial(pulls.comment, project, pull.number, text))
                made.says = says
            kept.none = not made.id
            keep()
        if made.id and made.says != says:
            made.gone = not pulls.edit(project, made.id, text)
            made.says = says
            keep()

    def _pull(self, told: PushReport, known: int) -> messages.Pull | None:
        """Find the pull request whose head the push is, if it is one's; another push's comment is not touched."""
        push = told.push
        if known:
            pull = self._desk.pulls.get(push.project, known)
            return pull if pull.head.sha == push.revision else None
        found = self._desk.pulls.of_head(push.project, push.revision, fork=told.record.facts.fork)
        return next((pull for pull in found if pull.head.ref == push.branch), None)

    def _make(self, made: _Made, keep: Callable[[], None], make: Callable[[], int]) -> int:
        """Make something, once what was asked for before would show by now; that it is asked for is kept first."""
        now = self._desk.clock()
        left = made.asked + _GRACE - now
        if 0 < left <= _GRACE:  # more than that: the clock was set back
            raise CIUnavailable("a report was asked for a moment ago, and GitHub may still come to show it", left)
        before, made.asked = made.asked, now
        keep()
        try:
            return make()
        except Unsent:
            # There is nothing to wait for: on a busy day most reports find that it is another's turn.
            made.asked = before
            keep()
            raise


def _patience(error: CIError) -> int:
    """Order errors by how soon it is worth trying again."""
    return 0 if isinstance(error, CIUnavailable) else 1 if isinstance(error, CIDenied) else 2


def _read(kept: str) -> _Kept:
    try:
        return msgspec.json.decode(kept or "{}", type=_Kept)
    except msgspec.MsgspecError:  # what another version wrote: everything is looked for anew
        return _Kept()


def _tone(told: PushReport) -> str:
    """Name what nobody may have to wait for: whether it is good, whether that is final, and what was answered."""
    judged = told.judged
    troubled = any(job.troubles for job in judged.jobs)
    return _digest([judged.health, judged.final, troubled, any(job.suspected for job in judged.jobs), told.answers])


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:16]


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE_MAX else text[: _TITLE_MAX - 1] + "…"


def _check_run(told: PushReport) -> dict[str, Any]:
    """Write a check run; what failed for good is told at once, though other jobs still run."""
    judged = told.judged
    conclusion = _conclusion(judged)
    failing = any(job.troubles for job in judged.jobs)
    return {
        **({"status": "completed", "conclusion": conclusion} if conclusion else {"status": "in_progress"}),
        **({"details_url": told.link} if told.link else {}),
        "output": {"title": _cut(judged.sentence), "summary": markdown.summary(told, _SUMMARY_MAX)},
        "actions": [_BUTTON] if failing else [],
    }


def _conclusion(judged: PushVerdict) -> str:
    """Conclude what the push comes to; nothing while it is open.

    Neither good nor bad is one that proves nothing, and one that may have brought a new intermittent failure in.
    """
    match judged.health:
        case Health.FAILING:
            return "failure"
        case Health.GOOD:
            return "neutral" if any(job.suspected for job in judged.jobs) else "success"
        case Health.PENDING:
            return "neutral" if judged.final else ""
