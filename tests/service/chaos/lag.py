"""The limit of the promise: a CI that takes a request, fails to answer, and lists the new run late."""

import time
from collections.abc import Sequence
from typing import Any

from tests.service.chaos.checker import Verdict
from tests.service.chaos.harness import stage

#: The `grace` of the config, in seconds; lags are multiples of it.
GRACE = 1.0
PROMISED = 2.0
LAGS = (0.5, 1.0, 1.5, 1.9, 2.1, 2.5, 3.0, 5.0)


def one(lag: float, runs: int, seed: int) -> Verdict:
    """Lose every answer of a CI that lists new runs after `lag` grace times, without their operation."""
    with stage(
        "sqlite", "webhook", seed, posts={"500_after": 100}, reads={}, lag=lag * GRACE, marks=False,
        breaker="{failures: off, pushes: off}",
    ) as made:  # fmt: skip
        life = made.start_up()
        for number in range(runs):
            made.feeder.feed(*made.ground.fail(f"{number:07x}", ["job"]))
        until = time.monotonic() + 60
        while time.monotonic() < until and not made.done:
            time.sleep(0.05)
        # A second request comes after two grace times at the earliest, and a third after four more.
        time.sleep((max(lag, 2.0) + 2.0) * GRACE)
        life.kill()
        verdict = made.verdict()
        made.keep_files = False
    return verdict


def lag(runs: int, seed: int, lags: Sequence[float] = LAGS) -> tuple[Verdict, dict[str, Any]]:
    """Measure how many requests are doubled, by the lag; the promise covers up to two grace times."""
    begun = time.monotonic()
    summary: dict[str, str] = {}
    promised: list[Verdict] = []
    for each in lags:
        verdict = one(each, runs, seed)
        summary[f"lag of {each:g} grace times"] = f"{len(verdict.doubled)} of {runs} doubled, {len(verdict.lost)} lost"
        if each < PROMISED:
            promised.append(verdict)
    worst = next((verdict for verdict in promised if not verdict.good), promised[-1])
    return worst, {**summary, "seconds": round(time.monotonic() - begun)}
