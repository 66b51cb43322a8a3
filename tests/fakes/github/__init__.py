"""A GitHub that keeps state and enforces GitHub's rules, as a real HTTP server on loopback.

    with FakeGitHub() as github:
        run = github.add_run("octo/app", "CI", sha, "main", jobs={"test (3.11)": "failure", "lint": "success"})
        system = GitHub("gh", url=github.url, token=github.token, webhook_secrets=[github.webhook_secret])
        headers, body = github.webhook("workflow_job", run, job="test (3.11)")
        ...
        assert len(github.posts) == 1
        github.finish(run, {"test (3.11)": "success"})

Rules: a rerun while running, of a run over a month old, or the 51st is refused with GitHub's words; tokens and
permissions; primary and secondary limits with their headers; `Link` paging; ETag and 304; App tokens for a JWT that is
checked with the public key. The dependents of a job rerun with it; the other jobs are carried over with new ids.
What people read and write is in `github.talk`.
"""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.github import payloads
from tests.fakes.github import reporting_payloads as talk_payloads
from tests.fakes.github.api import Failure, FakeApi, Recorded
from tests.fakes.github.merge_queue import FakeMergeQueue
from tests.fakes.github.payloads import FakeJob, FakeRun
from tests.fakes.github.reporting_payloads import FakeCheck, FakeComment


