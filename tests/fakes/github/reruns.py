"""What the fake GitHub makes of a request for a rerun: whether it may be, and the attempt that comes of it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.github.payloads import FakeJob, FakeRun

_DAY = 86400.0


@dataclass
class Recorded:
    """A request that was received, with the answer that it got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int = 0
    answer: Any = None
    answer_headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An error that the API answers with."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.message, self.headers = status, message, headers or {}
        super().__init__(message)


class FakeReruns:
    """Workflow runs and their attempts; part of `FakeApi`."""

    runs: dict[int, FakeRun]
    repositories: set[str]
    permission: str
    clock: Callable[[], float]
    _next_id: int
    groups: dict[int, str]
    enter_group: Callable[[int, str], None]

    def _run(self, repo: str, run_id: int) -> FakeRun:
        run = self.runs.get(run_id)
        if run is None or run.repo != repo or repo not in self.repositories:
            raise ApiError(404, "Not Found")
        return run

    def _rerun_job(self, _request: Recorded, repo: str, job_id: str) -> tuple[int, Any, dict[str, str]]:
        found = [(run, one) for run in self.runs.values() for one in run.jobs if one.id == int(job_id)]
        if not found:
            raise ApiError(404, "Not Found")
        run, one = found[0]
        self._run(repo, run.id)
        if one.attempt != run.attempt and run.status == "completed" and self.permission == "write":
            raise ApiError(403, "Only jobs from the current attempt can be re-run")
        others = {job.id for job in run.current() if job.name == one.name and job.id != one.id}
        self._rerun(run, {one.name}, "The workflow run containing this job is already running", others)
        return 201, {}, {}

    def _rerun_failed(self, _request: Recorded, repo: str, run_id: str) -> tuple[int, Any, dict[str, str]]:
        run = self._run(repo, int(run_id))
        failed = {one.id: one.name for one in run.current() if one.conclusion in ("failure", "timed_out", "cancelled")}
        others = {one.id for one in run.current() if one.name in failed.values() and one.id not in failed}
        self._rerun(run, set(failed.values()), "This workflow is already running", others)
        return 201, {}, {}

    def _rerun_whole(self, _request: Recorded, repo: str, run_id: str) -> tuple[int, Any, dict[str, str]]:
        run = self._run(repo, int(run_id))
        self._rerun(run, {one.name for one in run.current()} or {"first"}, "This workflow is already running")
        if not run.current():  # it never had jobs: now it starts
            run.jobs.append(FakeJob(self._id(), "first", run.attempt, self.clock()))
        return 201, {}, {}

    def _rerun(self, run: FakeRun, names: set[str], running: str, others: Collection[int] = ()) -> None:
        if self.permission != "write":
            raise ApiError(403, "Resource not accessible by personal access token")
        if run.status != "completed":
            raise ApiError(403, running)
        if run.created < self.clock() - 30 * _DAY:
            raise ApiError(403, "Unable to retry this workflow run because it was created over a month ago")
        if run.attempt > 50:
            raise ApiError(403, "This workflow run has reached the maximum number of 50 re-run attempts")
        if not names:
            raise ApiError(403, "This workflow run cannot be retried")
        self._new_attempt(run, names, others)

    def _new_attempt(self, run: FakeRun, names: set[str], others: Collection[int] = ()) -> None:
        """Begin an attempt with jobs of these names, and what needs them; `others`: jobs of such a name that rest."""
        before = run.current()
        while more := {job for job, needed in run.needs.items() if names & set(needed)} - names:
            names = names | more
        run.attempt += 1
        run.came_to = None
        group = self.groups.get(run.id)
        if group is not None:
            self.enter_group(run.id, group)
        run.updated = self.clock()
        for old in before:
            one = FakeJob(self._id(), old.name, run.attempt, self.clock())
            if old.name in names and old.id not in others:
                one.name = run.renames.get(old.name, old.name)
            else:
                one.started, one.completed = old.started, old.completed
                one.status, one.conclusion, one.step = old.status, old.conclusion, old.step
            run.jobs.append(one)

    def _id(self) -> int:
        self._next_id += 1
        return self._next_id
