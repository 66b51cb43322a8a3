"""The CI's side of the generic webhook: what a CI without one of its own posts, signed as Standard Webhooks say."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import httpx
import msgspec

from triggerbot.core import event_json
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.core.model import Event
from triggerbot.systems.answers import Unknown
from triggerbot.systems.http import Http, NotSent, Reply
from triggerbot.systems.webhook_signatures import sign_standard

#: Bytes of an event that a webhook, a queue or a line of a file may have.
EVENT_MAX = 1 << 20
#: Posts of one event, and the seconds to wait before another, at most: whoever waits is a machine of the CI.
_POSTS, _WAIT_MAX = 4, 30.0
#: The share of the failing tests that is listed still where all are too much.
_SHARE = 0.8


def body(event: Event) -> bytes:
    """Write an event without what it does not say; of too many failing tests the last are only counted."""
    while True:
        told = {key: value for key, value in event_json.encode(event).items() if value not in (None, [], False, "")}
        text = msgspec.json.encode(told)
        if len(text) <= EVENT_MAX or event.tests is None or not event.tests.failing:
            return text
        failing = event.tests.failing[: int(len(event.tests.failing) * _SHARE)]
        event = replace(event, tests=replace(event.tests, failing=failing))


def post(
    url: str,
    content: bytes,
    secret: str,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Post an event until it is stored; the same event twice changes nothing.

    Raises:
        CIDenied: it is refused.
        CIUnavailable: no answer, or not now, several times.
    """
    whole = httpx.URL(url)
    http = Http(str(whole.copy_with(raw_path=b"/", fragment=None)), {"user-agent": "triggerbot"}, transport=transport)
    message_id = f"msg_{hashlib.sha256(content).hexdigest()[:32]}"
    try:
        for number in range(1, _POSTS + 1):
            now = int(clock())
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(now),
                "webhook-signature": sign_standard(message_id, now, content, secret),
            }
            try:
                return _settled(http.post(whole.raw_path.decode(), msgspec.Raw(content), headers), whole)
            except CIUnavailable as error:
                if number == _POSTS:
                    raise
                sleep(min(_WAIT_MAX, 2.0**number if error.after is None else error.after))
    finally:
        http.close()


def _settled(answer: Reply | NotSent | Unknown, url: httpx.URL) -> None:
    """Return if an event is stored; raises as `post` does."""
    match answer:
        case NotSent(why) | Unknown(why):
            raise CIUnavailable(why)
        case Reply(status=status) if 200 <= status < 300:
            return
        case Reply(status=status) as reply if status in (408, 425, 429) or status >= 500:
            raise CIUnavailable(f"POST {url}: HTTP {status} {reply.excerpt}".strip(), reply.retry_after)
        case Reply() as reply:
            raise CIDenied(f"POST {url}: HTTP {reply.status} {reply.excerpt}".strip())
