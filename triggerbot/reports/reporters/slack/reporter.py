"""Reports in a Slack channel: one message per push, updated in place, with the details in its thread.

A message is recorded before it is sent. Where it is unknown whether it arrived, it is looked for by its metadata, and
is sent again only after it was not found twice, a minute apart.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx
import msgspec
import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.core.model import Push
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.logs import push_fields
from triggerbot.reports import PushReport, ReportContext
from triggerbot.reports.reporters.slack import blocks
from triggerbot.reports.reporters.slack.api import Gone, Place, ScopeMissing, SlackApi
from triggerbot.reports.reporters.slack.blocks import Message
from triggerbot.reports.reporters.slack.settings import SlackReportSettings
from triggerbot.store.expectations import BranchChange
from triggerbot.systems.answers import Unknown

log = structlog.get_logger("triggerbot.publish")

#: Unsuccessful looks before a message may be sent again, and seconds before each of them.
_MISSES, _APART = 2, 60.0


@dataclass(frozen=True, slots=True)
class _Made:
    """The state of one message, as stored beside the push: none, sent without an answer (`at`), or there (`ts`)."""

    channel: str = ""
    ts: str = ""
    #: A digest of its content; empty if not known.
    said: str = ""
    #: When it was sent (seconds since the epoch); 0 once the answer is known.
    at: float = 0.0
    #: How often it was not found, and when it was last looked for.
    misses: int = 0
    looked: float = 0.0
    #: Whether it cannot be looked for, which has been logged.
    blind: bool = False
    #: Whether it cannot be changed any more, for example because somebody deleted it.
    gone: bool = False


# Built here, for msgspec 0.22 crashes if two threads do that at the same time.
_parts_decoder = msgspec.json.Decoder(dict[str, _Made])


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The message as it should be."""

    part: str
    content: Message
    #: A digest that changes when the message has to be updated.
    says: str
    #: Whether to send it if there is none yet.
    begins: bool
    metadata: Mapping[str, Any]
    thread: str | None = None


class _Messages:
    """The messages of one push, as stored beside it; each change is durable."""

    def __init__(self, stored: str, save: Callable[[str], None]) -> None:
        self._parts = _parts_decoder.decode(stored) if stored else {}
        self._save = save

    def get(self, part: str) -> _Made:
        return self._parts.get(part, _Made())

    def only(self, part: str) -> Self:
        """Forget the others."""
        self._parts = {name: made for name, made in self._parts.items() if name == part}
        return self

    def put(self, part: str, made: _Made) -> None:
        self._parts[part] = made
        self._save(msgspec.json.encode(self._parts).decode())


