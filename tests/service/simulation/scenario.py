"""What a seed stands for: a CI with its habits, a rule, pushes with their jobs, and what goes wrong how often."""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from triggerbot.core.patterns import Globs
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.circuit_breaker import NEVER, BreakerSettings
from triggerbot.core.policy.evidence import NO_HISTORY, Background, Past, Pool, UntilProved
from triggerbot.core.policy.limits import Caps, Limits
from triggerbot.core.policy.rules import Rule
from triggerbot.core.policy.superseded import Superseded

#: What a push's message may say: nothing of interest, mostly.
MESSAGES = (
    "fix it", "fix it", "fix it", "fix it", "fix it\n\ntry: -b do --rebuild 3", "try: -b do --no-retry",
    "fix it DONTBUILD", "try: -b do --rebuild 1 --no-retry",
)  # fmt: skip


class Habit(StrEnum):
    """How a CI takes requests for further runs."""

    BATCH = "batch"
    PARALLEL = "parallel"
    SERIAL = "serial"
    #: Further attempts of what it keeps together, one at a time, as GitHub does it.
    RERUN = "rerun"


@dataclass(frozen=True, slots=True)
class Faults:
    """How often something goes wrong: shares of the calls or messages concerned."""

    #: A request: the CI takes it but the answer is lost; it is lost on the way; refused; put off; slow.
    unanswered: float = 0.0
    lost: float = 0.0
    refused: float = 0.0
    later: float = 0.0
    slow: float = 0.0
    #: A look-back: no answer, not known, parts that make no sense.
    dumb: float = 0.0
    nonsense: float = 0.0
    #: A message: lost, told twice, told late.
    unheard: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    #: Calls between two faults of the store or the process, on average; 0 is never.
    between: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is drawn before the first moment."""

    seed: int
    habit: Habit
    #: Whether the CI tells of a run which request it came of.
    names: bool
    grace: float
    #: Whether the events bring the push's message, and whether they are leads which bring neither job nor push.
    tells: bool
    leads: bool
    #: Whether runs name their machines, and failures their step, so that breakers of those may open.
    pools: bool
    rule: Rule
    bounds: Limits
    faults: Faults
    replicas: int
    #: Seconds between sweeps; the last one comes in any case.
    sweep: float
    #: For each push: its message, and the jobs that fail at first.
    pushes: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    #: The share of the first runs, and of the further ones, that fail.
    flaky: float
    #: Seconds for which things go wrong.
    storm: float
    pauses: int
    wishes: int
    #: Retriggers that somebody else makes in the CI itself.
    strangers: int
    jumps: int
    #: Newer commits of the branch, beside the pushes; and pushes whose runs somebody stops.
    newer: int
    stops: int
    #: Whether the store is replaced by an older copy of it at some time.
    forgets: bool
    #: Seconds by which what lists the runs of pushes is behind.
    behind: float = 0.0
    #: How many different failures the jobs of a push have; 0: no line tells.
    causes: int = 0
    #: What is known of each job.
    background: Background = NO_HISTORY


def late_treeherder(seed: int) -> Scenario:
    """Draw a history at a CI such as Mozilla's: leads, retriggers in batches, and a Treeherder that is an hour late.

    A person who asks for something in that hour is told at once that it is not found, and may ask again.
    """
    made = draw(seed, forgets=False)
    faults = replace(made.faults, nonsense=0.0)
    return replace(
        made, habit=Habit.BATCH, leads=True, faults=faults, sweep=300.0, storm=5000.0, jumps=0, wishes=0,
        behind=3600.0,
    )  # fmt: skip


def draw(seed: int, *, replicas: int | None = None, forgets: bool = True, weighs: bool = False) -> Scenario:
    """Draw what a seed stands for; `replicas` overrides how many there are, `forgets`: whether the store may forget.

    `weighs`: retriggers go by what runs prove.
    """
    dice = Random(seed)
    habit = dice.choice(tuple(Habit))
    pushes = []
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3))):
        jobs = tuple(f"job-{number}" for number in range(dice.choice((1, 2, 2, 3, 4, 6))))
        pushes.append((dice.choice(MESSAGES), jobs, tuple(job for job in jobs if dice.random() < 0.8)))
    retries = dice.choice((1, 2, 2, 2, 3))
    drawn = dice.choice((1, 2, 3, 3))
    outage = dice.random() < 0.004
    made = Scenario(
        seed=seed,
        habit=habit,
        names=habit is not Habit.RERUN and dice.random() < 0.7,
        grace=dice.choice((1.0, 20.0, 60.0, 60.0, 300.0)),
        tells=dice.random() < 0.5,
        leads=dice.random() < 0.15,
        pools=dice.random() < 0.3,
        rule=Rule(Globs(["try"]), retries=retries, budget=_budget(dice)),
        bounds=_bounds(dice),
        faults=Faults(dumb=1.0, unanswered=0.3, between=200) if outage else _faults(dice),
        replicas=drawn if replicas is None else replicas,
        sweep=dice.choice((120.0, 600.0, 3600.0)),
        pushes=tuple(pushes),
        flaky=dice.choice((0.2, 0.5, 0.9)),
        storm=100_000.0 if outage else dice.choice((60.0, 300.0, 900.0)),
        pauses=dice.choice((0, 0, 0, 1, 2)),
        wishes=dice.choice((0, 0, 0, 1, 2)),
        strangers=dice.choice((0, 0, 0, 0, 1, 2)),
        jumps=dice.choice((0, 0, 0, 0, 0, 1)),
        newer=0,
        stops=dice.choice((0, 0, 0, 0, 0, 1)),
        # Dice of its own: what the others have drawn stays so.
        forgets=forgets and Random(seed + 2_000_003).random() < 0.15,
    )
    drawn_one = _one_branch(made, dice) if dice.random() < 0.2 else made
    return _weighing(drawn_one) if weighs else drawn_one


def _weighing(made: Scenario) -> Scenario:
    """Let retriggers go by what runs prove, with dice of their own."""
    dice = Random(made.seed + 3_000_017)
    until = UntilProved(dice.choice((0.05, 0.2)), dice.choice((1, 2, 4, 4)))
    background = dice.choice(
        (NO_HISTORY, Background(Past(60, 100), Pool(1, 9), 0.1), Background(Past(0, 500), Pool(0.5, 7), 0.05))
    )
    first = dice.random() < 0.6
    rule = replace(made.rule, retries=until.most, until_proved=until, first_of_cause=first)
    return replace(made, rule=rule, background=background, causes=dice.choice((0, 1, 2, 3)))


def _one_branch(made: Scenario, dice: Random) -> Scenario:
    """Let the newest push of the branch supersede the others."""
    rule = replace(made.rule, superseded=Superseded(skip=Globs(["*"])))
    return replace(made, rule=rule, newer=dice.choice((0, 1, 1, 2)))


def _budget(dice: Random) -> Budget:
    return dice.choice((Budget(), Budget(), Budget(100, 10), Budget(0, 0), Budget(0, 1), Budget(50, 1)))


def _bounds(dice: Random) -> Limits:
    breakers = dice.choice(
        (
            BreakerSettings(failures=NEVER, pushes=NEVER),
            BreakerSettings(),
            BreakerSettings(),
            BreakerSettings(failures=2, pushes=2, within=300.0, share=20.0),
        )
    )
    return Limits(breakers, dice.choice((Caps(), Caps(), Caps(), Caps(service=6), Caps(project=7, author=2))))


def _faults(dice: Random) -> Faults:
    def share() -> float:
        return dice.choice((0.0, 0.0, 0.1, 0.4))

    return Faults(
        unanswered=share(), lost=share(), refused=dice.choice((0.0, 0.0, 0.0, 0.2)), later=share(), slow=share(),
        dumb=share(), nonsense=dice.choice((0.0, 0.0, 0.0, 0.2)), unheard=share(), doubled=share(), late=share(),
        between=dice.choice((0, 0, 20, 60, 200)),
    )  # fmt: skip
