"""The search for the push that broke a job: where to run it next, when that is enough, and who broke it. Pure.

It goes over the pushes of a branch, in push order, from the last one at which the job passed to the first one at which
it is known to fail. What runs prove there narrows that range; in it the job is run at the push nearest to the middle.
Nobody is named unless two neighbouring pushes are known, of which one passed and the other fails every time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.branch.cells import OPEN, CellKind
from triggerbot.core.formatting import plural

#: Digits of a revision in a sentence.
_SHORT = 12


#: What proves something about the job at a push.
_PROVED = frozenset({CellKind.PASSED, CellKind.FAILED, CellKind.INTERMITTENT})


class Tried(StrEnum):
    """State of running the job at a push."""

    NO = "no"
    YES = "yes"
    WOULD = "would"  # dry run: it would have been asked for


@dataclass(frozen=True, slots=True)
class Place:
    """The job at one push of the branch."""

    revision: str
    cell: CellKind
    tried: Tried = Tried.NO

    @property
    def waits(self) -> bool:
        """Return whether something is under way there that may prove something."""
        return self.cell in OPEN

    @property
    def is_free(self) -> bool:
        """Return whether the job may be run there."""
        return self.cell not in _PROVED and not self.waits and self.tried is Tried.NO


class Found(StrEnum):
    """What a search ended with."""

    FIRST_BAD = "first_bad"  # it passed at the push before, and fails at this one
    RANGE = "range"  # it is one of several, of which some were not run
    INTERMITTENT = "intermittent"  # it fails and passes without a change
    NO_GOOD = "no_good"  # no push is known at which it passed
    NOTHING = "nothing"  # it does not fail (any more)
    WOULD = "would"  # dry run


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a search ended."""

    found: Found
    #: The first and the last push that may have broken it; the same one if that is known.
    first: str = ""
    last: str = ""
    #: The last push at which it passed.
    good: str = ""
    #: Of those from the first to the last: where it could not be run, and where it was not for the sake of the limit.
    unable: int = 0
    left: int = 0

    def words(self, author: str | None = None) -> str:
        """Say it in one sentence; `author`: of the last of these pushes, as it may be shown there."""
        first, last, good = (one[:_SHORT] for one in (self.first, self.last, self.good))
        match self.found:
            case Found.FIRST_BAD:
                return f"first bad: {last} by {author or 'an unknown author'}"
            case Found.RANGE:
                rest = [f"{self.unable} could not be run"] if self.unable else []
                rest += [f"{self.left} {'was' if self.left == 1 else 'were'} not run"] if self.left else []
                return f"{first}..{last}, of which {' and '.join(rest)}" if rest else f"{first}..{last}"
            case Found.INTERMITTENT:
                return "intermittent: nobody is named"
            case Found.NO_GOOD:
                return f"fails since {last} at least: no earlier push is known at which it passed, so nobody is named"
            case Found.WOULD:
                return f"dry run: would be run at {last}; nothing is sent, so nobody is named"
            case Found.NOTHING:
                return f"it does not fail any more{f': it passed at {good}' if good else ''}"


