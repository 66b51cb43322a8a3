"""What one job did at one push of a branch, as a cell of the branch's grid. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from triggerbot.core.model import Result, State
from triggerbot.core.verdict import fingerprint, same_failure
from triggerbot.core.verdict.verdict import JobVerdict, Verdict


class CellKind(StrEnum):
    """What is known of a job at a push."""

    PASSED = "passed"
    FAILED = "failed"
    #: It failed and passed at one revision.
    INTERMITTENT = "intermittent"
    #: It runs, or waits to run, and has not failed yet.
    PENDING = "pending"
    #: It failed, and its retriggers are still to come: not yet known.
    AWAITED = "awaited"
    SKIPPED = "skipped"
    NEUTRAL = "neutral"
    NOT_RUN = "not run"
    CANCELLED = "cancelled"
    #: It met only errors of the CI itself.
    INFRA = "infra"
    #: It ended in another way that proves nothing about it.
    UNPROVED = "unproved"

    @property
    def letter(self) -> str:
        """Return the letter that stands for it in a grid."""
        return _LETTERS[self]


_LETTERS = {
    CellKind.PASSED: "S",
    CellKind.FAILED: "F",
    CellKind.INTERMITTENT: "I",
    CellKind.PENDING: "P",
    CellKind.AWAITED: "A",
    CellKind.SKIPPED: "K",
    CellKind.NEUTRAL: "N",
    CellKind.NOT_RUN: "?",
    CellKind.CANCELLED: "C",
    CellKind.INFRA: "X",
    CellKind.UNPROVED: "U",
}
#: What came to no end yet; what did not run the job, so that it could still be run there; and what shows it to pass.
OPEN = frozenset({CellKind.PENDING, CellKind.AWAITED})
LEFT_OUT = frozenset({CellKind.SKIPPED, CellKind.NEUTRAL, CellKind.NOT_RUN})
WELL = frozenset({CellKind.PASSED, CellKind.INTERMITTENT})


@dataclass(frozen=True, slots=True)
class Cell:
    """A job at a push; of one that failed, with what is evidence of its failure."""

    kind: CellKind
    #: The shapes that identify the failure; empty if no line is evidence.
    shapes: tuple[str, ...] = ()
    #: The most telling line, as the CI sent it.
    line: str = ""
    #: The ids of the tests that failed, where tests are known.
    tests: frozenset[str] = frozenset()
    #: Those are all that failed, so that the others did not.
    tests_known: bool = False


class Shown(NamedTuple):
    """What a push shows of a job: its name for people, the name that it has at every push, and its cell."""

    job: str
    name: str
    cell: Cell


def failed(lines: Iterable[str], tests: Collection[str] = (), *, tests_known: bool = False) -> Cell:
    """Return the cell of a failure by its lines, of which those that any failure may show are no evidence."""
    listed = tuple(lines)
    told = fingerprint.telling(listed)
    shapes = tuple(one.shape for one in told)
    line = listed[told[0].place] if told else ""
    return Cell(CellKind.FAILED, shapes, line, frozenset(tests), tests_known=tests_known)


def of_verdict(job: JobVerdict) -> Cell:
    """Return the cell of a job by the verdict on it at a push."""
    match job.verdict:
        case Verdict.FAILED if job.awaited:
            return Cell(CellKind.AWAITED)
        case Verdict.FAILED if job.failing is not None:
            runs = (run for run in job.runs if run.failed and run.result in job.proving and run.key not in job.derived)
            tests, is_all = same_failure.failing_tests(runs)
            return Cell(CellKind.FAILED, job.failing.shapes, job.failing.line, frozenset(tests), tests_known=is_all)
        case Verdict.FAILED:
            return Cell(CellKind.FAILED)
        case Verdict.PASSED:
            return Cell(CellKind.PASSED)
        case Verdict.INTERMITTENT:
            return Cell(CellKind.INTERMITTENT)
        case Verdict.PENDING:
            return Cell(CellKind.AWAITED if job.failing_runs else CellKind.PENDING)
        case Verdict.INFRA:
            return Cell(CellKind.INFRA)
        case None:
            return Cell(_unproved(job))


def _unproved(job: JobVerdict) -> CellKind:
    """Return what became of a job whose runs prove nothing."""
    if not job.runs:
        return CellKind.NOT_RUN
    if job.skipped:
        return CellKind.SKIPPED
    if any(run.state is not State.FINISHED for run in job.runs):
        return CellKind.PENDING
    return CellKind.CANCELLED if job.runs[-1].result is Result.CANCELLED else CellKind.UNPROVED
