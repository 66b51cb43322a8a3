"""Failures to look at: each counts once, whatever number of runs and jobs show it."""

from dataclasses import replace

import pytest

from tests.fakes.push_report import Clean, job, told
from triggerbot.core.model import Push
from triggerbot.core.verdict import health, verdict
from triggerbot.core.verdict.base import Relation, Standing
from triggerbot.store import JobRecord

PUSH = Push("ci", "try", "try", "abcdef1")
LOGIN = "tests/test_login.py::test_login: AssertionError: 401 != 200"
REFUND = "tests/test_refund.py::test_refund: AssertionError: 3 != 4"
NOTHING = "Process completed with exit code 1."
TWO = "; 2 failures to look at"


def failing(name: str, *lines: str) -> JobRecord:
    """Make a job with a failed run for each line."""
    runs = job(name, "O" * len(lines)).runs
    return JobRecord(name, tuple(replace(run, failures=(line,)) for run, line in zip(runs, lines, strict=True)), ())


@pytest.mark.parametrize(
    ("jobs", "left", "says"),
    [
        ([failing("a", LOGIN, LOGIN, LOGIN)], [("a",)], ""),
        ([failing("a", LOGIN, REFUND, LOGIN)], [("a",), ("a",)], TWO),
        ([failing("a", LOGIN, NOTHING)], [("a",)], ""),
        ([failing("a", NOTHING, NOTHING)], [("a",)], ""),
        ([failing("a", LOGIN), failing("b", LOGIN)], [("a", "b")], ""),
        ([failing("a", NOTHING), failing("b", NOTHING)], [("a",), ("b",)], ""),
        ([failing("a", LOGIN), failing("b", LOGIN), failing("c", REFUND)], [("a", "b"), ("c",)], TWO),
        ([failing("a", LOGIN, LOGIN, REFUND), failing("b", REFUND)], [("a", "b"), ("a",)], ""),
        ([failing("a", LOGIN), job("b", "OG", lines=[REFUND])], [("a",)], ""),
        ([job("a", "GG"), job("b", "OG", lines=[REFUND])], [], ""),
        ([failing("a", LOGIN), job("b", "O.", lines=[LOGIN])], [("a",)], ""),
    ],
)  # fmt: skip
def test_a_failure_counts_once(jobs: list[JobRecord], left: list[tuple[str, ...]], says: str) -> None:
    """Retriggers and jobs that fail alike are one; the sentence says how many where the jobs do not tell."""
    judged = told(PUSH, *jobs).judged

    assert [one.jobs for one in judged.to_look_at] == left
    assert judged.sentence.partition("; ")[2] == says.removeprefix("; ")


def test_what_is_suspected_new_is_looked_at_and_what_is_inherited_is_not() -> None:
    """Nobody has to look at what was so before."""
    suspected = told(PUSH, job("a", "OG", lines=[LOGIN]), background=Clean()).judged
    assert [(one.line, one.jobs) for one in suspected.to_look_at] == [(LOGIN, ("a",))]

    there = Standing(Relation.INHERITED, "ba5e" * 10)
    record = failing("a", LOGIN, LOGIN)
    of_base = verdict.against_base(verdict.of_job("a", record.runs, ()), there)
    own = verdict.of_job("b", failing("b", LOGIN).runs, ())
    assert [one.jobs for one in health.of_push([of_base, own]).to_look_at] == [("b",)]
    assert health.of_push([of_base]).to_look_at == ()
