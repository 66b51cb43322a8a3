"""The one place that speaks HTTP to a CI: reads may be repeated, a write is made exactly once.

The worst known accident of such a bot was a client library that repeated POSTs in an outage: one request became
47 to 56 runs (PyTorch autorevert, 2026-05-08). So nothing below this file repeats anything, only reads are
repeated here, and a write whose answer is in doubt is reported as `Unknown`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import tenacity

from triggerbot import liveness
from triggerbot.core.errors import CIDenied, CIUnavailable
from triggerbot.systems import Unknown

#: Seconds; a CI that is slower than this is asked again later.
_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)
#: Reads are tried this often within one visit; whoever called comes back later anyway.
_READS = 3
#: Bytes; no answer that we need is larger.
ANSWER_MAX = 32 * 1024 * 1024
#: Characters; what is no longer is no secret, but might be anything.
_SHORT = 4
#: Seconds for a whole answer, however steadily its bytes drip.
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its headers (names in lower case) and its body; and to what, as `usable` has it."""

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
    def retry_after(self) -> float | None:
        """Seconds that the CI asks us to wait, if it does (RFC 9110, 10.2.3)."""
        return _retry_after(self.headers.get("retry-after"))

    @property
    def excerpt(self) -> str:
        """The beginning of the body, for people."""
        return " ".join(self.body[:300].decode("utf-8", "replace").split())


@dataclass(frozen=True, slots=True)
class NotSent:
    """A write that surely never reached the CI: no connection came about."""

    why: str


class Http:
    """A connection to one CI. Follows no redirects (they could carry credentials elsewhere)."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._reads = httpx.Client(headers=dict(headers), timeout=_TIMEOUT, follow_redirects=False, transport=transport)
        # A write never travels over a connection that the other side may just be closing.
        self._writes = httpx.Client(
            headers=dict(headers),
            timeout=_TIMEOUT,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            transport=transport,
        )

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Read; tried a few times on connection errors and 5xx. `path` is made with `segments`.

        Raises:
            CIUnavailable: no answer, or a 5xx still.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_READS),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=1.0),
            retry=tenacity.retry_if_exception_type(_Passing),
            reraise=True,
        )
        try:
            reply: Reply = retrying(self._get_once, path, params, headers)
        except _Passing as error:
            raise CIUnavailable(str(error)) from None
        return reply

    def _get_once(self, path: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None) -> Reply:
        try:
            reply = self._exchange(self._reads, "GET", path, None, params, headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Passing(f"GET {path}: {_why(error)}") from None
        if reply.status >= 500 and reply.retry_after is None:
            raise _Passing(f"GET {path}: HTTP {reply.status} {reply.excerpt}")
        return reply

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply | NotSent | Unknown:
        """Write once. Nothing is repeated, whatever happens."""
        return self.write("POST", path, body, headers)

    def write(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> Reply | NotSent | Unknown:
        """Write once, with whatever method."""
        try:
            return self._exchange(self._writes, method, path, body, None, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return NotSent(f"{method} {path}: {_why(error)}")
        except (httpx.HTTPError, httpx.InvalidURL, CIUnavailable) as error:
            return Unknown(f"{method} {path}: {_why(error)}")

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
            for chunk in response.iter_bytes():
                size += len(chunk)
                if time.monotonic() > deadline:
                    raise CIUnavailable(f"{method} {path}: no whole answer within {ANSWER_SECONDS:g} s")
                if size > ANSWER_MAX:
                    raise CIUnavailable(f"{method} {path}: the answer is larger than {ANSWER_MAX} bytes")
                chunks.append(chunk)
        finally:
            response.close()
        whole = b"".join(chunks)
        return Reply(response.status_code, response.headers, whole if response.is_success else _masked(whole, request))

    def close(self) -> None:
        """Close all connections."""
        self._reads.close()
        self._writes.close()


def _masked(body: bytes, request: httpx.Request) -> bytes:
    """What is no success gets into notes and logs, and a CI may repeat there what it was asked with."""
    authorization = request.headers.get("authorization", "")
    cookies = [one.partition("=")[2] for one in request.headers.get("cookie", "").split(";")]
    for secret in (authorization, authorization.partition(" ")[2], request.headers.get("x-csrftoken", ""), *cookies):
        if len(secret) > _SHORT:
            body = body.replace(secret.encode(), b"***")
    return body


class _Passing(Exception):
    """A read failed in a way that may pass."""


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def segments(*parts: str) -> str:
    """Make a path of foreign text: each part is one segment, whatever it contains."""
    return "".join("/" + _segment(part) for part in parts)


def _segment(part: str) -> str:
    # A segment of dots only would be resolved away as a relative path.
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="")


def usable(reply: Reply, what: str) -> Reply:
    """Let a 2xx answer to a read through; the caller has dealt with a 404 before, where that means something.

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
