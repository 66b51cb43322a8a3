"""A login at Treeherder: cookies that live 45 minutes at most, and so have to be renewed from outside."""

import threading
import time
from collections.abc import Callable, Mapping

from triggerbot.core.errors import CIDenied, ConfigError

#: Seconds that a session lives at most (treeherder/webapp/api/auth.py), and before its end that a warning is given.
LIFETIME, _WARNING = 2700.0, 600.0


class Session:
    """The cookies `sessionid` and `csrftoken` of somebody who may classify, read anew for each use. Thread-safe."""

    def __init__(
        self, session: Callable[[], str], csrf: Callable[[], str], clock: Callable[[], float] = time.time
    ) -> None:
        """Read nothing yet; `session` and `csrf` return the present cookies, and raise `ConfigError`."""
        self._session = session
        self._csrf = csrf
        self._clock = clock
        self._lock = threading.Lock()
        self._known = ""
        self._since = clock()
        self._ended = False

    def headers(self) -> dict[str, str]:
        """Return the headers that log in; raises `CIDenied` if a cookie cannot be read."""
        session, csrf = self._read()
        return {"cookie": f"sessionid={session}; csrftoken={csrf}", "x-csrftoken": csrf}

    def end(self, headers: Mapping[str, str]) -> None:
        """Record that Treeherder accepts the login of these headers no more."""
        with self._lock:
            self._ended = self._ended or f"sessionid={self._known};" in headers["cookie"]

    def trouble(self) -> str:
        """Return what a person has to do about it; empty: nothing now."""
        try:
            self._read()
        except CIDenied as error:
            return str(error)
        with self._lock:
            left = self._since + LIFETIME - self._clock()
            if self._ended or left <= 0:
                return "the login has ended: nothing is classified until its session is renewed"
            return f"the login ends within {left / 60:.0f} min: renew its session" if left <= _WARNING else ""

    def _read(self) -> tuple[str, str]:
        try:
            session, csrf = self._session(), self._csrf()
        except ConfigError as error:
            raise CIDenied(f"the login at Treeherder cannot be read: {error}") from None
        with self._lock:
            if session != self._known:
                self._known, self._since, self._ended = session, self._clock(), False
        return session, csrf
