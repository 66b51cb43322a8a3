"""A Treeherder over HTTP, as strict and as lax as the real one: pushes, jobs, failure lines, notes by logged-in users.

Its answers to what is wrong follow its source (treeherder/webapp/api at github.com/mozilla/treeherder) and what a real
server was seen to answer.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.http_server import Quiet, Served
from triggerbot.core.errors import NotUnderstood
from triggerbot.core.event_json import parse_time

SESSION, CSRF, SHERIFF = "canary-session", "canary-csrf", "sheriff@example.org"
#: Characters of a job's name that are kept (etl/taskcluster_pulse/handler.py).
NAME_MAX = 139
#: Jobs on a page at most, and digits of a whole revision.
_PAGE_MAX, _REVISION = 2000, 40
#: What /api/jobs/ tells of each job: neither times nor its guid.
_COLUMNS = (
    "failure_classification_id", "id", "job_type_name", "last_modified", "platform", "push_id", "push_revision",
    "result", "state", "tier", "task_id", "retry_id", "duration", "platform_option",
)  # fmt: skip
#: The parameters of requests that a real server was seen to answer.
_PARAMETERS = frozenset({"revision", "push_id", "count", "page", "offset", "task_id", "last_modified__gt", "job_id"})
#: The classifications that it knows (model/fixtures/failure_classification.json).
_CLASSES = range(1, 9)
#: An error page of its framework, and one of a URL that it does not have.
_CRASHED, _NO_URL = (500, "<h1>Server Error (500)</h1>"), (404, "<h1>Not Found</h1>")
Answered = tuple[int, Any]


class FakeTreeherder(Served):
    """One project on a Treeherder."""

    def __init__(self, project: str = "try") -> None:
        self.project = project
        self.pushes: list[dict[str, Any]] = []
        #: In the order in which the database happens to list them: what is changed goes to the end.
        self.jobs: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        #: The bugs of jobs.
        self.bugs: list[dict[str, Any]] = []
        #: Errors in the logs of jobs, and whether the logs are parsed, by job number.
        self.suggestions: dict[int, Any] = {}
        self.errors: dict[int, Any] = {}
        self.logs: dict[int, list[str]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        #: The queries of the requests, by path.
        self.queries: list[tuple[str, dict[str, str]]] = []
        #: Requests that no real server was seen to answer.
        self.unknown: list[str] = []
        #: Statuses to answer with instead, next first; `(status, True)`: after carrying the request out.
        self.faults: list[tuple[int, bool]] = []
        #: Jobs that change after each page of a list was sent.
        self.between_pages: list[list[dict[str, Any]]] = []
        #: Whether a push is deleted as soon as somebody has looked it up.
        self.forgets = False
        #: The session that is logged in.
        self.session = SESSION
        self._numbers = itertools.count(1000)

        def handle_one(handler: BaseHTTPRequestHandler) -> None:
            body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
            self._answer(handler, json.loads(body) if body else None)

        methods = ("do_GET", "do_POST", "do_DELETE")
        super().__init__(type("Handler", (Quiet,), dict.fromkeys(methods, handle_one)))
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
        number = next(self._numbers)
        job = {
            "id": number, "push_id": push, "job_type_name": name[:NAME_MAX], "state": "completed", "result": "success",
            "tier": 1, "task_id": f"task{number:018}", "retry_id": 0, "job_guid": f"guid-{number}",
            "failure_classification_id": 1, "submit_timestamp": 1_763_600_010, "start_timestamp": 0,
            "end_timestamp": 1_763_600_500, "last_modified": "2025-11-20T01:00:00.123456", **more,
        }  # fmt: skip
        self.jobs.append(job)
        return job

    def change(self, job: dict[str, Any], **news: Any) -> None:
        """Change a job; the database lists it last from then on."""
        job |= news
        self.jobs.remove(job)
        self.jobs.append(job)

    def classify(self, job: dict[str, Any], number: int, who: str | None = SHERIFF, text: str = "") -> None:
        """Classify a job; `who`: a person, or nobody where Treeherder does it by itself."""
        self.notes.append(
            {"id": next(self._numbers), "job_id": job["id"], "failure_classification_id": number, "who": who,
             "created": f"2025-11-20T02:00:{len(self.notes) % 60:02}.654321", "text": text}
        )  # fmt: skip
        self.change(job, failure_classification_id=number)

    def annotate(self, job: dict[str, Any], bug: int, who: str = SHERIFF) -> None:
        """Say which bug a failure is; once, however often it is said."""
        if not any((one["job_id"], one["bug_id"]) == (job["id"], bug) for one in self.bugs):
            created = "2025-11-20T02:00:00.123456"
            self.bugs.append({"job_id": job["id"], "bug_id": bug, "created": created, "who": who})

    def unclassify(self, note: int) -> None:
        """Delete a note; the one before it counts again."""
        deleted = next(one for one in self.notes if one["id"] == note)
        self.notes.remove(deleted)
        left = [one for one in self.notes if one["job_id"] == deleted["job_id"]]
        job = self._job(deleted["job_id"])
        assert job is not None
        self.change(job, failure_classification_id=left[-1]["failure_classification_id"] if left else 1)

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
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.requests.append((handler.command, parts.path, dict(handler.headers.items())))
        self.queries.append((parts.path, query))
        fault = self.faults.pop(0) if self.faults else None
        status, answer = (fault[0], {}) if fault and not fault[1] else self._route(handler, parts.path, query, body)
        if fault:
            status = fault[0]
        if answer == _NO_URL[1] or not _PARAMETERS.issuperset(query):
            self.unknown.append(f"{handler.command} {handler.path}")
        html = (status, answer) in (_CRASHED, _NO_URL)
        raw = answer.encode() if html else json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("content-type", "text/html" if html else "application/json")
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _route(self, handler: BaseHTTPRequestHandler, path: str, query: Mapping[str, str], body: Any) -> Answered:
        match [handler.command, *path.strip("/").split("/")]:
            case ["GET", "api", "repository"]:
                return 200, [{"name": self.project}]
            case ["GET", "api", "jobs"]:
                return self._all_jobs(query)
            case [_, "api", "project", project, *_] if "%" in project:
                return _CRASHED
            case [_, "api", "project", project, *_] if project != self.project:
                return 404, {"detail": f"No project with name {project}"}
            case ["GET", "api", "project", _, *rest]:
                return self._read(rest, query)
            case [_, "api", "project", *_] if not self._is_logged_in(handler):
                return 403, {"detail": "Authentication credentials were not provided."}
            case [method, "api", "project", _, *rest]:
                return self._write([method, *rest], body)
            case _:
                return _NO_URL

    def _read(self, words: list[str], query: Mapping[str, str]) -> Answered:
        match words:
            case ["push"]:
                return 200, {"meta": {}, "results": self._pushes(query.get("revision", ""))}
            case ["push", number]:
                found = [one for one in self.pushes if one["id"] == int(number)]
                return (200, found[0]) if found else (404, f"No push with id: {number}")
            case ["jobs"]:
                return self._jobs_of_project(query)
            case ["jobs", number, "bug_suggestions" | "text_log_errors" as what]:
                lines = self.suggestions if what == "bug_suggestions" else self.errors
                return (200, lines.get(int(number), [])) if self._job(number) else (404, f"No job with id: {number}")
            case ["job-log-url" | "note" | "bug-job-map" as what]:
                return self._of_job(what, query.get("job_id", ""))
            case _:
                return _NO_URL

    def _of_job(self, what: str, number: str) -> Answered:
        match what:
            case "job-log-url":
                statuses = self.logs.get(int(number), [])
                return 200, [{"job_id": int(number), "parse_status": status} for status in statuses]
            case "note" if not number:
                return 400, {"detail": "The job_id parameter is mandatory for this endpoint"}
            case "note":
                of_job = [one for one in self.notes if str(one["job_id"]) == number]
                return (200, of_job) if self._job(number) else _CRASHED
            case _ if not number:
                return 400, {"message": "At least one job_id is required"}
            case _:
                return 200, [one for one in self.bugs if str(one["job_id"]) == number]

    def _write(self, words: list[str], body: Any) -> Answered:
        match words:
            case ["POST", "note"]:
                return self._note(body)
            case ["DELETE", "note", number] if any(str(one["id"]) == number for one in self.notes):
                self.unclassify(int(number))
                return 200, {"message": "Note deleted"}
            case ["DELETE", "note", number]:
                return 404, f"No note with id: {number}"
            case ["POST", "bug-job-map"]:
                job = self._job(body["job_id"])
                if job is None or "bug_open" not in body:
                    return _CRASHED
                self.annotate(job, body["bug_id"], "triggerbot@example.org")
                return 200, {"message": "Bug job map saved"}
            case ["DELETE", "bug-job-map", pair]:
                self.bugs = [one for one in self.bugs if f"{one['job_id']}-{one['bug_id']}" != pair]
                return 200, {"message": "Bug job map deleted"}
            case _:
                return _NO_URL

    def _job(self, number: Any) -> dict[str, Any] | None:
        return next((one for one in self.jobs if str(one["id"]) == str(number)), None)

    def _pushes(self, revision: str) -> list[dict[str, Any]]:
        """Find pushes by their revision, or by its beginning; the case matters."""
        whole = len(revision) >= _REVISION
        found = [
            one for one in self.pushes
            if (one["revision"] == revision if whole else one["revision"].startswith(revision))
        ]  # fmt: skip
        if self.forgets:
            self.pushes = [one for one in self.pushes if one not in found]
        return found

    # -- lists of jobs ------------------------------------------------------------------------------------------

    def _filtered(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Apply the filters: one whose value is none, such as the id of a push that does not exist, is dropped."""
        found: Iterable[dict[str, Any]] = self.jobs
        wanted = query.get("push_id")
        if wanted is not None and any(str(one["id"]) == wanted for one in self.pushes):
            found = (one for one in found if str(one["push_id"]) == wanted)
        if "task_id" in query:
            found = (one for one in found if one["task_id"] == query["task_id"])
        if "last_modified__gt" in query:
            found = (one for one in found if one["last_modified"] > query["last_modified__gt"])
        return list(found)

    def _jobs_of_project(self, query: Mapping[str, str]) -> Answered:
        """List jobs in no order that could be relied on."""
        for name, value in query.items():
            if name.startswith("last_modified"):
                try:
                    parse_time(value)
                except NotUnderstood:
                    return 400, f"Invalid date value for `last_modified`: {value}"
        try:
            offset, count = int(query.get("offset", 0)), int(query.get("count", 10))
        except ValueError:
            return 400, "Invalid value for offset or count"
        if count > _PAGE_MAX:
            return 400, {"detail": f"Specified count exceeds API MAX_JOBS_COUNT value: {_PAGE_MAX}"}
        page = [dict(one) for one in self._filtered(query)[offset : offset + count]]
        self._pass_page()
        return 200, {"results": page, "meta": {"offset": offset, "count": count}}

    def _all_jobs(self, query: Mapping[str, str]) -> Answered:
        """List jobs of all projects, ordered by id, as rows of columns."""
        count, page = int(query.get("count", _PAGE_MAX)), int(query.get("page", 1))
        if count > _PAGE_MAX:
            return 400, {"detail": f"Specified count exceeds API MAX_JOBS_COUNT value: {_PAGE_MAX}"}
        found = sorted(self._filtered(query), key=lambda one: one["id"])
        last = max(1, -(-len(found) // count))
        if not 1 <= page <= last:
            return 404, {"detail": "Invalid page."}
        revisions = {one["id"]: one["revision"] for one in self.pushes}
        rows = [
            [{**one, "push_revision": revisions.get(one["push_id"])}.get(column) for column in _COLUMNS]
            for one in found[(page - 1) * count : page * count]
        ]
        self._pass_page()
        following = f"{self.url}/api/jobs/?page={page + 1}" if page < last else None
        return 200, {"count": len(found), "next": following, "results": rows, "job_property_names": list(_COLUMNS)}

    def _pass_page(self) -> None:
        for job in self.between_pages.pop(0) if self.between_pages else ():
            self.change(job)

    # -- notes --------------------------------------------------------------------------------------------------

    def _is_logged_in(self, handler: BaseHTTPRequestHandler) -> bool:
        cookies = handler.headers.get("cookie", "")
        return f"sessionid={self.session}" in cookies and handler.headers.get("x-csrftoken") == CSRF

    def _note(self, body: Any) -> Answered:
        job = self._job(body["job_id"])
        if job is None or body["failure_classification_id"] not in _CLASSES:
            return _CRASHED
        self.classify(job, body["failure_classification_id"], "triggerbot@example.org", body.get("text", ""))
        return 200, {"message": f"note stored for job {job['id']}"}
