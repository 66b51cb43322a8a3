"""A Slack over HTTP: its Web API as far as triggerbot uses it, with Slack's limits, errors and permissions.

    with FakeSlack() as slack:
        reporter = SlackReporter("slack:C1", slack.token, slack.channel, url=slack.url, ...)
        ...
        assert len(slack.messages) == 1

Checks and answers follow Slack's documentation of these methods (2026); the limit of all blocks together
was measured by users (github.com/slackapi/bolt-js, issue 2509).
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.http_server import Quiet, Served

_COMMON = {"channel", "text", "blocks", "metadata", "parse", "link_names"}
#: The arguments that each method knows; Slack silently ignores others, so that a misspelt one does nothing.
_ARGUMENTS = {
    "auth.test": set[str](),
    "chat.postMessage": _COMMON | {"thread_ts", "unfurl_links", "unfurl_media", "mrkdwn", "reply_broadcast"},
    "chat.update": _COMMON | {"ts", "reply_broadcast"},
    "conversations.history": {
        "channel", "cursor", "inclusive", "include_all_metadata", "latest", "limit", "oldest",
    },
    "conversations.replies": {
        "channel", "ts", "cursor", "inclusive", "include_all_metadata", "latest", "limit", "oldest",
    },
}  # fmt: skip
_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
}
_TEXT_KEYS = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}
#: Characters of JSON of all blocks of a message.
_BLOCKS_SIZE = 13_200


class SlackError(Exception):
    """An error that is answered with HTTP 200 and `ok: false`."""

    def __init__(self, name: str, *messages: str, **more: Any) -> None:
        self.answer = {"ok": False, "error": name, **more}
        if messages:
            self.answer["response_metadata"] = {"messages": list(messages)}
        super().__init__(name)


@dataclass
class Fault:
    """An answer to give instead of the true one; `status` 0 drops the connection."""

    method: str
    status: int = 200
    answer: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the call is carried out nevertheless.
    applied: bool = False
    #: Calls that are answered normally before.
    passes: int = 0


class FakeSlack(Served):
    """One workspace with one channel."""

    token = "xoxb-canary-token-of-slack"
    channel = "C0123456789"
    bot, user = "B0777", "U0777"

    def __init__(self) -> None:
        self.scopes = {"chat:write", "channels:history"}
        self.archived = False
        self.member = True
        #: The newest messages of the channel and of threads, oldest first, as `conversations.history` shows them.
        self.messages: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[Fault] = []
        #: The most messages on a page, even if a larger limit is given.
        self.page = 1000
        self.now = 1_795_203_000
        self._lock = threading.Lock()
        fake = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                fake._serve(self, dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-type"].startswith("application/json")
                fake._serve(self, json.loads(body))

        super().__init__(Handler)
        self.url = f"{self.origin}/api"

    # -- for tests ----------------------------------------------------------------------------------------------

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The messages in the channel itself."""
        return [one for one in self.messages if "thread_ts" not in one]

    @property
    def replies(self) -> list[dict[str, Any]]:
        """The messages in threads."""
        return [one for one in self.messages if "thread_ts" in one]

    def called(self, method: str) -> list[dict[str, Any]]:
        """The arguments of each call of a method."""
        return [asked for name, asked in self.requests if name == method]

    def fail(self, method: str, error: str = "", **more: Any) -> None:
        """Make the next call of a method fail, by an error's name or in another way (see `Fault`)."""
        answer = more.pop("answer", {"ok": False, "error": error})
        self.faults.append(Fault(method, answer=answer, **more))

    def say(self, text: str, **more: Any) -> None:
        """Post a message by somebody else in the channel."""
        self._add({"type": "message", "user": "U0001", "text": text, **more})

    def delete(self, message: Mapping[str, Any]) -> None:
        """Delete a message, as a person does."""
        self.messages.remove(dict(message))

    # -- answering ----------------------------------------------------------------------------------------------

    def _serve(self, handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        method = urlsplit(handler.path).path.removeprefix("/api/")
        with self._lock:
            self.requests.append((method, asked))
            fault = next((one for one in self.faults if one.method == method), None)
            if fault is not None and fault.passes:
                fault.passes, fault = fault.passes - 1, None
            if fault is not None:
                self.faults.remove(fault)
            answer: Any = None
            if fault is None or fault.applied:
                answer = self._answer(method, asked, handler.headers["authorization"])
        status, headers = 200, {}
        if fault is not None:
            status, answer, headers = fault.status, fault.answer, dict(fault.headers)
        if status == 0:
            handler.close_connection = True
            return
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        handler.send_response(status)
        for name, value in {"content-type": "application/json; charset=utf-8", **headers}.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _answer(self, method: str, asked: dict[str, Any], authorization: str | None) -> dict[str, Any]:
        try:
            if authorization != f"Bearer {self.token}":
                raise SlackError("invalid_auth" if authorization else "not_authed")
            if method not in _ARGUMENTS:
                raise SlackError("unknown_method", req_method=method)
            unknown = set(asked) - _ARGUMENTS[method]
            assert not unknown, f"{method} has no argument {unknown}"
            scope = _SCOPES.get(method)
            if scope is not None and scope not in self.scopes:
                raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))
            return {"ok": True, **self._do(method, asked)}
        except SlackError as said:
            return said.answer

    def _do(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        if method == "auth.test":
            return {"url": "https://work.slack.com/", "team": "Work", "user": "bot", "team_id": "T1",
                    "user_id": self.user, "bot_id": self.bot, "is_enterprise_install": False}  # fmt: skip
        if asked.get("channel") != self.channel:
            raise SlackError("channel_not_found")
        if not self.member:
            raise SlackError("not_in_channel")
        match method:
            case "chat.postMessage":
                return self._post(asked)
            case "chat.update":
                return self._update(asked)
            case "conversations.history":
                found = sorted(self.shown, key=lambda one: float(one["ts"]), reverse=True)
                return self._page(asked, found)
            case _:
                thread = [one for one in self.messages if asked["ts"] in (one["ts"], one.get("thread_ts"))]
                if not thread:
                    raise SlackError("thread_not_found")
                return self._page(asked, thread)

    def _post(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.archived:
            raise SlackError("is_archived")
        check(asked)
        message = {
            "type": "message", "user": self.user, "bot_id": self.bot, "app_id": "A1", "team": "T1",
            "text": asked["text"], "blocks": _numbered(asked["blocks"]), "metadata": asked.get("metadata"),
        }  # fmt: skip
        if "thread_ts" in asked:
            if not any(one["ts"] == asked["thread_ts"] for one in self.shown):
                raise SlackError("cannot_reply_to_message")
            message["thread_ts"] = asked["thread_ts"]
        return {"channel": self.channel, "ts": self._add(message), "message": _bare(message)}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        check(asked)
        found = next((one for one in self.messages if one["ts"] == asked.get("ts")), None)
        if found is None:
            raise SlackError("message_not_found")
        if found.get("bot_id") != self.bot:
            raise SlackError("cant_update_message")
        found |= {"text": asked["text"], "blocks": _numbered(asked["blocks"]), "edited": {"user": self.user}}
        if "metadata" in asked:
            found["metadata"] = asked["metadata"]
        return {"channel": self.channel, "ts": found["ts"], "text": asked["text"], "message": _bare(found)}

    def _page(self, asked: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        oldest = float(asked.get("oldest", 0))
        listed = [one for one in found if float(one["ts"]) > oldest]
        start = int(asked.get("cursor", "0"))
        most = min(int(asked.get("limit", 100)), self.page)
        page = listed[start : start + most]
        more = start + most < len(listed)
        shown = page if asked.get("include_all_metadata") == "true" else [_bare(one) for one in page]
        cursor = {"next_cursor": str(start + most) if more else ""}
        return {"messages": shown, "has_more": more, "pin_count": 0, "response_metadata": cursor}

    def _add(self, message: dict[str, Any]) -> str:
        self.now += 1
        self.messages.append({**message, "ts": f"{self.now}.000100"})
        return f"{self.now}.000100"


def _bare(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "metadata"}


def _numbered(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]


def check(asked: Mapping[str, Any]) -> None:
    """Reject a message that Slack rejects."""
    if not isinstance(asked.get("text"), str) or not asked["text"].strip():
        raise SlackError("no_text")
    if len(asked["text"]) > 4000:
        raise SlackError("msg_too_long")
    metadata = asked.get("metadata")
    if metadata is not None and (
        set(metadata) != {"event_type", "event_payload"}
        or not isinstance(metadata["event_type"], str)
        or not isinstance(metadata["event_payload"], dict)
    ):
        raise SlackError("invalid_metadata_format")
    blocks = asked.get("blocks") or []
    if len(blocks) > 50:
        raise SlackError("invalid_blocks", "[ERROR] no more than 50 items allowed [json-pointer:/blocks]")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids):
        raise SlackError("invalid_blocks", "[ERROR] `block_id` already exists")
    for number, block in enumerate(blocks):
        _check_block(number, block)
    if len(json.dumps(blocks, ensure_ascii=False)) > _BLOCKS_SIZE:
        raise SlackError("msg_blocks_too_long")


def _check_block(number: int, block: Mapping[str, Any]) -> None:
    where = f"[json-pointer:/blocks/{number}]"
    match block.get("type"):
        case "section":
            known, texts, most = {"type", "block_id", "text", "expand"}, [block.get("text")], 3000
        case "header":
            known, texts, most = {"type", "block_id", "text"}, [block.get("text")], 150
        case "context":
            known, texts, most = {"type", "block_id", "elements"}, list(block.get("elements", [])), 3000
        case "divider":
            known, texts, most = {"type", "block_id"}, [], 0
        case other:
            raise SlackError("invalid_blocks", f"[ERROR] unsupported type: {other} {where}")
    if set(block) - known:
        raise SlackError("invalid_blocks", f"[ERROR] invalid additional property {where}")
    for text in texts:
        if not isinstance(text, dict) or set(text) - _TEXT_KEYS.get(str(text.get("type")), set()):
            raise SlackError("invalid_blocks", f"[ERROR] no such text object {where}")
        if block["type"] == "header" and text["type"] != "plain_text":
            raise SlackError("invalid_blocks", f"[ERROR] a header is plain_text {where}")
        if not 1 <= len(text["text"]) <= most:
            raise SlackError("invalid_blocks", f"[ERROR] must be 1 to {most} characters {where}/text")
