"""Treeherder's REST API: all jobs of a push, across its task groups, and how failures are classified.

States and results are those of treeherder/model/models.py (`Job`); only a build is ever `busted` here, but Treeherder
says so of everything that is no test.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from triggerbot.core.errors import CIUnavailable, NotKnown, NotUnderstood
from triggerbot.core.event_json import parse_time
from triggerbot.core.model import Event, Heard, Kind, Push, PushFacts, Result, Run, RunKey, State
from triggerbot.core.policy.classified import Classification, FailureClass
from triggerbot.systems import NOTHING_KNOWN, Known, LookBack, mozilla
from triggerbot.systems.http import Http, segments
from triggerbot.systems.treeherder.answers import listed, object_of
from triggerbot.systems.treeherder.failures import failures
from triggerbot.systems.treeherder.messages import RESULTS, STATES, UNSCHEDULED, kind_of, link

#: Jobs per page, as Treeherder limits it, pages read at most, and how often a list is read that changes meanwhile.
_PAGE, _PAGES_MAX, _READS = 2000, 100, 3
#: Pushes whose revision, and runs whose job's id is cached.
_PUSHES, _RUNS = 2000, 50_000
#: Treeherder's classifications (model/fixtures/failure_classification.json there).
_NOT_CLASSIFIED = 1
CLASSES = {
    2: FailureClass.FIXED_BY_COMMIT,
    3: FailureClass.EXPECTED_FAIL,
    4: FailureClass.INTERMITTENT,
    5: FailureClass.INFRA,
    6: FailureClass.NEW,
    7: FailureClass.AUTOCLASSIFIED,
    8: FailureClass.NEEDS_BUG,
}
#: How the notes of our own classifications begin.
OURS = "Classified by triggerbot"
Job = Mapping[str, Any]


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
        self._ids: OrderedDict[tuple[str, RunKey], int] = OrderedDict()

    def look_back(self, push: Push, known: Known = NOTHING_KNOWN) -> LookBack:
        """List every job of a push, and the push's facts; raises as `System.look_back` does."""
        found = self._push(push)
        facts = None if known.facts else _facts(push, found)
        jobs, complete = self._of_push(push, _id(found))
        events = []
        classified = {}
        for job in _scheduled(jobs):
            event = self._event(push, job)
            if event is None:
                complete = False
                continue
            events.append(event)
            name = _class(job)
            if name is not None and event.failed:
                classified[event.key] = name
        return LookBack(tuple(events), facts or PushFacts(push), complete=complete, classified=classified)

    def recent(self, since: float) -> Sequence[Heard] | None:
        """List the jobs of the configured projects that changed since `since`; `None` if no project is configured."""
        if not self._projects:
            return None
        events: list[Heard] = []
        for project in self._projects:
            for job in _scheduled(self._list(project, {"last_modified__gt": _moment(since)})):
                push = self._push_of(project, job.get("push_id", job.get("result_set_id")))
                event = None if push is None else self._event(push, job)
                if event is not None:
                    events.append(event)
        return events

    def repositories(self) -> int:
        """Count the repositories, as a harmless read."""
        return len(listed(self._http.get("/repository/"), "the list of repositories"))

    def job_of(self, project: str, run: RunKey) -> Job | None:
        """Read Treeherder's job of a run, as it is now; `None` if it does not know the run."""
        for job in self._list(project, {"task_id": run.run_id}):
            if (_run_id(job), job.get("retry_id") or 0) == (run.run_id, run.attempt - 1):
                return job
        return None

    def id_of(self, project: str, run: RunKey) -> int:
        """Return Treeherder's id of a run's job; raises `NotKnown` if it does not know the run."""
        number = self._ids.get((project, run))
        if number is None:
            job = self.job_of(project, run)
            if job is None:
                raise NotKnown(f"Treeherder does not know the run {run.run_id} (yet)")
            number = int(job["id"])
            self._note_id(project, run, number)
        return number

    def failures(self, push: Push, run: Run) -> Sequence[str]:
        """Return the failure lines of a run; raises as `ListsFailures.failures` does."""
        return failures(self._http, path(push.project), self.id_of(push.project, run.key))

    def notes(self, project: str, number: int) -> list[dict[str, Any]]:
        """Return the classifications of a job, the newest last; raises `CIUnavailable` if there is no such job."""
        found = listed(self._http.get(f"{path(project)}/note/", {"job_id": str(number)}), "the notes of a job")
        # A filter that it takes for invalid is dropped.
        own = [note for note in found if note.get("job_id") == number]
        return sorted(own, key=lambda note: str(note.get("created", "")))

    def bugs(self, project: str, number: int) -> list[int]:
        """Return the bugs that a job's failure is known as."""
        found = listed(self._http.get(f"{path(project)}/bug-job-map/", {"job_id": str(number)}), "the bugs of a job")
        own = (one.get("bug_id") for one in found if one.get("job_id") == number)
        return sorted(bug for bug in own if isinstance(bug, int))

    def classification(self, push: Push, run: RunKey) -> Classification | None:
        """Return how a failure is classified, by somebody else; raises as `ShowsClassifications.classification`."""
        notes = self.notes(push.project, self.id_of(push.project, run))
        name = _class(notes[-1]) if notes else None
        if name is None or str(notes[-1].get("text", "")).startswith(OURS):
            return None
        by, at = notes[-1].get("who"), notes[-1].get("created")
        return Classification(name, by if isinstance(by, str) and by else None, _parsed(at))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- lists of jobs ------------------------------------------------------------------------------------------

    def _of_push(self, push: Push, number: int) -> tuple[list[Job], bool]:
        """List the jobs of a push; return them, and whether these are surely all."""
        jobs: list[Job] = []
        whole = False
        for _ in range(_READS):
            jobs, whole = self._read_push(number)
            if whole:
                break
        return self._with_guids(push, number, jobs), whole

    def _read_push(self, number: int) -> tuple[list[Job], bool]:
        """Read the jobs of a push once, in the order of their ids; return whether nothing came between the pages."""
        jobs: list[Job] = []
        follows = False
        for page in range(1, _PAGES_MAX + 1):
            query = {"push_id": str(number), "count": str(_PAGE), "page": str(page)}
            try:
                answer = object_of(self._http.get("/jobs/", query), "the jobs of a push")
            except NotKnown:
                # A page that was announced is gone: the list has become shorter.
                return jobs, not follows
            found, follows = _rows(answer), bool(answer.get("next"))
            own = [job for job in found if job.get("push_id") == number]
            jobs += own
            if len(own) < len(found):
                # The push was deleted: a filter for what does not exist is dropped.
                return jobs, False
            if not follows and len(found) < _PAGE:
                return jobs, len(set(_ids(jobs))) == len(jobs)
        raise CIUnavailable(f"the jobs of a push: more than {_PAGES_MAX} pages")

    def _with_guids(self, push: Push, number: int, jobs: list[Job]) -> list[Job]:
        """Add the guid of jobs that are no tasks of Taskcluster, which only the list of a project tells."""
        if all(job.get("task_id") for job in jobs):
            return jobs
        guids = {one["id"]: one.get("job_guid") for one in self._list(push.project, {"push_id": str(number)})}
        return [
            {**job, "job_guid": guids.get(job["id"])}
            if not job.get("task_id") and isinstance(job.get("id"), int)
            else job
            for job in jobs
        ]

    def _list(self, project: str, wanted: Mapping[str, str]) -> list[Job]:
        """List jobs of a project.

        They come in no order: one that changes between two pages may be on both, and another on none. So a list in
        which one is found twice is read again, and what any reading found counts.
        """
        jobs: dict[int, Job] = {}
        for _ in range(_READS):
            found = [job for job in self._read(project, wanted) if isinstance(job.get("id"), int)]
            jobs |= {job["id"]: job for job in found}
            if len(set(_ids(found))) == len(found):
                break
        return list(jobs.values())

    def _read(self, project: str, wanted: Mapping[str, str]) -> list[Job]:
        what = f"the jobs of {project}"
        jobs: list[Job] = []
        for page in range(_PAGES_MAX):
            query = {**wanted, "count": str(_PAGE), "offset": str(page * _PAGE)}
            found = object_of(self._http.get(f"{path(project)}/jobs/", query), what).get("results")
            if not isinstance(found, list):
                raise CIUnavailable(f"{what}: the answer has no list of jobs")
            jobs += [job for job in found if isinstance(job, dict)]
            if len(found) < _PAGE:
                return jobs
        raise CIUnavailable(f"{what}: more than {_PAGES_MAX} pages")

    # -- pushes and jobs ----------------------------------------------------------------------------------------

    def _push(self, push: Push) -> dict[str, Any]:
        reply = self._http.get(f"{path(push.project)}/push/", {"revision": push.revision})
        found = object_of(reply, f"push {push.revision[:12]}").get("results")
        # It finds pushes by the beginning of their revision, too.
        own = [
            one
            for one in (found if isinstance(found, list) else ())
            if isinstance(one, dict) and str(one.get("revision")).startswith(push.revision)
        ]
        if len(own) != 1:
            raise NotKnown("Treeherder does not know the push (yet)")
        return own[0]

    def _push_of(self, project: str, number: Any) -> Push | None:
        if not isinstance(number, int):
            return None
        key = (project, number)
        if key not in self._revisions:
            try:
                reply = self._http.get(f"{path(project)}/push/{number}/")
                revision = object_of(reply, f"push {number} of {project}").get("revision")
            except NotKnown:
                return None
            if not isinstance(revision, str):
                return None
            self._revisions[key] = Push(self.name, project, project, revision)
            if len(self._revisions) > _PUSHES:
                self._revisions.popitem(last=False)
        return self._revisions[key]

    def _event(self, push: Push, job: Job) -> Event | None:
        """Build the event of one job, and note its id; `None` if it is not understood."""
        event = _event(push, self.url, job)
        if event is not None and isinstance(job.get("id"), int):
            self._note_id(push.project, event.key, job["id"])
        return event

    def _note_id(self, project: str, run: RunKey, number: int) -> None:
        self._ids[project, run] = number
        if len(self._ids) > _RUNS:
            self._ids.popitem(last=False)


