"""Authentication of the pages: sessions by token, users named by a reverse proxy, and form tokens against forgery.

A session is a signed cookie and an entry in the store, so it is valid at every worker and replica and across restarts.
It ends when the person logs out, when the store forgets it, and when the token that opened it is removed.
"""

import asyncio
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

from triggerbot.store import Store

#: Seconds for which a session and a form are valid.
SESSION_SECONDS = 12 * 3600.0
#: Most characters of a person's name.
NAME_MAX = 100
#: Failed logins within a minute, by one peer and in all, after which each further try has to wait.
TRIES_PEER, TRIES_ALL, _MINUTE = 10, 200, 60.0
#: Seconds that it waits, and tries that wait at once, beyond which they are refused.
SLOW_SECONDS, SLOW_MAX = 3.0, 20
_sleep = asyncio.sleep
#: Characters read of a cookie or a form's token.
_SIGNED_MAX = 2048


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read, and who may act on the pages: without `tokens` and `user_header`, nobody."""

    #: The address at which people reach the pages, without a trailing slash.
    address: str | None = None
    #: Tokens that open a session: one, or several during a rotation.
    tokens: tuple[str, ...] = field(default=(), repr=False)
    #: The header in which a reverse proxy names the user.
    user_header: str | None = None
    #: The networks of the proxies; the header is ignored from elsewhere.
    proxies: tuple[str, ...] = ()
    #: Whether anybody may read, or only who has logged in.
    anyone_reads: bool = True
    #: Tokens with which metrics are read; without them, whoever may read the pages may read these.
    metrics_tokens: tuple[str, ...] = field(default=(), repr=False)
    #: The names under which this host is asked, in lower case.
    hosts: frozenset[str] = frozenset()

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
    #: The id of the session, if there is one.
    session: str = ""
    #: The value of a cookie that this person's forms need and the browser does not have yet.
    new_cookie: str | None = None


class LoginAttempts:
    """The failed logins of the last minute, of this process only; safe for threads.

    After many of them further tries are slow, not refused: behind one proxy all people have one address, and somebody
    who guesses would lock out everybody else.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: deque[tuple[float, str]] = deque(maxlen=TRIES_ALL)
        self._lock = threading.Lock()
        self._waiting = 0

    async def slow_down(self, peer: str) -> bool:
        """Let a try wait, if many of this peer failed; return false, at once, if too many wait already."""
        if not self._is_slow(peer):
            return True
        if self._waiting >= SLOW_MAX:
            return False
        self._waiting += 1
        try:
            await _sleep(SLOW_SECONDS)
        finally:
            self._waiting -= 1
        return True

    def _is_slow(self, peer: str) -> bool:
        now = self._clock()
        with self._lock:
            while self._failed and not 0 <= now - self._failed[0][0] < _MINUTE:
                self._failed.popleft()
            return len(self._failed) >= TRIES_ALL or sum(one == peer for _, one in self._failed) >= TRIES_PEER

    def failed(self, peer: str) -> None:
        """Record a failed login."""
        with self._lock:
            self._failed.append((self._clock(), peer))


class Sessions:
    """Opens sessions and authenticates requests."""

    def __init__(self, access: Access, store: Store, clock: Callable[[], float]) -> None:
        self.access = access
        self._store = store
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
        session_id, until = secrets.token_urlsafe(16), self._clock() + SESSION_SECONDS
        self._store.sessions.begin(session_id, until)
        session = json.dumps({"id": session_id, "name": name, "until": until})
        payload = base64.urlsafe_b64encode(session.encode()).decode()
        return f"{payload}.{_mac(key, payload).hex()}"

    def close(self, request: Request) -> None:
        """End the session of a request, wherever a copy of its cookie may be."""
        viewer = self._by_session(request)
        if viewer is not None:
            self._store.sessions.end(viewer.session)

    def _by_session(self, request: Request) -> Viewer | None:
        """Return who has a session; raises `StoreUnavailable`."""
        payload, _, mac = request.cookies.get(self.cookie, "")[:_SIGNED_MAX].rpartition(".")
        for key in self._keys:
            if payload and hmac.compare_digest(_mac(key, payload).hex().encode(), mac.encode()):
                session = json.loads(base64.urlsafe_b64decode(payload))
                # An earlier version gave no id.
                session_id, now = session.get("id", ""), self._clock()
                if now >= session["until"] or not self._store.sessions.is_open(session_id, now):
                    return None
                return Viewer(session["name"], _mac(key, f"forms {payload}"), session=session_id)
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

        Sec-Fetch-Site (W3C Fetch Metadata) says so explicitly; older browsers send the page's Origin. That is compared
        with the configured address only, or, where there is none, with the `Host`, which is one of ours.
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
        if self.access.address is None:
            return origin.netloc == request.headers.get("host", "")
        own = urlsplit(self.access.address)
        return (origin.scheme, origin.netloc) == (own.scheme, own.netloc)


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
