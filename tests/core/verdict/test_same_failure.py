"""Whether failures are the same one, within a job and across the jobs of a push."""

from dataclasses import dataclass, replace

import pytest

from triggerbot.core.model import Result, Run, State
from triggerbot.core.verdict import fingerprint, same_failure
from triggerbot.core.verdict.history import Failure, Novelty, Standing
from triggerbot.core.verdict.same_failure import NO_HISTORY, Failing, Sameness
from triggerbot.core.verdict.verdict import Verdict, of_job
from triggerbot.reports import glossary

ONE = "tests/test_login.py::test_login: AssertionError: 1 != 2"
OTHER = "tests/test_cart.py::test_total: ValueError: no price for item 17"


@dataclass(frozen=True)
class Elsewhere:
    """What other pushes tell, as a test wants it."""

    lines: frozenset[str] = frozenset()
    novelty: Novelty = Novelty.UNKNOWN

    def generic(self, job: str, shape: str) -> bool:
        return shape in {fingerprint.shape(line) for line in self.lines}

    def standing(self, job: str, failure: Failure) -> Standing:
        return Standing(Novelty.TOUCHED if failure.touched else self.novelty)


def failed(number: int, *lines: str) -> Run:
    """Make a failed run that says this."""
    return Run("job", str(number), 1, State.FINISHED, Result.FAILURE, time=float(number), failures=lines)


def passed(number: int) -> Run:
    """Make a run that passed."""
    return Run("job", str(number), 1, State.FINISHED, Result.SUCCESS, time=float(number))


def test_the_same_failure_in_every_run() -> None:
    """Numbers that differ do not make a failure another one; the newest runs are not told as something new."""
    job = of_job(
        "job", [failed(1, ONE), failed(2, ONE.replace("1 != 2", "3 != 4")), failed(3, "[12:31:07] " + ONE)], ()
    )

    assert job.failing is not None
    assert job.failing.sameness == Sameness(3, 3)
    assert job.failing.line.endswith(ONE[-20:]) or ONE[:20] in job.failing.line
    assert job.why == "every one of 3 runs failed, with the same failure in 3 of 3"


def test_differently_each_time() -> None:
    """A job that fails in another way each time is suspicious of the machine."""
    third = "error: linker `cc` not found"

    job = of_job("job", [failed(1, ONE), failed(2, OTHER), failed(3, third)], ())

    assert job.failing is not None
    assert job.failing.sameness.different
    assert "differently each time" in job.why


@pytest.mark.parametrize("line", ["Process completed with exit code 1.", "make: *** [Makefile:12: test] Error 2", ""])
def test_generic_lines_are_no_evidence(line: str) -> None:
    """Runs that have only such a line in common are not said to have the same failure."""
    job = of_job("job", [failed(1, line), failed(2, line)], ())

    assert job.failing == Failing("", (), Sameness(0, 2, 2), ((), ()))
    assert job.why == "every one of 2 runs failed; no line tells of what, so they are not known to be alike"


def test_lines_that_other_failures_show_are_no_evidence() -> None:
    """What the failures of other jobs show as well is left out, whatever it says."""
    elsewhere = Elsewhere(lines=frozenset({ONE}))

    job = of_job("job", [failed(1, ONE, OTHER), failed(2, ONE)], (), elsewhere)

    assert job.failing is not None
    assert job.failing.line == OTHER
    assert job.failing.sameness == Sameness(1, 2, 1)
    assert job.why == "every one of 2 runs failed"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((ONE, ONE.replace("1 != 2", "7 != 8")), "with the same failure in 2 of 2"),
        (
            (
                ONE,
                ONE.replace("AssertionError: 1 != 2", "TimeoutError: no answer"),
                ONE.partition(": ")[0] + ": KeyError: 'x'",
            ),
            "in the same test each time, with other messages",
        ),
        (
            (ONE, ONE, ONE.partition(": ")[0] + ": KeyError: 'x'"),
            "in the same test each time, with other messages, with the same failure in 2 of 3",
        ),
        (
            (ONE, OTHER, ONE.replace("test_login", "test_logout")),
            "each in another test: that looks like 3 intermittent failures",
        ),
        (("error: linker `cc` not found", "KeyError: 'x'"), "differently each time: that looks like the machine"),
    ],
)
def test_what_the_failures_of_a_job_have_in_common(lines: tuple[str, ...], why: str) -> None:
    """One test with several messages is not the machine, and several tests are several intermittents."""
    job = of_job("job", [failed(number, line) for number, line in enumerate(lines)], ())

    assert job.why == f"every one of {len(lines)} runs failed, {why}"
    assert ("most likely it is the machine" in glossary.proof(job)) == ("differently" in why)
    assert ("in another test" in glossary.proof(job)) == ("in another test" in why)


