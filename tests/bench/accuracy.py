"""How often verdicts are right where the truth is known: pushes with planted regressions, measured by `calibration`.

The real daemon's parts judge them, on a store and a CI in memory. A job is steady, intermittent, or broken by its push:
what is broken fails at every run. Some of the broken jobs are intermittent at all other pushes.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import structlog

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, push
from triggerbot.core.model import Push, Result, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.calibration import QUIET
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import Novelty, Verdict
from triggerbot.reports import calibration
from triggerbot.reports.calibration import Accuracy
from triggerbot.reports.judge import Judge
from triggerbot.store.memory import Memory

#: Jobs of each push: how often each fails where nothing is broken.
_JOBS: Mapping[str, float] = {f"steady-{number}": 0.0 for number in range(6)} | {
    "now-and-then": 0.1, "sometimes": 0.3, "often": 0.5,
}  # fmt: skip
#: The share of pushes that break a job.
_BREAKING = 0.25
_PUSHES = 400


@dataclass(frozen=True, slots=True)
class Truth:
    """What was said of the jobs of all pushes, against what is true of them."""

    #: Jobs that their push broke; those of them that are called intermittent, and intermittent as at other pushes.
    broken: int
    called_intermittent: int
    called_known: int
    #: Pushes of which something else was said once jobs of them had been measured.
    changed: int
    #: All jobs that are called intermittent, and what `calibration` found.
    intermittent: int
    measured: Accuracy


def simulate(pushes: int, seed: int = 1, share: float = 1.0) -> Truth:
    """Let pushes come one after another, and judge them."""
    with tempfile.TemporaryDirectory() as name:
        simulation = _Simulation(Path(name), Random(seed), share)
        try:
            return simulation.run([push(f"{number:07x}") for number in range(1, pushes + 1)])
        finally:
            simulation.world.close()


class _Simulation:
    def __init__(self, place: Path, dice: Random, share: float) -> None:
        self._dice = dice
        self._ci = MemoryCI()
        self._clock = Clock()
        rule = Rule(Globs(["try"]), calibration=share)
        self.world = World(place / "state.db", {"ci": self._ci}, (rule,), self._clock, tables=Memory())
        self._publisher = self.world.publisher()
        self._broken: dict[Push, str] = {}

    def run(self, pushes: Sequence[Push]) -> Truth:
        """Let each push run to its end before the next comes."""
        said: Counter[str] = Counter()
        for where in pushes:
            if self._dice.random() < _BREAKING:
                self._broken[where] = self._dice.choice(list(_JOBS))
            self._ci.say(where)
            self._ci.put(*(event(job, f"{job}-1", push=where) for job in _JOBS))
            self._settle(where)
            before = self._judged(where)
            said.update(self._said(where, before))
            self.world.publish(self._publisher, QUIET + 60.0)
            self._settle(where)
            said["changed"] += self._judged(where) != before
        sums = self.world.store.statistics.read(0.0)["accuracy"]
        return Truth(
            len(self._broken), said["broken intermittent"], said["broken known"], said["changed"],
            said["intermittent"], calibration.accuracy(sums),
        )  # fmt: skip

    def _settle(self, where: Push) -> None:
        """End what runs until nothing more comes."""
        while True:
            while self.world.dispatcher.step():
                pass
            waiting = [one for one in self._ci.runs[where].values() if one.state is not State.FINISHED]
            if not waiting:
                break
            for one in waiting:
                result = Result.FAILURE if self._fails(where, one.job) else Result.SUCCESS
                ended = replace(one, state=State.FINISHED, result=result)
                self._ci.put(ended)
                self.world.hear(ended)
            self._clock.move(60.0)
        self.world.publish(self._publisher)

    def _fails(self, where: Push, job: str) -> bool:
        return self._broken.get(where) == job or self._dice.random() < _JOBS[job]

    def _judged(self, where: Push) -> PushVerdict:
        record = self.world.store.pushes.record(where)
        assert record is not None
        return Judge(self.world.store, self._clock, fresh=0.0).judge(record)

    def _said(self, where: Push, judged: PushVerdict) -> list[str]:
        found = []
        for job in judged.jobs:
            if job.verdict is Verdict.INTERMITTENT:
                broken = self._broken.get(where) == job.job
                found += ["intermittent", *(["broken intermittent"] if broken else [])]
                found += ["broken known"] if broken and job.novelty is Novelty.KNOWN else []
        return found


def measure(_: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure the truth, and what triggerbot says of itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    truth = simulate(_PUSHES // 10 if quick else _PUSHES)
    let_through = truth.measured.let_through
    rows: list[dict[str, Any]] = [
        {"what": "planted regressions", "value": truth.broken, "unit": ""},
        {"what": "of these called intermittent, as at other pushes", "value": truth.called_known, "unit": "",
         "aim": "0"},
        {"what": "of these called intermittent at all: let through", "value": truth.called_intermittent, "unit": "",
         "aim": "0"},
        {"what": "let through as calibration measures it, at most", "unit": "%",
         "value": 100 * let_through.hits / max(1, let_through.of)},
    ]  # fmt: skip
    return rows + [
        {"what": f"{calibration.WORDS[one][0]}: right, as calibration measures it", "unit": "%",
         "value": 100 * share.hits / share.of}
        for one, share in truth.measured.right.items()
    ]  # fmt: skip
