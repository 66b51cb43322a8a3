"""What other pushes show about a failure, and what that is worth."""

from dataclasses import dataclass

import pytest

from triggerbot.core.model import Push
from triggerbot.core.policy.evidence import Past
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.history import ENOUGH, Failure, Novelty, Place, base_branch, is_outage, standing

LOGIN = fingerprint.shapes(("FAILED tests/test_login.py::test_login - KeyError: no such user",))
REFUND = fingerprint.shapes(("FAILED tests/test_cart.py::test_refund - ValueError: wrong total",))


@dataclass(frozen=True)
class Sighting:
    """A job that failed at some push."""

    push: Push
    author: str | None = "bob"
    began: float = 10.0
    shapes: tuple[str, ...] = LOGIN
    intermittent: bool = True
    fork: bool = False


def at(branch: str, revision: str = "1", system: str = "ci") -> Push:
    """Name a push."""
    return Push(system, "app", branch, revision)


HERE = Place(at("change", "here"), "ann", "main")
FAILURE = Failure((LOGIN,), 100.0, 200.0)


def test_the_failure_counts_and_not_the_job() -> None:
    """A job that was intermittent in one test is not known to be so in another one."""
    seen = [Sighting(at("main", str(number))) for number in range(4)]

    other = standing(Failure((REFUND,), 100.0, 200.0), HERE, seen, 4)
    same = standing(FAILURE, HERE, seen, 8)

    assert (other.novelty, other.failure, other.job) == (Novelty.UNKNOWN, Past(0, 4), Past(4, 4))
    assert other.words == "not seen in 4 pushes of main: that says little; the job was intermittent at 4 of 4"
    assert (same.novelty, same.failure) == (Novelty.KNOWN, Past(4, 8))
    assert same.words == "known: it was intermittent in the same way at 4 of 8 pushes of main"


def test_every_failure_of_a_job_has_to_be_known() -> None:
    """One run failed in a way that is known, and one in another."""
    seen = [Sighting(at("main"))]

    found = standing(Failure((LOGIN, REFUND), 100.0, 200.0), HERE, seen, ENOUGH)

    assert (found.novelty, found.failure) == (Novelty.NEW, Past(1, ENOUGH))


def test_every_test_of_a_run_has_to_be_known() -> None:
    """One that fails along with another is not excused by that; what is no test's line may differ."""
    both = Failure(((*LOGIN, *REFUND),), 100.0, 200.0)
    alone = Failure(((*LOGIN, "the server at the other end hung up"),), 100.0, 200.0)

    assert standing(both, HERE, [Sighting(at("main"))], ENOUGH).novelty is Novelty.NEW
    assert standing(alone, HERE, [Sighting(at("main"))], ENOUGH).novelty is Novelty.KNOWN
    seen = [Sighting(at("main")), Sighting(at("main", "2"), shapes=REFUND)]
    assert standing(both, HERE, seen, ENOUGH).novelty is Novelty.KNOWN


@pytest.mark.parametrize(
    ("seen", "novelty"),
    [
        # The first commit of a pull request does not excuse the second.
        ([Sighting(at("change"), "ann")], Novelty.NEW),
        ([Sighting(at("change")), Sighting(at("second"), "ann")], Novelty.NEW),
        ([Sighting(at("other"), None), Sighting(at("second"), None)], Novelty.NEW),
        # One other branch is too little to call it known, and too much to suspect the push.
        ([Sighting(at("other"))], Novelty.UNKNOWN),
        ([Sighting(at("other")), Sighting(at("other", "2"))], Novelty.UNKNOWN),
        ([Sighting(at("other")), Sighting(at("second"), "carl")], Novelty.KNOWN),
        ([Sighting(at("other")), Sighting(at("second"), shapes=REFUND)], Novelty.UNKNOWN),
        ([Sighting(at("try")), Sighting(at("try", "2"), "carl")], Novelty.KNOWN),
        ([Sighting(at("try")), Sighting(at("try", "2"))], Novelty.UNKNOWN),
        # The base branch is enough, whoever pushed to it.
        ([Sighting(at("main"), "ann")], Novelty.KNOWN),
        ([Sighting(at("main"), None)], Novelty.KNOWN),
        # Branches of forks are not those of the project that have their names.
        ([Sighting(at("main"), fork=True)], Novelty.UNKNOWN),
        ([Sighting(at("main"), fork=True), Sighting(at("main", "2"), "carl", fork=True)], Novelty.KNOWN),
        ([Sighting(at("change"), fork=True)], Novelty.UNKNOWN),
        # What proves nothing counts for nothing: an outage, and what failed and never passed.
        ([Sighting(at("main"), intermittent=False)], Novelty.NEW),
        # It may have been merged by then.
        ([Sighting(at("main"), began=201.0)], Novelty.NEW),
        ([Sighting(at("other"), began=201.0), Sighting(at("second"), began=201.0)], Novelty.NEW),
        # It failed after this push did, and before anybody knew what that was.
        ([Sighting(at("other"), began=150.0)], Novelty.UNKNOWN),
        ([Sighting(at("main"), began=150.0)], Novelty.KNOWN),
    ],
)
def test_who_makes_a_failure_known(seen: list[Sighting], novelty: Novelty) -> None:
    """The base branch, or two branches of other authors."""
    assert standing(FAILURE, HERE, seen, ENOUGH).novelty is novelty


