"""Who acts, and whether they mean it: sessions begun with a token, the word of a reverse proxy, tokens of forms.

Nothing is kept here but the latest failed tries: a session is a signed cookie, so that it holds at every worker and
replica and over restarts, and it ends with the token that it was begun with.
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

#: Seconds for which a session and a form are good.
SESSION_SECONDS = 12 * 3600.0
#: Characters of a person's name.
NAME_MAX = 100
#: Failed tries to log in within a minute, by one peer and by all together, after which even the right token is refused.
TRIES_PEER, TRIES_ALL, _MINUTE = 10, 200, 60.0
#: Characters of a cookie or a form's token that are looked at.
_SIGNED_MAX = 2048


@dataclass(frozen=True, slots=True)
class Access:
    """Who may act on the page; without `tokens` and `user_header` nobody may."""

    #: Where people reach the page, without a slash at its end.
    address: str | None = None
    #: Each opens a session: one, or several while rotating.
    tokens: tuple[str, ...] = field(default=(), repr=False)
    #: In this header a proxy says who has logged in there.
    user_header: str | None = None
    #: The networks of those proxies: from others the header is not believed.
    proxies: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether anybody may act."""
        return bool(self.tokens or self.user_header)

    @property
    def secure(self) -> bool:
        """Whether people reach the page by https only, so that cookies need travel no other way."""
        return (self.address or "").startswith("https:")

    @property
    def base(self) -> str:
        """What the path of every page begins with, where a proxy serves triggerbot below a path of its own."""
        return urlsplit(self.address or "").path.rstrip("/")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who may act."""

    name: str
    #: Signs the forms that this person is given.
    key: bytes = field(repr=False)
    #: Vouched for by a proxy, so that there is no session to end.
    by_proxy: bool = False
    #: A cookie that the forms of this person need and that was not there yet.
    new_cookie: str | None = None


class Tries:
    """Failed tries to log in during the last minute; kept for each process alone. Safe for threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: deque[tuple[float, str]] = deque(maxlen=TRIES_ALL)
        self._lock = threading.Lock()

    def allowed(self, peer: str) -> bool:
        """Tell whether this peer may try."""
        now = self._clock()
        with self._lock:
            while self._failed and not 0 <= now - self._failed[0][0] < _MINUTE:
                self._failed.popleft()
            return len(self._failed) < TRIES_ALL and sum(one == peer for _, one in self._failed) < TRIES_PEER

    def failed(self, peer: str) -> None:
        """Count a try that failed."""
        with self._lock:
            self._failed.append((self._clock(), peer))


class Sessions:
    """Begins sessions and knows them again."""

    def __init__(self, access: Access, clock: Callable[[], float]) -> None:
        self.access = access
        self._clock = clock
        self._keys = tuple(_mac(token.encode(), "triggerbot page session") for token in access.tokens)
        self._networks = tuple(ipaddress.ip_network(network, strict=False) for network in access.proxies)
        # The browser itself then keeps the cookie from other hosts and from http.
        prefix = "__Host-" if access.secure else ""
        self.cookie, self.forms_cookie = f"{prefix}triggerbot", f"{prefix}triggerbot-forms"

    def viewer(self, request: Request) -> Viewer | None:
        """Tell who asks, if that is a person who may act."""
        return self._vouched(request) or self._logged_in(request)

    # -- a token ------------------------------------------------------------------------------------------------

    def begin(self, name: str, token: str) -> str | None:
        """Give the value of a new session's cookie; `None` if that is none of the tokens."""
        given = _digest(token.encode())
        # All are compared, each in constant time.
        matches = [hmac.compare_digest(given, _digest(known.encode())) for known in self.access.tokens]
        key = next((key for key, match in zip(self._keys, matches, strict=True) if match), None)
        if key is None:
            return None
        said = json.dumps({"name": name, "until": self._clock() + SESSION_SECONDS})
        payload = base64.urlsafe_b64encode(said.encode()).decode()
        return f"{payload}.{_mac(key, payload).hex()}"

    def _logged_in(self, request: Request) -> Viewer | None:
        payload, _, mac = request.cookies.get(self.cookie, "")[:_SIGNED_MAX].rpartition(".")
        for key in self._keys:
            if payload and hmac.compare_digest(_mac(key, payload).hex().encode(), mac.encode()):
                said = json.loads(base64.urlsafe_b64decode(payload))
                return Viewer(said["name"], _mac(key, f"forms {payload}")) if self._clock() < said["until"] else None
        return None

    # -- a proxy ------------------------------------------------------------------------------------------------

    def _vouched(self, request: Request) -> Viewer | None:
        """Believe the header, where it comes once and from a proxy."""
        if self.access.user_header is None or not self._is_proxy(request):
            return None
        said = request.headers.getlist(self.access.user_header)
        name = _text(said[0]).strip() if len(said) == 1 else ""
        if not is_name(name):
            return None
        # Nothing that is kept secret is shared with the proxy, so forms are bound to a secret of the browser.
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
        """Make the token that a page's forms carry: nobody else can, and each page has one of its own."""
        payload = f"{secrets.token_hex(12)}.{self._clock() + SESSION_SECONDS:.0f}"
        return f"{payload}.{_mac(viewer.key, payload).hex()}"

    def form_id(self, viewer: Viewer, token: str) -> str | None:
        """Give what tells one page's forms from another's; `None` if this person was never given that token."""
        payload, _, mac = token[:_SIGNED_MAX].rpartition(".")
        if not hmac.compare_digest(_mac(viewer.key, payload).hex().encode(), mac.encode()):
            return None
        name, _, until = payload.partition(".")
        return name if self._clock() < float(until) else None

    def is_own(self, request: Request) -> bool:
        """Tell whether a request comes from a page of ours: the browser says so in a way that no page can forge.

        Sec-Fetch-Site (W3C Fetch Metadata) says it in so many words; older browsers name the page's origin.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        try:
            origin = urlsplit(request.headers.get("origin", ""))
        except ValueError:  # half an IPv6 address
            return False
        if not origin.netloc:
            return False
        return origin.netloc in (request.headers.get("host", ""), urlsplit(self.access.address or "").netloc)


def is_name(text: str) -> bool:
    """Tell whether a text can stand for a person in the records."""
    return 0 < len(text) <= NAME_MAX and text.isprintable() and not text.isspace()


def peer_of(request: Request) -> str:
    """Give the address of whoever is connected; empty if that is no network."""
    return request.client.host if request.client is not None else ""


def _text(header: str) -> str:
    """Read a header as UTF-8, which proxies send names in, or else as what HTTP takes it for."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
