"""Authentication at GitHub: a personal access token, or an App that fetches a token for each installation.

Source: GitHub's documentation, "Generating a JSON Web Token (JWT) for a GitHub App" and "Generating an installation
access token" (2026): RS256, `iat` 60 seconds back against clock drift, `exp` at most 10 minutes ahead, `iss` the
App's id; an installation's token lasts an hour. No token or key is ever in a `repr`, a log line or an error.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import jwt

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotUnderstood
from triggerbot.systems.github import messages
from triggerbot.systems.http import Http, Reply, segments, usable

#: Seconds of remaining lifetime below which a token is renewed.
_MARGIN = 300.0
#: Seconds: a JWT is valid from this far in the past to this far ahead (10 minutes are allowed).
_JWT_BACK, _JWT_AHEAD = 60, 540
#: Repositories and installations that are cached.
_CACHED_MAX = 10_000

#: Permissions of a token for reruns.
RERUNS = {"actions": "write"}
#: The permission that an operator has to grant, in words.
NEEDED = "it needs the permission `actions: write` (for a classic token the scope `repo`)"


@dataclass(frozen=True, slots=True)
class AppKey:
    """A GitHub App: its id (or client id) and its private key in PEM, which `repr` hides."""

    id: str
    private_key: str = field(repr=False)


def signs(private_key: str) -> bool:
    """Return whether this is a key that an App can sign with: RSA, in PEM."""
    try:
        jwt.encode({}, private_key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Token:
    """An installation's token and its expiry, in seconds since the epoch."""

    value: str = field(repr=False)
    expires: float


class Auth(Protocol):
    """The source of the `Authorization` header."""

    def account(self, project: str) -> str:
        """Return, without any I/O, the account whose rate limit requests about this repository count against."""

    def credential(self, project: str) -> str:
        """Name the credential that writes about this repository are made with; never raises."""

    def header(self, project: str) -> str:
        """Return the header for requests about a repository; raises `CIDenied`, `CIUnavailable`."""

    def forget(self, project: str) -> bool:
        """Drop a token that was rejected; return whether a new one may be accepted."""


