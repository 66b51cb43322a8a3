"""The HTTP client for CIs: reads may be retried, a write is sent exactly once.

The worst known accident of a bot like this one was a client library that retried POSTs in an outage: one request became
47 to 56 runs (PyTorch autorevert, 2026-05-08). So nothing below this file retries anything, only reads are retried
here, and a write whose answer is in doubt is returned as `Unknown`.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import tenacity

from triggerbot import liveness
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.systems.answers import Unknown
from triggerbot.systems.content_coding import ACCEPTED, BadContent, decoded

#: Seconds; a slower CI is asked again later.
_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)
#: Attempts at a read within one call; callers retry later anyway.
_READS = 3
#: Bytes; no answer that we need is larger.
ANSWER_MAX = 32 * 1024 * 1024
#: Characters; anything no longer than this is not masked: it is no secret, and could occur anywhere.
_SHORT = 4
#: Domains of private networks (RFC 6761, 6762, 8375, and ICANN's `internal`).
_PRIVATE = frozenset({"local", "localhost", "internal", "arpa", "home", "lan", "test", "invalid", "onion", "corp"})
#: Seconds for a whole answer, however steadily its bytes trickle in.
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status, headers (names in lower case), body, and what was asked for, as `usable` sets it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    what: str = "a request"

    def json(self) -> Any:
        """Parse the body; raises `CIUnavailable` if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise CIUnavailable(f"{self.what}: the answer is no JSON: {error}") from None

    @property
    def is_foreign(self) -> bool:
        """Whether it has a body that is no JSON: then not the CI answered, but something in front of it.

        A login page or a page of a proxy also comes with 200. Where a write is acknowledged so, nobody knows whether it
        arrived.
        """
        if not self.body.strip():
            return False
        try:
            msgspec.json.decode(self.body, type=msgspec.Raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return True
        return False

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait as the CI demands (Retry-After: RFC 9110, 10.2.3); `None` if it does not."""
        return _retry_after(self.headers.get("retry-after"))

    @property
    def excerpt(self) -> str:
        """The beginning of the body, for messages to people."""
        return " ".join(self.body[:300].decode("utf-8", "replace").split())


@dataclass(frozen=True, slots=True)
class NotSent:
    """A write that certainly never reached the CI: no connection was made."""

    why: str


class Http:
    """HTTP connections to one CI. Redirects are not followed: they could carry credentials elsewhere."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        headers = {**headers, "accept-encoding": ACCEPTED}
        self._reads = httpx.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=False, transport=transport)
        # A write never reuses a connection, which the other side might just be closing.
        self._writes = httpx.Client(
            headers=headers,
            timeout=_TIMEOUT,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            transport=transport,
        )

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Read, with a few retries on connection errors and 5xx; build `path` with `segments`.

        Raises:
            CIUnavailable: no answer, or still a 5xx.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_READS),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=1.0),
            retry=tenacity.retry_if_exception_type(_Transient),
            reraise=True,
        )
        try:
            reply: Reply = retrying(self._get_once, path, params, headers)
        except _Transient as error:
            raise CIUnavailable(str(error)) from None
        return reply

    def _get_once(self, path: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None) -> Reply:
        try:
            reply = self._exchange(self._reads, "GET", path, None, params, headers)
        except (httpx.HTTPError, httpx.InvalidURL, BadContent) as error:
            raise _Transient(f"GET {path}: {self._why(error)}") from None
        if reply.status >= 500 and reply.retry_after is None:
            raise _Transient(f"GET {path}: HTTP {reply.status} {reply.excerpt}")
        return reply

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply | NotSent | Unknown:
        """Send a POST once; nothing is ever retried."""
        return self.write("POST", path, body, headers)

    def write(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> Reply | NotSent | Unknown:
        """Send a write of any method once; nothing is ever retried."""
        try:
            return self._exchange(self._writes, method, path, body, None, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return NotSent(f"{method} {path}: {self._why(error)}")
        except (httpx.HTTPError, httpx.InvalidURL, BadContent, CIUnavailable) as error:
            return Unknown(f"{method} {path}: {self._why(error)}")

    def _exchange(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        content = None if body is None else msgspec.json.encode(body)
        extra = dict(headers or {}) | ({"content-type": "application/json"} if content is not None else {})
        request = client.build_request(method, self.base_url + path, params=params, content=content, headers=extra)
        liveness.beat()
        deadline = time.monotonic() + ANSWER_SECONDS
        response = client.send(request, stream=True)
        try:
            chunks: list[bytes] = []
            size = 0
            for chunk in decoded(_raw(response, deadline), response.headers.get("content-encoding", "")):
                size += len(chunk)
                if size > ANSWER_MAX:
                    raise CIUnavailable(f"{method} {path}: the answer is larger than {ANSWER_MAX} bytes")
                chunks.append(chunk)
        except _TooSlow:
            raise CIUnavailable(f"{method} {path}: no whole answer within {ANSWER_SECONDS:g} s") from None
        finally:
            response.close()
        whole = b"".join(chunks)
        return Reply(response.status_code, response.headers, whole if response.is_success else _masked(whole, request))

    def _why(self, error: Exception) -> str:
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        unreached = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return f"no connection to {self.base_url}: {why}" if unreached else why

    def close(self) -> None:
        """Close all connections."""
        self._reads.close()
        self._writes.close()


def _raw(response: httpx.Response, deadline: float) -> Iterator[bytes]:
    """Yield the bytes of an answer as they came. Raises `_TooSlow` at the deadline, however steadily they trickle in.

    Bytes that inflate to nothing count, too: their number is bounded by that of the content in any coding.
    """
    size = 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if time.monotonic() > deadline:
            raise _TooSlow
        if size > ANSWER_MAX:
            raise BadContent(f"the answer is larger than {ANSWER_MAX} bytes")
        yield chunk


def _masked(body: bytes, request: httpx.Request) -> bytes:
    """Mask our credentials in the body of an error: it gets into notes and logs, and a CI may echo the request."""
    authorization = request.headers.get("authorization", "")
    cookies = [one.partition("=")[2] for one in request.headers.get("cookie", "").split(";")]
    for secret in (authorization, authorization.partition(" ")[2], request.headers.get("x-csrftoken", ""), *cookies):
        if len(secret) > _SHORT:
            body = body.replace(secret.encode(), b"***")
    return body


class _TooSlow(Exception):
    """An answer is not complete in time."""


class _Transient(Exception):
    """A read failed in a way that may be transient."""


def unacknowledged(reply: Reply) -> Unknown:
    """Return what came of a write to which something answered 2xx that is not the CI."""
    return Unknown(
        f"HTTP {reply.status}, but what answered is not the CI, for it speaks no JSON: {reply.excerpt}".strip()
    )


def segments(*parts: str) -> str:
    """Build a path from untrusted text: each part becomes one escaped segment, whatever it contains."""
    return "".join("/" + _segment(part) for part in parts)


def _segment(part: str) -> str:
    # A segment of only dots would be resolved as a relative path.
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="")


def usable(reply: Reply, what: str) -> Reply:
    """Return a 2xx answer to a read, with `what` set; a caller to whom a 404 means something handles it before.

    Raises:
        CIDenied: 401, 403 or a redirect.
        CIUnavailable: anything else.
    """
    if 200 <= reply.status < 300:
        return replace(reply, what=what)
    if reply.status in (401, 403) and reply.retry_after is None:
        raise CIDenied(f"{what}: HTTP {reply.status} {reply.excerpt}: check the token and its permissions")
    if 300 <= reply.status < 400:
        raise CIDenied(f"{what}: HTTP {reply.status}, a redirect, which is not followed: check the url in the config")
    why = f"{what}: HTTP {reply.status} {reply.excerpt}"
    raise CIUnavailable(why, reply.retry_after, healthy=reply.status == 429)


def may_read_from(where: str, here: str) -> bool:
    """Return whether what an answer leads to may be read there; `here`: the CI that answered.

    Others choose what their artifacts lead to, and must not make us read from inside our network: it must be the CI
    itself, or a host with a full name that it proves (TLS).
    """
    try:
        there, own = urlsplit(where), urlsplit(here)
        host = there.hostname or ""
        return (there.scheme, there.netloc) == (own.scheme, own.netloc) or (
            there.scheme == "https" and there.port in (None, 443) and _is_public_name(host)
        )
    except ValueError:
        return False


def _is_public_name(host: str) -> bool:
    """Return whether a host has a full public name: no IP address, and no name of a private network."""
    last = host.rstrip(".").rpartition(".")
    return last[0] != "" and last[2].isalpha() and last[2] not in _PRIVATE


def _retry_after(value: str | None) -> float | None:
    if not value:
        return None
    if value.isascii() and value.isdigit() and len(value) < 9:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except OverflowError:
        return None
