"""GitHub's GraphQL API, for what its REST API takes many requests for, or does not have.

Source: GitHub's documentation, "Forming calls with GraphQL" and "Rate limits and query limits for the GraphQL API"
(2026): one address for everything, beside the REST API's; errors come with status 200; points of its own are counted.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotUnderstood
from triggerbot.systems.answers import Unknown
from triggerbot.systems.github import messages
from triggerbot.systems.github.client import Client
from triggerbot.systems.http import NotSent

_log = structlog.get_logger(__name__)

_PATH = "/graphql"
#: The type of the error that names a missing permission.
_FORBIDDEN = "FORBIDDEN"
#: Seconds for which a GitHub that refused is not asked again: an old server, or a token without the right.
_REFUSED = 3600.0


class Problem(msgspec.Struct, frozen=True):
    """An error in an answer."""

    message: str = ""
    type: str | None = None


class Reading(msgspec.Struct, frozen=True):
    """An answer: data, which may be there in part, and errors."""

    data: dict[str, Any] | None = None
    errors: list[Problem] | None = None


def address(rest: str) -> str:
    """Return where GraphQL is, from the root of the REST API: beside it, also on a server of one's own."""
    return rest.rstrip("/").removesuffix("/v3")


class GraphQL:
    """Sends queries; a `client` for its address, without turns and with limits of its own. Thread-safe."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._refused: dict[str, float] = {}

    def read(self, project: str, query: str, variables: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the data of a query, about a repository; `None` where GitHub does not answer it. Never raises."""
        now, owner = self._clock(), project.partition("/")[0]
        with self._lock:
            if 0 <= now - self._refused.get(owner, -_REFUSED) < _REFUSED:
                return None
        try:
            answer = self.send(project, query, variables)
        except CIUnavailable as error:
            _log.info("graphql.no_answer", project=project, error=str(error))
            return None
        except CIError as error:
            _log.info("graphql.refused", project=project, error=str(error))
            answer = Reading()
        if answer.data is None or any(one.type == _FORBIDDEN for one in answer.errors or ()):
            with self._lock:
                self._refused[owner] = now
        return answer.data

    def send(self, project: str, query: str, variables: Mapping[str, Any]) -> Reading:
        """Send a query or a mutation once.

        Raises:
            CIUnavailable: it is unknown whether GitHub acted, or certainly not (`NotActed`).
            CIDenied: GitHub refuses us altogether.
        """
        try:
            reply = self._client.write("POST", project, _PATH, {"query": query, "variables": dict(variables)})
        except CIUnavailable as error:
            raise NotActed(str(error), error.after, healthy=error.healthy) from None
        if isinstance(reply, NotSent):
            raise NotActed(reply.why)
        if isinstance(reply, Unknown):
            raise CIUnavailable(reply.why)
        limited = self._client.wait(project)
        if limited > 0 and reply.status != 200:
            raise NotActed("GitHub limits us", limited, healthy=True)
        if reply.status >= 500 or reply.status == 408:
            raise CIUnavailable(f"GraphQL: HTTP {reply.status} {reply.excerpt}", reply.retry_after)
        if reply.status != 200:
            raise CIDenied(f"GraphQL: HTTP {reply.status} {reply.excerpt}")
        try:
            return messages.read(reply.body, Reading)
        except NotUnderstood as error:
            raise CIUnavailable(f"GitHub's answer is not as documented: {error}") from None


class NotActed(CIUnavailable):
    """GitHub certainly did not act: it can be tried again without a look."""

    def __init__(self, message: str, after: float | None = None, *, healthy: bool = False) -> None:
        super().__init__(message, after, healthy=healthy, acted=False)
