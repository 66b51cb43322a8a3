"""A branch, for people as a page and for programs as JSON: its jobs by its pushes, and what keeps failing there."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from triggerbot.core.branch.streaks import Streak
from triggerbot.core.patterns import Globs
from triggerbot.reports.branches import Branch, Branches, backfills, branch_json, branch_text
from triggerbot.store import BackfillSearch
from triggerbot.web import branch_view
from triggerbot.web.layout import Frame, Page, PageError, branch_path, job_path, push_path, query
from triggerbot.web.responses import as_json, error

_UNKNOWN = "Nothing is known of such a branch"
_WHY_UNKNOWN = (
    "No push of it has been heard of, or none of which the CI tells a time, or all of them are forgotten by now."
)


class BranchViews:
    """The page and the JSON of a branch."""

    def __init__(self, branches: Branches, frame: Frame) -> None:
        self._branches = branches
        self._frame = frame

    def page(self, request: Request) -> Response:
        """Show a branch. Raises `PageError` if nothing is known of it."""
        branch = self._look(request)
        if branch is None:
            raise PageError(404, _UNKNOWN, _WHY_UNKNOWN)
        return self._frame.show(request, Page(branch.name, "branch.html", "pushes", partial(self._values, branch)))

    def json(self, request: Request) -> Response:
        """Return what keeps failing on a branch, and its grid."""
        branch = self._look(request)
        return error(404, _UNKNOWN.lower()) if branch is None else as_json(self._as_json(branch))

    def _as_json(self, branch: Branch) -> dict[str, Any]:
        return {**branch_json.whole(branch), "backfills": list(map(backfills.as_json, self._searches(branch)))}

    def _look(self, request: Request) -> Branch | None:
        found = self._branches.named(request.path_params["path"])
        wanted = query(request, "jobs")
        return None if found is None else self._branches.look(*found, chosen=Globs([wanted or "*"]))

    def _searches(self, branch: Branch) -> list[BackfillSearch]:
        """Return the latest searches for who broke a job of a branch."""
        places = dict.fromkeys(backfills.place_of(one.push) for column in branch.columns for one in column.pushes)
        return [one for place in places for one in self._frame.store.backfills.of_branch(place)]

    def _silenced(self, branch: Branch) -> dict[str, str]:
        """Return who wants to hear no more of which job."""
        found = dict.fromkeys(one.push.along for column in branch.columns for one in column.pushes)
        records = map(self._frame.store.branches.read, found)
        return {job: one.by for record in records for job, one in record.silenced.items()}

    def _values(self, branch: Branch) -> dict[str, Any]:
        along, base = branch.grid.along, self._frame.base
        paths = {column.revision: f"{base}{push_path(column.first.push)}" for column in branch.columns}
        pushes = {column.revision: column.first.push for column in branch.columns}
        # A merged row is no job of any push.
        single = {row.job for row in branch.grid.rows if row.name}
        tests: dict[str, list[Streak]] = {}
        for one in branch.tests:
            tests.setdefault(one.job, []).append(one)
        return {
            "branch": branch,
            "title": f"{branch.project} {branch.name}",
            "summary": branch_text.summary(branch.grid),
            "health": "failing" if along.failing else "good",
            "failing": [
                (one, branch_view.id_of(one.job), branch_text.parts(one), tests.get(one.job, ()))
                for one in along.failing
            ],
            "searches": self._searches(branch),
            "backfill": {
                one.job: push_path(pushes[one.newest], "backfill") for one in along.failing if one.job in single
            },
            "silence": {
                one.job: push_path(pushes[one.newest], "silence") for one in along.failing if one.job in single
            },
            "silenced": self._silenced(branch),
            "many": [branch_text.beginning(one) for one in along.beginnings],
            "paths": paths,
            "over_time": {
                row.job: f"{base}{job_path(branch.project, row.name)}" for row in branch.grid.rows if row.name
            },
            "short": branch_text.short,
            "heads": branch_view.heads(base, branch.columns),
            "rows": branch_view.rows(base, branch),
            "letters": branch_view.legend(),
            "path": branch_path(branch.project, branch.name),
        }
