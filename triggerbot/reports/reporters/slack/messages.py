"""Messages in a channel of Slack, each made once and updated in place.

A message is recorded before it is sent. Where it is unknown whether it arrived, it is looked for by its metadata, and
is sent again only after it was not found twice, a minute apart.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.reports.reporters.slack.api import Gone, Place, ScopeMissing, SlackApi
from triggerbot.reports.reporters.slack.markup import Message
from triggerbot.systems.answers import Unknown

log = structlog.get_logger("triggerbot.publish")

#: Unsuccessful looks before a message may be sent again, and seconds before each of them.
_MISSES, _APART = 2, 60.0
#: Seconds between messages in a channel, Slack's limit; short bursts may exceed it (its documentation on rate limits).
_PACE = 1.0


@dataclass(frozen=True, slots=True)
class Made:
    """The state of one message, as stored: none, sent without an answer (`at`), or there (`ts`)."""

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
_parts_decoder = msgspec.json.Decoder(dict[str, Made])


@dataclass(frozen=True, slots=True)
class Wanted:
    """The message as it should be."""

    part: str
    content: Message
    #: A digest that changes when the message has to be updated.
    says: str
    #: Whether to send it if there is none yet.
    begins: bool
    metadata: Mapping[str, Any]
    thread: str | None = None


class Messages:
    """The messages about one thing, as stored beside it; each change is durable."""

    def __init__(self, stored: str, save: Callable[[str], None]) -> None:
        self._parts = _parts_decoder.decode(stored) if stored else {}
        self._save = save

    def get(self, part: str) -> Made:
        """Return the state of one message."""
        return self._parts.get(part, Made())

    def parts(self, prefix: str) -> list[str]:
        """Return the messages whose names begin so and of which anything is known."""
        return [part for part, made in self._parts.items() if part.startswith(prefix) and made != Made()]

    def owes(self, wanted: Wanted) -> bool:
        """Return whether anything is left to send of this message."""
        made = self.get(wanted.part)
        return not made.gone and (bool(made.at) or (made.said != wanted.says if made.ts else wanted.begins))

    def forget_all_but(self, part: str) -> None:
        """Forget the state of the others with the next change."""
        self._parts = {name: made for name, made in self._parts.items() if name == part}

    def put(self, part: str, made: Made) -> None:
        """Store the state of one message."""
        self._parts[part] = made
        self._save(msgspec.json.encode(self._parts).decode())


class Channel:
    """A channel with our messages in it; `name`: that of its reporter, for the log."""

    def __init__(self, name: str, api: SlackApi, channel: str, clock: Callable[[], float]) -> None:
        self.name = name
        self._api = api
        self._channel = channel
        self._clock = clock
        #: When the last message was sent.
        self._sent = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def update_slowly(self, messages: Messages, several: Iterable[Wanted], fields: Mapping[str, str]) -> float | None:
        """Update messages at Slack's pace; return when to go on if any are left. Raises as `update` does."""
        for wanted in several:
            if not messages.owes(wanted):
                continue
            left = self._sent + _PACE - self._clock()
            # What is only looked for waits for nothing, and a clock that was set back must not make us wait for long.
            if 0 < left <= _PACE and not messages.get(wanted.part).at:
                return self._clock() + left
            self.update(messages, wanted, fields)
        return None

    def update(self, messages: Messages, wanted: Wanted, fields: Mapping[str, str]) -> Made:
        """Update one message, and return what is known of it afterwards; `fields`: what it is about, for the log.

        Raises `CIUnavailable` and `CIDenied`.
        """
        made = messages.get(wanted.part)
        if made.gone:
            return made
        try:
            if made.at:
                made = self._look(messages, wanted, fields)
            if not made.ts and not made.at and wanted.begins:
                self._post(messages, wanted)
            elif made.ts and made.said != wanted.says:
                self._sent = self._clock()
                self._api.update(Place(made.channel, made.ts), wanted.content, wanted.metadata)
                messages.put(wanted.part, replace(made, said=wanted.says))
        except Gone as error:
            log.info("slack.left_alone", report=self.name, part=wanted.part, error=str(error), **fields)
            messages.put(wanted.part, replace(made, at=0.0, gone=True))
        return messages.get(wanted.part)

    def _post(self, messages: Messages, wanted: Wanted) -> None:
        self._sent = self._clock()
        messages.put(wanted.part, Made(at=self._sent))
        try:
            answer = self._api.post(self._channel, wanted.content, wanted.metadata, wanted.thread)
        except (CIUnavailable, CIDenied, Gone):
            messages.put(wanted.part, Made())
            raise
        match answer:
            case Place(channel, ts):
                messages.put(wanted.part, Made(channel, ts, wanted.says))
            case Unknown(why):
                raise CIUnavailable(f"nobody knows whether the message is there: {why}", _APART)

    def _look(self, messages: Messages, wanted: Wanted, fields: Mapping[str, str]) -> Made:
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
                log.warning("slack.in_doubt", report=self.name, part=wanted.part, error=str(error), **fields)
                messages.put(wanted.part, replace(made, blind=True))
            return messages.get(wanted.part)
        if ts is not None:
            found = Made(self._channel, ts)
        elif made.misses + 1 < _MISSES:
            messages.put(wanted.part, replace(made, misses=made.misses + 1, looked=self._clock()))
            raise CIUnavailable("the message was not found; it will be looked for once more", _APART)
        else:
            found = Made()
        messages.put(wanted.part, found)
        return found


def digest(*texts: str) -> str:
    """Return a short digest of texts."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:32]


def says(content: Message) -> str:
    """Digest what a message shows."""
    return digest(content.text, json.dumps(content.blocks))
