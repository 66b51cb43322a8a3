"""PyTorch's HUD: a recorded grid of jobs by commits, the newest first, as hud.pytorch.org/api/hud answers it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from triggerbot.core.branch import cells
from triggerbot.core.branch.cells import Cell, CellKind
from triggerbot.core.branch.streaks import Row
from triggerbot.core.errors import NotUnderstood

#: What became of a job, in GitHub's words and in the HUD's own.
_KINDS = {
    "success": CellKind.PASSED,
    "failure": CellKind.FAILED,
    # A job that takes too long at push after push is broken.
    "timed_out": CellKind.FAILED,
    "skipped": CellKind.SKIPPED,
    "neutral": CellKind.NEUTRAL,
    "cancelled": CellKind.CANCELLED,
    "canceled": CellKind.CANCELLED,
    "startup_failure": CellKind.INFRA,
    "stale": CellKind.INFRA,
    "action_required": CellKind.NOT_RUN,
    "pending": CellKind.PENDING,
    "queued": CellKind.PENDING,
    "in_progress": CellKind.PENDING,
    "waiting": CellKind.PENDING,
    "requested": CellKind.PENDING,
}


class _Job(msgspec.Struct, rename="camel"):
    """A job at a commit; all is missing of one that did not run."""

    conclusion: str | None = None
    #: What the classifier of lines made of its log.
    failure_captures: list[str | None] | str | None = None
    failure_lines: list[str | None] | str | None = None
    failure_line: str | None = None
    #: An earlier attempt at the same commit failed.
    failed_previous_run: bool | None = None
    id: int | str | None = None


class _Commit(msgspec.Struct):
    sha: Annotated[str, msgspec.Meta(min_length=1)]
    jobs: list[_Job | None]


class _Hud(msgspec.Struct, rename="camel"):
    job_names: list[str]
    sha_grid: list[_Commit]


@dataclass(frozen=True, slots=True)
class Recording:
    """The jobs of a branch by its commits."""

    #: Newest first, as the cells of each row.
    revisions: tuple[str, ...]
    rows: tuple[Row, ...]
    #: Conclusions that are not known, each with the first place of it: of what ended so, nothing is proved.
    unknown: Mapping[str, str] = field(default_factory=dict)


def read(data: bytes) -> Recording:
    """Read a recording; raises `NotUnderstood` with the place of what is wrong."""
    try:
        found = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Hud)
    except msgspec.ValidationError as error:
        raise NotUnderstood(f"expected {{jobNames: [...], shaGrid: [...]}}: {error}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotUnderstood(f"expected JSON: {error}") from None
    unknown: dict[str, str] = {}
    grid = [list(_cells(commit, number, len(found.job_names), unknown)) for number, commit in enumerate(found.sha_grid)]
    _unique([commit.sha for commit in found.sha_grid], "shaGrid[{}].sha")
    _unique(found.job_names, "jobNames[{}]")
    columns = zip(*grid, strict=True) if grid else ([] for _ in found.job_names)
    rows = (Row(job, tuple(column)) for job, column in zip(found.job_names, columns, strict=True))
    return Recording(tuple(commit.sha for commit in found.sha_grid), tuple(rows), unknown)


def _unique(names: Sequence[str], place: str) -> None:
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        if name in seen:
            where, before = place.format(number), place.format(seen[name])
            raise NotUnderstood(f"{where} is {name!r}, as {before} is: each has to be there once")
        seen[name] = number


def _cells(commit: _Commit, number: int, jobs: int, unknown: dict[str, str]) -> Iterator[Cell]:
    if len(commit.jobs) != jobs:
        raise NotUnderstood(f"shaGrid[{number}].jobs has {len(commit.jobs)} entries, and jobNames has {jobs}")
    for place, job in enumerate(commit.jobs):
        if job is not None and job.conclusion and job.conclusion.lower() not in _KINDS:
            unknown.setdefault(job.conclusion, f"shaGrid[{number}].jobs[{place}].conclusion")
        yield Cell(CellKind.NOT_RUN) if job is None else _cell(job)


def _cell(job: _Job) -> Cell:
    if not job.conclusion:
        # One that is known, and has not ended.
        return Cell(CellKind.NOT_RUN if job.id is None else CellKind.PENDING)
    kind = _KINDS.get(job.conclusion.lower(), CellKind.UNPROVED)
    if kind is CellKind.FAILED:
        return cells.failed(_lines(job))
    return Cell(CellKind.INTERMITTENT if kind is CellKind.PASSED and job.failed_previous_run else kind)


def _lines(job: _Job) -> list[str]:
    """Return what a failure says: what was captured of its line, or else the line."""
    captures = _texts(job.failure_captures)
    # Parts of one line, that tell something only together.
    together = [" ".join(captures)] if len(captures) > 1 and not cells.failed(captures).shapes else []
    return captures + together or _texts(job.failure_lines) or _texts(job.failure_line)


def _texts(told: Any) -> list[str]:
    listed = [told] if isinstance(told, str) else told or []
    return [text for text in listed if text]
