"""A Treeherder over HTTP: pushes, jobs in pages, notes by logged-in users."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.http_server import Quiet, Served

SESSION, CSRF = "canary-session", "canary-csrf"


class FakeTreeherder(Served):
    """One project on a Treeherder."""

    def __init__(self, project: str = "try") -> None:
        self.project = project
        self.pushes: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        #: Errors in the logs of jobs, and whether the logs are parsed, by job number.
        self.suggestions: dict[int, Any] = {}
        self.errors: dict[int, Any] = {}
        self.logs: dict[int, list[str]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        #: Statuses to answer with instead, next first; `(status, True)`: after carrying the request out.
        self.faults: list[tuple[int, bool]] = []
        #: The most jobs on a page, even if more are requested.
        self.page = 2000
        fake = self

        class Handler(Quiet):
            def do_GET(self) -> None:
                fake._answer(self, None)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fake._answer(self, json.loads(body))

        super().__init__(Handler)
        self.url = self.origin

    # -- what it knows ------------------------------------------------------------------------------------------

    def push(self, revision: str, *comments: str, author: str = "dev@example.org") -> int:
        """Add a push; its newest commit first."""
        number = 100 + len(self.pushes)
        revisions = [{"revision": revision, "comments": comment} for comment in comments or ("a change",)]
        self.pushes.append(
            {
                "id": number,
                "revision": revision,
                "author": author,
                "push_timestamp": 1_763_600_000,
                "revisions": revisions,
            }
        )
        return number

    def job(self, push: int, name: str = "test-linux/opt-mochitest-1", **more: Any) -> dict[str, Any]:
        """Add a job."""
        number = 1000 + len(self.jobs)
        job = {
            "id": number, "push_id": push, "job_type_name": name, "state": "completed", "result": "success", "tier": 1,
            "task_id": f"task{number:018}", "retry_id": 0, "submit_timestamp": 1_763_600_010, "start_timestamp": 0,
            "end_timestamp": 1_763_600_500, "last_modified": "2025-11-20T01:00:00", **more,
        }  # fmt: skip
        self.jobs.append(job)
        return job

    def read_log(self, job: dict[str, Any], *lines: str) -> None:
        """Parse the log of a job into failure lines, as Treeherder's get_error_summary and TextLogError do."""
        number = job["id"]
        self.logs[number] = ["parsed"]
        self.suggestions[number] = [
            {
                "search": line, "search_terms": [line], "path_end": line.split(" | ")[1] if " | " in line else None,
                "bugs": {"open_recent": [], "all_others": []}, "line_number": place, "counter": 0,
                "failure_new_in_rev": False,
            }
            for place, line in enumerate(lines)
        ]  # fmt: skip
        self.errors[number] = [
            {"id": place, "line": f"10:11:12     INFO - {line}", "line_number": place, "job": number}
            for place, line in enumerate(lines)
        ]

    # -- answering ----------------------------------------------------------------------------------------------

    def _answer(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.requests.append((handler.command, parts.path, dict(handler.headers.items())))
        fault = self.faults.pop(0) if self.faults else None
        status, answer = (fault[0], {}) if fault and not fault[1] else self._route(handler, parts.path, query, body)
        if fault:
            status = fault[0]
        raw = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _route(
        self, handler: BaseHTTPRequestHandler, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        base = f"/api/project/{self.project}/"
        if path == "/api/repository/":
            return 200, [{"name": self.project}]
        if not path.startswith(base):
            return 404, {"detail": "no such project"}
        match [handler.command, *path.removeprefix(base).strip("/").split("/")]:
            case ["GET", "push"]:
                return 200, {"results": [one for one in self.pushes if one["revision"] == query.get("revision")]}
            case ["GET", "push", number]:
                found = [one for one in self.pushes if one["id"] == int(number)]
                return (200, found[0]) if found else (404, {})
            case ["GET", "jobs"]:
                return 200, {"results": self._page(query)}
            case ["GET", "jobs", number, "bug_suggestions" | "text_log_errors" as what]:
                found = self.suggestions if what == "bug_suggestions" else self.errors
                known = any(job["id"] == int(number) for job in self.jobs)
                return (200, found.get(int(number), [])) if known else (404, f"No job with id: {number}")
            case ["GET", "job-log-url"]:
                statuses = self.logs.get(int(query["job_id"]), [])
                return 200, [{"job_id": int(query["job_id"]), "parse_status": status} for status in statuses]
            case ["GET", "note"]:
                return 200, [one for one in self.notes if str(one["job_id"]) == query.get("job_id")]
            case ["POST", "note"]:
                return self._note(handler, body)
            case _:
                return 404, {}

    def _page(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        found = [
            job for job in self.jobs
            if query.get("push_id") in (None, str(job["push_id"]))
            and query.get("task_id") in (None, job["task_id"])
            and job["last_modified"] > query.get("last_modified__gt", "")
        ]  # fmt: skip
        offset = int(query.get("offset", "0"))
        return found[offset : offset + int(query.get("count", "10"))]

    def _note(self, handler: BaseHTTPRequestHandler, body: Any) -> tuple[int, Any]:
        cookies = handler.headers.get("cookie", "")
        if f"sessionid={SESSION}" not in cookies or handler.headers.get("x-csrftoken") != CSRF:
            return 403, {"detail": "Authentication credentials were not provided."}
        self.notes.append(body)
        return 200, {"message": "note stored"}
