"""Reports in a Slack channel: one message per push, updated in place, with the details in its thread.

Where tests are known, the thread has a reply for each failing job as well, with its failing tests.
"""

from collections.abc import Callable, Iterator

import httpx

from triggerbot.core.model import Push
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport, ReportContext
from triggerbot.reports.novelty import NoveltyReport
from triggerbot.reports.reporters.slack import blocks, replies, tests_blocks
from triggerbot.reports.reporters.slack.api import SlackApi
from triggerbot.reports.reporters.slack.branch import SlackBranches
from triggerbot.reports.reporters.slack.messages import Channel, Made, Messages, Wanted, digest, says
from triggerbot.reports.reporters.slack.settings import SlackReportSettings
from triggerbot.store.expectations import BranchChange


class SlackReporter:
    """Reports pushes in one channel (a `Reporter`)."""

    def __init__(
        self,
        name: str,
        token: str,
        channel: str,
        *,
        wants: Callable[[Push], bool],
        always: bool = False,
        url: str = "https://slack.com/api",
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._wants = wants
        self._always = always
        self._channel = Channel(name, SlackApi(url, token, transport), channel, clock)

    def wants(self, push: Push) -> bool:
        """Return whether this push is reported in the channel."""
        return self._wants(push)

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> float | None:
        """Update message, details and replies; returns when to go on with replies, and raises as `Reporter.report`."""
        messages, fields = Messages(stored, save), push_fields(report.push)
        if messages.get("message") == Made() and not self._is_worth_reporting(report):
            return None
        novelty = report.novelty()
        wanted = _message(report, novelty, begins=self._is_worth_reporting(report))
        message = self._channel.update(messages, wanted, fields)
        if not message.ts or message.gone or not report.judged.final:
            return None
        self._channel.update(messages, _details(report, message.ts), fields)
        return self._channel.update_slowly(messages, replies.wanted(report, novelty, messages, message.ts), fields)

    def report_expectation(
        self, project: str, branch: str, change: BranchChange, stored: str, save: Callable[[str], None]
    ) -> None:
        """Send what has become of a branch; raises `CIUnavailable` and `CIDenied` as `Reporter.report` does."""
        part, content = str(change.number), blocks.of_expectation(project, branch, change)
        payload = {"branch": digest(project, branch), "part": part}
        metadata = {"event_type": "triggerbot_expectation", "event_payload": payload}
        wanted = Wanted(part, content, says(content), begins=True, metadata=metadata)
        messages = Messages(stored, save)
        messages.forget_all_but(part)
        self._channel.update(messages, wanted, {"project": project, "branch": branch})

    def _is_worth_reporting(self, report: PushReport) -> bool:
        judged = report.judged
        # What was cancelled is no news: whoever did that knows.
        news = any(job.verdict in (Verdict.INTERMITTENT, Verdict.INFRA) and not job.hidden for job in judged.jobs)
        passed = self._always and judged.health is Health.GOOD
        return judged.final and (judged.health is Health.FAILING or news or passed)

    def close(self) -> None:
        """Close the connections."""
        self._channel.close()


def _message(report: PushReport, novelty: NoveltyReport | None, *, begins: bool) -> Wanted:
    content = blocks.message(report, [] if novelty is None else tests_blocks.summary(novelty))
    # Of what is under way only the health matters: nobody follows single runs in a channel.
    shown = says(content) if report.judged.final else f"unfinished: {report.judged.health}"
    return Wanted("message", content, shown, begins, replies.metadata(report.push))


def _details(report: PushReport, thread: str) -> Wanted:
    content = blocks.details(report)
    metadata = replies.metadata(report.push, part="details")
    return Wanted("details", content, says(content), begins=True, metadata=metadata, thread=thread)


def build(settings: SlackReportSettings, context: ReportContext) -> Iterator[SlackReporter | SlackBranches]:
    """Yield the ones of a channel, for pushes and for branches; raises `ConfigError` if its token cannot be read."""
    token = settings.token.read()
    yield SlackReporter(
        f"slack:{settings.channel}", token, settings.channel,
        wants=settings.covers, always=settings.always, url=settings.url, clock=context.clock,
    )  # fmt: skip
    if settings.streaks.patterns:
        yield SlackBranches(
            settings.channel, token, covers=settings.covers_streaks, url=settings.url, clock=context.clock
        )
