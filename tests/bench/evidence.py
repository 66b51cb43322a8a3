"""What the rules of `retries` cost, and how often "fails every time" is wrong: the real policy, in mixes of jobs.

The mixes are drawn as follows; nothing but a pass tells intermittent from broken.

- A: 16 % of the jobs are intermittent at all, as at Google; B: every job is a little, as in Mozilla's chunks. In both
  a few of the intermittent ones fail 75 to 95 % of the time, the others seldom (Beta(1, 31) in A, Beta(1, 34) in B).
  How many are so bad is chosen so that two retriggers are wrong about as often as in earlier simulations.
- 16 or 50 % of the failures are real: they fail every time. That gives lambda, which the store knows by then.
- Each job was at `_PUSHES` pushes of the base, where one that failed got two further runs. Of an intermittent job's
  failures the share h / (h + 1) is of a kind seen before, after h (a Chinese restaurant process); of real ones 1 %.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.model import PROVING, Push, Result, Run, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy import rules, waves
from triggerbot.core.policy.evidence import Background, Past, Pool, UntilProved, fitted
from triggerbot.core.policy.owed import still_owed
from triggerbot.core.policy.rules import Facts, Rule
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.core.verdict import verdict
from triggerbot.core.verdict.same_failure import NO_HISTORY, History
from triggerbot.core.verdict.verdict import Verdict

#: Failing jobs of a cell, jobs of a project, and pushes of the base that are known of each.
_FAILING, _JOBS, _PUSHES = 20_000, 4_000, 200
#: Of real failures, the share whose line the base has shown as intermittent.
_TAKEN_FOR_KNOWN = 0.01
#: How often the worst jobs fail.
_BAD = 0.75, 0.95
#: What is missing in the failures of an intermittent job that fails otherwise.
_NAMES = "first", "name", "colour", "width", "owner"
PUSH = Push("ci", "bench", "try", "abcdef1")


@dataclass(frozen=True, slots=True)
class Mix:
    """The jobs of a project: how many are intermittent, how seldom most of these fail, and how many fail mostly."""

    name: str
    intermittent: float
    seldom: tuple[float, float]
    bad: float

    def rate(self, dice: Random) -> float:
        """Draw how often a job fails by chance."""
        if dice.random() >= self.intermittent:
            return 0.0
        return dice.uniform(*_BAD) if dice.random() < self.bad else dice.betavariate(*self.seldom)


MIXES = (Mix("A", 0.16, (1, 31), 0.046), Mix("B", 1.0, (1, 34), 0.0033))


@dataclass(frozen=True, slots=True)
class Job:
    """A job: how often it fails by chance, and what is known of it."""

    rate: float
    past: Past


@dataclass(frozen=True, slots=True)
class Project:
    """The jobs of a project, and what its history comes to."""

    jobs: Sequence[Job]
    pool: Pool
    #: The share of job-pushes that really break.
    breaks: float

    @property
    def rates(self) -> list[float]:
        """How often each job fails by chance."""
        return [job.rate for job in self.jobs]


def project(mix: Mix, real: float, dice: Random) -> Project:
    """Draw a project in which this share of failures is real."""
    jobs = []
    for _ in range(_JOBS):
        rate = mix.rate(dice)
        # It failed, and one of two further runs passed.
        seen = rate * (1 - rate**2)
        jobs.append(Job(rate, Past(sum(dice.random() < seen for _ in range(_PUSHES)) if seen else 0, _PUSHES)))
    mean = sum(job.rate for job in jobs) / len(jobs)
    return Project(jobs, fitted([job.past for job in jobs]), mean * real / (1 - real))


@dataclass(frozen=True, slots=True)
class Failing:
    """A failed job of a push: whether it is broken, how often it fails, and what is known of it."""

    broken: bool
    rate: float
    background: Background
    #: What its failed runs say, and how often an intermittent one fails in another way when it runs again.
    line: str = ""
    otherwise: float = 0.0


def failing(of: Project, real: float, dice: Random) -> list[Failing]:
    """Draw the failures of a cell."""
    broken = [dice.random() < real for _ in range(_FAILING)]
    by_chance = iter(dice.choices(of.jobs, of.rates, k=_FAILING))
    found = []
    for one in broken:
        job = dice.choice(of.jobs) if one else next(by_chance)
        seen = job.past.intermittent
        known = dice.random() < (_TAKEN_FOR_KNOWN if one else seen / (seen + 1)) and seen > 0
        background = Background(job.past, of.pool, of.breaks, known_on_base=known, new_on_base=not known)
        found.append(Failing(one, 1.0 if one else job.rate, background))
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """A rule, and whether its CI takes a number of runs at once."""

    name: str
    rule: Rule
    several: bool


_RULE = Rule(Globs(["*"]))
WAYS = (
    Way("2 at once", _RULE, several=True),
    Way("2, stop at a pass", _RULE, several=False),
    Way("evidence, one at a time", replace(_RULE, retries=4, until_proved=UntilProved()), several=False),
    Way("evidence, a number at once", replace(_RULE, retries=4, until_proved=UntilProved()), several=True),
)


def first_run(one: Failing, job: str = "job") -> Run:
    """Return the run that failed."""
    return Run(job, "0", 1, State.FINISHED, Result.FAILURE, failures=(one.line,) if one.line else ())


def _run_again(one: Failing, first: Run, number: int, dice: Random) -> Run:
    run = replace(first, run_id=str(number))
    if dice.random() >= one.rate:
        return replace(run, result=Result.SUCCESS, failures=())
    if one.otherwise and dice.random() < one.otherwise:
        return replace(run, failures=(f"{one.line.partition(': ')[0]}: KeyError: {_NAMES[number]!r}",))
    return run


def settle(
    one: Failing, way: Way, dice: Random, job: str = "job", history: History = NO_HISTORY
) -> tuple[int, verdict.JobVerdict]:
    """Retrigger a failed job as the policy has it; return how often, and the verdict."""
    runs = [first_run(one, job)]
    claim = Claim(1, PUSH, job, ClaimState.OPEN, runs[0], dry=False, created=0.0, due=0.0)
    facts = Facts(PushOptions(), None, False, False, 1, background=one.background, several=way.several)
    decision = rules.decide(claim, way.rule, facts)
    assert decision is not None
    claim = replace(
        claim, state=ClaimState.OWED, cause=Cause.FAILURE, wanted=decision.count, most=decision.most, known_runs=1
    )
    while count := _next(claim, runs, one, way):
        for _ in range(count):
            runs.append(_run_again(one, runs[0], len(runs), dice))
        claim = replace(claim, asked=claim.asked + count, wanted=max(claim.wanted, claim.asked + count))
    if way.rule.until_proved is not None:
        end = waves.step(claim, runs, way.rule.until_proved, one.background, several=way.several, proving=PROVING)
        claim = replace(claim, weight=end.weight if isinstance(end, waves.Enough) else None)
    return claim.asked, verdict.of_job(job, runs, [replace(claim, state=ClaimState.DONE)], history)


def _next(claim: Claim, runs: Sequence[Run], one: Failing, way: Way) -> int:
    if way.rule.until_proved is None:
        owed = still_owed(claim, runs, one_at_a_time=not way.several)
        return owed if way.several else min(owed, 1)
    step = waves.step(claim, runs, way.rule.until_proved, one.background, several=way.several, proving=PROVING)
    return step.count if isinstance(step, waves.Ask) else 0


@dataclass(frozen=True, slots=True)
class Cell:
    """What a rule comes to in a mix."""

    #: Retriggers per failing job.
    retriggers: float
    #: Of the verdicts "fails every time", the share that is wrong; of all failures that are real, those called so.
    wrong: float
    proved: float
    #: Of all failing jobs, those of which nothing was proved.
    open: float


def cell(jobs: Sequence[Failing], way: Way, dice: Random) -> Cell:
    """Settle all failing jobs of a cell by a rule."""
    asked = wrong = right = undecided = 0
    for one in jobs:
        count, judged = settle(one, way, dice)
        asked += count
        if judged.verdict is not Verdict.FAILED:
            continue
        if judged.weight is not None and not judged.weight.proved:
            undecided += 1
        elif one.broken:
            right += 1
        else:
            wrong += 1
    broken = sum(one.broken for one in jobs)
    return Cell(asked / len(jobs), wrong / max(1, wrong + right), right / max(1, broken), undecided / len(jobs))


def cells(jobs: int | None = None) -> list[tuple[Mix, float, Way, Cell]]:
    """Settle every cell of the table; `jobs`: so many failing jobs of each."""
    found = []
    for mix in MIXES:
        for real in (0.16, 0.5):
            dice = Random(f"{mix.name}{real}")
            failed = failing(project(mix, real, dice), real, dice)[:jobs]
            found += [(mix, real, way, cell(failed, way, Random(way.name))) for way in WAYS]
    return found


_AIMS: dict[str, Callable[[Way], str]] = {
    "A": lambda way: "at most 2.0" if way.rule.until_proved else "",
    "B": lambda way: "at most 1.3" if way.rule.until_proved else "",
}


def measure(_: Path, quick: bool) -> list[dict[str, Any]]:
    """Measure every cell."""
    rows = []
    for mix, real, way, found in cells(_FAILING // 10 if quick else None):
        where = f"{way.name}; mix {mix.name}, {100 * real:.0f} % real"
        rows += [
            {"what": f"{where}: retriggers per failing job", "value": found.retriggers, "unit": "",
             "aim": _AIMS[mix.name](way)},
            {"what": f"{where}: wrong of 'fails every time'", "value": 100 * found.wrong, "unit": "%",
             "aim": "at most 10 %" if way.rule.until_proved else ""},
            {"what": f"{where}: real failures that are called so", "value": 100 * found.proved, "unit": "%"},
            {"what": f"{where}: not proved, of all", "value": 100 * found.open, "unit": "%"},
        ]  # fmt: skip
    return rows