def test_where_no_line_tells_what_failed_it_is_said() -> None:
    """And what would tell."""
    job = of_job("job", [failed(1, "Process completed with exit code 1.")], ())

    assert "a problem matcher, a JUnit report or the tests of a run would" in glossary.proof(job)
    assert "problem matcher" not in glossary.proof(of_job("job", [failed(1, ONE)], ()))


@pytest.mark.parametrize(
    "warning",
    ["warning: Node.js 20 actions are deprecated", "##[warning]disk is nearly full", "warning: src/a.c:3: unused x"],
)
def test_warnings_are_never_compared(warning: str) -> None:
    """They stand on every job, whatever failed there."""
    job = of_job("job", [failed(1, ONE, warning), failed(2, OTHER, warning)], ())
    alone = of_job("job", [failed(1, warning), failed(2, warning)], ())

    assert job.failing is not None
    assert job.failing.sameness.same == 1
    assert alone.failing == Failing("", (), Sameness(0, 2, 2), ((), ()))


def test_some_runs_say_nothing() -> None:
    """A run without evidence neither agrees nor disagrees."""
    job = of_job("job", [failed(1, ONE), failed(2), failed(3, ONE)], ())

    assert job.failing is not None
    assert job.failing.sameness == Sameness(2, 3, 1)
    assert not job.failing.sameness.different
    assert "the same failure in 2 of 3" in job.why


@pytest.mark.parametrize(
    ("elsewhere", "files", "novelty"),
    [
        (NO_HISTORY, (), Novelty.UNKNOWN),
        (Elsewhere(novelty=Novelty.NEW), (), Novelty.NEW),
        (Elsewhere(novelty=Novelty.KNOWN), (), Novelty.KNOWN),
        (NO_HISTORY, ("tests/test_login.py",), Novelty.TOUCHED),
        (NO_HISTORY, ("src/other.py", "a.py"), Novelty.UNKNOWN),
        (NO_HISTORY, ("src/login.py",), Novelty.UNKNOWN),
        (NO_HISTORY, ("pages/[user name].tsx",), Novelty.UNKNOWN),
    ],
)
def test_intermittents_that_may_be_new(elsewhere: Elsewhere, files: tuple[str, ...], novelty: Novelty) -> None:
    """One that was never seen before, or names a file that the push changes, is suspected of being the push's own."""
    job = of_job("job", [failed(1, ONE), passed(2)], (), elsewhere, files)

    assert job.verdict is Verdict.INTERMITTENT
    assert job.novelty is novelty
    assert job.suspected == ("suspected new" in job.why) == (novelty in (Novelty.NEW, Novelty.TOUCHED))


def test_one_cause_is_told_once() -> None:
    """Jobs that show the same failure are put together, the most frequent failure first."""
    jobs = {f"linux-{number}": of_job(f"linux-{number}", [failed(1, ONE)], ()).failing for number in range(3)}
    jobs |= {
        f"mac-{number}": of_job(f"mac-{number}", [failed(1, f"12:00:0{number} {OTHER}")], ()).failing
        for number in (1, 2)
    }
    jobs |= {"lone": of_job("lone", [failed(1, "error: linker `cc` not found")], ()).failing}
    known = {job: one for job, one in jobs.items() if one is not None}

    common = same_failure.in_common(same_failure.grouped(known))

    assert [one.jobs for one in common] == [("linux-0", "linux-1", "linux-2"), ("mac-1", "mac-2")]
    assert common[0].line == ONE


def test_jobs_without_evidence_have_nothing_in_common() -> None:
    """However many there are."""
    generic = of_job("job", [failed(1, "Process completed with exit code 1.")], ()).failing
    assert generic is not None

    assert same_failure.grouped({str(number): replace(generic) for number in range(50)}) == []


def test_very_many_different_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that breaks everything, each job in its own words, is judged in a moment: few pairs are compared."""
    compared = 0

    def same(mine: tuple[str, ...], other: tuple[str, ...]) -> bool:
        nonlocal compared
        compared += 1
        return mine == other or mine[0].split()[0] == other[0].split()[0]

    monkeypatch.setattr(same_failure.fingerprint, "same", same)
    alike = {f"alike-{number}": Failing(ONE, (f"one {number % 2}",), Sameness(1, 1)) for number in range(10)}
    many = {f"job-{number:04}": Failing(ONE, (f"{number % 400} {number}",), Sameness(1, 1)) for number in range(3000)}

    common = same_failure.in_common(same_failure.grouped(alike | many))

    assert common[0].jobs == tuple(sorted(alike))
    assert compared <= 5000
