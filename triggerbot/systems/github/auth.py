"""Credentials for GitHub: a personal access token, or an App that gets itself a token for each installation.

Source: GitHub's documentation, "Generating a JSON Web Token (JWT) for a GitHub App" and "Generating an installation
access token" (2026): RS256, `iat` 60 seconds back against clock drift, `exp` at most 10 minutes ahead, `iss` the
App's id; an installation's token lasts an hour. No token or key is ever in a `repr`, a log line or an error.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import jwt

from triggerbot.core.errors import CIDenied, CIUnavailable, NotUnderstood
from triggerbot.systems.github import messages
from triggerbot.systems.http import Http, Reply, segments, usable

#: Seconds: a token is renewed when it has no more than this to live.
_MARGIN = 300.0
#: Seconds: a JWT starts this much in the past and ends this much ahead (10 minutes are allowed).
_JWT_BACK, _JWT_AHEAD = 60, 540
#: Repositories and installations remembered.
_REMEMBERED = 10_000

#: What a token for reruns may do.
RERUNS = {"actions": "write"}
#: What a person has to give, in words.
NEEDED = "it needs the permission `actions: write` (for a classic token the scope `repo`)"


@dataclass(frozen=True, slots=True)
class AppKey:
    """A GitHub App: its id (or client id) and its private key in PEM, which `repr` hides."""

    id: str
    private_key: str = field(repr=False)


def signs(private_key: str) -> bool:
    """Tell whether something is a key that an App can sign with: RSA, in PEM."""
    try:
        jwt.encode({}, private_key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Token:
    """An installation's token and when it ends, in seconds since the epoch."""

    value: str = field(repr=False)
    expires: float


class Auth(Protocol):
    """Where the header `Authorization` comes from."""

    def account(self, project: str) -> str:
        """Name, without any I/O, whose rate limit a request for this repository counts against."""

    def header(self, project: str) -> str:
        """Give the header for requests about a repository; raises `CIDenied`, `CIUnavailable`."""

    def forget(self, project: str) -> bool:
        """Drop a token that was not accepted; tell whether there may be a better one now."""


class TokenAuth:
    """A personal access token, classic or fine-grained: always the same header."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def account(self, project: str) -> str:  # noqa: ARG002 (the protocol's)
        """Name the one account that there is."""
        return ""

    def header(self, project: str) -> str:  # noqa: ARG002 (the protocol's)
        """Give the header; never raises."""
        return self._header

    def forget(self, project: str) -> bool:  # noqa: ARG002 (the protocol's)
        """Keep the token: there is no other."""
        return False


class AppAuth:
    """An App: finds its installation on a repository, gets a token for it, and renews that in time.

    One lock is held while a token is fetched, so that threads which need the same one fetch it once.
    `permissions`: what its tokens may do; `None`: all that the App was given.
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
        """Name the installation, or the repository as long as that is not known."""
        known = self._installations.get(project.lower())
        return project.lower() if known is None else str(known.id)

    def header(self, project: str) -> str:
        """Give the header, with a token that lives 5 minutes at least unless GitHub gives no new one now.

        Raises `CIDenied` if the App is not installed there, lacks `actions: write` or has a wrong key, and
        `CIUnavailable` if GitHub gives no token now.
        """
        with self._lock:
            number = self._installed(project).id
            token = self._tokens.get(number)
            now = self._clock()
            if token is None or token.expires - now <= _MARGIN:
                token = self._renewed(project, number, token)
            return f"Bearer {token.value}"

    def forget(self, project: str) -> bool:
        """Drop the repository's installation and its token: both are fetched anew."""
        with self._lock:
            known = self._installations.pop(project.lower(), None)
            return known is not None and self._tokens.pop(known.id, None) is not None

    def login(self, project: str) -> str:
        """Name the account that the App writes as; raises `CIDenied`, `CIUnavailable`."""
        with self._lock:
            return bot(self._installed(project).app_slug)

    def installation(self, project: str) -> messages.Installation:
        """Ask for the App's installation on a repository; raises `CIDenied`, `CIUnavailable`."""
        reply = self._http.get(segments("repos", *project.split("/"), "installation"), headers=self.jwt_header())
        if reply.status == 404:
            raise CIDenied(f"the GitHub App {self._key.id} is not installed on {project}: install it there")
        return messages.answer(_allowed(reply, "the App's installation").body, messages.Installation)

    def itself(self) -> messages.AppSelf:
        """Ask GitHub who the App is; raises `CIDenied`, `CIUnavailable`."""
        return messages.answer(
            _allowed(self._http.get("/app", headers=self.jwt_header()), "the App").body, messages.AppSelf
        )

    def jwt_header(self) -> dict[str, str]:
        """Sign a JWT with the App's key; raises `CIDenied` if the key is no RSA key in PEM."""
        now = int(self._clock())
        claims = {"iat": now - _JWT_BACK, "exp": now + _JWT_AHEAD, "iss": self._key.id}
        try:
            token = jwt.encode(claims, self._key.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            # Only the kind of error is told: its text could quote the key.
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
        issued = messages.answer(_allowed(reply, "the App's token").body, messages.IssuedToken)
        return _Token(issued.token, _expiry(issued))


def bot(slug: str) -> str:
    """Name the account of an App."""
    return f"{slug}[bot]"


def _allowed(reply: Reply, what: str) -> Reply:
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


def _trim(remembered: OrderedDict[str, messages.Installation] | OrderedDict[int, _Token]) -> None:
    while len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
