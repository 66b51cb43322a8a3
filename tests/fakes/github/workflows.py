"""Workflow files that the fake GitHub runs: what becomes of their jobs by `needs`, `if: always()` and matrices.

    play = Play(github)
    run = play.start("octo/app", WORKFLOW, sha, "main", ends={"test (2)": ["failure", "success"]})
    ... a rerun ...
    play.go_on(run)

A job whose need failed is skipped unless it runs `always()`; then it fails with that if it asks for `needs.*.result`.
The first failure in a matrix cancels the others unless `fail-fast: false`. Known of each: `continue-on-error` and
`timeout-minutes` (a job over that is `cancelled`, some seconds later). What is no workflow cannot start.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.fakes.github import FakeGitHub
from tests.fakes.github.payloads import FakeJob, FakeRun

#: What a job ends as that ran too long: GitHub says that it was cancelled.
TOO_LONG = "too long"
_BAD = ("failure", "cancelled", "skipped")


@dataclass
class _Planned:
    """One job of a workflow as it is listed."""

    name: str
    id: str
    needs: list[str]
    always: bool
    gate: bool
    may_fail: bool
    fail_fast: bool
    minutes: float


@dataclass
class Play:
    """The workflow runs that were started from files, and how their jobs end."""

    github: FakeGitHub
    plans: dict[int, list[_Planned]] = field(default_factory=dict)
    ends: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    def start(
        self,
        repo: str,
        text: str,
        sha: str,
        branch: str,
        *,
        path: str = ".github/workflows/ci.yml",
        ends: Mapping[str, Sequence[str]] | None = None,
        **more: Any,
    ) -> int:
        """Put a workflow file into a commit and run it, long ago; `ends`: of jobs that do not just pass."""
        self.github.contents.write(repo, path, text, sha)
        value = yaml.load(text, Loader=yaml.BaseLoader) if "\t" not in text else None
        jobs = value.get("jobs") if isinstance(value, dict) else None
        name = (value or {}).get("name", path) if isinstance(value, dict) else path
        settings: dict[str, Any] = {"path": path, "created": self.github.clock() - 3600, **more}
        if not isinstance(jobs, dict):
            return self.github.add_run(repo, path, sha, branch, {}, came_to="startup_failure", **settings)
        planned = [one for job_id, job in jobs.items() for one in _planned(job_id, job)]
        names = {job: [one.name for one in planned if one.id == job] for job in jobs}
        needs = {one.name: [name for need in one.needs for name in names[need]] for one in planned}
        run = self.github.add_run(
            repo, name, sha, branch, dict.fromkeys((one.name for one in planned), None), needs=needs, **settings
        )
        self.plans[run] = planned
        self.ends[run] = {job: list(found) for job, found in (ends or {}).items()}
        self.go_on(run, self.github.runs[run].created)
        return run

    def go_on(self, number: int, begin: float | None = None) -> None:
        """Let all jobs of the newest attempt end, one after what it needs."""
        run = self.github.runs[number]
        jobs = {job.name: job for job in run.current()}
        now = self.github.clock() if begin is None else begin
        for one in _in_order(self.plans[number], run):
            job = jobs[one.name]
            if job.status != "completed":
                self._end(run, one, job, jobs, now)
                now = max(now, job.completed or now)
        may_fail = {one.name for one in self.plans[number] if one.may_fail}
        bad = {job.conclusion for job in jobs.values() if job.name not in may_fail} & {"failure", "cancelled"}
        run.came_to = "failure" if "failure" in bad else "cancelled" if bad else "success"
        run.updated = now

    def _end(self, run: FakeRun, one: _Planned, job: FakeJob, jobs: Mapping[str, FakeJob], now: float) -> None:
        may_fail = {other.name for other in self.plans[run.id] if other.may_fail}
        needed = [jobs[name].conclusion for name in run.needs.get(one.name, ()) if name not in may_fail]
        planned = self.ends[run.id].get(one.name, [])
        siblings = [other.name for other in self.plans[run.id] if other.id == one.id and other.name != one.name]
        seconds = 60.0
        if any(end in _BAD for end in needed) and not one.always:
            conclusion, seconds = "skipped", 0.0
        elif one.gate and any(end in _BAD for end in needed):
            conclusion = "failure"
        elif planned:
            conclusion = planned.pop(0)
        elif one.fail_fast and any(self._fails(run, name, jobs) for name in siblings):
            conclusion = "cancelled"
        else:
            conclusion = "success"
        if conclusion == TOO_LONG:
            conclusion, seconds = "cancelled", one.minutes * 60 + 12
        job.status, job.conclusion, job.started, job.completed = "completed", conclusion, now, now + seconds

    def _fails(self, run: FakeRun, name: str, jobs: Mapping[str, FakeJob]) -> bool:
        job = jobs[name]
        if job.status == "completed":
            return job.conclusion == "failure" and job.attempt == run.attempt
        return self.ends[run.id].get(name, [])[:1] == ["failure"]


def _in_order(planned: Sequence[_Planned], run: FakeRun) -> Iterator[_Planned]:
    left, done = list(planned), set[str]()
    while left:
        ready = [one for one in left if set(run.needs.get(one.name, ())) <= done]
        assert ready, "a circle of needs"
        yield from ready
        done |= {one.name for one in ready}
        left = [one for one in left if one not in ready]


def _planned(job_id: str, job: dict[str, Any]) -> Iterator[_Planned]:
    needs = job.get("needs", [])
    steps = str(job.get("steps", ""))
    matrix = job.get("strategy", {}).get("matrix", {})
    keys = [key for key in matrix if key not in ("include", "exclude")]
    for values in itertools.product(*(matrix[key] for key in keys)):
        name = str(job.get("name", job_id))
        for key, value in zip(keys, values, strict=True):
            name = name.replace(f"${{{{ matrix.{key} }}}}", value)
        if values and "${{" not in str(job.get("name", "")):
            name = f"{name} ({', '.join(values)})"
        yield _Planned(
            name, job_id, [needs] if isinstance(needs, str) else list(needs),
            always="always()" in job.get("if", ""), gate="needs.*.result" in steps,
            may_fail=job.get("continue-on-error") == "true",
            fail_fast=bool(keys) and job["strategy"].get("fail-fast", "true") == "true",
            minutes=float(job.get("timeout-minutes", 360)),
        )  # fmt: skip
