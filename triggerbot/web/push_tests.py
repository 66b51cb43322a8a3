"""The view of the tests of a push for its page: how they ended, and which of each job fail; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triggerbot.core.branch.novelty import Change, Finding
from triggerbot.core.run_tests import RunTests
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import JobVerdict

#: Failing tests of a job, and of all jobs together, that the page of a push lists; a job's own page lists all.
_OF_JOB, _OF_PUSH = 50, 1000


@dataclass(frozen=True, slots=True)
class JobTests:
    """The tests of a job: in how many ways they ended, in words, and those that fail."""

    words: str
    #: How many fail, and how many of those newly.
    fail: int
    new: int
    shown: Sequence[Finding]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.fail - len(self.shown)


def of_push(judged: PushVerdict, compared: Mapping[str, Sequence[Finding]]) -> dict[str, JobTests]:
    """Return the tests of each job of which they are known and fail; `compared`: how those stand to earlier ones."""
    left = _OF_PUSH
    found = {}
    for job in judged.jobs:
        tests = of_job(job, compared.get(job.job, ()), min(_OF_JOB, left))
        if tests is not None and tests.fail:
            found[job.job] = tests
            left -= len(tests.shown)
    return found


def of_job(job: JobVerdict, compared: Sequence[Finding], most: int) -> JobTests | None:
    """Return the tests of a job, of its latest failed run if any failed; `None` if they are not known."""
    tests = latest(job)
    if tests is None:
        return None
    failing = compared or [Finding(Change.UNKNOWN, job.job, one.id, one.line) for one in tests.failing]
    new = sum(one.change is Change.NEW for one in failing)
    return JobTests(tests.words, len(failing) + tests.unlisted, new, failing[:most])


def latest(job: JobVerdict) -> RunTests | None:
    """Return the tests of the latest run of a job, of the failed ones if any failed."""
    runs = [run for run in job.runs if run.tests is not None]
    return next((run.tests for run in reversed(runs) if run.failed), runs[-1].tests if runs else None)
