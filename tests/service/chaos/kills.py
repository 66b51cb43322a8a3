"""kill -9 of the daemon at random moments, on either store, with either intake."""

import random
import time
from typing import Any

from tests.fakes.rabbit import Rabbit
from tests.service.chaos.checker import Verdict
from tests.service.chaos.harness import IntakeName, Stage, StoreName, settle, stage, write_config

#: Shortest and longest life in seconds; one life in so many lasts longer, for work that is done once a second.
SHORTEST, LONGEST = 0.005, 0.5
_RARE, _LONG = 50, 3.0
#: The share of kills right after an event was acknowledged, when it has to be safe.
_AIMED = 0.2


def kills(
    store: StoreName, intake: IntakeName, runs: int, seed: int, rabbit: Rabbit | None = None
) -> tuple[Verdict, dict[str, Any]]:
    """Kill a daemon again and again while failures keep coming, and let the last life finish all work."""
    dice = random.Random(seed)
    begun = time.monotonic()
    fed = 0
    with stage(store, intake, seed, rabbit=rabbit) as made:
        for number in range(runs):
            longest = _LONG if number % _RARE == _RARE - 1 else LONGEST
            end = dice.uniform(SHORTEST, longest)
            moments = sorted(dice.uniform(0, longest) for _ in range(dice.randint(0, 4)))
            # Every other life is timed from its very start, so that some end before they have begun to work.
            life = made.start() if number % 2 else made.start_up()
            start = time.monotonic()
            for moment in moments:
                jobs = [f"job-{one}" for one in range(dice.randint(1, 3))]
                if moment < end:
                    _until(start + moment)
                    made.feeder.feed(*made.ground.fail(f"{fed:07x}", jobs))
                    fed += 1
            if dice.random() < _AIMED:
                made.feeder.taken.clear()
                made.feeder.taken.wait(max(0.0, start + end - time.monotonic()))
            else:
                _until(start + end)
            life.kill()
        faults = made.ground.calm()
        life = made.start()
        settled = settle(made, life)
        life.kill()
        verdict = made.verdict()
        about = {"kills": runs, "seconds": round(time.monotonic() - begun), "settled": settled, "faults": faults,
                 "log": made.history()}  # fmt: skip
        if store == "sqlite":
            about["integrity"] = made.integrity()
        made.keep_files = not (verdict.good and settled)
        if made.keep_files:
            about["directory"] = str(made.directory)
    return verdict, about


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


__all__ = ["IntakeName", "Stage", "StoreName", "kills", "settle", "stage", "write_config"]
