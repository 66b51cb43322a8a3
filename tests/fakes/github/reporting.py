"""The rules of the fake GitHub for what people read there: check runs, statuses, comments, pull requests."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.fakes.github import reporting_payloads as written
from tests.fakes.github.payloads import FakeRun
from tests.fakes.github.reporting_payloads import FakeCheck, FakeComment, FakePull, FakeStatus

Answer = tuple[int, Any, dict[str, str]]


class Request(Protocol):
    """What is asked."""

    query: dict[str, str]
    body: Any


class TalkError(Exception):
    """An error that the API answers with."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        self.headers: dict[str, str] = {}
        super().__init__(message)


class FakeTalk:
    """What people see. Its attributes may be changed by tests."""

    def __init__(
        self,
        clock: Callable[[], float],
        new_id: Callable[[], int],
        runs: Mapping[int, FakeRun],
        app_id: str,
    ) -> None:
        self.clock = clock
        self.url = ""
        self.owner = "triggerbot-owner"
        self.pulls: dict[int, FakePull] = {}
        self.checks: dict[int, FakeCheck] = {}
        self.comments: dict[int, FakeComment] = {}
        self.statuses: list[FakeStatus] = []
        #: What people may do: {login: (permission, role)}.
        self.roles: dict[str, tuple[str, str]] = {}
        #: {job id: what it said}, as far as it differs from what GitHub says of every step that fails.
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        #: {sha: files}
        self.files: dict[str, list[str]] = {}
        #: Seconds until a list shows what was made.
        self.lag = 0.0
        #: Whether a number is that of an issue of a repository, which is commented on as pull requests are.
        self.is_issue: Callable[[str, int], bool] = lambda _repo, _number: False
        self._new_id = new_id
        self._runs = runs
        self._app_id = app_id

    def add_pull(
        self, repo: str, sha: str, branch: str, author: str = "dev", *, number: int = 0, head_repository: str = ""
    ) -> FakePull:
        """Open a pull request."""
        number = number or 1 + len(self.pulls)
        now = self.clock()
        one = FakePull(number, repo, sha, branch, author, head_repository or repo, now, now)
        self.pulls[number] = one
        return one

    def push(self, number: int, sha: str) -> None:
        """Push to a pull request."""
        self.pulls[number].sha, self.pulls[number].updated = sha, self.clock()

    def say(self, number: int, author: str, body: str, kind: str = "User") -> FakeComment:
        """Comment on a pull request."""
        return self._say(self.pulls[number].repo, number, author, body, kind)

    def _say(self, repo: str, number: int, author: str, body: str, kind: str) -> FakeComment:
        one = FakeComment(self._new_id(), repo, number, author, body, self.clock(), kind)
        self.comments[one.id] = one
        return one

    def _commented(self, repo: str, number: str) -> None:
        if not self.is_issue(repo, int(number)):
            self._pull(repo, number)

    def user(self, _request: Request) -> Answer:
        return 200, {**written.account(self.url, self.owner), **_profile()}, {}

    def _commit(self, repo: str, sha: str) -> None:
        known = {run.sha for run in self._runs.values() if run.repo == repo}
        known |= {pull.sha for pull in self.pulls.values() if pull.repo == repo} | set(self.files)
        if sha not in known:
            raise TalkError(422, f"No commit found for SHA: {sha}")

    def _shown(self, made: float) -> bool:
        return made + self.lag <= self.clock()

    # -- what a job and a commit say -----------------------------------------------------------------------------------

    def list_annotations(self, _request: Request, repo: str, number: str) -> Answer:
        jobs = {job.id: job for run in self._runs.values() if run.repo == repo for job in run.jobs}
        if int(number) not in jobs:
            raise TalkError(404, "Not Found")
        return 200, [written.annotation(self.url, repo, one) for one in self.annotations.get(int(number), [])], {}

    def annotations_of(self, node_id: str) -> list[dict[str, Any]] | None:
        """Write a job's annotations as GraphQL has them; `None` if there is no such job."""
        jobs = {f"CR_{job.id}": (run.repo, job.id) for run in self._runs.values() for job in run.jobs}
        if node_id not in jobs:
            return None
        repo, number = jobs[node_id]
        listed = [written.annotation(self.url, repo, one) for one in self.annotations.get(number, [])]
        return [written.annotation_node(one) for one in listed]

    def commit(self, _request: Request, repo: str, sha: str) -> Answer:
        self._commit(repo, sha)
        return 200, written.commit(self.url, repo, sha, self.files.get(sha, [])), {}

    # -- check runs and statuses ---------------------------------------------------------------------------------------

    def list_checks(self, request: Request, repo: str, sha: str) -> Answer:
        self._commit(repo, sha)
        found = [one for one in self.checks.values() if (one.repo, one.sha) == (repo, sha) and self._shown(one.made)]
        found = [one for one in found if request.query.get("check_name") in (None, one.says["name"])]
        if request.query.get("filter", "latest") == "latest":
            found = list({one.says["name"]: one for one in found}.values())
        listed = [written.check_run(self.url, one, self._app_id) for one in found]
        return 200, {"total_count": len(listed), "check_runs": listed}, {}

    def create_check(self, request: Request, repo: str) -> Answer:
        self._commit(repo, request.body["head_sha"])
        one = FakeCheck(self._new_id(), repo, request.body["head_sha"], self.clock(), {})
        self._tell(one, request.body)
        self.checks[one.id] = one
        return 201, written.check_run(self.url, one, self._app_id), {}

    def edit_check(self, request: Request, repo: str, number: str) -> Answer:
        one = self.checks.get(int(number))
        if one is None or one.repo != repo:
            raise TalkError(404, "Not Found")
        self._tell(one, request.body)
        return 200, written.check_run(self.url, one, self._app_id), {}

    def _tell(self, one: FakeCheck, body: dict[str, Any]) -> None:
        summary = body.get("output", {}).get("summary", "")
        if len(summary) > 65_535:
            raise TalkError(422, "Invalid request. Only 65535 characters are allowed")
        limits = {"label": 20, "description": 40, "identifier": 20}
        if any(len(action[name]) > most for action in body.get("actions", []) for name, most in limits.items()):
            raise TalkError(422, "Invalid request. An action's text is too long")
        if (body.get("status") == "completed") != ("conclusion" in body):
            raise TalkError(422, "Invalid request. A conclusion belongs to what is completed")
        one.says = {**one.says, "conclusion": None, **body}
        one.completed = self.clock() if body.get("status") == "completed" else None

    def set_status(self, request: Request, repo: str, sha: str) -> Answer:
        self._commit(repo, sha)
        if len(request.body.get("description", "")) > 140:
            raise TalkError(422, "description is too long (maximum is 140 characters)")
        one = FakeStatus(self._new_id(), repo, sha, request.body, self.clock())
        self.statuses.append(one)
        return 201, written.status(self.url, one, self.owner), {}

    # -- pull requests and comments ------------------------------------------------------------------------------------

    def pulls_of_commit(self, _request: Request, repo: str, sha: str) -> Answer:
        self._commit(repo, sha)
        # GitHub does not name those of forks (google/go-github issue 2241).
        found = [one for one in self.pulls.values() if one.sha == sha and one.head_repository == repo]
        return 200, [written.pull(self.url, one) for one in found], {}

    def list_pulls(self, request: Request, repo: str) -> Answer:
        found = [one for one in self.pulls.values() if one.repo == repo and one.state == request.query["state"]]
        found.sort(key=lambda one: -one.updated)
        return 200, [written.pull(self.url, one) for one in found[: int(request.query["per_page"])]], {}

    def get_pull(self, _request: Request, repo: str, number: str) -> Answer:
        return 200, written.pull(self.url, self._pull(repo, number), whole=True), {}

    def _pull(self, repo: str, number: str) -> FakePull:
        one = self.pulls.get(int(number))
        if one is None or one.repo != repo:
            raise TalkError(404, "Not Found")
        return one

    def list_comments(self, request: Request, repo: str, number: str) -> Answer:
        self._commented(repo, number)
        size, page = int(request.query["per_page"]), int(request.query["page"])
        found = [one for one in self.comments.values() if one.pull == int(number) and self._shown(one.made)]
        part = [written.comment(self.url, one) for one in found[(page - 1) * size : page * size]]
        more = page < math.ceil(len(found) / size)
        link = f'<{self.url}/repositories/1/issues/{number}/comments?page={page + 1}>; rel="next"'
        return 200, part, {"link": link} if more else {}

    def create_comment(self, request: Request, repo: str, number: str, *, author: str, kind: str) -> Answer:
        self._commented(repo, number)
        _fits(request.body["body"])
        one = self._say(repo, int(number), author, request.body["body"], kind)
        return 201, written.comment(self.url, one), {}

    def get_comment(self, _request: Request, repo: str, number: str) -> Answer:
        return 200, written.comment(self.url, self._comment(repo, number)), {}

    def edit_comment(self, request: Request, repo: str, number: str) -> Answer:
        one = self._comment(repo, number)
        _fits(request.body["body"])
        one.body = request.body["body"]
        return 200, written.comment(self.url, one), {}

    def _comment(self, repo: str, number: str) -> FakeComment:
        one = self.comments.get(int(number))
        if one is None or one.repo != repo:
            raise TalkError(404, "Not Found")
        return one

    def react(self, request: Request, repo: str, number: str, *, author: str, kind: str) -> Answer:
        one = self._comment(repo, number)
        mine = (author, request.body["content"])
        status = 200 if mine in one.reactions else 201
        one.reactions = [*dict.fromkeys([*one.reactions, mine])]
        answer = {
            "id": 1 + one.reactions.index(mine),
            "node_id": "R_1",
            "user": written.account(self.url, author, kind),
            "content": mine[1],
            "created_at": "2026-11-20T00:00:00Z",
        }
        return status, answer, {}

    def permission(self, _request: Request, repo: str, login: str) -> Answer:
        if login not in self.roles:
            raise TalkError(404, "Not Found")
        permission, role = self.roles[login]
        user = {**written.account(self.url, login), "role_name": role}
        return 200, {"permission": permission, "role_name": role, "user": user}, {}


def _fits(text: str) -> None:
    if len(text) > 65_536:
        raise TalkError(422, "Body is too long (maximum is 65536 characters)")


def _profile() -> dict[str, Any]:
    numbers = ("public_repos", "public_gists", "followers", "following")
    words = ("name", "company", "blog", "location", "email", "hireable", "bio")
    times = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    return {**dict.fromkeys(numbers, 0), **dict.fromkeys(words), **times, "user_view_type": "public"}
