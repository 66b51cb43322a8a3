"""A failure line or a test over time, for people as a page and for programs as JSON."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from triggerbot.reports import failure_history
from triggerbot.reports.branches import Branches
from triggerbot.reports.failure_history import SEEN_MAX, FailureHistory
from triggerbot.store import Store
from triggerbot.web.layout import Frame, Page, PageError, branch_path, job_path, push_path
from triggerbot.web.responses import as_json, error

#: Characters of a line or an id.
_TEXT_MAX = 2000
_UNKNOWN = "No such failure is kept"
_NO_EVIDENCE = "Any failure may show such a line, so it does not tell one from another."
_WHY_UNKNOWN = (
    "No push shows it, as far as is known, or the one that does is not judged yet, or it is too long ago. Failures of "
    "jobs that decide nothing are not kept, either."
)
_ASK = "give line=... or test=..., the failure line or the id of the test"


class FailureViews:
    """The page and the JSON of a failure over time."""

    def __init__(self, store: Store, branches: Branches, frame: Frame) -> None:
        self._store = store
        self._branches = branches
        self._frame = frame

    def page(self, request: Request) -> Response:
        """Show a failure over time. Raises `PageError` if no push shows it."""
        line, test = _wanted(request)
        found = self._look(request)
        if found is None:
            silent = bool(line) and not test and not failure_history.tells(line)
            raise PageError(404, _UNKNOWN, _NO_EVIDENCE if silent else _WHY_UNKNOWN)
        return self._frame.show(request, Page("A failure", "failure.html", "pushes", partial(self._values, found)))

    def json(self, request: Request) -> Response:
        """Return a failure over time."""
        if not any(_wanted(request)):
            return error(400, _ASK)
        found = self._look(request)
        return error(404, _UNKNOWN.lower()) if found is None else as_json(found.as_json())

    def _look(self, request: Request) -> FailureHistory | None:
        line, test = _wanted(request)
        project = request.path_params["project"]
        return failure_history.look(self._store, self._branches, project, line=line, test=test)

    def _values(self, found: FailureHistory) -> dict[str, Any]:
        seen = found.failure.seen[:SEEN_MAX]
        return {
            "found": found,
            "title": f"{(found.test or found.line)[:80]} over time",
            "first": push_path(found.failure.first.push),
            "jobs": [(job, job_path(found.project, job), number) for job, number in found.jobs],
            "branches": [(name, branch_path(found.project, name), number) for name, number in found.branches],
            "seen": [(one, push_path(one.push), push_path(one.push, job=one.job)) for one in seen],
        }


def _wanted(request: Request) -> tuple[str, str]:
    """Return the line and the test that are asked for; as they are, for spaces belong to them."""
    line, test = (request.query_params.get(name, "")[:_TEXT_MAX] for name in ("line", "test"))
    return line, test