class SlackReporter:
    """Reports pushes in one channel (a `Reporter`)."""

    def __init__(
        self,
        name: str,
        token: str,
        channel: str,
        *,
        wants: Callable[[Push], bool],
        url: str = "https://slack.com/api",
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._channel = channel
        self._wants = wants
        self._clock = clock
        self._api = SlackApi(url, token, transport)

    def wants(self, push: Push) -> bool:
        """Return whether this push is reported in the channel."""
        return self._wants(push)

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> None:
        """Update message and details; raises `CIUnavailable` and `CIDenied` as `Reporter.report` does."""
        messages = _Messages(stored, save)
        if messages.get("message") == _Made() and not _is_worth_reporting(report):
            return
        of = push_fields(report.push)
        message = self._update(of, messages, _message(report))
        if message.ts and not message.gone and report.judged.final:
            self._update(of, messages, _details(report, message.ts))

    def report_branch(
        self, project: str, branch: str, change: BranchChange, stored: str, save: Callable[[str], None]
    ) -> None:
        """Send what has become of a branch; raises `CIUnavailable` and `CIDenied` as `Reporter.report` does."""
        part = str(change.number)
        content = blocks.of_branch(project, branch, change)
        payload = {"branch": _digest(project, branch), "part": part}
        metadata = {"event_type": "triggerbot_branch", "event_payload": payload}
        wanted = _Wanted(part, content, _says(content), begins=True, metadata=metadata)
        self._update({"project": project, "branch": branch}, _Messages(stored, save).only(part), wanted)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _update(self, of: Mapping[str, Any], messages: _Messages, wanted: _Wanted) -> _Made:
        """Update one message, and return what is known of it afterwards; `of`: what it is about, for the log."""
        made = messages.get(wanted.part)
        if made.gone:
            return made
        try:
            if made.at:
                made = self._look(of, messages, wanted)
            if not made.ts and not made.at and wanted.begins:
                self._post(messages, wanted)
            elif made.ts and made.said != wanted.says:
                self._api.update(Place(made.channel, made.ts), wanted.content, wanted.metadata)
                messages.put(wanted.part, replace(made, said=wanted.says))
        except Gone as error:
            log.info("slack.left_alone", report=self.name, part=wanted.part, error=str(error), **of)
            messages.put(wanted.part, replace(made, at=0.0, gone=True))
        return messages.get(wanted.part)

    def _post(self, messages: _Messages, wanted: _Wanted) -> None:
        messages.put(wanted.part, _Made(at=self._clock()))
        try:
            answer = self._api.post(self._channel, wanted.content, wanted.metadata, wanted.thread)
        except (CIUnavailable, CIDenied, Gone):
            messages.put(wanted.part, _Made())
            raise
        match answer:
            case Place(channel, ts):
                messages.put(wanted.part, _Made(channel, ts, wanted.says))
            case Unknown(why):
                raise CIUnavailable(f"nobody knows whether the message is there: {why}", _APART)

    def _look(self, of: Mapping[str, Any], messages: _Messages, wanted: _Wanted) -> _Made:
        """Look for a message that was sent without an answer; return what is known of it afterwards."""
        made = messages.get(wanted.part)
        wait = max(made.at, made.looked) + _APART - self._clock()
        # A clock that was set back must not make us wait for long.
        if 0 < wait <= _APART:
            raise CIUnavailable("nobody knows whether the message is there; it will be looked for", wait)
        try:
            ts = self._api.find(self._channel, wanted.metadata, made.at, wanted.thread)
        except ScopeMissing as error:
            if not made.blind:
                log.warning("slack.in_doubt", report=self.name, part=wanted.part, error=str(error), **of)
                messages.put(wanted.part, replace(made, blind=True))
            return messages.get(wanted.part)
        if ts is not None:
            found = _Made(self._channel, ts)
        elif made.misses + 1 < _MISSES:
            messages.put(wanted.part, replace(made, misses=made.misses + 1, looked=self._clock()))
            raise CIUnavailable("the message was not found; it will be looked for once more", _APART)
        else:
            found = _Made()
        messages.put(wanted.part, found)
        return found


def _is_worth_reporting(report: PushReport) -> bool:
    judged = report.judged
    # What was cancelled is no news: whoever did that knows.
    news = any(job.verdict in (Verdict.INTERMITTENT, Verdict.INFRA) and not job.hidden for job in judged.jobs)
    return judged.final and (judged.health is Health.FAILING or news)


def _message(report: PushReport) -> _Wanted:
    content = blocks.message(report)
    # Of what is under way only the health matters: nobody follows single runs in a channel.
    says = _says(content) if report.judged.final else f"unfinished: {report.judged.health}"
    return _Wanted("message", content, says, _is_worth_reporting(report), _metadata(report.push))


def _details(report: PushReport, thread: str) -> _Wanted:
    content = blocks.details(report)
    metadata = _metadata(report.push, part="details")
    return _Wanted("details", content, _says(content), begins=True, metadata=metadata, thread=thread)


def _says(content: Message) -> str:
    return _digest(content.text, json.dumps(content.blocks))


def _metadata(push: Push, **more: str) -> dict[str, Any]:
    """Build the metadata by which a message is found. Every app in the workspace can read it, so the push is hashed."""
    return {"event_type": "triggerbot_push", "event_payload": {"push": _digest(*push), **more}}


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:32]


def build(settings: SlackReportSettings, context: ReportContext) -> Iterator[SlackReporter]:
    """Yield the one of a channel; raises `ConfigError` if its token cannot be read."""
    yield SlackReporter(
        f"slack:{settings.channel}", settings.token.read(), settings.channel,
        wants=settings.covers, url=settings.url, clock=context.clock,
    )  # fmt: skip
