"""The client of a Taskcluster deployment: routes, signatures and scopes by Taskcluster's own client, HTTP by ours.

Taskcluster's client retries every call up to five times on connection errors and 5xx, POSTs as well, and has no timeout
(client.py: `_makeHttpRequest`). So that one method is replaced: reads go through our `Http.get`, writes are sent once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import mohawk
import msgspec
import taskcluster
from taskcluster.exceptions import TaskclusterFailure
from taskcluster.utils import scopeMatch

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.systems.answers import Unknown
from triggerbot.systems.http import Http, NotSent, Reply, may_read_from, usable

#: Tasks on one page of a list.
_PAGE = "1000"
#: Pages read of one list, at most: more than any task group has.
_PAGES_MAX = 100
#: Statuses that redirect to where an artifact is stored.
_REDIRECTS = (302, 303, 307)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client and its secret; `certificate` belongs to temporary ones."""

    client_id: str
    access_token: str = field(repr=False)
    certificate: str | None = field(default=None, repr=False)


class Api:
    """The calls that triggerbot makes. Reads raise `NotKnown` (404), `CIUnavailable` and `CIDenied`."""

    def __init__(
        self,
        root_url: str,
        credentials: Credentials | None,
        user_agent: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.root_url = root_url.rstrip("/")
        self.signed = credentials is not None
        agent = {"user-agent": user_agent}
        self._http = Http("", {**agent, "accept": "application/json"}, transport=transport)
        # Artifacts are stored outside Taskcluster: no signature may go there.
        self._elsewhere = Http("", agent, transport=transport)
        options: dict[str, Any] = {"rootUrl": self.root_url}
        if credentials is not None:
            options["credentials"] = {"clientId": credentials.client_id, "accessToken": credentials.access_token}
            if credentials.certificate:
                options["credentials"]["certificate"] = credentials.certificate
        self._queue = self._client(taskcluster.Queue, options)
        self._hooks = self._client(taskcluster.Hooks, options)
        self._auth = self._client(taskcluster.Auth, options)
        self._index = self._client(taskcluster.Index, options)

    def _client(self, kind: Any, options: Mapping[str, Any]) -> Any:
        """Build a Taskcluster client of one service that sends HTTP requests through ours."""
        http = self._http

        class Client(kind):  # type: ignore[misc]  # their classes are not typed
            def _makeHttpRequest(self, method: str, route: str, payload: Any) -> Any:  # noqa: N802 - theirs
                url = self._constructUrl(route)
                content = None if payload is None else msgspec.json.encode(payload)
                headers = {}
                if self._hasCredentials():
                    headers["authorization"] = mohawk.Sender(
                        credentials={
                            "id": self.options["credentials"]["clientId"],
                            "key": self.options["credentials"]["accessToken"],
                            "algorithm": "sha256",
                        },
                        ext=self.makeHawkExt() or {},
                        url=url,
                        content=content or "",
                        content_type="application/json" if content else "",
                        method=method.upper(),
                    ).request_header
                if method.upper() == "GET":
                    return http.get(url, headers=headers)
                return http.write(method.upper(), url, payload, headers)

        return Client(dict(options))

    # -- reads --------------------------------------------------------------------------------------------------

    def task(self, task_id: str) -> dict[str, Any]:
        """Read a task's definition."""
        return self._object(self._queue.task(task_id), f"task {task_id}")

    def status(self, task_id: str) -> Any:
        """Read the status of a task, with its runs."""
        return self._object(self._queue.status(task_id), f"the status of task {task_id}").get("status")

    def group(self, group_id: str) -> Iterator[dict[str, Any]]:
        """Yield the tasks of a group, each with `task` and `status`; a page before the last may be short or empty."""
        what = f"task group {group_id}"
        query = {"limit": _PAGE}
        for _ in range(_PAGES_MAX):
            page = self._object(self._queue.listTaskGroup(group_id, query=query), what)
            tasks = page.get("tasks")
            if not isinstance(tasks, list):
                raise CIUnavailable(f"{what}: the answer has no list of tasks")
            yield from (one for one in tasks if isinstance(one, dict))
            token = page.get("continuationToken")
            if not token:
                return
            query = {"limit": _PAGE, "continuationToken": str(token)}
        raise CIUnavailable(f"{what}: more than {_PAGES_MAX} pages")

    def artifact(self, task_id: str, name: str) -> Any:
        """Read a JSON artifact of a task's latest run; it may be stored elsewhere, where no credentials are sent."""
        what = f"artifact {name} of {task_id}"
        reply = self._call(self._queue.getLatestArtifact, task_id, name)
        if reply.status in _REDIRECTS:
            where = reply.headers.get("location", "")
            if not may_read_from(where, self.root_url):
                raise CIUnavailable(f"{what}: it leads to a place that is none of a deployment's")
            reply = self._stored(where, what)
        return self._usable(reply, what).json()

    def _stored(self, where: str, what: str) -> Reply:
        """Read an artifact where it is stored; its creator chose the place, so the body of an error is never shown."""
        try:
            reply = self._elsewhere.get(where)
        except CIUnavailable:
            raise CIUnavailable(f"{what}: where it is kept, nobody gives a usable answer") from None
        return reply if 200 <= reply.status < 300 else Reply(reply.status, reply.headers, b"")

    def find(self, path: str) -> str:
        """Look up the id of a task in the index."""
        found = self._object(self._index.findTask(path), f"index {path}")
        return str(found.get("taskId", ""))

    def expand(self, scopes: list[str]) -> list[str]:
        """Expand scopes: roles become the scopes that they stand for. Changes nothing, though it is a POST."""
        answer = self._call(self._auth.expandScopes, {"scopes": scopes})
        if isinstance(answer, NotSent | Unknown):
            raise CIUnavailable(answer.why)
        return _texts(self._object(answer, "the expansion of scopes").get("scopes"))

    def own_scopes(self) -> list[str]:
        """Read the scopes of our credentials."""
        return _texts(self._object(self._auth.currentScopes(), "our own scopes").get("scopes"))

    def ping(self) -> None:
        """Check that the deployment answers."""
        self._usable(self._queue.ping(), "the queue")

    # -- writes -------------------------------------------------------------------------------------------------

    def trigger(self, group: str, hook: str, payload: Any) -> Reply | NotSent | Unknown:
        """Trigger a hook; sent once."""
        answer: Reply | NotSent | Unknown = self._call(self._hooks.triggerHook, group, hook, payload)
        return answer

    def create(self, task_id: str, task: Mapping[str, Any]) -> Reply | NotSent | Unknown:
        """Create a task under an id of ours; sent once. Doing so again with the same definition changes nothing."""
        answer: Reply | NotSent | Unknown = self._call(self._queue.createTask, task_id, dict(task))
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._elsewhere.close()

    # -- answers ------------------------------------------------------------------------------------------------

    def _call(self, act: Any, *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except TaskclusterFailure as error:
            raise CIUnavailable(f"Taskcluster's client: {error}") from None

    def _usable(self, reply: Reply, what: str) -> Reply:
        if reply.status == 404:
            raise NotKnown(f"{what} is not known")
        return usable(reply, what)

    def _object(self, reply: Reply, what: str) -> dict[str, Any]:
        answer = self._usable(reply, what).json()
        if not isinstance(answer, dict):
            raise CIUnavailable(f"{what}: the answer is no JSON object")
        return answer


def covers(scopes: list[str], needed: str) -> bool:
    """Return whether scopes satisfy one that is needed."""
    return bool(scopeMatch(scopes, [[needed]]))


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
