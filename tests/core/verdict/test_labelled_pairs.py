"""How often two runs are rightly called the same failure: precision and recall on labelled pairs of many kinds."""

import random
from collections.abc import Iterator, Sequence

import pytest

from tests.core.verdict.labelled import NOISE, Pair, pairs
from tests.core.verdict.measure import score
from triggerbot.core.verdict.fingerprint import same, same_test, shapes

PAIRS = pairs()
#: At least so precise, at such a recall: pairs as in nature, and pairs in which one thing differs.
NATURAL, MINIMAL = (0.99, 0.80), (0.97, 0.85)
#: What CIs and loggers put before every line.
PREFIXES = (
    "12:00:{0:02} ", "[12:00:{0:02}] ", "2024-05-06T07:08:{0:02}.1234567Z ", "[2024-05-06 07:08:{0:02},123] ",
    "web-1  | ",
    "May  6 07:08:{0:02} host-3 ", "2024/05/06 07:08:{0:02} ", "#12 1.{0:02} ", "ci-runner-7 | ", "\x1b[31m", "    ",
)  # fmt: skip
#: The share of the runs whose failure has to be known again among noise.
AMONG_NOISE = 0.97


def test_there_are_enough_pairs_of_enough_kinds() -> None:
    """Otherwise the figures below would say little."""
    assert sum(not pair.minimal for pair in PAIRS) >= 400
    assert sum(pair.minimal for pair in PAIRS) >= 300
    assert len({pair.kind for pair in PAIRS}) >= 11
    assert sum(pair.aside for pair in PAIRS) >= 700


@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize("minimal", [False, True])
def test_precision_and_recall(aside: bool, minimal: bool) -> None:
    """On the pairs on which the comparison was tuned, and on those that were put aside."""
    counted = score(pair for pair in PAIRS if pair.aside is aside and pair.minimal is minimal)

    precision, recall = MINIMAL if minimal else NATURAL
    assert counted.precision >= precision
    assert counted.recall >= recall


def test_two_runs_of_which_nothing_telling_is_known_are_not_known_to_be_alike() -> None:
    """Whatever their text."""
    generic = [pair for pair in PAIRS if pair.kind == "generic" and pair.minimal and not pair.aside]

    assert generic
    assert not any(same(shapes(pair.one), shapes(pair.other)) for pair in generic)


def _failing() -> Iterator[Pair]:
    seen = set()
    for pair in PAIRS:
        case = pair.id.partition("/")[0]
        if "~" not in pair.id and pair.kind != "generic" and not pair.aside and case not in seen:
            seen.add(case)
            yield pair


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_stands_before_every_line_does_not_matter(prefix: str) -> None:
    """Times, machines, containers and colours."""
    lost = [
        pair.id
        for pair in _failing()
        if not same(shapes(pair.one), shapes([prefix.format(at % 60) + line for at, line in enumerate(pair.one)]))
    ]

    assert lost == []


def test_a_failure_is_known_again_among_noise() -> None:
    """Whatever other lines stand between its own."""
    chance = random.Random(0)
    noise = [line for block in NOISE.values() for line in block.splitlines()]
    found = [same(shapes(pair.one), shapes(_among(pair.one, noise, chance))) for pair in _failing() for _ in range(5)]

    assert sum(found) >= AMONG_NOISE * len(found)


def _among(lines: Sequence[str], noise: Sequence[str], chance: random.Random) -> list[str]:
    found = list(lines)
    for _ in range(4):
        found.insert(chance.randrange(len(found) + 1), chance.choice(noise))
    return found


A, B = "--- FAIL: TestA (0.00s)", "--- FAIL: TestB (0.00s)"
FULL, FULL_TOO, LOST = "a_test.go:1: disk is full", "a_test.go:9: disk is full", "a_test.go:1: no route"
SEGV = "Segmentation fault"


@pytest.mark.parametrize(
    ("one", "other", "alike", "one_test"),
    [
        # One line of the harness is no evidence.
        (("FAIL\tnet/http\t9.0s",), ("FAIL\tnet/http\t9.0s",), False, False),
        (("severity: fail", "duration_ms: 1"), ("severity: fail", "duration_ms: 1"), False, False),
        # Where both name a test, nothing outvotes that.
        ((A, FULL), (B, FULL), False, False),
        ((A, FULL), (A, FULL_TOO), True, True),
        # The same test, with another message.
        ((A, FULL), (A, LOST), False, True),
        # Of several failing tests one is the same.
        ((A, B), (B, "--- FAIL: TestC (0.00s)"), True, True),
        # A group of tests says less than the test in it.
        ((A, "    --- FAIL: TestA/x (0.00s)"), (A, "    --- FAIL: TestA/y (0.00s)"), False, False),
        # The test that ran when it crashed, though its name stands before any failure.
        (("[ RUN      ] A.b", SEGV), ("[ RUN      ] A.c", SEGV), False, False),
        (("[ RUN      ] A.b", SEGV), ("[ RUN      ] A.b", SEGV), True, True),
        # A test whose place one of the two leaves out.
        (("FAILED tests/test_a.py::test_x - KeyError: 'k'",), ("___ test_x ___", "E   KeyError: 'k'"), True, True),
        # Frames are no evidence where an exception is.
        (("at a.B.c(B.java:3)", "ValueError: x is lost"), ("at a.B.c(B.java:3)", "KeyError: 'y'"), False, False),
        # The symbol of a crash, in whatever test it happened.
        (
            ("TEST-UNEXPECTED-FAIL | a.js | it ended", "PROCESS-CRASH | a.js | application crashed [@ js::Run]"),
            ("TEST-UNEXPECTED-FAIL | b.js | it ended", "PROCESS-CRASH | b.js | application crashed [@ js::Run]"),
            True,
            False,
        ),
        # Several lines in one.
        ((f"{A}\n    {FULL}",), (A, FULL_TOO), True, True),
    ],
)
def test_what_decides(one: tuple[str, ...], other: tuple[str, ...], alike: bool, one_test: bool) -> None:
    """The name of the test before anything else, then what is said first."""
    assert same(shapes(one), shapes(other)) is alike
    assert same_test(shapes(one), shapes(other)) is one_test