@dataclass(frozen=True, slots=True)
class RunAt:
    """Run the job at these pushes."""

    revisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for what is under way at these pushes."""

    revisions: tuple[str, ...]


Step = RunAt | Wait | Conclusion


@dataclass(frozen=True, slots=True)
class Range:
    """Where the push that broke it is: after `good` (-1: no push is known at which it passed), up to `bad`."""

    good: int
    bad: int

    def inside(self) -> range:
        """Return the places between the two, at which nothing is proved."""
        return range(self.good + 1, self.bad)


def narrowed(row: Sequence[Place]) -> Range | Conclusion:
    """Return the range that is left of a row, or why there is none."""
    wavering = next((one for one in row if one.cell is CellKind.INTERMITTENT), None)
    if wavering is not None:
        return Conclusion(Found.INTERMITTENT, last=wavering.revision)
    failed = [at for at, one in enumerate(row) if one.cell is CellKind.FAILED]
    passed = [at for at, one in enumerate(row) if one.cell is CellKind.PASSED]
    if not failed:
        return Conclusion(Found.NOTHING, good=row[passed[-1]].revision if passed else "")
    if passed and passed[-1] > failed[0]:
        # It failed, and passed again later: by chance, or it was mended and broken once more. Neither names anybody.
        return Conclusion(Found.INTERMITTENT, last=row[passed[-1]].revision)
    return Range(passed[-1] if passed else -1, failed[0])


def gaps(row: Sequence[Place]) -> int:
    """Return at how many pushes the job could be run so as to narrow down who broke it."""
    match narrowed(row):
        case Range() as left:
            return sum(row[at].is_free for at in left.inside())
        case Conclusion():
            return 0


def step(row: Sequence[Place], most: int, at_once: int = 1, *, over: bool = False) -> Step:
    """Choose what to do next; `row`: the pushes from the good one to the bad one, in push order.

    `most`: at how many pushes the job may still be run; `at_once`: at how many at the same time. `over`: it has taken
    too long, so what is known has to do.
    """
    left = narrowed(row)
    if isinstance(left, Conclusion):
        return left
    waiting = tuple(row[at].revision for at in left.inside() if row[at].waits)
    if waiting and not over:
        return Wait(waiting)
    free = [at for at in left.inside() if row[at].is_free]
    would = next((row[at].revision for at in left.inside() if row[at].tried is Tried.WOULD), None)
    if would is not None:
        return Conclusion(Found.WOULD, last=would)
    if free and most > 0 and not over:
        return RunAt(tuple(row[at].revision for at in _spread(left, free, min(most, at_once))))
    return _conclude(row, left, len(free))


def _spread(left: Range, free: Sequence[int], number: int) -> Iterator[int]:
    """Yield the places nearest to those that divide the range into equal parts; of two as near, the earlier."""
    rest = list(free)
    for part in range(1, min(number, len(free)) + 1):
        wanted = left.good + (left.bad - left.good) * part / (number + 1)
        chosen = min(rest, key=lambda at: (abs(at - wanted), at))
        rest.remove(chosen)
        yield chosen


def _conclude(row: Sequence[Place], left: Range, free: int) -> Conclusion:
    bad = row[left.bad].revision
    if left.good < 0:
        return Conclusion(Found.NO_GOOD, bad, bad)
    good, inside = row[left.good].revision, left.inside()
    if not inside:
        return Conclusion(Found.FIRST_BAD, bad, bad, good)
    return Conclusion(Found.RANGE, row[inside[0]].revision, bad, good, len(inside) - free, free)


def start_words(row: Sequence[Place]) -> str:
    """Say what a search begins with; empty if there is nothing to look for."""
    left = narrowed(row)
    if isinstance(left, Conclusion):
        return ""
    bad = row[left.bad].revision[:_SHORT]
    since = f"fails since {bad}"
    if left.good >= 0:
        since += f", and passed last at {row[left.good].revision[:_SHORT]}"
    number = len(left.inside())
    return f"{since}; {plural(number, 'push', 'pushes')} in between prove{'s' if number == 1 else ''} nothing"


def beginning(row: Sequence[Place], at: str = "") -> Sequence[Place]:
    """Return the part of a row that a search goes over; empty if the job does not fail.

    `row`: the pushes of the branch in push order; `at`: a push at which it fails; empty: the newest at which anything
    is proved.
    """
    proved = [place for place, one in enumerate(row) if one.cell in _PROVED]
    if at:
        proved = [place for place in proved if place <= _place_of(row, at)]
        if not proved or row[proved[-1]].revision != at:
            return ()
    if not proved or row[proved[-1]].cell is not CellKind.FAILED:
        return ()
    well = next((place for place in reversed(proved) if row[place].cell is not CellKind.FAILED), -1)
    bad = next(place for place in proved if place > well)
    return row[max(0, well) : bad + 1]


def between(row: Sequence[Place], good: str, bad: str) -> Sequence[Place]:
    """Return the part of a row from one push, or else from its beginning, to another; empty without that one."""
    last = _place_of(row, bad)
    first = _place_of(row[: last + 1], good)
    return row[max(0, first) : last + 1]


def _place_of(row: Sequence[Place], revision: str) -> int:
    return next((place for place, one in enumerate(row) if one.revision == revision), -1)
