"""What newly fails: the jobs of a push held against what each came to before, test by test where that is known. Pure.

What cannot be told is said to be unknown: a test is new only where the earlier run listed all that failed, or passed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from triggerbot.core.run_tests import RunTests
from triggerbot.core.verdict import fingerprint

NONE: frozenset[str] = frozenset()


class Change(StrEnum):
    """How a failure of a job, or a test of it, stands to what the job came to before."""

    NEW = "new"
    #: It failed before, too.
    KNOWN = "known"
    #: It fails, and nothing tells whether it did before.
    UNKNOWN = "unknown"
    #: It failed before, and passed now.
    NO_LONGER_FAILING = "no_longer_failing"
    #: It ran before, and there is nothing of it now.
    VANISHED = "vanished"
    NEWLY_SKIPPED = "newly_skipped"

    @property
    def fails(self) -> bool:
        """Whether it fails now."""
        return self in (Change.NEW, Change.KNOWN, Change.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to at one push, by runs that prove something."""

    job: str
    failed: bool
    #: It failed and passed: its failures are none of the push, and no other failure is new for them.
    intermittent: bool = False
    tests: RunTests | None = None
    #: The failing tests with a line each, and whether those are all.
    failing: Mapping[str, str] = field(default_factory=dict)
    listed: bool = False
    #: The tests that passed and that were skipped, and whether those are all: often only their number is known.
    passed: frozenset[str] = NONE
    skipped: frozenset[str] = NONE
    complete: bool = False
    #: The most telling line about the job as a whole, and the shapes that identify its failure.
    line: str = ""
    shapes: tuple[str, ...] = ()

    @property
    def by_test(self) -> bool:
        """Whether it tells of tests: which failed, or that none did."""
        return self.tests is not None and (bool(self.failing) or (self.listed and not self.failed))

    @property
    def known(self) -> frozenset[str]:
        """All tests that it lists."""
        return self.passed | self.skipped | self.failing.keys()


@dataclass(frozen=True, slots=True)
class Finding:
    """One change: of a test of a job, or of the job as a whole, where `test` is empty."""

    change: Change
    job: str
    test: str = ""
    line: str = ""


def outcome(
    job: str, tests: RunTests, passed: frozenset[str], skipped: frozenset[str], *, complete: bool, whole: bool
) -> Outcome:
    """Return what a job came to by the tests of its only run.

    `complete`: all that passed are listed. `whole`: nothing of its reports was damaged.
    """
    return Outcome(
        job,
        failed=tests.failed + tests.errors > 0,
        tests=tests,
        failing={one.id: one.line for one in tests.failing},
        listed=whole and not tests.unlisted,
        passed=passed,
        skipped=skipped,
        complete=complete,
    )


def compare(
    here: Mapping[str, Outcome], before: Mapping[str, Outcome] | None, *, all_ran: bool = True
) -> list[Finding]:
    """Hold jobs, by their names, against what each came to before; sorted by change, job and test.

    `before`: `None` if nothing is known of what was before. `all_ran`: every job of the push is at its end, so that one
    that is missing did not run.
    """
    found = [finding for job, one in here.items() for finding in _of_job(one, (before or {}).get(job))]
    if before is None:
        found = [replace(one, change=Change.UNKNOWN) for one in found]
    elif all_ran:
        found += [Finding(Change.VANISHED, job) for job in before if job not in here]
    order = list(Change)
    return sorted(found, key=lambda one: (order.index(one.change), one.job, one.test))


def _of_job(here: Outcome, before: Outcome | None) -> Iterable[Finding]:
    if here.intermittent or (before is not None and before.intermittent and not here.failed):
        return ()
    if here.by_test and (before is None or before.by_test or not before.failed):
        return _by_test(here, before)
    return _by_job(here, before)


def _by_job(here: Outcome, before: Outcome | None) -> Iterator[Finding]:
    line = here.line or next((f"{test}: {line}" if line else test for test, line in here.failing.items()), "")
    if here.failed:
        yield Finding(_of_failure(here, before), here.job, line=line)
    elif before is not None and before.failed and (here.listed or here.tests is None):
        yield Finding(Change.NO_LONGER_FAILING, here.job, line=before.line)


def _of_failure(here: Outcome, before: Outcome | None) -> Change:
    """Return how the failure of a job as a whole stands to what the job came to before."""
    if before is None or not before.failed:
        return Change.UNKNOWN if before is not None and before.intermittent else Change.NEW
    if not here.shapes or not before.shapes or fingerprint.same(here.shapes, before.shapes):
        return Change.KNOWN
    return Change.NEW


def _by_test(here: Outcome, before: Outcome | None) -> Iterator[Finding]:
    earlier: Mapping[str, str] = {} if before is None else before.failing
    for test, line in here.failing.items():
        yield Finding(_of_test(test, before), here.job, test, line)
    if here.failed and not here.failing:
        yield Finding(_of_failure(here, before), here.job, line=here.line)
    for test, line in earlier.items():
        if test not in here.failing and (change := _of_earlier(test, here)) is not None:
            yield Finding(change, here.job, test, line)
    if before is not None and before.by_test:
        yield from _left_out(here, before)


def _of_test(test: str, before: Outcome | None) -> Change:
    if before is None or (not before.failed and not before.intermittent):
        return Change.NEW
    if test in before.failing:
        return Change.KNOWN
    return Change.NEW if test in before.passed or (before.by_test and before.listed) else Change.UNKNOWN


def _of_earlier(test: str, here: Outcome) -> Change | None:
    """Return what became of a test that failed before and is not listed as failing; `None`: that is not known."""
    if test in here.skipped:
        return Change.NEWLY_SKIPPED
    if test in here.passed:
        return Change.NO_LONGER_FAILING
    if here.complete:
        return Change.VANISHED
    return Change.NO_LONGER_FAILING if here.listed else None


def _left_out(here: Outcome, before: Outcome) -> Iterator[Finding]:
    """Yield the tests that passed before and are skipped or missing now."""
    yield from (Finding(Change.NEWLY_SKIPPED, here.job, test) for test in sorted(before.passed & here.skipped))
    if here.complete:
        yield from (Finding(Change.VANISHED, here.job, test) for test in sorted(before.passed - here.known))
