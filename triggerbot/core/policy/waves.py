"""The next step of a claim whose retriggers go by what they prove: to ask for more, to await runs, or to end. Pure.

Nothing is asked for before everything that was asked for has ended, so each decision knows all that was bought.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from triggerbot.core import proof
from triggerbot.core.claim import Claim
from triggerbot.core.formatting import plural
from triggerbot.core.model import Result, Run, State
from triggerbot.core.policy.evidence import Background, UntilProved, Weight, percent
from triggerbot.core.policy.owed import is_gone

#: How the note of every claim begins that ends since it needs nothing more.
_ENOUGH = "no more runs are needed"


@dataclass(frozen=True, slots=True)
class Ask:
    """So many further runs are to be asked for."""

    count: int
    weight: Weight
    why: str


@dataclass(frozen=True, slots=True)
class Await:
    """Runs have not ended yet. `listed`: the CI lists all of them."""

    listed: bool


@dataclass(frozen=True, slots=True)
class Enough:
    """Nothing more is needed. `weight`: what the failures are worth, if the runs prove nothing but failures."""

    why: str
    weight: Weight | None = None


def failures(runs: Iterable[Run], proving: Collection[Result]) -> int:
    """Count the runs that prove a failure."""
    return sum(run.state is State.FINISHED and run.result in proving and not run.passed for run in runs)


def step(
    claim: Claim,
    runs: Sequence[Run],
    until: UntilProved,
    background: Background,
    *,
    several: bool,
    proving: Collection[Result],
    forgotten: int = 0,
) -> Ask | Await | Enough:
    """Return the next step of a decided claim, given the runs of its job, oldest first.

    `several`: the CI takes a number at once. `forgotten`: as in `rules.still_owed`.
    """
    if any(run.passed for run in runs):
        return Enough(f"{_ENOUGH}: it passed")
    if not several and claim.asked and runs and is_gone(runs[-1], (run.key for run in runs)):
        return Enough(f"{_ENOUGH}: the CI has the job no more")
    if len(runs) - claim.known_runs < claim.asked:
        return Await(listed=False)
    if any(run.state is not State.FINISHED for run in runs):
        return Await(listed=True)
    failed = failures(runs, proving)
    further = max(0, failed - 1)
    left = claim.most - max(claim.asked + forgotten, proof.count(runs[claim.known_runs :], proving))
    weight = until.weigh(background, further)
    # Once a wave has come, one after another tells as much for less.
    count = until.wave(background, further, left, several=several and not claim.asked)
    if count:
        return Ask(count, weight, chance_words(weight, claim.asked, claim.most))
    if not further:
        return Enough(f"{_ENOUGH}: {plural(claim.asked, 'further run')} proved nothing")
    return Enough(f"{_ENOUGH}: {weight.words(failed, failed)}", weight)


def chance_words(weight: Weight, asked: int, most: int) -> str:
    """Render why more runs are asked for; `asked`: how many were before."""
    return (
        f"{percent(weight.chance)} that it is intermittent; asked for {asked} of at most {plural(most, 'further run')}"
    )
