"""A job over time: its runs at the newest pushes, how often it is intermittent, its failures, machines and cost."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from triggerbot.core import event_json
from triggerbot.core.branch import shards
from triggerbot.core.branch.cells import Cell, CellKind
from triggerbot.core.model import PROVING, Result, Run, State
from triggerbot.reports import flakiness, push_json
from triggerbot.reports.flakiness import Rate
from triggerbot.reports.seen_failures import Failure, Sighting, grouped, sighting
from triggerbot.store import JobAtPush, JobRecord, Store, Summary, outcomes

#: Pushes that are looked at, the newest.
PUSHES_MAX = 100
_PROVED = frozenset({CellKind.PASSED, CellKind.FAILED, CellKind.INTERMITTENT})
_TRENDS = {1: "more often than before", -1: "less often than before", 0: "no evidence of a change"}


@dataclass(frozen=True, slots=True)
class At:
    """The job at one push where it is known."""

    summary: Summary
    kind: CellKind
    line: str
    records: tuple[JobRecord, ...]

    @property
    def name(self) -> str:
        """What leads to the job at that push: of several to one that failed."""
        if len(self.records) == 1:
            return self.records[0].name
        failed = (one for one in self.records if any(run.failed for run in one.runs))
        return next(failed, self.records[0]).key


@dataclass(frozen=True, slots=True)
class Share:
    """In how many of some tries the job failed."""

    name: str
    failed: int
    tries: int
    #: 1: more often than elsewhere beyond chance, -1: less often, 0: not to be told apart.
    differs: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        low, high = flakiness.interval(self.failed, self.tries)
        return {"name": self.name, "failed": self.failed, "ran": self.tries, "low": round(low, 4),
                "high": round(high, 4), "differs": self.differs}  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobHistory:
    """A job over time."""

    project: str
    job: str
    #: The branch that alone is looked at; empty: all of them.
    branch: str
    #: The pushes that were looked at, and those of them where the job is known, newest first.
    looked_at: int
    at: tuple[At, ...]
    #: Over everything that is kept; `None` if it never was intermittent.
    rate: Rate | None
    #: Pushes at which it proved something, and of these where it was intermittent: the newer half, and the older.
    newer: tuple[int, int]
    older: tuple[int, int]
    failures: tuple[Failure, ...]
    branches: tuple[Share, ...]
    #: By the first run of each push that proves something, for retriggers are made of failures.
    pools: tuple[Share, ...]
    #: Of the runs that passed: the median and the 95th percentile in seconds; `None` if no duration is known.
    median: float | None
    slow: float | None
    #: How the retriggers ended and what they cost; see `outcomes.ended`.
    retriggers: dict[str, int | float]

    @property
    def trend(self) -> str:
        """Whether the job is intermittent more often than before, in words."""
        return _TRENDS[flakiness.differs(self.newer[1], self.newer[0], self.older[1], self.older[0])]

    @property
    def worse_pools(self) -> list[Share]:
        """The pools in which it fails more often than in the others, beyond chance."""
        return [one for one in self.pools if one.differs > 0]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "project": self.project,
            "job": self.job,
            "branch": self.branch or None,
            "looked_at": self.looked_at,
            "pushes": [_at(one) for one in self.at],
            "intermittent": None if self.rate is None else self.rate.as_json(),
            "trend": {
                "says": self.trend,
                "newer": {"ran": self.newer[0], "intermittent": self.newer[1]},
                "older": {"ran": self.older[0], "intermittent": self.older[1]},
            },
            "failures": [one.as_json() for one in self.failures],
            "branches": [one.as_json() for one in self.branches],
            "pools": [one.as_json() for one in self.pools],
            "seconds": {"median": _round(self.median), "p95": _round(self.slow)},
            "retriggers": {
                "passed": self.retriggers["passed"],
                "failed": self.retriggers["failed"],
                "other": self.retriggers["other"],
                "unfinished": self.retriggers["unfinished"],
                "seconds": round(self.retriggers["seconds"]),
                "proved_intermittent": self.retriggers["proved"],
            },
        }


def _round(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _at(one: At) -> dict[str, Any]:
    return {
        **push_json.place(one.summary.push),
        "author": one.summary.author,
        "title": one.summary.title,
        "time": event_json.format_time(one.summary.pushed_at or one.summary.last_heard),
        "letter": one.kind.letter,
        "is": str(one.kind),
        "line": one.line,
    }


def link(address: str | None, project: str, job: str) -> str:
    """Return the URL of a job's page; empty if the page's address is not configured."""
    return "" if address is None else f"{address}/jobs/{quote(project)}/{quote(job)}"


def named(store: Store, path: str) -> tuple[str, str] | None:
    """Return the project and the job of a path `PROJECT/JOB`, both of which may have slashes in them.

    Of several ways to read it, the longest project counts in which that job is known. Raises `StoreUnavailable`.
    """
    for project in sorted(store.pushes.projects(), key=len, reverse=True):
        own, job = path[: len(project)], path[len(project) + 1 :]
        if own.lower() == project.lower() and path[len(project) :].startswith("/"):
            known = name(store, project, job)
            if known is not None:
                return project, known
    return None


def name(store: Store, project: str, job: str) -> str | None:
    """Return the name that a job has at every push; `None` if it is not known. Raises `StoreUnavailable`.

    People may give it with what made the CI run it, as pushes show it where that matters: `test (pull_request)`.
    """
    plain, _, event = job.rpartition(" (")
    given = [job, plain] if plain and event.endswith(")") else [job]
    return next((one for one in given if one and _is_known(store, project, one)), None)


def _is_known(store: Store, project: str, job: str) -> bool:
    known = store.reports.ran(project, [job]).at[job] or store.reports.windows(project, [job])[job].records
    return bool(known) or any(one.records for one in store.jobs.latest(project, job, PUSHES_MAX))


def look(store: Store, project: str, job: str, branch: str = "") -> JobHistory | None:
    """Look at a job over time; `None` if it is not known. Raises `StoreUnavailable`."""
    listed = store.jobs.latest(project, job, PUSHES_MAX, branch)
    at = tuple(_seen(one) for one in listed if one.records)
    if not at and not _is_known(store, project, job):
        return None
    proved = [one for one in at if one.kind in _PROVED]
    half = (len(proved) + 1) // 2
    runs = [run for one in at for record in one.records for run in record.runs]
    passed = sorted(run.seconds for run in runs if run.passed and run.seconds is not None)
    return JobHistory(
        project, job, branch, len(listed), at, flakiness.of_job(store, project, job),
        _intermittent(proved[:half]), _intermittent(proved[half:]),
        tuple(_failures(store, project, job, branch, at)),
        _shares((one.summary.push.branch, one.kind is not CellKind.PASSED) for one in proved),
        _shares(_first_runs(at)),
        statistics.median(passed) if passed else None,
        passed[min(len(passed) - 1, int(0.95 * len(passed)))] if passed else None,
        outcomes.ended((record.runs, _bought(record)) for one in at for record in one.records),
    )  # fmt: skip


def _seen(one: JobAtPush) -> At:
    """Return the job at a push, as it was judged, or else by its runs."""
    found = [shown.cell for shown in one.shown] or [_by_runs(record.runs) for record in one.records]
    cell = found[0] if len(found) == 1 else shards.combined(found)
    seen = _sighting(one.summary, one.records) if cell.kind is not CellKind.PASSED else None
    return At(one.summary, cell.kind, cell.line or ("" if seen is None else seen.line), one.records)


def _by_runs(runs: Sequence[Run]) -> Cell:
    proving = [run for run in runs if run.state is State.FINISHED and run.result in PROVING]
    failed, passed = any(run.failed for run in proving), any(run.passed for run in proving)
    if failed or passed:
        return Cell(CellKind.INTERMITTENT if failed and passed else CellKind.FAILED if failed else CellKind.PASSED)
    if any(run.state is not State.FINISHED for run in runs):
        return Cell(CellKind.PENDING)
    last = runs[-1].result if runs else None
    return Cell(_OTHERWISE.get(last, CellKind.UNPROVED) if last else CellKind.NOT_RUN)


_OTHERWISE = {
    Result.INFRA: CellKind.INFRA,
    Result.CANCELLED: CellKind.CANCELLED,
    Result.SKIPPED: CellKind.SKIPPED,
}


def _sighting(summary: Summary, records: Iterable[JobRecord]) -> Sighting | None:
    found = [record.runs for record in records if any(run.failed for run in record.runs)]
    if not found:
        return None
    return sighting(summary.push, "", (run for runs in found for run in runs), summary.last_heard)


def _failures(store: Store, project: str, job: str, branch: str, at: Sequence[At]) -> list[Failure]:
    """Return the failures of a job at these pushes, and those that are kept of earlier ones."""
    seen = [one for push in at if (one := _sighting(push.summary, push.records)) is not None]
    known = {one.summary.push for one in at}
    kept = store.reports.windows(project, [job])[job].records
    seen += [
        Sighting(one.push, job, one.began, one.at, one.failed, one.passed, one.shapes)
        for one in kept
        if one.push not in known and branch in ("", one.push.branch)
    ]
    return grouped(seen)


def _intermittent(pushes: Sequence[At]) -> tuple[int, int]:
    return len(pushes), sum(one.kind is CellKind.INTERMITTENT for one in pushes)


def _first_runs(at: Iterable[At]) -> Iterable[tuple[str, bool]]:
    """Yield pool and whether it failed of the first run at each push that proves something."""
    for one in at:
        for record in one.records:
            first = next((run for run in record.runs if run.state is State.FINISHED and run.result in PROVING), None)
            if first is not None and first.pool:
                yield first.pool, first.failed


def _shares(tries: Iterable[tuple[str, bool]]) -> tuple[Share, ...]:
    """Count tries by name, and hold each name against all others."""
    total, failed = Counter[str](), Counter[str]()
    for name, is_failure in tries:
        total[name] += 1
        failed[name] += is_failure
    every, hits = total.total(), failed.total()
    return tuple(
        Share(
            name, failed[name], number,
            flakiness.differs(failed[name], number, hits - failed[name], every - number, of=len(total)),
        )
        for name, number in sorted(total.items(), key=lambda one: (-failed[one[0]], -one[1], one[0]))
    )  # fmt: skip


def _bought(record: JobRecord) -> list[outcomes.Bought]:
    return [outcomes.Bought(one.known_runs, one.asked, one.cause) for one in record.claims if one.asked]
