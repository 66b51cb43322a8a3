"""Authentication of the pages: sessions by token, users named by a reverse proxy, and form tokens against forgery.

The only state is the latest failed logins: a session is a signed cookie, so it is valid at every worker and replica
and across restarts, and it ends when the token that opened it is removed.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request

#: Seconds for which a session and a form are valid.
SESSION_SECONDS = 12 * 3600.0
#: Most characters of a person's name.
NAME_MAX = 100
#: Failed logins within a minute, by one peer and in all, after which even the right token is refused.
TRIES_PEER, TRIES_ALL, _MINUTE = 10, 200, 60.0
#: Characters read of a cookie or a form's token.
_SIGNED_MAX = 2048


@dataclass(frozen=True, slots=True)
class Access:
    """Who may act on the pages; without `tokens` and `user_header`, nobody."""

    #: The address at which people reach the pages, without a trailing slash.
    address: str | None = None
    #: Tokens that open a session: one, or several during a rotation.
    tokens: tuple[str, ...] = field(default=(), repr=False)
    #: The header in which a reverse proxy names the user.
    user_header: str | None = None
    #: The networks of the proxies; the header is ignored from elsewhere.
    proxies: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether anybody may act."""
        return bool(self.tokens or self.user_header)

    @property
    def secure(self) -> bool:
        """Whether people reach the pages by https only, so that cookies can be restricted to it."""
        return (self.address or "").startswith("https:")

    @property
    def base(self) -> str:
        """The path prefix of every page, if a proxy serves triggerbot below a path."""
        return urlsplit(self.address or "").path.rstrip("/")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who may act."""

    name: str
    #: The key that signs this person's forms.
    key: bytes = field(repr=False)
    #: Authenticated by a proxy, so there is no session to end.
    by_proxy: bool = False
    #: The value of a cookie that this person's forms need and the browser does not have yet.
    new_cookie: str | None = None


class LoginAttempts:
    """The failed logins of the last minute, of this process only; safe for threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: deque[tuple[float, str]] = deque(maxlen=TRIES_ALL)
        self._lock = threading.Lock()

    def allowed(self, peer: str) -> bool:
        """Whether this peer may try to log in."""
        now = self._clock()
        with self._lock:
            while self._failed and not 0 <= now - self._failed[0][0] < _MINUTE:
                self._failed.popleft()
            return len(self._failed) < TRIES_ALL and sum(one == peer for _, one in self._failed) < TRIES_PEER

    def failed(self, peer: str) -> None:
        """Record a failed login."""
        with self._lock:
            self._failed.append((self._clock(), peer))


class Sessions:
    """Opens sessions and authenticates requests."""

    def __init__(self, access: Access, clock: Callable[[], float]) -> None:
        self.access = access
        self._clock = clock
        self._keys = tuple(_mac(token.encode(), "triggerbot page session") for token in access.tokens)
        self._networks = tuple(ipaddress.ip_network(network, strict=False) for network in access.proxies)
        # With this prefix browsers send the cookie to this host only, and only over https.
        prefix = "__Host-" if access.secure else ""
        self.cookie, self.forms_cookie = f"{prefix}triggerbot", f"{prefix}triggerbot-forms"

    def viewer(self, request: Request) -> Viewer | None:
        """Return who sent a request; `None` if that is nobody who may act."""
        return self._by_proxy(request) or self._by_session(request)

    # -- by token -----------------------------------------------------------------------------------------------

    def open(self, name: str, token: str) -> str | None:
        """Return the cookie's value for a new session; `None` if the token is wrong."""
        given = _digest(token.encode())
        # Every token is compared, each in constant time, so that timing reveals nothing.
        matches = [hmac.compare_digest(given, _digest(known.encode())) for known in self.access.tokens]
        key = next((key for key, match in zip(self._keys, matches, strict=True) if match), None)
        if key is None:
            return None
        session = json.dumps({"name": name, "until": self._clock() + SESSION_SECONDS})
        payload = base64.urlsafe_b64encode(session.encode()).decode()
        return f"{payload}.{_mac(key, payload).hex()}"

    def _by_session(self, request: Request) -> Viewer | None:
        payload, _, mac = request.cookies.get(self.cookie, "")[:_SIGNED_MAX].rpartition(".")
        for key in self._keys:
            if payload and hmac.compare_digest(_mac(key, payload).hex().encode(), mac.encode()):
                session = json.loads(base64.urlsafe_b64decode(payload))
                if self._clock() >= session["until"]:
                    return None
                return Viewer(session["name"], _mac(key, f"forms {payload}"))
        return None

    # -- by proxy -----------------------------------------------------------------------------------------------

    def _by_proxy(self, request: Request) -> Viewer | None:
        """Return the user that a proxy names; only from a configured proxy, and only if the header comes once."""
        if self.access.user_header is None or not self._is_proxy(request):
            return None
        values = request.headers.getlist(self.access.user_header)
        name = _text(values[0]).strip() if len(values) == 1 else ""
        if not is_name(name):
            return None
        # There is no secret shared with the proxy, so forms are bound to a secret of the browser.
        cookie = request.cookies.get(self.forms_cookie, "")[:_SIGNED_MAX]
        new = secrets.token_urlsafe(32) if len(cookie) < 32 else None
        return Viewer(name, _mac((new or cookie).encode(), f"forms {name}"), by_proxy=True, new_cookie=new)

    def _is_proxy(self, request: Request) -> bool:
        try:
            peer = ipaddress.ip_address(peer_of(request))
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None) or peer
        return any(mapped.version == network.version and mapped in network for network in self._networks)

    # -- forms --------------------------------------------------------------------------------------------------

    def form(self, viewer: Viewer) -> str:
        """Return an unforgeable token for the forms of one page of this viewer; each call returns another one."""
        payload = f"{secrets.token_hex(12)}.{self._clock() + SESSION_SECONDS:.0f}"
        return f"{payload}.{_mac(viewer.key, payload).hex()}"

    def form_id(self, viewer: Viewer, token: str) -> str | None:
        """Return the id of the page that a form's token was made for; `None` if it is not this viewer's, or expired."""
        payload, _, mac = token[:_SIGNED_MAX].rpartition(".")
        if not hmac.compare_digest(_mac(viewer.key, payload).hex().encode(), mac.encode()):
            return None
        name, _, until = payload.partition(".")
        return name if self._clock() < float(until) else None

    def is_own(self, request: Request) -> bool:
        """Whether a request comes from one of our pages, by headers that browsers let no page forge.

        Sec-Fetch-Site (W3C Fetch Metadata) says so explicitly; older browsers send the page's Origin.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        try:
            origin = urlsplit(request.headers.get("origin", ""))
        except ValueError:  # an incomplete IPv6 address
            return False
        if not origin.netloc:
            return False
        return origin.netloc in (request.headers.get("host", ""), urlsplit(self.access.address or "").netloc)


def is_name(text: str) -> bool:
    """Whether a text can serve as a person's name in the records."""
    return 0 < len(text) <= NAME_MAX and text.isprintable() and not text.isspace()


def peer_of(request: Request) -> str:
    """Return the address of the connected peer; empty if the connection is not from a network."""
    return request.client.host if request.client is not None else ""


def _text(header: str) -> str:
    """Decode a header as UTF-8, in which proxies send names, or else as Latin-1, as HTTP does."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
