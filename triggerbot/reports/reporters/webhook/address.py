"""The address of a webhook: signed POSTs, each with an id by which a receiver drops duplicates."""

import hashlib
from collections.abc import Callable

import httpx
import msgspec

from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.systems.answers import Unknown
from triggerbot.systems.http import Http, NotSent, Reply
from triggerbot.systems.webhook_signatures import sign_standard


class Address:
    """One address, to which signed JSON is sent. Thread-safe."""

    def __init__(
        self, url: str, secret: str | None, clock: Callable[[], float], transport: httpx.BaseTransport | None = None
    ) -> None:
        self._secret = secret
        self._clock = clock
        whole = httpx.URL(url)
        self._path = whole.raw_path.decode()
        base = whole.copy_with(raw_path=b"/", fragment=None)
        self._http = Http(str(base), {"user-agent": "triggerbot"}, transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, identity: str, body: bytes) -> bool:
        """Send one POST; return whether the receiver wants no more (410, by Standard Webhooks).

        `identity`: the same for every try of one content. Raises `CIUnavailable` and `CIDenied`.
        """
        message_id = f"msg_{hashlib.sha256(identity.encode('utf-8', 'replace')).hexdigest()[:32]}"
        now = int(self._clock())
        headers = {"webhook-id": message_id, "webhook-timestamp": str(now)}
        if self._secret is not None:
            headers["webhook-signature"] = sign_standard(message_id, now, body, self._secret)
        match self._http.post(self._path, msgspec.Raw(body), headers):
            case NotSent(why) | Unknown(why):
                raise CIUnavailable(self._without_address(why))
            case Reply() as reply:
                return _gone(reply, self._without_address(f"HTTP {reply.status} {reply.excerpt}".strip()))

    def _without_address(self, text: str) -> str:
        """Remove the URL's path from a text: it may be as good as a password, and many errors repeat it."""
        for part in sorted({self._path, *self._path.split("?", 1)}, key=len, reverse=True):
            text = text.replace(part, "…") if len(part) > 1 else text
        return text


def _gone(reply: Reply, why: str) -> bool:
    match reply.status:
        case status if 200 <= status < 300:
            return False
        case 410:
            return True
        case 429:
            raise CIUnavailable(why, reply.retry_after, healthy=True)
        case status if 300 <= status < 400:
            raise CIDenied(f"HTTP {status}, a redirect, which is not followed: check the url in the config")
        case status if 400 <= status < 500 and status not in (408, 425):
            raise CIDenied(f"{why}: the receiver does not take it: check the url and the secret")
        case _:
            raise CIUnavailable(why, reply.retry_after)
