"""Failure lines from Treeherder's REST API.

They are its bug suggestions, which come without the harness's prefix and with the test that each names
(treeherder/model/error_summary.py), or else the raw error lines of the log (webapp/api/jobs.py).
"""

from typing import Any

from triggerbot.core.errors import NotKnown
from triggerbot.systems import FAILURES_MAX
from triggerbot.systems.http import Http, segments
from triggerbot.systems.treeherder.answers import listed

#: Characters of a failure line.
_LINE_MAX = 2000
#: The status of a log that Treeherder has yet to parse (treeherder/model/models.py, `JobLog`).
_PENDING = "pending"


def failures(http: Http, project: str, number: int) -> tuple[str, ...]:
    """Return the failure lines of a job, those that name a test first; `project`: its path.

    Raises:
        NotKnown: its log is not parsed yet, or Treeherder has no such job.
        CIUnavailable: no usable answer for now.
        CIDenied: it denies us access.
    """
    job = project + segments("jobs", str(number))
    suggested = listed(http.get(f"{job}/bug_suggestions/"), f"the failure lines of job {number}")
    suggested.sort(key=lambda one: not one.get("path_end"))
    lines = _lines(suggested, "search")
    if lines:
        return lines
    _check_parsed(http, project, number)
    return _lines(listed(http.get(f"{job}/text_log_errors/"), f"the errors of job {number}"), "line")


def _check_parsed(http: Http, project: str, number: int) -> None:
    logs = listed(http.get(f"{project}/job-log-url/", {"job_id": str(number)}), "the logs of a job")
    if not logs or any(log.get("parse_status") == _PENDING for log in logs):
        raise NotKnown(f"Treeherder has not read the log of job {number} (yet)")


def _lines(found: list[dict[str, Any]], key: str) -> tuple[str, ...]:
    texts = (one[key].replace("\0", "") for one in found if isinstance(one.get(key), str))
    lines = (" ".join(text.split())[:_LINE_MAX] for text in texts)
    return tuple(dict.fromkeys(line for line in lines if line))[:FAILURES_MAX]
