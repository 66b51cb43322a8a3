"""What is left for a person: failures to look at, and what is done by hand, with and without triggerbot.

The failing jobs are those of `evidence`, settled by the real policy, verdicts, classification and causes. Beyond that:

- A failed push has `_UNITS` causes on average (geometric). One that is real fails `jobs` jobs of its push alike; a
  failure by chance is of one job, and one in ten of its failing retriggers fails otherwise.
- Without triggerbot a person looks at each cause once, whatever number of jobs it fails. What the base has shown they
  recognise; for everything else they ask for a further run and look at that, until one passes or two have failed.
- With triggerbot they look at what it leaves, once. At Treeherder they classify: each run is a job of its own there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from tests.bench import evidence
from tests.bench.evidence import MIXES, PUSH, WAYS, Failing, Mix, Way, failing, project, settle
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import PROVING
from triggerbot.core.policy.causes import Causes, Decided
from triggerbot.core.policy.evidence import Past
from triggerbot.core.verdict import health, verdict
from triggerbot.core.verdict.history import ENOUGH, Failure, Novelty, Standing
from triggerbot.core.verdict.repeats import Judged, of_one_cause, repeats
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.systems.treeherder.classify import intermittent_failures

#: Failing jobs of a cell.
_FAILING = 20_000
#: Causes of a failed push, on average; jobs that a real one fails; failures by chance that are another one next time.
_UNITS, _JOBS, _OTHERWISE = 2.0, (1, 3), 0.1
#: Runs that a person asks for at most.
_BY_HAND = 2
_AIM = "below 0.5"


class _Seen:
    """What the base shows of the failures of a push (a `same_failure.History`)."""

    def __init__(self, known: Mapping[str, bool]) -> None:
        self._known = known

    def generic(self, job: str, shape: str) -> bool:
        """Treat every line as evidence."""
        return False

    def standing(self, job: str, failure: Failure) -> Standing:
        """Return whether the base has shown it: the history is long enough for that to say something."""
        novelty = Novelty.KNOWN if self._known[job] else Novelty.NEW
        return Standing(novelty, "main", Past(int(self._known[job]), ENOUGH))


@dataclass(frozen=True, slots=True)
class Cell:
    """What is left for a person, by a rule in a mix."""

    #: Per failing job: failed runs, those to classify at Treeherder, and failures to look at.
    failed: float
    classified: float
    looked_at: float
    #: Per failed push: what is done by hand without triggerbot, and with it.
    alone: float
    together: float


def pushes(jobs: Sequence[Failing], each: int, dice: Random) -> Iterator[list[list[Failing]]]:
    """Put failing jobs into pushes, by cause; a real one fails `each` jobs."""
    broken, chance = [one for one in jobs if one.broken], [one for one in jobs if not one.broken]
    units = [[one] for one in chance] + [broken[at : at + each] for at in range(0, len(broken), each)]
    dice.shuffle(units)
    rest = iter(units)
    while unit := next(rest, None):
        more = 0
        while dice.random() < 1 - 1 / _UNITS:
            more += 1
        yield [_alike(one, number) for number, one in enumerate([unit, *islice(rest, more)])]


def _alike(unit: Sequence[Failing], number: int) -> list[Failing]:
    test = f"tests/test_{number}.py::test_{number}"
    line = f"{test}: AssertionError: expected {'some' if unit[0].broken else 'every'} row"
    return [replace(one, line=line, otherwise=0.0 if one.broken else _OTHERWISE) for one in unit]


def settled(causes: Sequence[Sequence[Failing]], way: Way, dice: Random) -> list[JobVerdict]:
    """Let the rule deal with the failing jobs of a push."""
    named = [(f"job-{at}-{number}", one) for at, unit in enumerate(causes) for number, one in enumerate(unit)]
    seen = _Seen({job: one.background.known_on_base for job, one in named})
    decided: list[Decided] = []
    found = []
    for number, (job, one) in enumerate(named, 1):
        first = evidence.first_run(one, job)
        claim = Claim(number, PUSH, job, ClaimState.OPEN, first, dry=False, created=0.0, due=0.0)
        inherits = Causes(decided, PROVING, now=1.0).inherits(claim, [first]) if way.rule.until_proved else None
        if inherits is not None:
            claim = replace(claim, state=ClaimState.REFUSED, refusal=Refusal.SAME_CAUSE, note=inherits.words)
            found.append(verdict.of_job(job, [first], [claim], seen))
            continue
        _, judged = settle(one, way, dice, job, seen)
        assert judged.claim is not None
        decided.append(Decided(replace(judged.claim, id=number), judged.runs))
        found.append(judged)
    return found


def to_classify(jobs: Sequence[JobVerdict]) -> int:
    """Count the failed runs of a push that nobody but a person classifies."""
    known = [Judged(job.job, job.runs, [] if job.claim is None else [job.claim]) for job in jobs]
    left = -sum(1 for _ in of_one_cause(known))
    for job, kept in zip(jobs, known, strict=True):
        repeating = [run.key for _, run in repeats(*kept)]
        left += sum(run.failed for run in job.runs) - len(repeating) - len(intermittent_failures(job, repeating))
    return left


def by_hand(causes: Sequence[Sequence[Failing]], dice: Random) -> int:
    """Count what a person does for the failures of a push."""
    done = 0
    for unit in causes:
        done += 1
        if unit[0].background.known_on_base:
            continue
        for _ in range(_BY_HAND):
            done += 2
            if dice.random() >= unit[0].rate:
                break
    return done


def cell(jobs: Sequence[Failing], each: int, way: Way) -> Cell:
    """Count what a rule leaves of all failing jobs of a cell."""
    failed = classified = looked_at = alone = number = 0
    dice, hand = Random(f"{way.name}{each}"), Random(each)
    for causes in pushes(jobs, each, Random(f"pushes{each}")):
        found = settled(causes, way, dice)
        failed += sum(run.failed for job in found for run in job.runs)
        classified += to_classify(found)
        looked_at += len(health.of_push(found).to_look_at)
        alone += by_hand(causes, hand)
        number += 1
    total = len(jobs)
    return Cell(failed / total, classified / total, looked_at / total, alone / number, looked_at / number)


def cells(jobs: int | None = None) -> Iterator[tuple[Mix, float, int, Way, Cell]]:
    """Count every cell of the table; `jobs`: so many failing jobs of each."""
    for mix in MIXES:
        for real in (0.16, 0.5):
            dice = Random(f"{mix.name}{real}")
            failed = failing(project(mix, real, dice), real, dice)[:jobs]
            for each in _JOBS:
                for way in WAYS:
                    yield mix, real, each, way, cell(failed, each, way)


def measure(_: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure every cell."""
    rows = []
    for mix, real, each, way, found in cells(_FAILING // 10 if quick else None):
        where = f"{way.name}; mix {mix.name}, {100 * real:.0f} % real, of {each} job{'s' if each > 1 else ''} each"
        aim = _AIM if way.rule.until_proved else ""
        rows += [
            {"what": f"{where}: failed runs per failing job", "value": found.failed, "unit": ""},
            {"what": f"{where}: to classify at Treeherder", "value": found.classified, "unit": "", "aim": aim},
            {"what": f"{where}: failures to look at", "value": found.looked_at, "unit": "", "aim": aim},
            {"what": f"{where}: by hand per failed push, without", "value": found.alone, "unit": ""},
            {"what": f"{where}: by hand per failed push, with", "value": found.together, "unit": ""},
        ]
    return rows
