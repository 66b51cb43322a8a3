"""What triggerbot says of its own accuracy, against the truth: a simulation with planted regressions."""

import pytest

from tests.bench.accuracy import simulate
from tests.fakes.fixtures import quiet
from triggerbot.core.policy.calibration import Measured
from triggerbot.reports.calibration import Accuracy, Share, accuracy

__all__ = ["quiet"]


def test_no_planted_regression_is_called_intermittent_and_measuring_changes_no_verdict() -> None:
    """Not even of jobs that are intermittent elsewhere; every job is measured, and the same is said as before."""
    truth = simulate(60)
    assert truth.changed == 0
    assert truth.broken > 5
    assert truth.called_known == truth.called_intermittent == 0
    assert truth.intermittent > 10

    # The jobs that are called intermittent pass again: what fails on by chance is an upper bound.
    let_through = truth.measured.let_through
    assert let_through.of > 10
    assert let_through.hits / let_through.of < 0.2
    assert truth.measured.right[Measured.PASSED].of > 100
    assert next(iter(truth.measured.right)) in (Measured.KNOWN, Measured.INTERMITTENT)
    unmeasured = simulate(60, share=0.0).measured
    assert unmeasured == Accuracy({}, 0)


def test_figures_come_with_their_interval() -> None:
    """Regressions let through first, then each verdict, and what is still open."""
    sums = [
        {"measured": "passed", "right": 90, "wrong": 10, "open": 0},
        {"measured": "intermittent_known", "right": 408, "wrong": 4, "open": 3},
        {"measured": "intermittent", "right": 10, "wrong": 0, "open": 0},
    ]
    assert list(accuracy(sums).sentences()) == [
        "Regressions let through, of jobs called intermittent: 0.9 % (0.4 to 2.4), n = 422",
        "intermittent, as at other pushes: right in 99.0 % (97.5 to 99.6), n = 412",
        "intermittent: right in 100.0 % (72.2 to 100.0), n = 10",
        "passed: right in 90.0 % (82.6 to 94.5), n = 100",
        "3 samples not answered yet.",
    ]
    assert accuracy([]).as_json() == {
        "regressions_let_through": {"number": 0, "n": 0, "share": None, "low": 0.0, "high": 1.0},
        "right": {}, "open": 0, "text": [],
    }  # fmt: skip


def test_a_share_of_nothing_has_no_figure() -> None:
    """It is anything between none and all."""
    assert Share(0, 0).interval == (0.0, 1.0)
    assert Share(0, 20).interval == pytest.approx((0.0, 0.161), abs=0.001)
