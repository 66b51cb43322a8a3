"""Streaks: the jobs that fail at consecutive pushes of a branch, and since which one. Pure.

Rows go from the newest push to the oldest. A pass ends a streak, and so does a job that was proved intermittent. What
did not run, still runs, was cancelled or met an error of the CI proves nothing: it neither ends nor lengthens one.
Unlike failures are a streak, too: what is broken now may hide what is broken next, and lines may be read wrongly.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from triggerbot.core.branch.alerts import MANY, PUSHES
from triggerbot.core.branch.cells import LEFT_OUT, OPEN, WELL, Cell, CellKind
from triggerbot.core.verdict import fingerprint, same_failure
from triggerbot.core.verdict.same_failure import Common, Failing, Sameness

#: Different failures of one streak that are compared, the most frequent ones.
_COMPARED_MAX = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A job, or a test of it, along a branch: one cell for each push, newest first."""

    job: str
    cells: tuple[Cell, ...]
    #: The id of the test, if it is about one.
    test: str = ""
    #: The job's name without what made the CI run it, if that is another.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Streak:
    """A job, or a test of it, that fails at consecutive pushes up to now."""

    job: str
    #: The revisions at which it failed first and last.
    since: str
    newest: str
    #: The number of pushes at which it failed.
    pushes: int
    #: Whether most of them show one failure; `None`: no evidence either way.
    same_failure: bool | None = None
    #: Pushes in between at which it still runs, or whose retriggers are awaited.
    running_between: int = 0
    #: The revisions in between that did not run it, newest first: candidates for a backfill.
    did_not_run: tuple[str, ...] = ()
    #: The newest revision before it at which the job passed; `None`: none of those that were looked at.
    last_good: str | None = None
    #: The revisions between that and `since` that did not run the job, newest first; empty without `last_good`.
    gap: tuple[str, ...] = ()
    #: Of the pushes that tell what failed: how many, how many of them show the most frequent failure, and its line.
    telling: int = 0
    alike: int = 0
    line: str = ""
    shapes: tuple[str, ...] = ()
    #: The id of the test, if it is about one.
    test: str = ""

    @property
    def words(self) -> str:
        """Say whether it is one failure, in a few words."""
        if self.same_failure is None:
            return "no evidence that it is one failure"
        if self.same_failure:
            each = self.alike == self.pushes
            return "the same failure each time" if each else f"the same failure in {self.alike} of {self.pushes}"
        return "differently each time" if self.alike <= 1 else "with different failures"


@dataclass(frozen=True, slots=True)
class Isolated:
    """A failure at a single push, after which the job passed again."""

    job: str
    revision: str
    line: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A job that fails at its newest push, and not at enough of them for a streak."""

    job: str
    revision: str
    line: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The jobs that began to fail at one push, so many that one cause is likely, or the machines."""

    since: str
    jobs: tuple[str, ...]
    #: The failure that most of them share, if there is one.
    common: Common | None = None


@dataclass(frozen=True, slots=True)
class Along:
    """What keeps failing along a branch."""

    #: Those with one failure first, those that fail differently each time last; the longest first.
    failing: tuple[Streak, ...] = ()
    newest_only: tuple[Fresh, ...] = ()
    isolated: tuple[Isolated, ...] = ()
    #: Of the streaks, those that are one message.
    beginnings: tuple[Beginning, ...] = ()


def along(rows: Iterable[Row], revisions: Sequence[str], *, pushes: int = PUSHES, many: int = MANY) -> Along:
    """Find the streaks and the isolated failures of jobs; `revisions`: those of the branch, newest first.

    `pushes`: at how many a job has to fail. `many`: more jobs than that which begin to fail at one push are one
    message.
    """
    streaks: list[Streak] = []
    fresh: list[Fresh] = []
    isolated: list[Isolated] = []
    for row in rows:
        for chain in _chains(row):
            newest = row.cells[chain.places[0]]
            where = row.job, revisions[chain.places[0]], newest.line, row.test
            if chain.ended:
                isolated += [Isolated(*where)] if len(chain.places) == 1 else []
            elif len(chain.places) >= pushes:
                streaks.append(_streak(row, chain.places, revisions))
            else:
                fresh.append(Fresh(*where))
    streaks.sort(key=lambda one: (_RANKS[one.same_failure], -one.pushes, one.job, one.test))
    return Along(tuple(streaks), tuple(fresh), tuple(isolated), _beginnings(streaks, revisions, many))