class TokenAuth:
    """A personal access token, classic or fine-grained: always the same header."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def account(self, project: str) -> str:  # noqa: ARG002 (the protocol's)
        """Return the one account that there is."""
        return ""

    def credential(self, project: str) -> str:  # noqa: ARG002 (the protocol's)
        """Return a digest of the token, which two systems may share."""
        return f"token {hashlib.sha256(self._header.encode()).hexdigest()[:16]}"

    def header(self, project: str) -> str:  # noqa: ARG002 (the protocol's)
        """Return the header; never raises."""
        return self._header

    def forget(self, project: str) -> bool:  # noqa: ARG002 (the protocol's)
        """Return `False`: there is no other token."""
        return False


class AppAuth:
    """A GitHub App: finds its installation on a repository, fetches a token for it, and renews that in time.

    A lock is held while a token is fetched, so that threads that need the same one fetch it once.
    `permissions`: of its tokens; `None`: all that the App was granted.
    """

    def __init__(
        self, key: AppKey, http: Http, clock: Callable[[], float], permissions: Mapping[str, str] | None = None
    ) -> None:
        self._key = key
        self._http = http
        self._clock = clock
        self._permissions = permissions
        self._lock = threading.Lock()
        self._installations: OrderedDict[str, messages.Installation] = OrderedDict()
        self._tokens: OrderedDict[int, _Token] = OrderedDict()

    def account(self, project: str) -> str:
        """Return the installation, or the repository while that is not known."""
        known = self._installations.get(project.lower())
        return project.lower() if known is None else str(known.id)

    def credential(self, project: str) -> str:
        """Return the App's installation, asking GitHub where it is not known; the repository if there is no answer."""
        try:
            with self._lock:
                return f"installation {self._installed(project).id}"
        except CIError:
            return f"app {self._key.id} {project.lower()}"

    def header(self, project: str) -> str:
        """Return the header, with a token valid for 5 minutes at least unless GitHub issues no new one now.

        Raises `CIDenied` if the App is not installed there, lacks `actions: write` or has a wrong key, and
        `CIUnavailable` if GitHub issues no token now.
        """
        with self._lock:
            number = self._installed(project).id
            token = self._tokens.get(number)
            now = self._clock()
            if token is None or token.expires - now <= _MARGIN:
                token = self._renewed(project, number, token)
            return f"Bearer {token.value}"

    def forget(self, project: str) -> bool:
        """Drop the repository's installation and token, to be fetched again; return whether there was a token."""
        with self._lock:
            known = self._installations.pop(project.lower(), None)
            return known is not None and self._tokens.pop(known.id, None) is not None

    def login(self, project: str) -> str:
        """Return the login that the App writes as; raises `CIDenied`, `CIUnavailable`."""
        with self._lock:
            return bot(self._installed(project).app_slug)

    def installation(self, project: str) -> messages.Installation:
        """Ask for the App's installation on a repository; raises `CIDenied`, `CIUnavailable`."""
        reply = self._http.get(segments("repos", *project.split("/"), "installation"), headers=self.jwt_header())
        if reply.status == 404:
            raise CIDenied(f"the GitHub App {self._key.id} is not installed on {project}: install it there")
        return messages.answer(_checked(reply, "the App's installation").body, messages.Installation)

    def itself(self) -> messages.AppSelf:
        """Read the App as GitHub knows it; raises `CIDenied`, `CIUnavailable`."""
        return messages.answer(
            _checked(self._http.get("/app", headers=self.jwt_header()), "the App").body, messages.AppSelf
        )

    def jwt_header(self) -> dict[str, str]:
        """Sign a JWT with the App's key; raises `CIDenied` if the key is no RSA key in PEM."""
        now = int(self._clock())
        claims = {"iat": now - _JWT_BACK, "exp": now + _JWT_AHEAD, "iss": self._key.id}
        try:
            token = jwt.encode(claims, self._key.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            # Only the kind of error: its text could quote the key.
            kind = type(error).__name__
            raise CIDenied(f"the App's private key is no RSA key in PEM ({kind}): check `app.key`") from None
        return {"authorization": f"Bearer {token}"}

    def _installed(self, project: str) -> messages.Installation:
        name = project.lower()
        if name not in self._installations:
            self._installations[name] = self.installation(project)
            _trim(self._installations)
        return self._installations[name]

    def _renewed(self, project: str, number: int, old: _Token | None) -> _Token:
        try:
            self._tokens[number] = self._issued(project, number)
        except CIUnavailable:
            if old is None or old.expires <= self._clock():
                raise
            return old
        _trim(self._tokens)
        return self._tokens[number]

    def _issued(self, project: str, number: int) -> _Token:
        path = segments("app", "installations", str(number), "access_tokens")
        body = {} if self._permissions is None else {"permissions": self._permissions}
        reply = self._http.post(path, body, self.jwt_header())
        if not isinstance(reply, Reply):
            raise CIUnavailable(f"no token for the App's installation: {reply.why}")
        if reply.status == 404:
            self._installations.pop(project.lower(), None)
            raise CIDenied(f"the GitHub App {self._key.id} is no longer installed on {project}: install it again")
        if reply.status == 422:
            raise CIDenied(f"the GitHub App {self._key.id} may not rerun jobs in {project}: {NEEDED}")
        issued = messages.answer(_checked(reply, "the App's token").body, messages.IssuedToken)
        return _Token(issued.token, _expiry(issued))


def bot(slug: str) -> str:
    """Return the login of an App."""
    return f"{slug}[bot]"


def _checked(reply: Reply, what: str) -> Reply:
    if reply.status == 401:
        raise CIDenied(f"{what}: HTTP 401 {reply.excerpt}: check the App's id and key, and this machine's clock")
    if reply.status in (403, 429) and b"rate limit" in reply.body.lower():
        raise CIUnavailable(f"{what}: HTTP {reply.status} {reply.excerpt}", reply.retry_after or 60.0)
    return usable(reply, what)


def _expiry(issued: messages.IssuedToken) -> float:
    try:
        return messages.moment(issued.expires_at) or 0.0
    except NotUnderstood:
        raise CIUnavailable("GitHub's answer is not as documented: expires_at is no time") from None


def _trim(cached: OrderedDict[str, messages.Installation] | OrderedDict[int, _Token]) -> None:
    while len(cached) > _CACHED_MAX:
        cached.popitem(last=False)
