"""Failure fingerprints: the lines of a run reduced to the shapes that tell of its failure, and compared. Pure.

The shapes of a run (`shapes`) are what names the failing tests, and what says what failed; frames, source code,
warnings and what any failure shows are left out where there is something better. Two runs have the same failure
(`same`) if a failing test is the same, and what is said of it; where no test is known, if what is said first is.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from triggerbot.core.verdict.lines import likeness as likenesses
from triggerbot.core.verdict.lines import test_ids
from triggerbot.core.verdict.lines.diagnostics import read_all
from triggerbot.core.verdict.lines.generic import is_generic
from triggerbot.core.verdict.lines.likeness import ALIKE, likeness
from triggerbot.core.verdict.lines.roles import Role, read
from triggerbot.core.verdict.lines.shape import CRASH, SHAPE_MAX, TEST, shape
from triggerbot.core.verdict.lines.words import words

__all__ = [
    "ALIKE", "SHAPES_MAX", "SHAPE_MAX", "Telling", "likeness", "same", "same_test", "shape", "shapes", "shown",
    "telling",
]  # fmt: skip

#: Shapes taken from a run, and how many of them may name tests if others say what failed.
SHAPES_MAX, _TESTS_MAX = 10, 6
#: The number of first lines among which those of one test are alike; and of those of no test one may be before it.
_FIRST, _BEFORE = 6, 2
#: Lines below one that tells of a failure in which others may say more of it, and how many of them are taken.
_BESIDE, _DETAILS_MAX = 3, 3
#: Marks the test of a Ginkgo suite.
_SPEC = f"{TEST}[sig-"
#: Runs in a cache.
_CACHED = 4096
#: Runs whose shapes are cached, and the most characters of lines for which that is worth it: pushes are judged often.
_CACHED_RUNS, _CACHED_CHARACTERS = 8192, 4096


@dataclass(frozen=True, slots=True)
class Telling:
    """A line that tells of a failure: its place among the lines of the run, and its shape."""

    place: int
    shape: str


def shapes(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct shapes of the lines that tell of a run's failure, tests first: `SHAPES_MAX` at most."""
    return tuple(one.shape for one in telling(lines))


def telling(lines: Iterable[str]) -> tuple[Telling, ...]:
    """Return the lines that tell of a run's failure (see `shapes`), the most telling first."""
    if isinstance(lines, tuple) and sum(map(len, lines)) < _CACHED_CHARACTERS:
        return _cached_telling(lines)
    return _telling(lines)


def _telling(lines: Iterable[str]) -> tuple[Telling, ...]:
    found: dict[Role, dict[str, int]] = {role: {} for role in Role}
    details: dict[str, int] = {}
    said = -_BESIDE
    for place, line in read_all(lines):
        if line.role <= Role.ASSERTION:
            said = place
            if line.role is Role.ASSERTION and _has_number(line.shape) and len(details) < _DETAILS_MAX:
                details.setdefault(line.shape, place)
        elif line.role is Role.OTHER and place - said < _BESIDE and len(details) < _DETAILS_MAX:
            details.setdefault(line.shape, place)
        some = found[line.role]
        if len(some) < SHAPES_MAX or line.role is Role.TEST:
            some.setdefault(line.shape, place)
    tests = _uncovered(found[Role.TEST]) or found[Role.SUITE]
    # What any test may say tells something beside the name of one.
    failures = found[Role.FAILURE] | (found[Role.ASSERTION] if tests else {})
    if tests or failures:
        room = max(_TESTS_MAX, SHAPES_MAX - len(failures))
        chosen = list((dict(list(tests.items())[:room]) | failures | details).items())
    else:
        # A frame or a warning tells nothing of what is said to have failed.
        silent = not found[Role.GENERIC] and not found[Role.ASSERTION]
        kinds = (Role.OTHER, *((Role.FRAME, Role.WARNING) if silent else ()))
        chosen = next((list(found[kind].items()) for kind in kinds if found[kind]), [])
    return tuple(Telling(place, text) for text, place in chosen[:SHAPES_MAX])


_cached_telling = lru_cache(_CACHED_RUNS)(_telling)


def _uncovered(tests: dict[str, int]) -> dict[str, int]:
    """Leave out tests that others tell more exactly: groups of theirs, and what lacks their path or message."""
    if len(tests) < 2:
        return tests
    if any(_SPEC in text for text in tests):
        # The specs of Ginkgo run in one test of Go's.
        tests = {text: place for text, place in tests.items() if _SPEC in text} or tests
    known = [(text, *_test(text)) for text in list(tests)[: 5 * SHAPES_MAX]]
    return {
        text: tests[text]
        for number, (text, parts, rest) in enumerate(known)
        if not any(
            test_ids.covers(others, parts)
            or (others == parts and ((other and not rest) or (other == rest and at < number)))
            for at, (name, others, other) in enumerate(known)
            if name != text
        )
    }


def _has_number(text: str) -> bool:
    """Whether a shape has a number that was not masked: it is the failure."""
    return any(word.isdecimal() for word in words(text).weights)


@lru_cache(_CACHED)
def _test(text: str) -> tuple[tuple[str, ...], str]:
    test, rest = likenesses.split(text)
    return test_ids.parts(test), rest


