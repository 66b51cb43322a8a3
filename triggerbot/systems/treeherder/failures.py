"""What Treeherder found in a job's log: its failure lines, and whether it has read the log at all.

Bug suggestions are its lines without what the harness writes before them, with the test that each names
(treeherder/model/error_summary.py); the errors of the log are the lines as they are (webapp/api/jobs.py).
"""

from collections.abc import Mapping
from typing import Any

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.systems import FAILURES_MAX
from triggerbot.systems.http import Http, segments, usable

#: Characters of a failure line.
_LINE_MAX = 2000
#: How a log is that will be read yet (treeherder/model/models.py, `JobLog`).
_PENDING = "pending"


def failures(http: Http, project: str, number: int) -> tuple[str, ...]:
    """List the failure lines of a job, those that name a test first.

    Raises:
        NotKnown: its log is not read yet, or Treeherder has no such job.
        CIUnavailable: it gives no usable answer; later it may.
        CIDenied: it does not let us.
    """
    job = segments("project", project, "jobs", str(number))
    suggested = _listed(http, f"{job}/bug_suggestions/", f"the failure lines of job {number}")
    suggested.sort(key=lambda one: not one.get("path_end"))
    lines = _lines(suggested, "search")
    if lines:
        return lines
    _check_read(http, project, number)
    return _lines(_listed(http, f"{job}/text_log_errors/", f"the errors of job {number}"), "line")


def _check_read(http: Http, project: str, number: int) -> None:
    logs = _listed(
        http, f"{segments('project', project, 'job-log-url')}/", "the logs of a job", {"job_id": str(number)}
    )
    if not logs or any(log.get("parse_status") == _PENDING for log in logs):
        raise NotKnown(f"Treeherder has not read the log of job {number} (yet)")


def _lines(found: list[dict[str, Any]], key: str) -> tuple[str, ...]:
    texts = (one[key].replace("\0", "") for one in found if isinstance(one.get(key), str))
    lines = (" ".join(text.split())[:_LINE_MAX] for text in texts)
    return tuple(dict.fromkeys(line for line in lines if line))[:FAILURES_MAX]


def _listed(http: Http, path: str, what: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    reply = http.get(path, query)
    if reply.status == 404:
        raise NotKnown(f"Treeherder does not know {what}")
    answer = usable(reply, what).json()
    if not isinstance(answer, list):
        raise CIUnavailable(f"{what}: the answer is no list")
    return [one for one in answer if isinstance(one, dict)]