def is_classified(job: Job) -> bool:
    """Return whether a job's failure is classified, by whomever."""
    return bool(job.get("failure_classification_id", _NOT_CLASSIFIED) != _NOT_CLASSIFIED)


def _class(job: Job) -> FailureClass | None:
    """Return how a job, or a note on one, classifies its failure."""
    number = job.get("failure_classification_id")
    return CLASSES.get(number) if isinstance(number, int) else None


def path(project: str) -> str:
    """Return the path of a project."""
    return segments("project", mozilla.repository(project))


def _scheduled(jobs: Iterable[Job]) -> Iterable[Job]:
    """Leave out what is only defined: it is no run, and may never be one."""
    return (job for job in jobs if job.get("state") != UNSCHEDULED)


def _rows(answer: Mapping[str, Any]) -> list[Job]:
    """Read jobs that come as rows of columns."""
    names, rows = answer.get("job_property_names"), answer.get("results")
    if not isinstance(names, list) or not isinstance(rows, list) or not all(isinstance(one, str) for one in names):
        raise CIUnavailable("the jobs of a push: the answer has no rows of jobs")
    return [dict(zip(names, row, strict=False)) if isinstance(row, list) else {} for row in rows]


def _ids(jobs: Iterable[Job]) -> list[int]:
    """Return the ids of jobs, as far as they have one."""
    return [job["id"] for job in jobs if isinstance(job.get("id"), int)]


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


