"""Treeherder: failure lines of a failed run."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.fakes.treeherder import FakeTreeherder
from triggerbot.core.errors import CIDenied, CIError, CIUnavailable, NotKnown
from triggerbot.core.model import Push, Result, Run, State
from triggerbot.systems import FAILURES_MAX, ListsFailures
from triggerbot.systems.taskcluster.system import Taskcluster
from triggerbot.systems.treeherder.jobs import TreeherderJobs
from triggerbot.systems.treeherder.system import Treeherder

PUSH = Push("th", "try", "try", "9c6e4c31ad26efdad0b9af47a2b530bc414ce2c3")
TIMED_OUT = "TEST-UNEXPECTED-FAIL | browser/a.js | Test timed out - "


@pytest.fixture
def system(treeherder: FakeTreeherder) -> Iterator[Treeherder]:
    """The system under test."""
    system = Treeherder(TreeherderJobs("th", treeherder.url), through=None)
    yield system
    system.close()


def failed(treeherder: FakeTreeherder) -> dict[str, Any]:
    """Add a failed job."""
    return treeherder.job(treeherder.push(PUSH.revision), result="testfailed", retry_id=1)


def run_of(job: dict[str, Any]) -> Run:
    """Return our run of a job."""
    return Run(job["job_type_name"], job["task_id"], job["retry_id"] + 1, State.FINISHED, Result.FAILURE)


def test_the_failure_lines_of_a_run(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """Each once, those that name a test first."""
    job = failed(treeherder)
    treeherder.read_log(job, "Return code: 1", TIMED_OUT, "Killing  application\0", TIMED_OUT)

    assert isinstance(system, ListsFailures)
    assert list(system.failures(PUSH, run_of(job))) == [TIMED_OUT.strip(), "Return code: 1", "Killing application"]


def test_another_run_of_the_same_task_is_another_job(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """A task that was retried has a job for each of its runs."""
    job = failed(treeherder)
    treeherder.read_log(job, TIMED_OUT)
    treeherder.read_log(treeherder.job(100, task_id=job["task_id"], retry_id=2), "the worker was lost")

    assert list(system.failures(PUSH, run_of(job))) == [TIMED_OUT.strip()]


def test_the_errors_of_the_log_where_there_are_no_suggestions(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """The lines are those of the log."""
    job = failed(treeherder)
    treeherder.read_log(job, TIMED_OUT)
    treeherder.suggestions.clear()

    assert list(system.failures(PUSH, run_of(job))) == [f"10:11:12 INFO - {TIMED_OUT}".strip()]


@pytest.mark.parametrize("statuses", [["pending"], ["parsed", "pending"], []])
def test_a_log_that_is_not_read_yet(treeherder: FakeTreeherder, system: Treeherder, statuses: list[str]) -> None:
    """The caller has to ask again later."""
    job = failed(treeherder)
    treeherder.logs[job["id"]] = statuses
    with pytest.raises(NotKnown, match="not read the log"):
        system.failures(PUSH, run_of(job))

    treeherder.read_log(job, TIMED_OUT)
    assert system.failures(PUSH, run_of(job))


@pytest.mark.parametrize("status", ["parsed", "failed", "skipped-size"])
def test_a_log_in_which_nothing_is_found(treeherder: FakeTreeherder, system: Treeherder, status: str) -> None:
    """The answer is an empty list, and asking again is of no use."""
    job = failed(treeherder)
    treeherder.logs[job["id"]] = [status]

    assert list(system.failures(PUSH, run_of(job))) == []


def test_a_run_that_treeherder_does_not_know(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """It may not have been ingested yet."""
    with pytest.raises(NotKnown, match="does not know the run"):
        system.failures(PUSH, run_of({"job_type_name": "test", "task_id": "gone", "retry_id": 0}))


def test_a_job_that_is_gone_when_it_is_asked_for(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """Treeherder forgets jobs after four months."""
    job = failed(treeherder)
    treeherder.faults = [(200, True), (404, False)]
    with pytest.raises(NotKnown):
        system.failures(PUSH, run_of(job))


@pytest.mark.parametrize(("status", "error"), [(500, CIUnavailable), (429, CIUnavailable), (403, CIDenied)])
def test_treeherder_gives_no_lines(
    treeherder: FakeTreeherder, system: Treeherder, status: int, error: type[CIError]
) -> None:
    """Not now, or not at all."""
    job = failed(treeherder)
    treeherder.read_log(job, TIMED_OUT)
    treeherder.faults = [(200, True), *[(status, False)] * 3]
    with pytest.raises(error):
        system.failures(PUSH, run_of(job))


ANSWERS = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["search", "path_end", "line", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_answers_of_any_form(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """What is not understood is no failure line, and an answer that is no list has none."""
    job = failed(treeherder)
    treeherder.read_log(job)

    @settings(max_examples=examples(30))
    @given(ANSWERS)
    def check(answer: Any) -> None:
        treeherder.suggestions[job["id"]] = answer
        try:
            lines = system.failures(PUSH, run_of(job))
        except CIUnavailable:
            assert not isinstance(answer, list)
        else:
            assert all(isinstance(line, str) and line for line in lines)

    check()


def test_lines_are_few_and_short(treeherder: FakeTreeherder, system: Treeherder) -> None:
    """Number and length are limited."""
    job = failed(treeherder)
    treeherder.read_log(job, *(f"{number} {'x' * 5000}" for number in range(100)))

    lines = system.failures(PUSH, run_of(job))

    assert len(lines) == FAILURES_MAX
    assert {len(line) for line in lines} == {2000}


def test_taskcluster_asks_its_treeherder(treeherder: FakeTreeherder) -> None:
    """Without one there are no failure lines."""
    job = failed(treeherder)
    treeherder.read_log(job, TIMED_OUT)
    with_one = Taskcluster("th", "https://tc.example", jobs=TreeherderJobs("th", treeherder.url))
    without = Taskcluster("th", "https://tc.example")
    try:
        assert isinstance(with_one, ListsFailures)
        assert list(with_one.failures(PUSH, run_of(job))) == [TIMED_OUT.strip()]
        assert list(without.failures(PUSH, run_of(job))) == []
    finally:
        with_one.close()
        without.close()
