"""A job over time, for people as a page and for programs as JSON."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from triggerbot.core.formatting import moment
from triggerbot.reports import job_history, job_text
from triggerbot.reports.job_history import At, JobHistory
from triggerbot.store import Store
from triggerbot.web import branch_view
from triggerbot.web.layout import Frame, Page, PageError, branch_path, job_path, push_path, query
from triggerbot.web.responses import as_json, error

_UNKNOWN = "Nothing is known of such a job"
_WHY_UNKNOWN = "No run of it was heard of in this project, or all of them are forgotten by now."


class JobViews:
    """The page and the JSON of a job over time."""

    def __init__(self, store: Store, frame: Frame) -> None:
        self._store = store
        self._frame = frame

    def page(self, request: Request) -> Response:
        """Show a job over time. Raises `PageError` if nothing is known of it."""
        found = self._look(request)
        if found is None:
            raise PageError(404, _UNKNOWN, _WHY_UNKNOWN)
        return self._frame.show(request, Page(found.job, "job_history.html", "pushes", partial(self._values, found)))

    def json(self, request: Request) -> Response:
        """Return a job over time."""
        found = self._look(request)
        return error(404, _UNKNOWN.lower()) if found is None else as_json(found.as_json())

    def _look(self, request: Request) -> JobHistory | None:
        found = job_history.named(self._store, request.path_params["path"])
        return None if found is None else job_history.look(self._store, *found, query(request, "branch"))

    def _values(self, found: JobHistory) -> dict[str, Any]:
        return {
            "found": found,
            "title": f"{found.job} over time",
            "cells": [(_words(one), *branch_view.look_of(one.kind), one, push_path(one.summary.push, job=one.name))
                      for one in found.at],
            "failures": [(one, push_path(one.first.push), push_path(one.last.push)) for one in found.failures],
            "branches": [(one, branch_path(found.project, one.name), job_text.share(one))
                         for one in found.branches],
            "pools": [(one, job_text.share(one)) for one in found.pools],
            "rate": job_text.intermittent(found),
            "sentences": _sentences(found),
            "letters": branch_view.legend(),
            "path": job_path(found.project, found.job),
        }  # fmt: skip


def _words(one: At) -> str:
    """Describe the job at one push."""
    push = one.summary.push
    when = moment(one.summary.pushed_at or one.summary.last_heard)
    by = f" by {one.summary.author}" if one.summary.author else ""
    return f"{branch_view.look_of(one.kind)[1]} at {push.revision[:12]} on {push.branch}{by}, {when}"


def _sentences(found: JobHistory) -> list[str]:
    """Return what is said of trend, duration and cost; pools and branches have tables."""
    return [one for one in (job_text.trend(found), job_text.length(found), *job_text.cost(found)) if one]
