"""A Taskcluster deployment over HTTP: tasks, groups in pages, artifacts on another server, hooks that check scopes.

The same server also has Mozilla's push log of Mercurial and GitHub's commits.
"""

import base64
import copy
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import mohawk

from tests.fakes.http_server import Quiet, Served
from tests.fakes.taskcluster_actions import IN_TREE, retrigger_actions

__all__ = ["CLIENT", "IN_TREE", "TOKEN", "FakeTaskcluster", "Fault", "retrigger_actions", "slug"]

CLIENT, TOKEN = "project/me/triggerbot", "canary-access-token-of-the-tests"


#: Endpoints, by method and path.
ENDPOINTS = {
    "ping": r"GET /api/queue/v1/ping",
    "task": r"GET /api/queue/v1/task/[^/]+",
    "status": r"GET /api/queue/v1/task/[^/]+/status",
    "createTask": r"PUT /api/queue/v1/task/[^/]+",
    "listTaskGroup": r"GET /api/queue/v1/task-group/[^/]+/list",
    "artifact": r"GET /api/queue/v1/task/[^/]+/artifacts/.+",
    "storage": r"GET /storage/.+",
    "triggerHook": r"POST /api/hooks/v1/hooks/[^/]+/[^/]+/trigger",
    "expandScopes": r"POST /api/auth/v1/scopes/expand",
    "currentScopes": r"GET /api/auth/v1/scopes/current",
    "findTask": r"GET /api/index/v1/task/[^/]+",
    "hg": r"GET /hg/.+",
    "github": r"GET /github/.+",
}