def test_later_pushes_of_a_branch_contain_the_earlier_ones() -> None:
    """On the base branch only what failed before counts: what comes after may come of this push."""
    here = Place(at("main", "here"), "ann", "main")

    assert standing(FAILURE, here, [Sighting(at("main"), began=99.0)], ENOUGH).novelty is Novelty.KNOWN
    assert standing(FAILURE, here, [Sighting(at("main"), began=150.0)], ENOUGH).novelty is Novelty.NEW


@pytest.mark.parametrize(
    ("pushes", "touched", "novelty", "words"),
    [
        (0, False, Novelty.UNKNOWN, "nothing is known of the job on main"),
        (4, False, Novelty.UNKNOWN, "not seen in 4 pushes of main: that says little"),
        (ENOUGH - 1, False, Novelty.UNKNOWN, "not seen in 59 pushes of main: that says little"),
        (ENOUGH, False, Novelty.NEW, "suspected new: not seen in 60 pushes of main"),
        (4, True, Novelty.TOUCHED, "suspected new: not seen in 4 pushes of main, and this push changes its folder"),
        (0, True, Novelty.TOUCHED, "suspected new: not seen before, and this push changes its folder"),
    ],
)  # fmt: skip
def test_the_worth_of_the_evidence_is_said(pushes: int, touched: bool, novelty: Novelty, words: str) -> None:
    """After a few pushes most of the old intermittent failures have not been seen yet."""
    found = standing(Failure((LOGIN,), 100.0, 200.0, touched), HERE, (), pushes)

    assert (found.novelty, found.words) == (novelty, words)


def test_a_failure_that_is_known_may_touch_anything() -> None:
    """It was there before the change."""
    touching = Failure((LOGIN,), 100.0, 200.0, touched=True)

    assert standing(touching, HERE, [Sighting(at("main"))], ENOUGH).novelty is Novelty.KNOWN


def test_two_failures_of_which_nothing_is_told_are_not_known_to_be_the_same() -> None:
    """Only where the job was never intermittent is one without a line certainly new."""
    silent, seen = Failure(((),), 100.0, 200.0), [Sighting(at("main"), shapes=())]

    assert standing(silent, HERE, (), ENOUGH).novelty is Novelty.NEW
    found = standing(silent, HERE, seen, ENOUGH)
    assert found.novelty is Novelty.UNKNOWN
    assert found.words == (
        "no line tells what failed, so it is not known whether that was seen before"
        "; the job was intermittent at 1 of 60"
    )
    assert standing(FAILURE, HERE, seen, ENOUGH).novelty is Novelty.UNKNOWN
    generic = [Sighting(at("main"), shapes=("it failed",))]
    assert standing(FAILURE, HERE, generic, ENOUGH, lambda shape: shape == "it failed").novelty is Novelty.UNKNOWN


def test_words_of_branches() -> None:
    """The number of them that show the failure is said."""
    one = [Sighting(at("other"))]

    assert standing(FAILURE, HERE, one, 9).words == (
        "another author's branch shows it as well, which is too little to call it known"
    )
    assert standing(FAILURE, HERE, [*one, Sighting(at("second"))], 9).words == (
        "known: 2 branches of other authors show the same failure"
    )


def test_without_a_base_branch() -> None:
    """All other pushes are counted, and only other branches make anything known."""
    here = Place(at("change", "here"), "ann")

    assert standing(FAILURE, here, (), 0).words == "nothing is known of the job at other pushes"
    assert standing(FAILURE, here, (), ENOUGH).words == "suspected new: not seen in 60 other pushes"
    assert standing(FAILURE, here, [Sighting(at("main"))], 9).novelty is Novelty.UNKNOWN


@pytest.mark.parametrize(
    ("pushes", "told", "base"),
    [
        ({}, (), ""),
        ({"a": 3, "b": 2}, (), ""),
        ({"a": 3, "main": 1}, (), "main"),
        ({"main": 3, "dev": 1}, ("dev",), "dev"),
        ({"release": 12, "a": 3}, (), "release"),
        ({"release": 12, "a": 30}, (), "a"),
        ({"release": 12, "a": 11, "b": 11}, (), ""),
        ({"try": 90, "a": 3}, (), ""),
    ],
)
def test_the_base_branch(pushes: dict[str, int], told: tuple[str, ...], base: str) -> None:
    """What the CI calls the default, what is usually called so, or the branch that most pushes are on."""
    assert base_branch(pushes, told) == base


@pytest.mark.parametrize(
    ("failed", "ended", "outage"), [(4, 4, False), (5, 5, True), (8, 10, False), (9, 10, True), (0, 0, False)]
)
def test_an_outage(failed: int, ended: int, outage: bool) -> None:
    """Over 80 % of the jobs of a push fail, and there are a few."""
    assert is_outage(failed, ended) is outage
