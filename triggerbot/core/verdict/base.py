"""How a job fails at a push, held against the revision that the push is based on. Pure.

What failed before a change is not of the change, and what passed before it and fails every time with it most likely
is. A job of which nothing is known there may be either, and is called neither.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.model import PROVING, Result, Run, State
from triggerbot.core.verdict import fingerprint

#: Failed runs of a job at the base that are compared, and lines of each.
_RUNS_MAX, _LINES_MAX = 5, 20
#: Digits of a revision in a sentence.
_SHORT = 12


class Relation(StrEnum):
    """What the base's runs of a job say about its failure at a push."""

    #: Nothing is known of the job at the base.
    UNKNOWN = "unknown"
    #: It failed there so far, and its runs have not come to their end.
    UNSETTLED = "unsettled"
    #: It failed there every time, with the same failure.
    INHERITED = "inherited"
    #: It failed there, with another failure only.
    DIFFERENT = "different"
    #: It failed there, and nothing tells whether that is the same failure.
    UNTOLD = "untold"
    #: It failed there with the same failure, and passed.
    INTERMITTENT = "intermittent"
    #: It passed there.
    PASSES = "passes"


@dataclass(frozen=True, slots=True)
class AtBase:
    """The runs of a job at a revision that a push is based on."""

    revision: str
    passed: int = 0
    #: The failure lines of each of its failed runs.
    failures: tuple[tuple[str, ...], ...] = ()
    #: More of it is to come.
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job's failure at a push stands to the push's base, and at which revision that was seen."""

    relation: Relation = Relation.UNKNOWN
    revision: str = ""

    @property
    def words(self) -> str:
        """Say it in one clause."""
        return self.in_words(str)

    def in_words(self, quote: Callable[[str], str]) -> str:
        """Say it where a revision could be taken for markup: as `quote` renders it."""
        where = f"({quote(self.revision[:_SHORT])})"
        match self.relation:
            case Relation.UNKNOWN:
                return "nothing is known of the base"
            case Relation.UNSETTLED:
                return f"on the base {where} it is not settled yet"
            case Relation.INHERITED:
                return f"fails on the base too {where}"
            case Relation.DIFFERENT:
                return f"new with this push: on the base {where} it fails otherwise"
            case Relation.UNTOLD:
                return f"fails on the base too {where}, and no line tells whether alike"
            case Relation.INTERMITTENT:
                return f"intermittent on the base too {where}"
            case Relation.PASSES:
                return f"passes on the base {where}, fails here"


NOTHING_KNOWN = Standing()
#: Relations that tell a failure to have come with the push.
NEW = frozenset({Relation.PASSES, Relation.DIFFERENT})
#: Relations that prove a failure not to be inherited; where less is known than before, nothing is proved.
OWN = NEW | {Relation.INTERMITTENT}


def at(
    revision: str, runs: Iterable[Run], *, proving: Collection[Result] = PROVING, is_open: bool = False
) -> AtBase | None:
    """Return what the runs of one job at a revision show; `None` if they prove nothing.

    `is_open`: more runs are decided on.
    """
    listed = list(runs)
    finished = [run for run in listed if run.state is State.FINISHED and run.result in proving]
    if not finished:
        return None
    failed = [run.evidence[:_LINES_MAX] for run in finished if not run.passed]
    waits = is_open or any(run.state is not State.FINISHED for run in listed)
    return AtBase(revision, sum(run.passed for run in finished), tuple(failed[:_RUNS_MAX]), waits)


def wants_control(standing: Standing, failed: int, alike: int, wanted: int) -> bool:
    """Whether one run of the job at the base is worth its price: all its runs failed alike, and nothing is known there.

    `failed`: how many failed; `alike`: how many of them with the same failure; `wanted`: further runs that its rule
    wants of a failed job.
    """
    return standing.relation is Relation.UNKNOWN and failed == alike >= max(2, wanted + 1)


def compare(runs: Iterable[Collection[str]], there: AtBase | None) -> Standing:
    """Hold the failed runs of a job, by what their lines have that is telling, against what it did at the base.

    What fails there is inherited; what fails beside it is not, and a job that does both is more than inherited.
    """
    return NOTHING_KNOWN if there is None else Standing(_relation(runs, there), there.revision)


def _relation(runs: Iterable[Collection[str]], there: AtBase) -> Relation:
    if not there.failures:
        return Relation.PASSES
    theirs = [shapes for lines in there.failures if (shapes := fingerprint.shapes(lines))]
    here = {tuple(shapes) for shapes in runs if shapes}
    alike = bool(here) and all(_is_shown(shapes, theirs, there) for shapes in here)
    if there.passed:
        return Relation.INTERMITTENT if alike or not (here and theirs) else Relation.DIFFERENT
    if there.is_open:
        return Relation.UNSETTLED
    if alike:
        return Relation.INHERITED
    return Relation.DIFFERENT if here and len(theirs) == len(there.failures) else Relation.UNTOLD


def _is_shown(mine: Collection[str], theirs: Sequence[Collection[str]], there: AtBase) -> bool:
    """Whether the base shows a failure; where a run has more than is compared of one, by each line there, too."""
    if fingerprint.shown(mine, theirs):
        return True
    if len(mine) < fingerprint.SHAPES_MAX or not any(fingerprint.same(mine, other) for other in theirs):
        return False
    lines = dict.fromkeys(line for run in there.failures for line in run)
    each = [shapes for line in lines if (shapes := fingerprint.shapes((line,)))]
    return fingerprint.shown(mine, [*theirs, *each])
