"""Judging a push with the history of others: generic lines, and known intermittent failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from tests.fakes.world import push
from triggerbot.core.model import Push, Result, Run, State
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.verdict import of_job
from triggerbot.reports.judge import FailureHistory, failure_records
from triggerbot.store import FailureRecord

LINE = "the harness gave up on us"
SHAPE = fingerprint.shape(LINE)
HERE = push("abcdef1234")


def other(number: int) -> Push:
    """Return another push."""
    return HERE._replace(revision=f"{number:010x}")


def seen(number: int, job: str, *, passed: int = 0, shapes: tuple[str, ...] = (SHAPE,)) -> FailureRecord:
    """Make a failure record at another push."""
    return FailureRecord(other(number), job, float(number), 1, passed, shapes)


def knowledge(*found: FailureRecord, ran: dict[str, int] | None = None) -> FailureHistory:
    """Return the history of these records."""
    return FailureHistory(found, lambda jobs: {job: (ran or {}).get(job, 0) for job in jobs})


@pytest.mark.parametrize(
    ("found", "generic"),
    [
        ([], False),
        # A tenth of the failures of other jobs, at enough pushes.
        ([seen(n, f"job-{n}") for n in range(4)] + [seen(n, f"job-{n}", shapes=("x",)) for n in range(4, 24)], True),
        ([seen(n, f"job-{n}") for n in range(2)] + [seen(n, f"job-{n}", shapes=("x",)) for n in range(2, 24)], False),
        ([seen(n, f"job-{n}") for n in range(4)] + [seen(n, f"job-{n}", shapes=("x",)) for n in range(4, 60)], False),
        # Too few failures to judge.
        ([seen(n, f"job-{n}") for n in range(10)], False),
        # One broken push shows a real failure a hundred times.
        ([seen(1, f"job-{n}") for n in range(100)], False),
        # Failures of the same job do not make the line generic.
        ([seen(n, "job") for n in range(30)] + [seen(n, "else", shapes=("x",)) for n in range(30)], False),
    ],
)
def test_a_line_that_other_failures_show(found: list[FailureRecord], generic: bool) -> None:
    """It is generic if over a tenth of the failures of other jobs at other pushes show it."""
    assert knowledge(*found).generic(HERE, "job", SHAPE) is generic


PAIRS = st.sets(st.tuples(st.integers(0, 6), st.sampled_from("abcdefgh")), max_size=50)


@given(PAIRS, PAIRS, st.integers(0, 6), st.sampled_from("abcdefgh"))
def test_generic_is_counted_as_it_is_meant(
    showing: set[tuple[int, str]], others: set[tuple[int, str]], at: int, job: str
) -> None:
    """Counting all records at once gives the same result as counting them one by one."""
    found = [seen(number, name) for number, name in showing]
    found += [seen(number, name, shapes=("x",)) for number, name in others - showing]
    elsewhere = [one for one in found if one.job != job and one.push != other(at)]
    shown = [one for one in elsewhere if SHAPE in one.shapes]
    enough = len({one.push for one in shown}) >= 3 and len(elsewhere) >= 20

    generic = knowledge(*found).generic(other(at), job, SHAPE)

    assert generic == (enough and 10 * len(shown) > len(elsewhere))


def test_what_a_passing_run_shows_is_generic() -> None:
    """Regardless of the other records."""
    one = FailureRecord(other(1), "else", 1.0, 1, 1, ("x",), (SHAPE,))

    assert knowledge(one).generic(HERE, "job", SHAPE)


def test_the_push_itself_does_not_count() -> None:
    """A cause that breaks many jobs of one push stays evidence there."""
    here = [FailureRecord(HERE, f"job-{n}", 1.0, 1, 0, (SHAPE,)) for n in range(50)]
    elsewhere = [seen(n, f"job-{n}", shapes=("x",)) for n in range(30)]

    assert not knowledge(*here, *elsewhere).generic(HERE, "job", SHAPE)


def test_known_and_clean() -> None:
    """Intermittent at another push; or never, at enough of them."""
    here = FailureRecord(HERE, "here", 1.0, 1, 1, ())
    ran = {"broken": 9, "here": 4, "new": 3}
    known = knowledge(seen(1, "flaky", passed=1), seen(2, "broken"), here, ran=ran)
    known.learn(["flaky", "broken", "here", "new"])

    assert [known.known(HERE, job, 9.0) for job in ("flaky", "broken", "here")] == [True, False, False]
    assert not known.known(HERE, "flaky", 0.5), "what a later push shows may have come with this one"
    assert [known.clean(job) for job in ("broken", "here", "new", "never")] == [True, True, False, False]


def test_a_push_that_breaks_everything_leaves_room_for_others() -> None:
    """Every intermittent job of it is noted, and some of those that only failed."""
    failed = Run("job", "1", 1, State.FINISHED, Result.FAILURE, time=5.0, failures=(LINE,))
    passed = Run("job", "2", 1, State.FINISHED, Result.SUCCESS, time=9.0)
    jobs = [of_job(f"job-{n}", [failed, passed] if n % 10 == 0 else [failed], ()) for n in range(1000)]

    noted = failure_records(HERE, jobs, 10.0)

    assert sum(one.passed > 0 for one in noted) == 100
    assert sum(one.passed == 0 for one in noted) == 200


def test_sightings_are_of_jobs_that_failed() -> None:
    """Records hold failure lines of failed and passed runs separately."""
    failed = Run("job", "1", 1, State.FINISHED, Result.FAILURE, time=5.0, failures=(LINE,))
    passed = Run("job", "2", 1, State.FINISHED, Result.SUCCESS, time=9.0, failures=("a warning of sorts",))
    jobs = [of_job("job", [failed, passed], ()), of_job("fine", [passed], ())]

    assert failure_records(HERE, jobs, Clock()()) == [
        FailureRecord(HERE, "job", 9.0, 1, 1, (SHAPE,), (fingerprint.shape("a warning of sorts"),))
    ]