def _run_id(job: Job) -> Any:
    return job.get("task_id") or job.get("job_guid")


def _event(push: Push, url: str, job: Job) -> Event | None:
    run_id, name, retry = _run_id(job), job.get("job_type_name"), job.get("retry_id") or 0
    state, result, tier = STATES.get(str(job.get("state"))), RESULTS.get(str(job.get("result"))), job.get("tier")
    if not isinstance(run_id, str) or not isinstance(name, str) or state is None or not isinstance(retry, int):
        return None
    finished = state is State.FINISHED
    if finished and result is None:
        return None
    called, confirms = mozilla.job_of(name)
    event = Event(
        push=push,
        job=called,
        run_id=run_id,
        attempt=retry + 1,
        state=state,
        result=result if finished else None,
        kind=kind_of(name),
        tier=tier if isinstance(tier, int) else 1,
        time=_time(job),
        url=link(url, push, run_id, retry),
        allowed_to_fail=confirms,
    )
    if result is Result.FAILURE:
        return replace(event, kind=Kind.TEST)
    # Of what is no test a failure is called busted, whatever its name.
    return replace(event, kind=Kind.OTHER) if result is Result.BUSTED and event.kind is Kind.TEST else event


def _time(job: Job) -> float | None:
    for key in ("end_timestamp", "start_timestamp", "submit_timestamp"):
        if isinstance(job.get(key), int | float) and job[key] > 0:
            return float(job[key])
    # The list of a push tells no other time; it is later than the run's by what Treeherder took.
    return _parsed(job.get("last_modified"))


def _parsed(value: Any) -> float | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except NotUnderstood:
        return None


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")
