"""The tests of a run: how many passed and failed, and which failed, as its reports say. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Self

#: Failing tests that are kept of a run, and characters of the line of one; the counts are of all.
FAILING_MAX, LINE_MAX = 1000, 2000
#: Characters of the id of a test.
ID_MAX = 2000
#: Begins a line that names a failing test by its whole id, whatever that looks like; parts it from what is said of it.
#: The fingerprint of failures knows them.
NAMED, SAID = "\u00abid\u00bb ", " \u00a6 "
#: Failing tests of a run that are compared with those of another.
_COMPARED_MAX = 50


@dataclass(frozen=True, slots=True, order=True)
class FailingTest:
    """A test that failed or could not be run, and the most telling line about it."""

    id: str
    line: str = ""

    def __str__(self) -> str:
        return f"{self.id}: {self.line}" if self.line else self.id

    @property
    def named(self) -> str:
        """A line that names it beyond doubt, for comparison."""
        return f"{NAMED}{self.id}{SAID}{self.line}"


@dataclass(frozen=True, slots=True)
class RunTests:
    """The tests of a run: numbers, and those that failed as far as they are kept."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    seconds: float | None = None
    failing: tuple[FailingTest, ...] = ()
    #: Failures counted beyond the first one of their test: of its teardown, or of further subtests.
    repeated: int = 0

    @property
    def ran(self) -> int:
        """How many came to an end that proves something."""
        return self.passed + self.failed + self.errors

    @property
    def words(self) -> str:
        """How many ended in which way, in words."""
        parts = (
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.errors, "error" if self.errors == 1 else "errors"),
            (self.skipped, "skipped"),
        )
        return ", ".join(f"{number} {word}" for number, word in parts if number) or "none"

    @property
    def unlisted(self) -> int:
        """How many failures are counted and not listed."""
        return max(0, self.failed + self.errors - self.repeated - len(self.failing))

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the failing tests, as far as they are kept."""
        return frozenset(one.id for one in self.failing)

    @property
    def compared(self) -> list[FailingTest]:
        """The failing tests by which runs are compared: by their ids, since runners shuffle tests."""
        return sorted(self.failing, key=attrgetter("id"))[:_COMPARED_MAX]

    def told_more(self, other: Self) -> bool:
        """Whether it tells more than another report of the same run; of two at most one tells more."""
        return self._size > other._size

    @property
    def _size(self) -> tuple[object, ...]:
        counted = self.ran + self.skipped
        return counted, len(self.failing), self.failed, self.errors, self.passed, self.failing, self.seconds or 0.0

    def plus(self, other: Self) -> Self:
        """Add the tests of another report of the same run."""
        times = [one for one in (self.seconds, other.seconds) if one is not None]
        return type(self)(
            self.passed + other.passed,
            self.failed + other.failed,
            self.errors + other.errors,
            self.skipped + other.skipped,
            sum(times) if times else None,
            bounded((*self.failing, *other.failing)),
            self.repeated + other.repeated + len(self.ids & other.ids),
        )


def bounded(failing: Iterable[FailingTest]) -> tuple[FailingTest, ...]:
    """Return failing tests as far as they are kept: each once, the first `FAILING_MAX`, their lines cut."""
    kept: dict[str, FailingTest] = {}
    for one in failing:
        name = one.id[:ID_MAX]
        if len(kept) < FAILING_MAX or name in kept:
            kept.setdefault(name, FailingTest(name, one.line[:LINE_MAX]))
    return tuple(kept.values())
