"""The rules of the fake GitHub: what its API answers, and what that does to its state. See `FakeGitHub`."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import jwt

from tests.fakes.github import graphql, payloads
from tests.fakes.github.artifacts import FakeArtifacts
from tests.fakes.github.branches import FakeBranches
from tests.fakes.github.contents import FakeContents
from tests.fakes.github.issues import FakeIssues
from tests.fakes.github.payloads import FakeRun
from tests.fakes.github.reporting import FakeTalk, TalkError
from tests.fakes.github.reruns import ApiError, FakeReruns, Recorded

_DAY = 86400.0


@dataclass
class Failure:
    """An answer to give instead of the true one; `status` 0 drops the connection."""

    status: int
    answer: Any
    headers: dict[str, str]
    method: str | None
    path: str | None
    #: Whether the request is carried out all the same.
    applied: bool


class FakeApi(FakeReruns, FakeBranches):
    """The API and its state, without a server; see `FakeGitHub`."""

    queue: graphql.Queue

    def __init__(
        self,
        *,
        token: str = "canary-token-of-github",
        clock: Callable[[], float] | None = None,
        app_id: str = "123",
        app_public_key: str | None = None,
        webhook_secret: str = "canary-webhook-secret-of-github",
    ) -> None:
        FakeBranches.__init__(self)
        self.token = token
        self.clock = clock or time.time
        self.app_id, self.app_public_key = app_id, app_public_key
        self.webhook_secret = webhook_secret
        #: What the token may do with Actions: write, read or none; and the header x-oauth-scopes (None: fine-grained).
        self.permission = "write"
        self.scopes: str | None = "repo, workflow"
        #: What the token, or the App's installation, may do beside Actions.
        self.granted = {
            "checks": "write",
            "statuses": "write",
            "pull_requests": "write",
            "issues": "write",
            "contents": "read",
        }
        self.limit, self.remaining, self.reset = 5000, 5000, self.clock() + 3600
        self.writes_a_minute, self.writes_an_hour = 80, 500
        #: Whether it answers GraphQL; old servers do not.
        self.has_graphql = True
        self.not_installed: set[str] = set()
        self.private: set[str] = set()
        #: The most entries that a page has, whatever is asked for.
        self.page_max = 100
        self.token_seconds = 3600.0
        self.runs: dict[int, FakeRun] = {}
        self.requests: list[Recorded] = []
        self.repositories: set[str] = set()
        self.issued: dict[str, float] = {}
        #: Of tokens of the App that were asked for with few permissions: which.
        self.narrow: dict[str, dict[str, str]] = {}
        self._failures: list[Failure] = []
        self._writes: list[float] = []
        self._next_id = 5_000_000_000
        self._lock = threading.RLock()
        self.url = ""
        self.talk = FakeTalk(self.clock, self._id, self.runs, app_id)
        self.issues = FakeIssues(self.clock)
        self.talk.is_issue = self.issues.has
        self.contents = FakeContents()
        self.artifacts = FakeArtifacts(self.clock, self._id, self.runs)

    def handle(self, request: Recorded) -> Recorded | None:
        """Answer one request; `None` drops the connection."""
        with self._lock:
            self.requests.append(request)
            failure = self._failure(request)
            if failure is None or failure.applied:
                self._answer(request)
            if failure is not None:
                request.status, request.answer_headers = failure.status, {**self._limit_headers(), **failure.headers}
                request.answer = failure.answer
                return request if failure.status else None
            return request

    def _answer(self, request: Recorded) -> None:
        headers: dict[str, str] = {}
        if request.path.startswith("/storage/"):
            # It is another's: it knows neither accounts nor limits.
            request.status, request.answer, request.answer_headers = self.artifacts.fetch(request)
            return
        try:
            who = self._authenticate(request)
            self._count(request, who)
            request.status, request.answer, headers = self._route(request, who)
        except (ApiError, TalkError) as said:
            request.status, headers = said.status, said.headers
            request.answer = {"message": said.message, "documentation_url": "https://docs.github.example"}
        request.answer_headers = {**self._limit_headers(), **headers}
        if request.method == "GET" and request.status == 200:
            self._conditional(request)

    def _conditional(self, request: Recorded) -> None:
        own = f'W/"{hashlib.sha256(json.dumps(request.answer).encode()).hexdigest()}"'
        etag = request.answer_headers.get("etag", own)
        request.answer_headers["etag"] = etag
        if request.headers.get("if-none-match") == etag:
            request.status, request.answer = 304, None
            self.remaining += 1
            request.answer_headers |= self._limit_headers()

    def _failure(self, request: Recorded) -> Failure | None:
        for failure in self._failures:
            if failure.method in (None, request.method) and (failure.path or "") in request.path:
                self._failures.remove(failure)
                return failure
        return None

    def _authenticate(self, request: Recorded) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token == self.token:
            return "token"
        if self.issued.get(token, 0.0) > self.clock():
            return "installation"
        if self.app_public_key is not None and token.count(".") == 2:
            self._check_jwt(token)
            return "app"
        raise ApiError(401, "Bad credentials")

    def _check_jwt(self, token: str) -> None:
        unchecked = {"verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(token, self.app_public_key or "", algorithms=["RS256"], options=unchecked)
        except jwt.PyJWTError:
            raise ApiError(401, "A JSON web token could not be decoded") from None
        now = self.clock()
        if claims.get("iss") != self.app_id:
            raise ApiError(401, "'Issuer' claim ('iss') must be an Integer")
        if not claims["iat"] <= now < claims["exp"] or claims["exp"] - now > 600:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")

    def _count(self, request: Recorded, who: str) -> None:
        if who == "app" or request.path == "/rate_limit" or graphql.is_query(request.body):
            return
        if self.clock() >= self.reset:
            self.remaining, self.reset = self.limit, self.clock() + 3600
        if self.remaining <= 0:
            raise ApiError(403, "API rate limit exceeded for user ID 1.")
        self.remaining -= 1
        if request.method in ("POST", "PATCH"):
            now = self.clock()
            self._writes = [moment for moment in self._writes if moment > now - 3600]
            lately = sum(moment > now - 60 for moment in self._writes)
            if lately >= self.writes_a_minute or len(self._writes) >= self.writes_an_hour:
                raise ApiError(403, "You have exceeded a secondary rate limit.", {"retry-after": "60"})
            self._writes.append(now)

    def _limit_headers(self) -> dict[str, str]:
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(int(self.reset)),
            "x-ratelimit-used": str(self.limit - self.remaining),
            "x-ratelimit-resource": "core",
        }
        return headers if self.scopes is None else {**headers, "x-oauth-scopes": self.scopes}

    def _route(self, request: Recorded, who: str) -> tuple[int, Any, dict[str, str]]:
        routes: list[tuple[str, str, Callable[..., tuple[int, Any, dict[str, str]]]]] = [
            ("GET", "/rate_limit", self._rate_limit),
            ("GET", "/app", self._app),
            ("POST", r"/app/installations/(\d+)/access_tokens", self._access_tokens),
            ("GET", r"/repos/([^/]+/[^/]+)/installation", self._installation),
            ("GET", r"/repos/([^/]+/[^/]+)", self._repository),
            ("GET", r"/repos/([^/]+/[^/]+)/git/ref/(heads|tags)/(.+)", self._ref),
            ("GET", r"/repos/([^/]+/[^/]+)/compare/([^/]+)", self._compare),
            ("GET", r"/repos/([^/]+/[^/]+)/actions/runs", self._list_runs),
            ("GET", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)", self._get_run),
            ("GET", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)/jobs", self._list_jobs),
            ("GET", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)/artifacts", self._list_artifacts),
            ("GET", r"/repos/([^/]+/[^/]+)/actions/artifacts/(\d+)/(\w+)", self._artifact),
            ("POST", r"/repos/([^/]+/[^/]+)/actions/jobs/(\d+)/rerun", self._rerun_job),
            ("POST", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)/rerun-failed-jobs", self._rerun_failed),
            ("POST", r"/repos/([^/]+/[^/]+)/actions/runs/(\d+)/rerun", self._rerun_whole),
        ]
        if (request.method, request.path) == ("POST", "/graphql"):
            return self._graphql(request, who)
        path = self._spelled(request.path)
        for method, pattern, action in routes:
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                if (who == "app") != (request.path.startswith("/app") or request.path.endswith("/installation")):
                    raise ApiError(401, "A JSON web token could not be decoded" if who != "app" else "Bad credentials")
                return action(request, *match.groups())
        return self._talk_route(request, who)

    def _graphql(self, request: Recorded, who: str) -> tuple[int, Any, dict[str, str]]:
        """Answer the queries that are known; GraphQL has limits of its own."""
        limits = {"x-ratelimit-remaining": "4999", "x-ratelimit-limit": "5000", "x-ratelimit-resource": "graphql"}
        if not self.has_graphql:
            raise ApiError(404, "Not Found")
        token = request.headers["authorization"].removeprefix("Bearer ")
        granted = self.narrow.get(token, self.granted)
        by = "integration" if who == "installation" else "personal access token"
        return 200, graphql.answer(request.body, self.talk, self.queue, granted, by), limits

    def _spelled(self, path: str) -> str:
        """Spell the repository of a path as it is; GitHub does not care for case."""
        for repo in self.repositories:
            if f"{path}/".lower().startswith(f"/repos/{repo}/".lower()):
                return f"/repos/{repo}{path[len(f'/repos/{repo}') :]}"
        return path

    def _talk_route(self, request: Recorded, who: str) -> tuple[int, Any, dict[str, str]]:
        """Answer what is about people, if the account has the permission."""
        talk, app = self.talk, who == "installation"
        author, kind = ("triggerbot-test[bot]", "Bot") if app else (talk.owner, "User")
        comment = partial(talk.create_comment, author=author, kind=kind)
        react = partial(talk.react, author=author, kind=kind)
        issues, opened = self.issues, partial(self.issues.create, author=author, kind=kind)
        repo, sha = r"/repos/([^/]+/[^/]+)", r"([0-9a-f]+)"
        routes: list[tuple[str, str, str, str, Callable[..., tuple[int, Any, dict[str, str]]]]] = [
            ("GET", "/user", "", "", talk.user),
            ("GET", rf"{repo}/check-runs/(\d+)/annotations", "checks", "read", talk.list_annotations),
            ("GET", rf"{repo}/contents/(.+)", "contents", "read", self.contents.get),
            ("GET", rf"{repo}/commits/{sha}", "contents", "read", talk.commit),
            ("GET", rf"{repo}/commits/{sha}/check-runs", "checks", "read", talk.list_checks),
            ("POST", rf"{repo}/check-runs", "checks", "write", talk.create_check),
            ("PATCH", rf"{repo}/check-runs/(\d+)", "checks", "write", talk.edit_check),
            ("POST", rf"{repo}/statuses/{sha}", "statuses", "write", talk.set_status),
            ("GET", rf"{repo}/commits/{sha}/pulls", "pull_requests", "read", talk.pulls_of_commit),
            ("GET", rf"{repo}/pulls", "pull_requests", "read", talk.list_pulls),
            ("GET", rf"{repo}/pulls/(\d+)", "pull_requests", "read", talk.get_pull),
            ("GET", rf"{repo}/issues", "issues", "read", issues.listed),
            ("POST", rf"{repo}/issues", "issues", "write", opened),
            ("GET", rf"{repo}/issues/(\d+)", "issues", "read", issues.get),
            ("PATCH", rf"{repo}/issues/(\d+)", "issues", "write", issues.edit),
            ("GET", rf"{repo}/issues/(1\d\d\d)/comments", "issues", "read", talk.list_comments),
            ("POST", rf"{repo}/issues/(1\d\d\d)/comments", "issues", "write", comment),
            ("GET", rf"{repo}/issues/(\d+)/comments", "pull_requests", "read", talk.list_comments),
            ("POST", rf"{repo}/issues/(\d+)/comments", "pull_requests", "write", comment),
            ("GET", rf"{repo}/issues/comments/(\d+)", "pull_requests", "read", talk.get_comment),
            ("PATCH", rf"{repo}/issues/comments/(\d+)", "pull_requests", "write", talk.edit_comment),
            ("POST", rf"{repo}/issues/comments/(\d+)/reactions", "pull_requests", "write", react),
            ("GET", rf"{repo}/collaborators/([^/]+)/permission", "", "", talk.permission),
        ]
        path = self._spelled(request.path)
        for method, pattern, name, level, action in routes:
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                self._permitted(request, who, name, level)
                return action(request, *match.groups())
        raise ApiError(404, "Not Found")

    def _permitted(self, request: Recorded, who: str, name: str, level: str) -> None:
        if who == "token" and "/check-runs" in request.path and request.method != "GET":
            raise ApiError(403, "You must authenticate via a GitHub App.")
        token = request.headers["authorization"].removeprefix("Bearer ")
        has = self.narrow.get(token, self.granted).get(name, "")
        if name and has not in (level, "write"):
            by = "integration" if who == "installation" else "personal access token"
            raise ApiError(403, f"Resource not accessible by {by}")

    def _rate_limit(self, _request: Recorded) -> tuple[int, Any, dict[str, str]]:
        rate = {"limit": self.limit, "remaining": self.remaining, "reset": int(self.reset), "used": 0}
        return 200, {"resources": {"core": rate, "search": rate}, "rate": rate}, {}

    def _actions(self) -> str | None:
        return None if self.permission == "none" else self.permission

    def _app(self, _request: Recorded) -> tuple[int, Any, dict[str, str]]:
        return 200, payloads.integration(self.url, self.app_id, actions=self._actions(), now=self.clock()), {}

    def _installation(self, _request: Recorded, repo: str) -> tuple[int, Any, dict[str, str]]:
        if repo not in self.repositories or repo in self.not_installed:
            raise ApiError(404, "Not Found")
        number = 1 + sum(repo.split("/", maxsplit=1)[0].encode())
        return 200, payloads.installation(self.url, number, self.app_id, actions=self._actions(), now=self.clock()), {}

    def _access_tokens(self, request: Recorded, number: str) -> tuple[int, Any, dict[str, str]]:
        permissions = (request.body or {}).get("permissions")
        wanted = (permissions or {}).get("actions")
        if wanted == "write" and self.permission != "write":
            raise ApiError(422, "The permissions requested are not granted to this installation.")
        token, expires = f"canary-ghs-{number}-{len(self.issued)}", self.clock() + self.token_seconds
        self.issued[token] = expires
        if permissions is not None:
            self.narrow[token] = permissions
        answer = {"token": token, "expires_at": payloads.when(expires), "permissions": permissions or self.granted}
        return 201, answer, {}

    def _repository(self, _request: Recorded, repo: str) -> tuple[int, Any, dict[str, str]]:
        self._visible(repo)
        private, push = repo in self.private, self.permission == "write"
        return 200, payloads.full_repository(self.url, repo, private=private, now=self.clock(), push=push), {}

    def _visible(self, repo: str) -> None:
        if repo not in self.repositories:
            raise ApiError(404, "Not Found")

    def _list_runs(self, request: Recorded, repo: str) -> tuple[int, Any, dict[str, str]]:
        self._visible(repo)
        if self.permission == "none":
            raise ApiError(403, "Resource not accessible by personal access token")
        runs = [run for run in self.runs.values() if run.repo == repo and _matches(run, request.query)]
        runs.sort(key=lambda run: (-run.created, -run.id))
        # GitHub shows a thousand entries at most of a list that is searched.
        listed = [payloads.workflow_run(self.url, run) for run in runs[:1000]]
        return self._page(request, "workflow_runs", listed, len(runs))

    def _get_run(self, _request: Recorded, repo: str, run_id: str) -> tuple[int, Any, dict[str, str]]:
        return 200, payloads.workflow_run(self.url, self._run(repo, int(run_id))), {}

    def _list_jobs(self, request: Recorded, repo: str, run_id: str) -> tuple[int, Any, dict[str, str]]:
        run = self._run(repo, int(run_id))
        jobs = run.jobs if request.query.get("filter") == "all" else run.current()
        listed = [payloads.job(self.url, run, one) for one in jobs]
        return self._page(request, "jobs", listed, len(listed))

    def _list_artifacts(self, request: Recorded, repo: str, run_id: str) -> tuple[int, Any, dict[str, str]]:
        self._run(repo, int(run_id))
        self._may_read()
        listed = self.artifacts.of_run(repo, run_id)
        return self._page(request, "artifacts", listed, len(listed))

    def _artifact(self, request: Recorded, repo: str, number: str, form: str) -> tuple[int, Any, dict[str, str]]:
        self._visible(repo)
        self._may_read()
        return self.artifacts.redirect(request, repo, number, form)

    def _may_read(self) -> None:
        if self.permission == "none":
            raise ApiError(403, "Resource not accessible by personal access token")

    def _page(self, request: Recorded, key: str, listed: list[Any], total: int) -> tuple[int, Any, dict[str, str]]:
        size = min(int(request.query.get("per_page", "30")), self.page_max)
        number = int(request.query.get("page", "1"))
        part = listed[(number - 1) * size : number * size]
        headers: dict[str, str] = {}
        if len(listed) > size:
            last = -(-len(listed) // size)
            ways = {"prev": number - 1, "next": number + 1, "first": 1, "last": last}
            headers["link"] = ", ".join(
                f'<{self.url}{request.path}?{urlencode({**request.query, "page": str(page)})}>; rel="{name}"'
                for name, page in ways.items()
                if 1 <= page <= last and not (name in ("first", "prev") and number == 1)
            )
        return 200, {"total_count": total, key: part}, headers


def _matches(run: FakeRun, query: dict[str, str]) -> bool:
    first, _, last = query.get("created", "").removeprefix(">=").partition("..")
    created = payloads.when(run.created) or ""
    ours = query.get("head_sha") in (None, run.sha) and query.get("branch") in (None, run.branch)
    return ours and created >= first and (not last or created <= last)
