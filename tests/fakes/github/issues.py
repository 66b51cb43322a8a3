"""The rules of the fake GitHub for issues."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github import reporting_payloads as written
from tests.fakes.github.payloads import when
from tests.fakes.github.reporting import Answer, Request, TalkError

#: Where the numbers of issues begin, which they share with pull requests.
_FIRST = 1001


@dataclass
class FakeIssue:
    """An issue."""

    number: int
    repo: str
    author: str
    kind: str
    title: str
    body: str
    made: float
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None


class FakeIssues:
    """The issues of all repositories. Its attributes may be changed by tests."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.url = ""
        self.issues: dict[int, FakeIssue] = {}
        #: Repositories without issues.
        self.disabled: set[str] = set()
        #: Seconds until a list shows what was made.
        self.lag = 0.0
        self._clock = clock

    def has(self, repo: str, number: int) -> bool:
        """Return whether there is such an issue."""
        return number in self.issues and self.issues[number].repo == repo

    def listed(self, request: Request, repo: str) -> Answer:
        self._enabled(repo)
        query = request.query
        found = [
            one for one in self.issues.values()
            if one.repo == repo
            and query.get("state", "open") in ("all", one.state)
            and query.get("creator", one.author).lower() == one.author.lower()
            and one.made + self.lag <= self._clock()
        ]  # fmt: skip
        found.sort(key=lambda one: (-one.made, -one.number))
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
        more = len(found) > page * size
        link = f'<{self.url}/repositories/1/issues?page={page + 1}>; rel="next"'
        part = [self._payload(one) for one in found[(page - 1) * size : page * size]]
        return 200, part, {"link": link} if more else {}

    def create(self, request: Request, repo: str, *, author: str, kind: str) -> Answer:
        self._enabled(repo)
        body = request.body
        _fits(body.get("title"), body.get("body", ""))
        one = FakeIssue(
            _FIRST + len(self.issues), repo, author, kind, body["title"], body.get("body", ""), self._clock(),
            list(body.get("labels", [])),
        )  # fmt: skip
        self.issues[one.number] = one
        return 201, self._payload(one), {}

    def get(self, _request: Request, repo: str, number: str) -> Answer:
        return 200, self._payload(self._issue(repo, number)), {}

    def edit(self, request: Request, repo: str, number: str) -> Answer:
        one, body = self._issue(repo, number), request.body
        _fits(body.get("title", one.title), body.get("body", one.body))
        if body.get("state", "open") not in ("open", "closed"):
            raise TalkError(422, "Validation Failed")
        if body.get("state_reason") not in (None, "completed", "not_planned", "duplicate", "reopened"):
            raise TalkError(422, "Validation Failed")
        one.title, one.body = body.get("title", one.title), body.get("body", one.body)
        one.state, one.state_reason = body.get("state", one.state), body.get("state_reason", one.state_reason)
        return 200, self._payload(one), {}

    def _enabled(self, repo: str) -> None:
        if repo in self.disabled:
            raise TalkError(410, "Issues has been disabled in this repository.")

    def _issue(self, repo: str, number: str) -> FakeIssue:
        one = self.issues.get(int(number))
        if one is None or one.repo != repo:
            raise TalkError(404, "Not Found")
        return one

    def _payload(self, one: FakeIssue) -> dict[str, Any]:
        """Write an `issue`."""
        api = f"{self.url}/repos/{one.repo}"
        address = f"{api}/issues/{one.number}"
        return {
            "id": one.number,
            "node_id": f"I_{one.number}",
            "url": address,
            "repository_url": api,
            "labels_url": f"{address}/labels{{/name}}",
            "comments_url": f"{address}/comments",
            "events_url": f"{address}/events",
            "html_url": f"https://github.example/{one.repo}/issues/{one.number}",
            "number": one.number,
            "title": one.title,
            "body": one.body,
            "user": written.account(self.url, one.author, one.kind),
            "labels": one.labels,
            "state": one.state,
            "state_reason": one.state_reason,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "locked": False,
            "comments": 0,
            "created_at": when(one.made),
            "updated_at": when(one.made),
            "closed_at": when(one.made) if one.state == "closed" else None,
            "author_association": "CONTRIBUTOR",
        }


def _fits(title: Any, body: str) -> None:
    if not title or len(title) > 256:
        raise TalkError(422, "Validation Failed: title is too long (maximum is 256 characters)")
    if len(body) > 65_536:
        raise TalkError(422, "Body is too long (maximum is 65536 characters)")
