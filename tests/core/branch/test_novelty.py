"""What is new, known, no longer failing, vanished or newly skipped, and what cannot be told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.branch.novelty import Change, Finding, Outcome, compare, outcome
from triggerbot.core.run_tests import FailingTest, RunTests


def whole(failing: str = "", passed: str = "", skipped: str = "", **more: Any) -> Outcome:
    """What a job came to by reports that list every test, each named by a letter."""
    tests = RunTests(len(passed), len(failing), 0, len(skipped), None, tuple(FailingTest(one, "E") for one in failing))
    return outcome("job", tests, frozenset(passed), frozenset(skipped), **{"complete": True, "whole": True, **more})


def counted(failing: str = "", *, unlisted: int = 0) -> Outcome:
    """What a job came to by an event: it lists what fails, and counts the rest."""
    tests = RunTests(5, len(failing) + unlisted, failing=tuple(FailingTest(one, "E") for one in failing))
    return outcome("job", tests, frozenset(), frozenset(), complete=False, whole=True)


def alone(*, failed: bool, **more: Any) -> Outcome:
    """A job of which no tests are known."""
    return Outcome("job", failed, **more)


def told(here: Outcome | None, before: Outcome | None, **more: Any) -> dict[str, str]:
    """Return the change of each test, and of the job as a whole."""
    found = compare({"job": here} if here else {}, {"job": before} if before else {}, **more)
    return {one.test or one.job: str(one.change) for one in found}


@pytest.mark.parametrize(
    ("here", "before", "changes"),
    [
        (whole("a", "b"), whole("", "ab"), {"a": "new"}),
        (whole("a", "b"), whole("a", "b"), {"a": "known"}),
        (whole("", "ab"), whole("a", "b"), {"a": "no_longer_failing"}),
        (whole("", "b"), whole("a", "b"), {"a": "vanished"}),
        (whole("", "b", "a"), whole("a", "b"), {"a": "newly_skipped"}),
        (whole("", "b"), whole("", "ab"), {"a": "vanished"}),
        (whole("", "b", "a"), whole("", "ab"), {"a": "newly_skipped"}),
        (whole("", "b", "a"), whole("", "b", "a"), {}),
        (whole("a", "b"), whole("b", "a"), {"a": "new", "b": "no_longer_failing"}),
        # A test that did not exist before is new.
        (whole("c", "ab"), whole("", "ab"), {"c": "new"}),
        # Events list only what fails.
        (counted("a"), counted(""), {"a": "new"}),
        (counted("ab"), counted("b"), {"a": "new", "b": "known"}),
        (counted(""), counted("a"), {"a": "no_longer_failing"}),
        (counted("a"), counted("b", unlisted=3), {"a": "unknown", "b": "no_longer_failing"}),
        (counted("b", unlisted=3), counted("a"), {"b": "new"}),
        # Reports that were damaged tell only what they tell.
        (whole("a", whole=False), whole("ab"), {"a": "known", "b": "vanished"}),
        (whole("a", whole=False, complete=False), whole("ab"), {"a": "known"}),
        (whole("", "b", whole=False, complete=False), whole("a"), {}),
        (whole("a"), whole("b", whole=False, complete=False), {"a": "unknown", "b": "vanished"}),
        # By job where tests are not known.
        (alone(failed=True), alone(failed=False), {"job": "new"}),
        (alone(failed=True), alone(failed=True), {"job": "known"}),
        (alone(failed=False), alone(failed=True), {"job": "no_longer_failing"}),
        (alone(failed=True, shapes=("lost the disk",)), alone(failed=True, shapes=("no such file",)), {"job": "new"}),
        (alone(failed=True, shapes=("lost the disk",)), alone(failed=True), {"job": "known"}),
        (counted("a"), alone(failed=False), {"a": "new"}),
        (counted("a"), alone(failed=True), {"job": "known"}),
        (alone(failed=True), counted("a"), {"job": "known"}),
        (counted(unlisted=2), counted(), {"job": "new"}),
        # What was proved intermittent is none of the push, and was seen to fail.
        (alone(failed=False, intermittent=True), alone(failed=False), {}),
        (alone(failed=True), alone(failed=False, intermittent=True), {"job": "unknown"}),
        # A job that is missing, and one that was.
        (None, whole("a"), {"job": "vanished"}),
        (whole("a"), None, {"a": "new"}),
    ],
)  # fmt: skip
def test_the_table(here: Outcome | None, before: Outcome | None, changes: dict[str, str]) -> None:
    """Case by case."""
    assert told(here, before) == changes


def test_an_intermittent_failure_before_was_a_failure() -> None:
    """Its tests are known; others are new."""
    before = Outcome("job", False, intermittent=True, tests=RunTests(1, 1), failing={"a": "E"}, listed=True)
    assert told(counted("ab"), before) == {"a": "known", "b": "new"}


def test_where_nothing_is_known_of_before_nothing_is_new() -> None:
    """And while jobs are to come, none has vanished."""
    assert [one.change for one in compare({"job": whole("a")}, None)] == [Change.UNKNOWN]
    assert told(None, whole("a"), all_ran=False) == {}


def test_lines_come_with_it() -> None:
    """Of what no longer fails the earlier one."""
    assert compare({"job": whole("a", "b")}, {"job": whole("b", "a")}) == [
        Finding(Change.NEW, "job", "a", "E"),
        Finding(Change.NO_LONGER_FAILING, "job", "b", "E"),
    ]


OUTCOMES = st.builds(
    lambda letters, complete, is_whole: whole(
        "".join(test for test, end in letters.items() if end == "F"),
        "".join(test for test, end in letters.items() if end == "P"),
        "".join(test for test, end in letters.items() if end == "S"),
        complete=complete,
        whole=is_whole,
    ),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("FPS")),
    st.booleans(),
    st.booleans(),
)


@given(OUTCOMES, OUTCOMES)
def test_every_failure_is_told_once(here: Outcome, before: Outcome) -> None:
    """And nothing is called new that failed before, nor gone what fails."""
    found = compare({"job": here}, {"job": before})
    tests = [one.test for one in found]
    assert len(tests) == len(set(tests))
    failing = {one.test for one in found if one.change.fails}
    assert failing == here.failing.keys() or failing == {""} or not here.failed
    assert not {one.test for one in found if one.change is Change.NEW} & before.failing.keys()
    assert not {one.test for one in found if not one.change.fails} & here.failing.keys()
