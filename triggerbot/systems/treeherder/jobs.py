"""Treeherder's REST API: all jobs of a push, across its task groups, and their failure lines.

States and results are those of treeherder/model/models.py (`Job`); only a build is ever `busted`.

Failure lines are Treeherder's bug suggestions, which come without the harness's prefix and with the test that each
names (treeherder/model/error_summary.py), or else the raw error lines of the log (webapp/api/jobs.py).
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from triggerbot.core.errors import CIUnavailable, NotKnown
from triggerbot.core.model import Event, Heard, Kind, Push, PushFacts, Result, Run, State
from triggerbot.systems import FAILURES_MAX, NOTHING_KNOWN, Known, LookBack
from triggerbot.systems.http import Http, Reply, segments, usable
from triggerbot.systems.treeherder.messages import RESULTS, STATES, kind_of

#: Jobs per page, as Treeherder limits it, and pages read at most.
_PAGE, _PAGES_MAX = 2000, 100
#: Pushes whose revision is cached.
_PUSHES = 2000
#: Characters of a failure line.
_LINE_MAX = 2000
#: The status of a log that Treeherder has yet to parse (treeherder/model/models.py, `JobLog`).
_PENDING = "pending"


class TreeherderJobs:
    """A client that reads jobs and pushes anonymously; their pushes get the system `name`."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        projects: Sequence[str] = (),
        user_agent: str = "triggerbot",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._projects = tuple(projects)
        self._http = Http(
            f"{self.url}/api", {"user-agent": user_agent, "accept": "application/json"}, transport=transport
        )
        self._revisions: OrderedDict[tuple[str, int], Push] = OrderedDict()

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List every job of a push, and the push's facts; raises as `System.look_back` does."""
        found = self._push(push)
        facts = None if known.facts else _facts(push, found)
        events = []
        complete = True
        for job in self._jobs(push.project, {"push_id": str(_id(found))}):
            event = _event(push, self.url, job)
            if event is None:
                complete = False
            else:
                events.append(event)
        return LookBack(tuple(events), facts or PushFacts(push), complete=complete)

    def recent(self, since: float) -> Sequence[Heard] | None:
        """List the jobs of the configured projects that changed since `since`; `None` if no project is configured."""
        if not self._projects:
            return None
        events: list[Heard] = []
        for project in self._projects:
            for job in self._jobs(project, {"last_modified__gt": _moment(since)}):
                push = self._push_of(project, job.get("push_id", job.get("result_set_id")))
                event = None if push is None else _event(push, self.url, job)
                if event is not None:
                    events.append(event)
        return events

    def repositories(self) -> int:
        """Count the repositories, as a harmless read."""
        answer = usable(self._http.get("/repository/"), "the list of repositories").json()
        if not isinstance(answer, list):
            raise CIUnavailable("the list of repositories is no list")
        return len(answer)

    def job_of(self, project: str, task_id: str, retry_id: int) -> int | None:
        """Find Treeherder's id of a run; `None` if it does not know the run."""
        for job in self._jobs(project, {"task_id": task_id}):
            if job.get("task_id") == task_id and job.get("retry_id", 0) == retry_id and isinstance(job.get("id"), int):
                return int(job["id"])
        return None

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return the failure lines of a run; raises as `ListsFailures.failures` does."""
        number = self.job_of(push.project, run.run_id, run.attempt - 1)
        if number is None:
            raise NotKnown("Treeherder does not know the run (yet)")
        return failures(self._http, push.project, number)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- pages --------------------------------------------------------------------------------------------------

    def _jobs(self, project: str, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
        what = f"the jobs of {project}"
        for page in range(_PAGES_MAX):
            query = {**wanted, "count": str(_PAGE), "offset": str(page * _PAGE)}
            jobs = _object(self._http.get(f"{segments('project', project, 'jobs')}/", query), what).get("results")
            if not isinstance(jobs, list):
                raise CIUnavailable(f"{what}: the answer has no list of jobs")
            yield from (job for job in jobs if isinstance(job, dict))
            if len(jobs) < _PAGE:
                return
        raise CIUnavailable(f"{what}: more than {_PAGES_MAX} pages")

    # -- pushes -------------------------------------------------------------------------------------------------

    def _push(self, push: Push) -> dict[str, Any]:
        path = f"{segments('project', push.project, 'push')}/"
        found = _object(self._http.get(path, {"revision": push.revision}), f"push {push.revision[:12]}").get("results")
        if not isinstance(found, list) or not found or not isinstance(found[0], dict):
            raise NotKnown("Treeherder does not know the push (yet)")
        return found[0]

    def _push_of(self, project: str, number: Any) -> Push | None:
        if not isinstance(number, int):
            return None
        key = (project, number)
        if key not in self._revisions:
            path = f"{segments('project', project, 'push', str(number))}/"
            try:
                revision = _object(self._http.get(path), f"push {number} of {project}").get("revision")
            except NotKnown:
                return None
            if not isinstance(revision, str):
                return None
            self._revisions[key] = Push(self.name, project, project, revision)
            if len(self._revisions) > _PUSHES:
                self._revisions.popitem(last=False)
        return self._revisions[key]


# -- pushes and jobs --------------------------------------------------------------------------------------------------


def _facts(push: Push, found: dict[str, Any]) -> PushFacts:
    revisions = found.get("revisions")
    # Any of its commits may carry the try line; Treeherder lists the newest first.
    messages = [
        one["comments"]
        for one in (revisions if isinstance(revisions, list) else [])
        if isinstance(one, dict) and isinstance(one.get("comments"), str)
    ]
    author, time = found.get("author"), found.get("push_timestamp")
    return PushFacts(
        push,
        "\n".join(messages),
        author if isinstance(author, str) else None,
        float(time) if isinstance(time, int | float) else None,
    )


def _id(push: dict[str, Any]) -> int:
    if not isinstance(push.get("id"), int):
        raise CIUnavailable("Treeherder's answer names no push")
    return int(push["id"])


def _event(push: Push, url: str, job: dict[str, Any]) -> Event | None:
    """Build the event of one job; `None` if it is not understood."""
    run_id = job.get("task_id") or job.get("job_guid")
    name, state, result = (
        job.get("job_type_name"),
        STATES.get(str(job.get("state"))),
        RESULTS.get(str(job.get("result"))),
    )
    retry, tier = job.get("retry_id") or 0, job.get("tier")
    if not isinstance(run_id, str) or not isinstance(name, str) or state is None or not isinstance(retry, int):
        return None
    finished = state is State.FINISHED
    if finished and result is None:
        return None
    kind = Kind.TEST if result is Result.FAILURE else kind_of(name)
    return Event(
        push=push,
        job=name,
        run_id=run_id,
        attempt=retry + 1,
        state=state,
        result=result if finished else None,
        kind=kind,
        tier=tier if isinstance(tier, int) else 1,
        time=_time(job),
        url=f"{url}/jobs?repo={push.project}&revision={push.revision}&selectedTaskRun={run_id}.{retry}",
    )


def _time(job: dict[str, Any]) -> float | None:
    for key in ("end_timestamp", "start_timestamp", "submit_timestamp"):
        if isinstance(job.get(key), int | float) and job[key] > 0:
            return float(job[key])
    return None


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


# -- failure lines ----------------------------------------------------------------------------------------------------


def failures(http: Http, project: str, number: int) -> tuple[str, ...]:
    """Return the failure lines of a job, those that name a test first.

    Raises:
        NotKnown: its log is not parsed yet, or Treeherder has no such job.
        CIUnavailable: no usable answer for now.
        CIDenied: it denies us access.
    """
    job = segments("project", project, "jobs", str(number))
    suggested = _listed(http, f"{job}/bug_suggestions/", f"the failure lines of job {number}")
    suggested.sort(key=lambda one: not one.get("path_end"))
    lines = _lines(suggested, "search")
    if lines:
        return lines
    _check_parsed(http, project, number)
    return _lines(_listed(http, f"{job}/text_log_errors/", f"the errors of job {number}"), "line")


def _check_parsed(http: Http, project: str, number: int) -> None:
    logs = _listed(
        http, f"{segments('project', project, 'job-log-url')}/", "the logs of a job", {"job_id": str(number)}
    )
    if not logs or any(log.get("parse_status") == _PENDING for log in logs):
        raise NotKnown(f"Treeherder has not read the log of job {number} (yet)")


def _lines(found: list[dict[str, Any]], key: str) -> tuple[str, ...]:
    texts = (one[key].replace("\0", "") for one in found if isinstance(one.get(key), str))
    lines = (" ".join(text.split())[:_LINE_MAX] for text in texts)
    return tuple(dict.fromkeys(line for line in lines if line))[:FAILURES_MAX]


# -- answers ----------------------------------------------------------------------------------------------------------


def _object(reply: Reply, what: str) -> dict[str, Any]:
    if reply.status == 404:
        raise NotKnown(f"{what} is not known to Treeherder")
    answer = usable(reply, what).json()
    if not isinstance(answer, dict):
        raise CIUnavailable(f"{what}: the answer is no JSON object")
    return answer


def _listed(http: Http, path: str, what: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    reply = http.get(path, query)
    if reply.status == 404:
        raise NotKnown(f"Treeherder does not know {what}")
    answer = usable(reply, what).json()
    if not isinstance(answer, list):
        raise CIUnavailable(f"{what}: the answer is no list")
    return [one for one in answer if isinstance(one, dict)]
