"""How many retriggers: as many as it takes until the runs prove something, given the history of the job. Pure.

A job that was intermittent at many pushes may well fail three times in a row by chance; one that never was does not.
How often it was, h of n pushes, is held against how often jobs of its project are: a Beta(a, b) fitted to all of them.
The chance that k further failures are still no more than that is rE / (rE + lambda): r = (h + a) / (n + a + b), the
rate of the job; E, the chance that an intermittent job fails k times more, with each failure counted; lambda, the share
of jobs that pushes really break.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from triggerbot.core.model import Kind, Push

#: Lambda of a failure that the base knows as intermittent, and of one that is new there, in terms of that of others.
KNOWN, NEW = 0.02, 2.0
#: Lambda before the store knows better, on a branch that others build upon, in terms of the mean rate of all jobs.
_BROKEN_BASE = 0.2
#: Pushes from which on a job's history says something about its project.
PUSHES_MIN = 20
#: A first wave is of two where the job would be intermittent with a higher chance than this after one failure more, and
#: where that failure is likelier than this: else the second would mostly be bought for nothing.
TWO_ABOVE, FAILS_ON = 0.2, 0.5
#: Bounds of the weight that a fitted Beta has, in pushes: even if all jobs are alike, or none is like another.
_WEIGHT_LEAST, _WEIGHT_MOST = 0.2, 1000.0
#: Retriggers of a build, at most: few of those that fail recover.
_BUILDS_MOST = 1


@dataclass(frozen=True, slots=True)
class Past:
    """The history of a job: at how many of how many pushes it was intermittent."""

    intermittent: int = 0
    pushes: int = 0


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class Pool:
    """A Beta(a, b): at what share of pushes the jobs of a project are intermittent."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """The mean rate."""
        return self.a / (self.a + self.b)


#: The rates of jobs of which nothing is known: two further failures prove that the change broke something.
UNKNOWN_POOL = Pool(0.5, 7.0)


def fitted(pasts: Iterable[Past]) -> Pool:
    """Fit a Beta to the histories of all jobs of a project, by moments.

    What rates differ by chance, because a job ran at a few pushes only, is left out of their variance.
    """
    known = [one for one in pasts if one.pushes >= PUSHES_MIN]
    if len(known) < 2:
        return UNKNOWN_POOL
    rates = [one.intermittent / one.pushes for one in known]
    # A project without any intermittent job is a project of which none was seen yet.
    mean = max(sum(rates) / len(rates), 0.5 / sum(one.pushes for one in known))
    if mean >= 1:
        return Pool(_WEIGHT_LEAST, 0.0)
    variance = sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1)
    chance = sum(1 / one.pushes for one in known) / len(known)
    alike = (variance / (mean * (1 - mean)) - chance) / (1 - chance)
    weight = 1 / alike - 1 if alike > 0 else _WEIGHT_MOST
    weight = min(max(weight, _WEIGHT_LEAST), _WEIGHT_MOST)
    return Pool(mean * weight, (1 - mean) * weight)


def breaks_at_first(pool: Pool, *, base: bool) -> float:
    """Return lambda before the store knows it; `base`: on a branch that others build upon."""
    return pool.mean * (_BROKEN_BASE if base else 1.0)


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of a job, and of its failure, before its runs at this push are weighed."""

    past: Past = NO_PAST
    pool: Pool = UNKNOWN_POOL
    #: Lambda: the share of the project's jobs that pushes really break.
    breaks: float = UNKNOWN_POOL.mean
    #: The base shows the failure as intermittent, or has not shown it.
    known_on_base: bool = False
    new_on_base: bool = False

    @property
    def rate(self) -> float:
        """The share of pushes at which the job is expected to be intermittent."""
        return (self.past.intermittent + self.pool.a) / (self.past.pushes + self.pool.a + self.pool.b)

    def chance(self, further: int) -> float:
        """Return the chance that a job is intermittent which has failed, and so many times more."""
        fails, all_of_them = self.past.intermittent + self.pool.a, self.past.pushes + self.pool.a + self.pool.b
        by_chance = self.rate
        for more in range(1, further + 1):
            by_chance *= (fails + more) / (all_of_them + more)
        broken = self.breaks * (KNOWN if self.known_on_base else NEW if self.new_on_base else 1.0)
        return by_chance / (by_chance + broken) if by_chance + broken > 0 else 0.0

    @property
    def fails_on(self) -> float:
        """The chance that a job which has failed does so the next time."""
        fails, all_of_them = self.past.intermittent + self.pool.a, self.past.pushes + self.pool.a + self.pool.b
        intermittent = self.chance(0)
        return 1 - intermittent + intermittent * (fails + 1) / (all_of_them + 1)


NO_HISTORY = Background()
#: Returns what is known of a job of a push, given the shapes of its failure lines.
BackgroundOf = Callable[[Push, str, tuple[str, ...]], Background]


def without_history(*_: object) -> Background:
    """Return the background of any job if no history is kept."""
    return NO_HISTORY


@dataclass(frozen=True, slots=True)
class UntilProved:
    """How sure to be that a job is not intermittent, and how many retriggers that may cost."""

    #: The chance that it is, at most.
    limit: float = 0.05
    most: int = 4

    def most_of(self, kind: Kind) -> int:
        """Return the number of retriggers of a job of some kind, at most."""
        return min(self.most, _BUILDS_MOST) if kind is Kind.BUILD else self.most

    def wave(self, background: Background, further: int, left: int, *, several: bool) -> int:
        """Return how many runs to ask for now of a job that has failed, and `further` times more; 0: it is enough.

        `left`: how many may be asked for. `several`: the CI takes a number at once.
        """
        if left <= 0 or (further and background.chance(further) <= self.limit):
            return 0
        two = several and not further and left > 1
        return 2 if two and background.chance(1) > TWO_ABOVE and background.fails_on > FAILS_ON else 1

    def weigh(self, background: Background, further: int) -> "Weight":
        """Weigh a failure and so many further ones, without a pass."""
        chance = background.chance(further)
        known = background.past.pushes >= PUSHES_MIN
        return Weight(chance, background.rate, further > 0 and chance <= self.limit, known)


@dataclass(frozen=True, slots=True)
class Weight:
    """What the failures of a job that never passed are worth."""

    #: The chance that it is intermittent all the same.
    chance: float
    #: The share of pushes at which it is intermittent.
    rate: float
    #: Whether the chance is as small as it has to be.
    proved: bool
    #: Whether the job ran at enough pushes for its rate to be one of its own.
    known: bool = True

    def words(self, failed: int, runs: int) -> str:
        """Render what is proved, after so many failed runs of so many that prove something."""
        if self.proved:
            return f"fails every time; {percent(self.chance)} that it is intermittent"
        if not self.known:
            return f"failed {failed} of {runs}, not proved: too little is known of how often this job is intermittent"
        return f"failed {failed} of {runs}, not proved: this job fails so at {percent(self.rate)} of pushes"


def percent(share: float) -> str:
    """Render a share in percent: whole ones, and what is less than one as such."""
    return "less than 1 %" if 0 < share < 0.01 else f"{round(100 * share)} %"