def same(a: Collection[str], b: Collection[str]) -> bool:
    """Whether two runs, given by their shapes in order, have the same failure.

    If both name failing tests, they have to name one that is the same, and what is said of it has to be alike: no other
    line outvotes that. Otherwise the first line of one has to be like one of the first of the other.
    """
    one, other = _run(tuple(a)), _run(tuple(b))
    if one is other:
        return bool(one.tests or one.messages)
    if one.crashes and other.crashes:
        # The test in which it crashed is chance.
        return not one.crashes.isdisjoint(other.crashes)
    common = _common(one, other)
    if common is None:
        return _first_alike(one.messages, other.messages, _BEFORE)
    return any(_said_alike(mine, yours, one, other) for mine, yours in common)


def shown(mine: Collection[str], others: Collection[Collection[str]]) -> bool:
    """Whether runs, given by their shapes, show a failure, and every test that failed in it.

    One that fails like one of them, and in a further test, is more than they show; but where it crashed is chance.
    """
    one, runs = _run(tuple(mine)), [_run(tuple(other)) for other in others]
    if any(one is other for other in runs):
        return bool(one.tests or one.messages)
    if not any(same(mine, other) for other in others):
        return False
    return bool(one.crashes) or all(any(_shows(other, test, said, one) for other in runs) for test, said in one.tests)


def _shows(other: "_Run", test: tuple[str, ...], said: str, one: "_Run") -> bool:
    """Whether a run shows a test that failed in another, and what is said of it there."""
    if not other.tests:
        return _first_alike([said] if said else list(one.failures), other.messages, _BEFORE)
    return any(
        test_ids.is_same(test, another) and _said_alike(said, yours, one, other) for another, yours in other.tests
    )


def same_test(a: Collection[str], b: Collection[str]) -> bool:
    """Whether two runs, given by their shapes, name a failing test that is the same, whatever is said of it."""
    return bool(_common(_run(tuple(a)), _run(tuple(b))))


def names_test(shapes: Collection[str]) -> bool:
    """Whether a run, given by its shapes, names a failing test."""
    return bool(_run(tuple(shapes)).tests)


@dataclass(frozen=True, slots=True)
class _Run:
    """The failing tests of a run, each with what is said in its line, and what is said in others."""

    tests: tuple[tuple[tuple[str, ...], str], ...]
    failures: tuple[str, ...]
    #: Of those, the crashes that name their symbol.
    crashes: frozenset[str]

    @property
    def messages(self) -> tuple[str, ...]:
        """Everything that is said, in order."""
        said = (*self.failures, *(rest for _, rest in self.tests if rest))
        return tuple(text for text in said if not is_generic(text) or _has_number(text))


@lru_cache(_CACHED)
def _run(texts: tuple[str, ...]) -> _Run:
    split = [(text, *likenesses.split(text)) for text in texts]
    return _Run(
        tuple((test_ids.parts(test), rest) for _, test, rest in split if test),
        tuple(text for text, test, _ in split if not test),
        frozenset(text for text, _, _ in split if text.startswith(CRASH)),
    )


def _common(one: _Run, other: _Run) -> list[tuple[str, str]] | None:
    """Return what is said of the tests that two runs have in common; `None` if one of them names no tests."""
    if not one.tests or not other.tests:
        return None
    return [
        (mine, yours) for test, mine in one.tests for another, yours in other.tests if test_ids.is_same(test, another)
    ]


def _said_alike(mine: str, yours: str, one: _Run, other: _Run) -> bool:
    said, also = ([mine] if mine else list(one.failures)), ([yours] if yours else list(other.failures))
    if not said or not also or (mine and yours and (_is_cut(mine, yours) or _is_cut(yours, mine))):
        return True
    return _first_alike(said, also, _FIRST)


def _is_cut(text: str, whole: str) -> bool:
    """Whether a text is the beginning of another, cut at the end of a word or with a mark."""
    beginning = text.rstrip(" .\u2026'")
    marked = text[len(beginning) :].strip(" '") in ("...", "\u2026")
    return (
        bool(beginning)
        and whole.startswith(beginning)
        and (marked or not whole[len(beginning) : len(beginning) + 1].isalnum())
    )


def _first_alike(one: Sequence[str], other: Sequence[str], most: int) -> bool:
    """Whether what one run says first is alike to what the other says among its first lines."""
    if not one or not other:
        return False
    alike = any(likeness(one[0], text) >= ALIKE for text in other[:most]) or any(
        likeness(other[0], text) >= ALIKE for text in one[:most]
    )
    return alike and not _is_changed(one, other)


def _is_changed(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two runs say the same, line by line, but for some lines: what differs there is what decides."""
    if len(one) != len(other):
        return False
    differ = [pair for pair in zip(one, other, strict=True) if likeness(*pair) < ALIKE]
    return 0 < len(differ) <= max(1, len(one) // 2) and any(_is_counterpart(*pair) for pair in differ)


def _is_counterpart(mine: str, yours: str) -> bool:
    """Whether two lines say the same kind of thing; otherwise they may stand there by chance."""
    said = Role.FAILURE, Role.ASSERTION
    if mine.partition(" ")[0] == yours.partition(" ")[0] or (read(mine).role in said and read(yours).role in said):
        return True
    # An item below a heading: as many words, and some of them are the same.
    one, other = mine.split(), yours.split()
    return len(one) == len(other) > 1 and not set(one).isdisjoint(other)
