"""What reports need of a GitHub: who we are there, and what we may write."""

import threading
from collections.abc import Callable

from triggerbot.systems.github import messages, outcomes
from triggerbot.systems.github.auth import AppAuth
from triggerbot.systems.github.checks import Checks
from triggerbot.systems.github.client import Client
from triggerbot.systems.github.pulls import Pulls


class Desk:
    """Where reports are written. `app`: the App that writes; a token writes as its owner. Safe for threads."""

    def __init__(self, client: Client, app: AppAuth | None, clock: Callable[[], float]) -> None:
        self.checks = Checks(client)
        self.pulls = Pulls(client)
        self.clock = clock
        self._client = client
        self._app = app
        self._lock = threading.Lock()
        self._owner = ""

    @property
    def by_app(self) -> bool:
        """Whether an App writes: only Apps make check runs."""
        return self._app is not None

    def mind_turn(self) -> None:
        """Raise `CIUnavailable` where a report would have to wait for its turn to write."""
        self._client.mind_turn()

    def login(self, project: str) -> str:
        """Name the account that we write as; raises `CIDenied`, `CIUnavailable`."""
        if self._app is not None:
            return self._app.login(project)
        with self._lock:
            if not self._owner:
                reply = outcomes.readable(self._client.get("", "/user"), "the token's owner", outcomes.READ_METADATA)
                self._owner = messages.answer(reply.body, messages.Account).login
            return self._owner