_RANKS = {True: 0, None: 1, False: 2}


@dataclass(frozen=True, slots=True)
class _Chain:
    """Failures without a pass in between, newest first, and whether the job passed after them."""

    places: list[int] = field(default_factory=list)
    ended: bool = False


def _chains(row: Row) -> list[_Chain]:
    chains: list[_Chain] = []
    passed, is_new = False, True
    for place, cell in enumerate(row.cells):
        if cell.kind in WELL:
            passed = is_new = True
        elif cell.kind is CellKind.FAILED:
            if is_new:
                chains.append(_Chain(ended=passed))
                is_new = False
            chains[-1].places.append(place)
    return chains


def _streak(row: Row, places: Sequence[int], revisions: Sequence[str]) -> Streak:
    first, last = places[0], places[-1]
    between = row.cells[first : last + 1]
    cells = [row.cells[place] for place in places]
    good = next((place for place in range(last, len(row.cells)) if row.cells[place].kind is CellKind.PASSED), None)
    failing = _failing(cells)
    return Streak(
        row.job,
        revisions[last],
        revisions[first],
        len(places),
        _is_same(failing.sameness),
        sum(cell.kind in OPEN for cell in between),
        tuple(revisions[first + at] for at, cell in enumerate(between) if cell.kind in LEFT_OUT),
        None if good is None else revisions[good],
        () if good is None else tuple(
            revisions[at] for at in range(last + 1, good) if row.cells[at].kind in LEFT_OUT
        ),
        failing.sameness.of - failing.sameness.silent,
        failing.sameness.same,
        failing.line,
        failing.shapes,
        row.test,
    )  # fmt: skip


def _failing(cells: Sequence[Cell]) -> Failing:
    """Compare the failures of one job at several pushes; the most frequent form of one stands for it."""
    # A failure that is not like itself tells nothing.
    known = Counter((one.shapes, one.tests) for one in cells if one.tests or fingerprint.same(one.shapes, one.shapes))
    silent = len(cells) - known.total()
    forms = known.most_common(_COMPARED_MAX)
    alike = [number for _, number in forms]
    for (one, (mine, number)), (two, (yours, other)) in combinations(enumerate(forms), 2):
        if _alike(*mine, *yours):
            alike[one] += other
            alike[two] += number
    if not forms:
        return Failing("", (), Sameness(0, len(cells), silent))
    best = forms[alike.index(max(alike))][0]
    line = next(cell.line for cell in cells if (cell.shapes, cell.tests) == best)
    return Failing(line, best[0], Sameness(max(alike), len(cells), silent))


def _alike(
    shapes: tuple[str, ...], tests: frozenset[str], others: tuple[str, ...], other_tests: frozenset[str]
) -> bool:
    """Whether two failures are the same: where tests are known by the tests, otherwise by what the lines say."""
    if tests and other_tests:
        return not tests.isdisjoint(other_tests)
    return fingerprint.same(shapes, others)


def _is_same(sameness: Sameness) -> bool | None:
    telling = sameness.of - sameness.silent
    if telling < 2:
        return None
    return sameness.same > 1 and 2 * sameness.same > telling


def _beginnings(streaks: Sequence[Streak], revisions: Sequence[str], many: int) -> tuple[Beginning, ...]:
    """Group the jobs of which too many begin to fail at one push for each to be a message of its own."""
    at: dict[str, list[Streak]] = {}
    for one in streaks:
        if not one.test:
            at.setdefault(one.since, []).append(one)
    return tuple(
        Beginning(since, tuple(sorted(one.job for one in at[since])), _common(at[since]))
        for since in revisions
        if len(at.get(since, ())) > many
    )


def _common(streaks: Sequence[Streak]) -> Common | None:
    """Return the failure that most of the jobs share."""
    failing = {one.job: Failing(one.line, one.shapes, Sameness(one.alike, one.pushes)) for one in streaks}
    found = next(iter(same_failure.in_common(same_failure.grouped(failing))), None)
    return found if found is not None and 2 * len(found.jobs) > len(streaks) else None
