"""Reports in a channel of Slack: one message a push, brought up to date in place, with its details in the thread.

A message is written down before it leaves. Where nobody knows whether it arrived, it is looked for by its metadata,
and is sent again only after it was not found twice, a minute apart.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

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
from triggerbot.systems import Unknown

log = structlog.get_logger("triggerbot.publish")

#: Looks in vain before a message may leave again, and seconds before each of them.
_MISSES, _APART = 2, 60.0


@dataclass(frozen=True, slots=True)
class _Made:
    """What is known of one message: nothing, that it left (`at`), or where it is (`ts`)."""

    channel: str = ""
    ts: str = ""
    #: What it says, as a digest; empty if nobody knows.
    said: str = ""
    #: When it left; 0 as soon as its answer is known.
    at: float = 0.0
    #: Times that it was not found, and when it was looked for last.
    misses: int = 0
    looked: float = 0.0
    #: It cannot be looked for, which was told.
    blind: bool = False
    #: It cannot be changed any more: somebody deleted it, for one.
    gone: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A message as it should be."""

    part: str
    content: Message
    #: Changes when the message has to.
    says: str
    #: Whether it is made if there is none yet.
    begins: bool
    metadata: Mapping[str, Any]
    thread: str | None = None


class _Book:
    """What is kept beside a push: each change is durable."""

    def __init__(self, kept: str, keep: Callable[[str], None]) -> None:
        self._parts = msgspec.json.decode(kept, type=dict[str, _Made]) if kept else {}
        self._keep = keep

    def get(self, part: str) -> _Made:
        return self._parts.get(part, _Made())

    def put(self, part: str, made: _Made) -> None:
        self._parts[part] = made
        self._keep(msgspec.json.encode(self._parts).decode())


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
        """Tell whether this push is reported in the channel."""
        return self._wants(push)

    def report(self, told: PushReport, kept: str, keep: Callable[[str], None]) -> None:
        """Bring message and details up to date; raises `CIUnavailable` and `CIDenied` as a `Reporter` may."""
        book = _Book(kept, keep)
        if book.get("message") == _Made() and not _worth_telling(told):
            return
        message = self._bring(told, book, _message(told))
        if message.ts and not message.gone and told.judged.final:
            self._bring(told, book, _details(told, message.ts))

    def close(self) -> None:
        """Let go of connections."""
        self._api.close()

    def _bring(self, told: PushReport, book: _Book, wanted: _Wanted) -> _Made:
        """Bring one message up to date, and tell what is known of it then."""
        made = book.get(wanted.part)
        if made.gone:
            return made
        try:
            if made.at:
                made = self._look(told, book, wanted)
            if not made.ts and not made.at and wanted.begins:
                self._post(book, wanted)
            elif made.ts and made.said != wanted.says:
                self._api.update(Place(made.channel, made.ts), wanted.content, wanted.metadata)
                book.put(wanted.part, replace(made, said=wanted.says))
        except Gone as error:
            log.info("slack.left_alone", report=self.name, part=wanted.part, error=str(error), **push_fields(told.push))
            book.put(wanted.part, replace(made, at=0.0, gone=True))
        return book.get(wanted.part)

    def _post(self, book: _Book, wanted: _Wanted) -> None:
        book.put(wanted.part, _Made(at=self._clock()))
        try:
            answer = self._api.post(self._channel, wanted.content, wanted.metadata, wanted.thread)
        except (CIUnavailable, CIDenied, Gone):
            book.put(wanted.part, _Made())
            raise
        match answer:
            case Place(channel, ts):
                book.put(wanted.part, _Made(channel, ts, wanted.says))
            case Unknown(why):
                raise CIUnavailable(f"nobody knows whether the message is there: {why}", _APART)

    def _look(self, told: PushReport, book: _Book, wanted: _Wanted) -> _Made:
        """Look for a message that left without an answer; tells what is known then."""
        made = book.get(wanted.part)
        wait = max(made.at, made.looked) + _APART - self._clock()
        # A clock that was set back must not make us wait for long.
        if 0 < wait <= _APART:
            raise CIUnavailable("nobody knows whether the message is there; it will be looked for", wait)
        try:
            ts = self._api.find(self._channel, wanted.metadata, made.at, wanted.thread)
        except ScopeMissing as error:
            if not made.blind:
                log.warning(
                    "slack.in_doubt", report=self.name, part=wanted.part, error=str(error), **push_fields(told.push)
                )
                book.put(wanted.part, replace(made, blind=True))
            return book.get(wanted.part)
        if ts is not None:
            found = _Made(self._channel, ts)
        elif made.misses + 1 < _MISSES:
            book.put(wanted.part, replace(made, misses=made.misses + 1, looked=self._clock()))
            raise CIUnavailable("the message was not found; it will be looked for once more", _APART)
        else:
            found = _Made()
        book.put(wanted.part, found)
        return found


def _worth_telling(told: PushReport) -> bool:
    judged = told.judged
    intermittent = any(job.verdict is Verdict.INTERMITTENT and not job.hidden for job in judged.jobs)
    return judged.final and (judged.health is Health.FAILING or intermittent)


def _message(told: PushReport) -> _Wanted:
    content = blocks.message(told)
    # Of what is under way only the health matters: nobody follows single runs in a channel.
    says = _says(content) if told.judged.final else f"unfinished: {told.judged.health}"
    return _Wanted("message", content, says, _worth_telling(told), _metadata(told.push))


def _details(told: PushReport, thread: str) -> _Wanted:
    content = blocks.details(told)
    metadata = _metadata(told.push, part="details")
    return _Wanted("details", content, _says(content), begins=True, metadata=metadata, thread=thread)


def _says(content: Message) -> str:
    return _digest(content.text, json.dumps(content.blocks))


def _metadata(push: Push, **more: str) -> dict[str, Any]:
    """Make what a message is recognised by. Every app in the workspace can read it: it tells nothing of the push."""
    return {"event_type": "triggerbot_push", "event_payload": {"push": _digest(*push), **more}}


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:32]


def build(settings: SlackReportSettings, context: ReportContext) -> Iterator[SlackReporter]:
    """Yield the one of a channel; raises `ConfigError` if its token cannot be read."""
    yield SlackReporter(
        f"slack:{settings.channel}", settings.token.read(), settings.channel,
        wants=settings.covers, url=settings.url, clock=context.clock,
    )  # fmt: skip