class Clock:
    """A clock that stands still unless moved; what sleeps on it moves it."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.now += seconds


class FakeGitHub(FakeApi):
    """One GitHub. `clock` gives seconds since the epoch; all of its attributes may be changed while it runs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.queue = FakeMergeQueue(self.talk, self.runs, self.sign, self._about_queue)
        self._server = _serve(self)
        self.url = self.talk.url = self.contents.url = self.issues.url = (
            f"http://127.0.0.1:{self._server.server_address[1]}"
        )
        self.artifacts.storage = self.url

    def __enter__(self) -> Self:
        """Serve until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.close()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def posts(self) -> list[Recorded]:
        """The reruns that were asked for, whatever the answer."""
        return [request for request in self.requests if request.method == "POST" and "/rerun" in request.path]

    def add_run(
        self,
        repo: str,
        workflow: str,
        sha: str,
        branch: str | None,
        jobs: dict[str, str | None],
        *,
        message: str = "a change",
        actor: str = "dev",
        head_repository: str | None = "",
        created: float | None = None,
        needs: dict[str, list[str]] | None = None,
        outcomes: dict[str, list[str]] | None = None,
        event: str = "push",
        path: str = "",
        came_to: str | None = None,
    ) -> int:
        """Add a workflow run and give its id.

        `jobs`: {name: conclusion, or None while it is in progress}. `head_repository`: that of a fork; None: deleted.
        `came_to`: the conclusion of the run itself, whatever its jobs did.
        `needs`: {job: the jobs it depends on}. `outcomes`: {job: the conclusions of its further runs}, for `finish`.
        `event`: what made it run. `path`: of the workflow's file; without one it is made of the workflow's name.
        """
        with self._lock:
            now = self.clock() if created is None else created
            self.repositories.add(repo)
            head = repo if head_repository == "" else head_repository
            run = FakeRun(self._id(), repo, workflow, sha, branch, message, actor, head, now, now)
            run.needs, run.outcomes = dict(needs or {}), {name: list(ends) for name, ends in (outcomes or {}).items()}
            run.event, run.path = event, path
            run.came_to = came_to
            self.runs[run.id] = run
            for name, conclusion in jobs.items():
                one = FakeJob(self._id(), name, 1, now, started=now, status="in_progress")
                run.jobs.append(one)
                if conclusion is not None:
                    _end(one, conclusion, now + 60)
            run.updated = max([now, *(one.completed or now for one in run.jobs)])
            return run.id

    def add_job(self, run_id: int, name: str) -> None:
        """Add a queued job to a run, in its newest attempt."""
        with self._lock:
            run = self.runs[run_id]
            run.jobs.append(FakeJob(self._id(), name, run.attempt, self.clock()))

    def rerun(self, run_id: int, *names: str) -> None:
        """Rerun jobs, as somebody else does."""
        with self._lock:
            self._new_attempt(self.runs[run_id], set(names))

    def start(self, run_id: int) -> None:
        """Let all queued jobs of a run begin."""
        with self._lock:
            for one in self.runs[run_id].current():
                if one.status == "queued":
                    one.status, one.started = "in_progress", self.clock()

    def finish(self, run_id: int, conclusions: dict[str, str] | None = None) -> None:
        """Finish jobs of a run: those named; or all, with the outcomes given to `add_run`, or else success."""
        with self._lock:
            run = self.runs[run_id]
            self.start(run_id)
            for one in run.current():
                if one.status == "completed" or (conclusions is not None and one.name not in conclusions):
                    continue
                planned = run.outcomes.get(one.name, [])
                end = conclusions[one.name] if conclusions else planned.pop(0) if planned else "success"
                _end(one, end, self.clock() + 1)
            run.updated = self.clock() + 1

    def fail_next(
        self,
        status: int,
        message: str = "",
        headers: dict[str, str] | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        applied: bool = False,
        answer: Any = None,
    ) -> None:
        """Answer the next request (of this method, with this in its path) so; see `Failure`."""
        self._failures.append(Failure(status, answer or {"message": message}, headers or {}, method, path, applied))

    def job(self, run_id: int, name: str, attempt: int | None = None) -> FakeJob:
        """Find a job of a run, in its newest attempt unless told."""
        run = self.runs[run_id]
        return next(job for job in run.jobs if job.name == name and job.attempt == (attempt or run.attempt))

    def webhook(
        self, kind: str, run_id: int, *, job: str = "", action: str = "completed", attempt: int | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Write a signed delivery (`workflow_job`, `workflow_run`, `push`, `ping`) about a run as it is now."""
        run = self.runs[run_id]
        repository = payloads.full_repository(
            self.url, run.repo, private=run.repo in self.private, now=self.clock(), push=True
        )
        body: dict[str, Any] = {
            "action": action,
            "repository": repository,
            "sender": payloads.user(self.url, run.actor),
        }
        if kind == "workflow_job":
            body["workflow_job"] = payloads.job(self.url, run, self.job(run_id, job, attempt))
        elif kind == "workflow_run":
            body["workflow_run"] = payloads.workflow_run(self.url, run)
            body["workflow"] = payloads.workflow(self.url, run)
        elif kind == "push":
            body = payloads.push_event(self.url, run, repository)
        else:
            body = {"zen": "Keep it simple.", "hook_id": 1, "repository": repository}
        return self.sign(kind, json.dumps(body).encode())

    def comment_webhook(
        self, comment: FakeComment, *, action: str = "created", on_issue: bool = False, issue: str = ""
    ) -> tuple[dict[str, str], bytes]:
        """Write a signed `issue_comment`: on a pull request, or on an issue."""
        pull = None if on_issue else self.talk.pulls[comment.pull]
        told = talk_payloads.issue(self.url, pull, comment.pull, comment.repo, self.clock())
        body = {
            "action": action,
            "comment": talk_payloads.comment(self.url, comment),
            "issue": {**told, "body": issue} if issue else told,
            **self._about(comment.repo, talk_payloads.account(self.url, comment.author, comment.kind)),
        }
        return self.sign("issue_comment", json.dumps(body).encode())

    def button_webhook(
        self, check: FakeCheck, login: str, *, action: str = "requested_action", identifier: str = "retry_failed"
    ) -> tuple[dict[str, str], bytes]:
        """Write a signed `check_run`: somebody pressed a button."""
        body: dict[str, Any] = {
            "action": action,
            "check_run": talk_payloads.check_run(self.url, check, self.app_id),
            **self._about(check.repo, talk_payloads.account(self.url, login)),
        }
        if action == "requested_action":
            body["requested_action"] = {"identifier": identifier}
        return self.sign("check_run", json.dumps(body).encode())

    def _about(self, repo: str, sender: dict[str, Any]) -> dict[str, Any]:
        private = repo in self.private
        repository = payloads.full_repository(self.url, repo, private=private, now=self.clock(), push=True)
        return {"repository": repository, "sender": sender}

    def _about_queue(self, repo: str) -> dict[str, Any]:
        return self._about(repo, talk_payloads.account(self.url, "github-merge-queue[bot]", "Bot"))

    def sign(self, kind: str, body: bytes) -> tuple[dict[str, str], bytes]:
        """Sign any body as a delivery; header names are in lower case."""
        digest = hmac.new(self.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "x-github-event": kind,
            "x-github-delivery": f"{hashlib.sha256(body).hexdigest()[:8]}-0000-4000-8000-000000000000",
            "x-hub-signature-256": f"sha256={digest}",
            "content-type": "application/json",
        }
        return headers, body


def _end(one: FakeJob, conclusion: str, moment: float) -> None:
    one.status, one.conclusion, one.completed = "completed", conclusion, moment


def _serve(github: FakeGitHub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        """Turns HTTP into `Recorded` and back."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            """Answer a read."""
            self._do()

        def do_POST(self) -> None:
            """Answer a write."""
            self._do()

        def do_PATCH(self) -> None:
            """Answer a change."""
            self._do()

        def _do(self) -> None:
            address = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(content) if content else None
            done = github.handle(Recorded(self.command, address.path, dict(parse_qsl(address.query)), headers, body))
            self._send(done)

        def _send(self, done: Recorded | None) -> None:
            if done is None:
                self.close_connection = True
                return
            content = done.answer if isinstance(done.answer, bytes) else json.dumps(done.answer).encode()
            content = b"" if done.status in (302, 304) else content
            self.send_response(done.status)
            for name, value in done.answer_headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