def slug() -> str:
    """Make a task id."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


@dataclass(frozen=True)
class Fault:
    """A fault of one request."""

    status: int = 500
    #: Carry out the request, and fail afterwards.
    accept: bool = False
    #: Hang up instead of answering.
    reset: bool = False
    #: Seconds before the answer.
    delay: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    #: What is answered instead of JSON.
    page: str = ""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    signed: bool
    body: Any


class FakeTaskcluster(Served):
    """One deployment."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, list[dict[str, Any]]] = {}
        self.artifacts: dict[tuple[str, str], Any] = {}
        self.index: dict[str, str] = {}
        self.pushes: list[dict[str, Any]] = []
        self.commits: dict[tuple[str, str], dict[str, Any]] = {}
        self.scopes = ["hooks:trigger-hook:project-gecko/*", "queue:create-task:*"]
        #: The scopes that a task's roles expand to.
        self.roles = {"assume:repo:try": [f"in-tree:hook-action:{IN_TREE}"]}
        self.triggered: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.faults: dict[str, list[Fault]] = {}
        #: Tasks on a page; 0 makes every second page empty.
        self.page = 1000
        #: Whether an action task makes its tasks at once.
        self.quick = True
        fake = self

        class Handler(Quiet):
            def handle_one(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                fake._take(self, raw)

            do_GET = do_POST = do_PUT = handle_one

        super().__init__(Handler)
        self.url = self.origin
        self._lock = threading.RLock()

    # -- what there is ------------------------------------------------------------------------------------------

    def push(
        self, revision: str, project: str = "try", message: str = "a change", *, actions: Any = None, base: str = "",
    ) -> str:  # fmt: skip
        """Push: a decision task with its actions, in the index and in the push log."""
        group = slug()
        self.add(
            group, group, f"Decision {project}", project=project, revision=revision, kind="decision-task",
            scopes=["assume:repo:try"], state="completed",
        )  # fmt: skip
        self.artifacts[group, "public/actions.json"] = retrigger_actions() if actions is None else actions
        self.index[f"gecko.v2.{project}.revision.{revision}.taskgraph.decision"] = group
        self.pushes.append(
            {"project": project, "user": "dev@example.org", "date": 1_763_600_000,
             "changesets": [
                 {"node": "0" * 40, "desc": "first part", "parents": [*([base] if base else [])]},
                 {"node": revision, "desc": message, "parents": ["0" * 40]},
             ]}
        )  # fmt: skip
        return group

    def add(
        self, group: str, task_id: str | None = None, name: str = "test-linux/opt-mochitest-1", *, project: str = "try",
        revision: str = "", kind: str = "test", state: str = "pending", **more: Any,
    ) -> str:  # fmt: skip
        """Add a task with one run, or, if it is `unscheduled`, without any."""
        task_id = task_id or slug()
        revision = revision or self._revision(group)
        tags = {
            "kind": kind,
            "label": name,
            "createdForUser": "dev@example.org",
            **more.pop("tags", {"retrigger": "true"}),
        }
        self.tasks[task_id] = {
            "taskGroupId": group, "taskQueueId": "gecko-t/t-linux", "provisionerId": "gecko-t", "workerType": "t-linux",
            "schedulerId": "gecko-level-1", "routes": [f"tc-treeherder.v2.{project}.{revision}.1"], "scopes": [],
            "metadata": {"name": name, "owner": "dev@example.org", "source": "https://x", "description": "x"},
            "tags": tags, "payload": {}, "created": "2026-11-20T10:00:00.000Z", "deadline": "2026-11-21T10:00:00.000Z",
            "expires": "2027-11-20T10:00:00.000Z",
            "extra": {"treeherder": {"jobKind": kind if kind in ("build", "test") else "other", "tier": 1}}, **more,
        }  # fmt: skip
        self.runs[task_id] = []
        if state != "unscheduled":
            self.run(task_id, state)
        return task_id

    def _revision(self, group: str) -> str:
        return str(self.tasks[group]["routes"][0]).split(".")[3]

    def run(self, task_id: str, state: str, reason: str = "", *, created: str = "scheduled") -> int:
        """Begin another run of a task; gives its number."""
        number = len(self.runs[task_id])
        self.runs[task_id].append({"runId": number, "reasonCreated": created})
        self.end(task_id, state, reason, number)
        return number

    def end(self, task_id: str, state: str, reason: str = "", number: int = -1) -> None:
        """Move a run to a state."""
        run = self.runs[task_id][number]
        run |= {"state": state, "scheduled": "2026-11-20T10:00:01.000Z"}
        if state in ("completed", "failed", "exception"):
            run |= {"reasonResolved": reason or state, "resolved": "2026-11-20T10:30:00.000Z"}

    def give_up(self, task_id: str, reason: str) -> None:
        """End a task of which nothing ever ran: the queue adds a run only to say so."""
        self.run(task_id, "exception", reason, created="exception")

    def status(self, task_id: str) -> dict[str, Any]:
        """Return a task's status, as messages and lists carry it."""
        runs = copy.deepcopy(self.runs[task_id])
        group = self.tasks[task_id]["taskGroupId"]
        state = runs[-1]["state"] if runs else "unscheduled"
        return {"taskId": task_id, "taskGroupId": group, "state": state, "runs": runs, "retriesLeft": 4}

    def message(self, task_id: str, number: int = -1) -> tuple[str, bytes]:
        """Return the message that the queue publishes about a run: its exchange and its body."""
        status = self.status(task_id)
        if not status["runs"]:
            body = {"version": 1, "status": status, "task": {"tags": self.tasks[task_id]["tags"]}}
            return "exchange/taskcluster-queue/v1/task-defined", json.dumps(body).encode()
        number %= len(status["runs"])
        body = {"version": 1, "status": status, "runId": number, "task": {"tags": self.tasks[task_id]["tags"]}}
        return f"exchange/taskcluster-queue/v1/task-{status['runs'][number]['state']}", json.dumps(body).encode()

    def fault(self, endpoint: str, **what: Any) -> None:
        """Make the next request to an endpoint (its name below) fail."""
        self.faults.setdefault(endpoint, []).append(Fault(**what))

    def posts(self, part: str) -> list[Asked]:
        """Return every write whose path has this part."""
        return [one for one in self.asked if one.method != "GET" and part in one.path]

    # -- answering ----------------------------------------------------------------------------------------------

    def _take(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        parts = urlsplit(handler.path)
        body = json.loads(raw) if raw else None
        with self._lock:
            signed = "authorization" in {name.lower() for name in handler.headers}
            self.asked.append(Asked(handler.command, unquote(parts.path), signed, body))
            endpoint = self._endpoint(handler.command, parts.path)
            fault = self.faults[endpoint].pop(0) if self.faults.get(endpoint) else None
            status, answer, headers = 500, {}, {}
            if fault is None or fault.accept:
                status, answer, headers = self._route(handler, endpoint, raw, body)
        if fault is not None:
            time.sleep(fault.delay)
            if fault.reset:
                handler.close_connection = True
                handler.connection.shutdown(socket.SHUT_RDWR)
                return
            status, answer, headers = fault.status, {"message": "a fault"}, dict(fault.headers)
        content = fault.page.encode() if fault is not None and fault.page else json.dumps(answer).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        try:
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True

    def _endpoint(self, method: str, path: str) -> str:
        return next(
            (name for name, pattern in ENDPOINTS.items() if re.fullmatch(pattern, f"{method} {path}")), "unknown"
        )

    def _route(
        self, handler: BaseHTTPRequestHandler, endpoint: str, raw: bytes, body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(handler.path)
        words = [unquote(word) for word in parts.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        missing = (404, {"code": "ResourceNotFound", "message": "not found"}, {})
        if not self._may(handler, raw):
            return 401, {"message": "the signature is wrong"}, {}
        answer = self._read(endpoint, words, query)
        if answer is None and endpoint == "triggerHook":
            return self._trigger(handler, words, body)
        if answer is None and endpoint == "createTask":
            return self._create(words[4], body)
        if answer is None and endpoint == "expandScopes":
            answer = {"scopes": [one for scope in body["scopes"] for one in self.roles.get(scope, [scope])]}
        if answer is None and endpoint == "artifact" and (words[4], "/".join(words[6:])) in self.artifacts:
            return 303, {}, {"location": f"{self.url}/storage/{words[4]}/{'/'.join(words[6:])}"}
        return missing if answer is None else (200, answer, {})

    def _read(self, endpoint: str, words: list[str], query: Mapping[str, str]) -> Any:
        """Answer a read; `None` if there is no such thing."""
        match endpoint:
            case "ping":
                return {"alive": True}
            case "task":
                return self.tasks.get(words[4])
            case "status":
                return {"status": self.status(words[4])} if words[4] in self.tasks else None
            case "listTaskGroup":
                return self._list(words[4], query)
            case "storage":
                return self.artifacts[words[1], "/".join(words[2:])]
            case "findTask":
                return {"taskId": self.index[words[4]]} if words[4] in self.index else None
            case "currentScopes":
                return {"scopes": self.scopes}
            case "hg":
                return self._hg(words, query)
            case "github":
                return self.commits.get((f"{words[2]}/{words[3]}", words[5]))
            case _:
                return None

    def _may(self, handler: BaseHTTPRequestHandler, raw: bytes) -> bool:
        """Check a Hawk signature as Taskcluster does, with the hash of the payload."""
        header = handler.headers.get("authorization", "")
        if not header.startswith("Hawk"):
            return True
        try:
            mohawk.Receiver(
                lambda client: {"id": client, "key": TOKEN, "algorithm": "sha256"} if client == CLIENT else {},
                header, f"{self.url}{handler.path}", handler.command, content=raw or "",
                content_type=handler.headers.get("content-type", "") if raw else "", accept_untrusted_content=False,
            )  # fmt: skip
        except mohawk.exc.HawkFail:
            return False
        return True

    def _list(self, group: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        members = [task_id for task_id, task in self.tasks.items() if task["taskGroupId"] == group]
        if not members:
            return None
        start = int(query.get("continuationToken", "0"))
        empty = self.page == 0 and start % 2 == 0
        size = 1 if self.page == 0 else self.page
        first = start // 2 if self.page == 0 else start
        shown = [] if empty else members[first : first + size]
        answer: dict[str, Any] = {
            "taskGroupId": group, "tasks": [{"task": self.tasks[one], "status": self.status(one)} for one in shown],
        }  # fmt: skip
        after = start + (1 if self.page == 0 else size)
        if after < len(members) * (2 if self.page == 0 else 1):
            answer["continuationToken"] = str(after)
        return answer

    def _trigger(self, handler: BaseHTTPRequestHandler, words: list[str], body: Any) -> tuple[int, Any, dict[str, str]]:
        if not handler.headers.get("authorization"):
            return 403, {"message": "anonymous"}, {}
        needed = f"hooks:trigger-hook:{words[4]}/{words[5]}"
        if not any(scope == needed or (scope[-1] == "*" and needed.startswith(scope[:-1])) for scope in self.scopes):
            return 403, {"code": "InsufficientScopes", "message": f"needs {needed}"}, {}
        self.triggered.append({"hook": f"{words[4]}/{words[5]}", **body})
        if self.quick:
            self.act()
        return 200, {"status": {"taskId": slug()}}, {}

    def act(self) -> None:
        """Carry out the last action task."""
        user = self.triggered[-1]["user"]
        if user["taskId"] is None:
            return self._add_new(user["taskGroupId"], user["input"])
        original = self.tasks[user["taskId"]]
        for _ in range(user["input"]["times"]):
            again = slug()
            self.tasks[again] = copy.deepcopy(original)
            self.runs[again] = []
            self.run(again, "pending")

    def _add_new(self, group: str, wanted: Mapping[str, Any]) -> None:
        """Add tasks by their labels, of those that the project's graph defines, whatever the push left out."""
        project, revision = str(self.tasks[group]["routes"][0]).split(".")[2:4]
        for label in wanted["tasks"]:
            defined = next((one for one in self.tasks.values() if one["tags"]["label"] == label), None)
            for _ in range(wanted["times"] if defined is not None else 0):
                new = slug()
                self.tasks[new] = copy.deepcopy(defined) | {
                    "taskGroupId": group, "routes": [f"tc-treeherder.v2.{project}.{revision}.1"],
                }  # fmt: skip
                self.runs[new] = []
                self.run(new, "pending")

    def _create(self, task_id: str, task: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        known = self.tasks.get(task_id)
        if known is not None and known != task:
            return 409, {"code": "RequestConflict"}, {}
        if known is None:
            self.tasks[task_id] = task
            self.runs[task_id] = []
            self.run(task_id, "pending")
        return 200, {"status": self.status(task_id)}, {}

    def _hg(self, words: list[str], query: Mapping[str, str]) -> dict[str, Any] | None:
        found = [
            push for push in self.pushes
            if push["project"] == words[1]
            and query.get("changeset") in (None, *(one["node"] for one in push["changesets"]))
            and float(push["date"]) >= float(query.get("startdate", "0").split()[0])
        ]  # fmt: skip
        if not found and "changeset" in query:
            return None
        return {"lastpushid": 1, "pushes": {str(number): push for number, push in enumerate(found)}}
