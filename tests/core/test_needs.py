"""Which failures follow from other jobs, and what a rerun starts along."""

from typing import Any

import pytest

from tests.fakes.world import event
from triggerbot.core.model import Event, Kind
from triggerbot.core.needs import Needs, words
from triggerbot.core.policy.never_start import NEVER_START, NeverStart

TEST = event("test (2)", "1", result="failure", batch="7")
FINE = event("test (1)", "2", result="success", batch="7")


def gate(
    result: str = "failure", job: str = "gate", needs: tuple[str, ...] = ("test (1)", "test (2)"), **more: Any
) -> Event:
    """Say how a job that needs others ended."""
    return event(job, more.pop("run_id", f"run of {job}"), result=result, needs=needs, batch="7", **more)


@pytest.mark.parametrize("first", [True, False])
def test_a_gate_follows_from_what_it_needs_and_failed(first: bool) -> None:
    """Whichever is listed first."""
    runs = [FINE, TEST, gate()]
    assert Needs(runs if first else runs[::-1]).follows_from(gate()) == ("test (2)",)
    assert Needs(runs).derived("gate") == {gate().key: ("test (2)",)}
    assert Needs(runs).derived("test (2)") == {}


@pytest.mark.parametrize(
    ("runs", "causes"),
    [
        ([FINE, gate()], ()),
        ([event("test (2)", "1", result="cancelled", batch="7"), gate()], ("test (2)",)),
        ([event("test (2)", "1", result="skipped", batch="7"), gate()], ()),
        ([event("test (2)", "1", result="failure", batch="7", allowed_to_fail=True), gate()], ()),
        # Another workflow run has a job of the same name.
        ([event("test (2)", "1", result="failure", batch="8"), gate()], ()),
        # A further attempt of what it needs came later than the gate's run, or before it.
        ([TEST, event("test (2)", "9", result="success", batch="7", attempt=2), gate()], ("test (2)",)),
        ([TEST, event("test (2)", "9", result="success", batch="7", attempt=2), gate(attempt=2)], ()),
        # A person reran the gate alone: what it needs was carried over.
        ([TEST, gate(attempt=2)], ("test (2)",)),
        ([TEST, gate(needs=())], ()),
    ],
)  # fmt: skip
def test_when_a_failure_is_the_gates_own(runs: list[Event], causes: tuple[str, ...]) -> None:
    """If all that it needs passed, may fail, or was skipped for no failure."""
    assert Needs(runs).follows_from(runs[-1]) == causes


def test_the_beginning_of_the_chain_is_named() -> None:
    """Through gates of gates, and through jobs that were skipped."""
    skipped = gate("skipped", "package", ("test (2)",))
    last = gate("failure", "all", ("package", "gate"))
    assert Needs([TEST, FINE, skipped, gate(), last]).follows_from(last) == ("test (2)",)


def test_what_hostile_jobs_need_ends() -> None:
    """Circles and chains without an end."""
    circle = [gate(job="a", needs=("b",)), gate(job="b", needs=("a",))]
    assert Needs(circle).follows_from(circle[0]) == ()
    chain = [gate(job=f"job {n}", needs=(f"job {n + 1}",)) for n in range(5000)]
    assert len(Needs(chain).follows_from(chain[0])) == 1
    assert Needs([gate(needs=("gate",))]).follows_from(gate(needs=("gate",))) == ()


def test_without_batches_the_times_tell_which_run_counted() -> None:
    """A CI without attempts gives each run another id."""
    first, gone = event("test", "1", result="failure", time=10.0), event("gate", "2", result="failure", time=20.0)
    needy = Event(**{name: getattr(gone, name) for name in gone.__slots__} | {"needs": ("test",)})
    again = event("test", "3", result="success", time=30.0)
    assert Needs([first, again, needy]).follows_from(needy) == ("test",)
    late = event("gate", "4", result="failure", time=40.0, needs=("test",))
    assert Needs([first, again, needy, late]).follows_from(late) == ()
    timeless = event("gate", "4", result="failure", needs=("test",))
    assert Needs([first, timeless]).follows_from(timeless) == ("test",)


def test_a_rerun_starts_what_needs_the_job() -> None:
    """Directly or not; an entry of a whole workflow starts all of it."""
    deploy = gate("skipped", "deploy", ("gate",))
    needs = Needs([TEST, FINE, gate(), deploy])
    assert needs.starts(TEST) == ("deploy", "gate")
    assert needs.starts(deploy) == ()
    assert needs.starts(event("CI", "7", result="failure", batch="7", kind=Kind.WORKFLOW)) == (
        "deploy", "gate", "test (1)", "test (2)",
    )  # fmt: skip


def test_words_name_a_few() -> None:
    """By what people call them."""
    assert words(("k",), {"k": "test (2)"}) == "follows from `test (2)`"
    assert words(("a", "b", "c", "d"), {}) == "follows from `a`, `b`, `c` and 1 more"


@pytest.mark.parametrize(
    ("patterns", "job", "environment", "along", "itself"),
    [
        (NEVER_START, "CI / Deploy to production", False, True, False),
        (NEVER_START, "test", False, False, False),
        (NEVER_START, "integration", True, True, True),
        (("*nightly*",), "CI / Nightly", False, True, True),
        (("*nightly*",), "deploy", True, False, False),
        ((), "deploy", True, False, False),
    ],
)  # fmt: skip
def test_what_is_never_started(
    patterns: tuple[str, ...], job: str, environment: bool, along: bool, itself: bool
) -> None:
    """By words in any case; by an environment as long as the words are the default."""
    never, listed = NeverStart(patterns), event(job, environment=environment)
    assert (never.along(job, listed), never.itself(job, listed)) == (along, itself)
