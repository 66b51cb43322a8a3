"""Who may read: the pages, the API and the metrics; and under which names of this host.

A web page can let its own name lead to an address inside the reader's network (DNS rebinding), and then reads what the
daemon there answers. The browser still sends that name as `Host`, so only names of ours are answered.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Iterable

import structlog
from starlette.requests import Request
from starlette.responses import Response

from triggerbot.web.responses import error
from triggerbot.web.session import Sessions

log = structlog.get_logger("triggerbot.page")

#: What a handler is asked before it answers: the refusal, or `None`.
Check = Callable[[Request], Response | None]
_MISDIRECTED = (
    "triggerbot is not known under this name: write it to page.address or page.hosts in the config, or use its address"
)
_LOG_IN = "only who has logged in may read this: log in, or send a token of page.token as Authorization: Bearer ..."
_METRICS = "send the token of page.metrics_token as Authorization: Bearer ..."
#: Foreign names in the log, and characters of one.
_TOLD_MAX, _NAME_MAX = 10, 100
_WHO = {"www-authenticate": "Bearer"}


class Gate:
    """Decides on requests that read; its methods may read the store."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._access = sessions.access
        #: The foreign names that the log has: an operator has to hear of a name that is missing in the config.
        self._told: set[str] = set()

    def of_programs(self, request: Request) -> Response | None:
        """Refuse a program that may not read the API."""
        if self._has_token(request, self._access.tokens):
            return None
        return self.host(request) or (None if self.may_read(request) else error(401, _LOG_IN, _WHO))

    def of_metrics(self, request: Request) -> Response | None:
        """Refuse a program that may not read the metrics, for which a token of their own is enough."""
        if self._has_token(request, (*self._access.metrics_tokens, *self._access.tokens)):
            return None
        refusal = self.host(request)
        if refusal is not None or (self._access.anyone_reads and not self._access.metrics_tokens):
            return refusal
        return None if self._sessions.viewer(request) is not None else error(401, _METRICS, _WHO)

    def host(self, request: Request) -> Response | None:
        """Refuse a request that was sent to a name that is not ours."""
        names = request.headers.getlist("host")
        # Browsers always send one; whoever sends none cannot be led here by a page.
        if not names or (len(names) == 1 and is_ours(names[0], self._access.hosts)):
            return None
        name = names[0][:_NAME_MAX]
        if name not in self._told and len(self._told) < _TOLD_MAX:
            self._told.add(name)
            log.warning("page.misdirected", host=name, problem=_MISDIRECTED)
        return error(421, _MISDIRECTED)

    def may_read(self, request: Request) -> bool:
        """Whether the sender may read pages and the API."""
        if self._access.anyone_reads or self._sessions.viewer(request) is not None:
            return True
        return self._has_token(request, self._access.tokens)

    def _has_token(self, request: Request, tokens: Iterable[str]) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return False
        digest = hashlib.sha256(given.strip().encode("utf-8", "replace")).digest()
        # All are compared, each in constant time, so that timing reveals nothing.
        matches = [hmac.compare_digest(digest, hashlib.sha256(one.encode()).digest()) for one in tokens]
        return any(matches)


def is_ours(host: str, names: Iterable[str]) -> bool:
    """Whether a `Host` is this machine under an address, as localhost, or under one of its names."""
    name = host_name(host)
    if name in names or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        # A name led here, an address did not: it is where the browser went by itself.
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def host_name(host: str) -> str:
    """Return the name in a `Host`, without its port and a dot at its end, in lower case."""
    name = host.strip().lower()
    if not name.endswith("]"):
        before, colon, port = name.rpartition(":")
        name = before if colon and port.isdigit() else name
    return name.rstrip(".")
