"""The client of Slack's Web API, as far as reports need it, and the meaning of its answers.

Slack answers HTTP 200 with `ok: false` and the name of an error, or 429 with `Retry-After`; after `internal_error` and
`fatal_error` the request may have succeeded (its documentation of chat.postMessage, 2026).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.reports.reporters.slack.markup import Message
from triggerbot.systems.answers import Unknown
from triggerbot.systems.http import Http, NotSent, Reply, segments, usable

#: Messages per page, and pages read at most: no channel has more in an hour.
_PAGE, _PAGES = "200", 20
#: Seconds that our clock may differ from Slack's.
_CLOCKS = 3600.0
#: Seconds to wait at a rate limit without `Retry-After`.
_LIMITED = 30.0
#: Transient errors after which nothing was done; and errors after which it may have been done.
_PASSING = frozenset({"ratelimited", "rate_limited", "request_timeout", "service_unavailable", "team_added_to_org"})
_PERHAPS = frozenset({"internal_error", "fatal_error"})
#: Errors after which a message can never be changed or replied to.
_GONE = frozenset({
    "message_not_found", "thread_not_found", "cannot_reply_to_message", "cant_update_message", "edit_window_closed",
})  # fmt: skip
#: Remedies for errors whose names start with this.
_REMEDIES = (
    ("not_in_channel", "invite the bot to the channel"),
    ("channel_not_found", "check the channel's id; the bot has to be a member of a private channel"),
    ("is_archived", "the channel is archived: report to another one"),
    ("invalid_auth", "check the token"),
    ("not_authed", "check the token"),
    ("token_", "the token is no longer valid: make a new one"),
    ("account_inactive", "the app was removed or switched off: install it again"),
    ("restricted_action", "the workspace does not let the bot post there: ask its administrators"),
    ("no_permission", "the workspace does not let the bot post there: ask its administrators"),
    ("ekm_access_denied", "the workspace's administrators have suspended posting"),
)
_ERROR = re.compile(r"[a-z0-9_.:]{1,80}")


class Perhaps(CIUnavailable):
    """The answer is lost or meaningless: the request may have succeeded."""


class Gone(Exception):
    """The message can no longer be changed or replied to."""


class ScopeMissing(CIDenied):
    """The app lacks a scope for this."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a message: its channel and its timestamp."""

    channel: str
    ts: str


class SlackApi:
    """The API methods that reports need. Thread-safe."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"authorization": f"Bearer {token}", "user-agent": "triggerbot", "accept": "application/json"}
        self._http = Http(url, headers, transport=transport)
        self._self: frozenset[str] = frozenset()

    def post(
        self, channel: str, message: Message, metadata: Mapping[str, Any], thread: str | None = None
    ) -> Place | Unknown:
        """Post a message, or a reply in a thread; `Unknown` if it may or may not exist. After an error it does not.

        Raises:
            CIUnavailable: not now.
            CIDenied: not until somebody fixes the cause.
            Gone: the thread does not exist any more.
        """
        body = {"channel": channel, "unfurl_links": False, "unfurl_media": False, **_content(message, metadata)}
        if thread is not None:
            body["thread_ts"] = thread
        try:
            answer = self._write("chat.postMessage", body)
        except Perhaps as error:
            return Unknown(str(error))
        match answer:
            case {"channel": str(where), "ts": str(ts)}:
                return Place(where, ts)
            case _:
                return Unknown("chat.postMessage: Slack does not say where the message is")

    def update(self, place: Place, message: Message, metadata: Mapping[str, Any]) -> None:
        """Update a message in place; idempotent; raises as `post` does."""
        self._write("chat.update", {"channel": place.channel, "ts": place.ts, **_content(message, metadata)})

    def find(self, channel: str, metadata: Mapping[str, Any], since: float, thread: str | None = None) -> str | None:
        """Return the timestamp of our message with this metadata, sent after `since`, in a channel or a thread of it.

        `None` if there is none.

        Raises:
            ScopeMissing: the app may not read messages.
            CIUnavailable: not everything could be read, so nothing is proved.
            CIDenied, Gone: as `post` does.
        """
        ours = self._ours()
        method = "conversations.history" if thread is None else "conversations.replies"
        asked = {"channel": channel, "limit": _PAGE, "include_all_metadata": "true"}
        asked |= {"oldest": f"{max(0.0, since - _CLOCKS):.6f}"} if thread is None else {"ts": thread}
        for _ in range(_PAGES):
            answer = _answer(method, self._http.get(segments(method), asked))
            for one in _list(answer.get("messages")):
                if _carries(one, metadata) and ours & {one.get("bot_id"), one.get("user")}:
                    return str(one.get("ts"))
            cursor = _mapping(answer.get("response_metadata")).get("next_cursor")
            if not cursor:
                return None
            asked["cursor"] = str(cursor)
        raise CIUnavailable(f"{method}: more messages than can be looked through")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ours(self) -> frozenset[str]:
        """Return our ids, asked for once: any app may write metadata like ours."""
        if not self._self:
            answer = self._write("auth.test", {})
            self._self = frozenset(str(answer[name]) for name in ("bot_id", "user_id") if answer.get(name))
        return self._self

    def _write(self, method: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        match self._http.post(segments(method), body):
            case NotSent(why):
                raise CIUnavailable(why)
            case Unknown(why):
                raise Perhaps(why)
            case Reply() as reply:
                return _answer(method, reply)


def _carries(message: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    shown = _mapping(message.get("metadata"))
    return all(shown.get(name) == value for name, value in metadata.items())


def _content(message: Message, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": message.text, "blocks": message.blocks, "metadata": metadata, "parse": "none", "link_names": False}


def _answer(method: str, reply: Reply) -> Mapping[str, Any]:
    """Return an answer that says `ok`; raises as `_error` says otherwise."""
    if reply.status >= 500 or reply.status == 408:
        raise Perhaps(f"{method}: HTTP {reply.status} {reply.excerpt}", reply.retry_after)
    if reply.status == 429:
        raise CIUnavailable(f"{method}: HTTP 429: too many requests", reply.retry_after or _LIMITED, healthy=True)
    try:
        answer = usable(reply, method).json()
    except CIUnavailable as error:
        raise Perhaps(f"{method}: {error}") from None
    if not isinstance(answer, dict):
        raise Perhaps(f"{method}: the answer is no JSON object")
    if answer.get("ok") is True:
        return answer
    raise _error(method, answer, reply)


def _error(method: str, answer: Mapping[str, Any], reply: Reply) -> Exception:
    """Return the exception for an error of Slack's, with a remedy where one is known."""
    name = answer.get("error")
    if not isinstance(name, str) or not _ERROR.fullmatch(name):
        return Perhaps(f"{method}: the answer is neither yes nor no")
    why = f"{method}: {name}"
    if name in _PERHAPS:
        return Perhaps(why)
    if name in _PASSING:
        return CIUnavailable(why, reply.retry_after or _LIMITED, healthy="rate" in name)
    if name in _GONE:
        return Gone(why)
    if name == "missing_scope":
        return ScopeMissing(f"{why}: give the app the scope {answer.get('needed') or 'that it lacks'}, "
                            "and install it again")  # fmt: skip
    remedy = next((text for prefix, text in _REMEDIES if name.startswith(prefix)), "")
    hints = _mapping(answer.get("response_metadata")).get("messages")
    hint = f" {hints[0]}"[:300] if isinstance(hints, list) and hints else ""
    return CIDenied(f"{why}{hint}" + (f": {remedy}" if remedy else ""))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
