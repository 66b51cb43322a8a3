"""Whether two failures are the same: held to pairs that a person labelled, and to what has to hold of any text."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.verdict.failure_pairs import DIFFERENT, GENERIC, HELD_OUT_DIFFERENT, HELD_OUT_SAME, SAME, TELLING
from triggerbot.core.verdict.fingerprint import ALIKE, SHAPE_MAX, SHAPES_MAX, likeness, same, shape, shapes

#: The number of held-out pairs, on which nothing was tuned, that are judged rightly.
HELD_OUT = 0.9

#: Text as logs have it: words, names, numbers, paths, times, and what might trip a regex.
PIECES = st.sampled_from(
    [
        "a", "Foo", "test_a", "1", "12", "0x", "deadbeef1", "/", "/tmp/", "/home/", "C:\\", ".js", ".", "..", "-", ":",
        "#", "'", '"', "`", " ", " == ", "[", "]", "(", "@", "\x1b[", "m", "\x00", "2024-01-01T", "Jan ", "e1", "1m",
        "é", "٣", "²", "\u2028", "PROCESS-CRASH ", "[@ ", "INFO - ", "[task ", "|", "…", "...", "-2b", "Error", "::",
    ]
)  # fmt: skip
LINES = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=120).map("".join))
SHAPES = st.lists(LINES.map(shape), max_size=8).map(tuple)


def judge(pair: tuple[str, str]) -> bool:
    """Return whether a pair is taken for the same failure."""
    return likeness(shape(pair[0]), shape(pair[1])) >= ALIKE


# -- pairs that a person labelled -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", SAME)
def test_the_same_failure(pair: tuple[str, str]) -> None:
    """Other numbers, machines, times and orders hide no failure."""
    assert judge(pair), (likeness(shape(pair[0]), shape(pair[1])), *map(shape, pair))


@pytest.mark.parametrize("pair", DIFFERENT)
def test_different_failures(pair: tuple[str, str]) -> None:
    """However near the texts, another test, file, symbol or message is another failure."""
    assert not judge(pair), (likeness(shape(pair[0]), shape(pair[1])), *map(shape, pair))


@pytest.mark.parametrize(("pair", "alike"), [*((pair, True) for pair in SAME), *((pair, False) for pair in DIFFERENT)])
def test_runs_that_show_one_line(pair: tuple[str, str], alike: bool) -> None:
    """They are judged as their lines are."""
    assert same(shapes(pair[:1]), shapes(pair[1:])) is alike


def test_pairs_that_nothing_was_tuned_on() -> None:
    """What is told of lines that nobody had seen."""
    right = sum(map(judge, HELD_OUT_SAME)) + sum(not judge(pair) for pair in HELD_OUT_DIFFERENT)
    assert right / (len(HELD_OUT_SAME) + len(HELD_OUT_DIFFERENT)) >= HELD_OUT


@pytest.mark.parametrize("line", GENERIC)
def test_what_any_failure_may_show_is_generic(line: str) -> None:
    """It says that something failed, not what."""
    assert not shapes([line]), shape(line)


@pytest.mark.parametrize("line", TELLING)
def test_what_tells_of_a_failure_is_not_generic(line: str) -> None:
    """It is what the verdict rests on."""
    assert shapes([line]), shape(line)


# -- shapes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("took 12.5s at 10:11:12", "took # at #"),
        ("\x1b[31mat  0x7f3a5c0e1d90\x1b[0m  in   worker", "at # in worker"),
        ("request 5c1b7a0e-93a1-4b1f-8d0c-2b6f0a1c9d3e of 3f2a9b1c4d5e", "request # of #"),
        ("2024-01-02T03:04:05.678Z boom", "boom"),
        ("[task 2024-02-11T10:11:12.123Z] 10:11:12     INFO - TEST-FAIL", "TEST-FAIL"),
        ("at /home/runner/work/shop/shop/src/cart.py:12", "at src/cart.py:#"),
        (r"at C:\a\1\s\src\cart.cs(12,3)", "at src/cart.cs(#)"),
        ("wrote /tmp/pytest-of-root/pytest-3/out.bin", "wrote #"),
        ("dial 127.0.0.1:35421: refused (pid 12)", "dial #: refused (pid #)"),
        ("<User object at 0x10f8b2a30> of Queue@1b2c6ec2", "<User object at #> of Queue@#"),
        ("no module named \u201cyaml\u201d or `toml`", "no module named 'yaml' or 'toml'"),
        ("image layout/1059498-1.html of test_bug123.js", "image layout/1059498-1.html of test_bug123.js"),
        ("wrong type in utf8_reader2: E0425", "wrong type in utf8_reader2: E0425"),
        ("lost Jan 02 2024", "lost #"),
        ("x " * 400, ("x " * 150).strip()),
        ("12:00:01", ""),
        ("---- 3/4 ----", ""),
        ("", ""),
    ],
)
def test_what_differs_from_run_to_run_is_masked(line: str, masked: str) -> None:
    """And what names something is not."""
    assert shape(line) == masked


@given(LINES)
def test_a_shape_is_its_own_shape_and_bounded(line: str) -> None:
    """For any text whatever, and nothing raises."""
    line = line.replace("\n", " ")
    masked = shape(line)
    assert shape(masked) == masked
    assert len(masked) <= SHAPE_MAX
    assert shapes([line]) in ((), (masked,))


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{2,9}", fullmatch=True), st.sampled_from(list(" (=:,[-/<>|@"))), min_size=1
    ),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.sampled_from(["", ".5", ":30", "ms", "%", "s", "kB"]),
)
def test_numbers_do_not_matter(words: Sequence[tuple[str, str]], one: int, other: int, unit: str) -> None:
    """A line with other numbers has the same shape."""
    # However long the numbers are, the line is cut at the same word.
    line = " ".join(word + between + "{number}" for word, between in words[:10])
    assert shape(line.replace("{number}", f"{one}{unit}")) == shape(line.replace("{number}", f"{other}{unit}"))


@pytest.mark.parametrize(
    "piece", ["a", "1", "a1", "-", "/", "1:", "1.", "1m.", "'", "(", " ", "#", "\x1b[", "é", "/tmp/", "_", "ab1"]
)
def test_a_long_line_is_cut(piece: str) -> None:
    """What comes after is not looked at."""
    line = piece * 10_000
    assert shape(line) == shape(line[:5000])


# -- likeness -------------------------------------------------------------------------------------------------------


@given(LINES, LINES)
def test_likeness_of_any_two_lines(one: str, other: str) -> None:
    """Between 0 and 1, whichever comes first; a line is like itself."""
    a, b = shape(one), shape(other)
    assert 0 <= likeness(a, b) <= 1
    assert likeness(a, b) == likeness(b, a)
    assert likeness(a, a) == 1
    assert 0 <= likeness(one, other) <= 1


def test_the_beginning_of_a_line_is_like_it() -> None:
    """A line that was cut, if enough of it is there to tell of what it is."""
    whole = shape("tests/test_page.py::test_index - AssertionError: got <html><head><title>Shop</title></head><body>")
    assert likeness(whole[:60] + "...", whole) >= ALIKE
    # Any test of the file begins so.
    assert likeness("FAILED tests/test_page.py::test_...", "FAILED " + whole) < ALIKE


def test_a_line_that_may_have_been_cut_without_a_sign_of_it() -> None:
    """If it is long, and no word is cut in two: that could be another name."""
    long = "TEST-UNEXPECTED-FAIL | toolkit/components/telemetry/tests/unit/test_TelemetrySession.js | reads ping test_a"
    assert likeness(long, long + " and then waits for somebody else to write it anew, in vain") >= ALIKE
    assert likeness(long, long + "b and then") < ALIKE


# -- runs -----------------------------------------------------------------------------------------------------------


def test_the_shapes_of_a_run() -> None:
    """Each once, in order, without what any failure shows."""
    lines = [
        "exit status 1",
        "test_a FAILED in 3s",
        "",
        "test_a FAILED in 5s",
        "test_b FAILED",
        "Error: Command failed",
    ]
    assert shapes(lines) == ("\u00abtest\u00bb test_a \u00a6 in #", "\u00abtest\u00bb test_b")
    assert shapes([]) == ()


def test_the_shapes_of_a_run_are_few() -> None:
    """The first ones."""
    lines = (f"test_{name} FAILED" for name in "abcdefghijklmnopqrstuvwxyz")
    assert shapes(lines) == tuple(f"\u00abtest\u00bb test_{name}" for name in "abcdefghijklmnopqrstuvwxyz"[:SHAPES_MAX])


FAILING = [f"test_{name} FAILED" for name in "abcdefghij"]
OTHERS = [f"test_{name} FAILED" for name in "klmnopqrst"]
RESET = "Connection reset by peer"
UNNAMED = ["certificate has expired", "broken pipe", "permission denied", "database is locked", "disk quota reached"]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ([], [], False),
        (["test_a FAILED"], [], False),
        (["test_a FAILED"], ["test_a FAILED"], True),
        (["test_a FAILED"], ["test_b FAILED"], False),
        # Of several failing tests one is the same.
        ([*FAILING[:3], "test_z FAILED"], ["test_z FAILED", *OTHERS[:3]], True),
        (FAILING[:4], [*OTHERS[:3], FAILING[3]], True),
        # What comes late in both may be left behind by any failure.
        ([*FAILING[:6], "docker: no such container app_db"], [*OTHERS[:6], "docker: no such container app_db"], False),
        # A line without a name, below failures that have one.
        (["test_a FAILED", RESET], ["test_b FAILED", RESET], False),
        ([RESET], ["test_b FAILED", RESET], True),
        # Below many such lines, what names something comes first all the same.
        ([RESET, *UNNAMED, "test_a FAILED"], [*UNNAMED, RESET, "test_a FAILED"], True),
        ([*UNNAMED, RESET], [RESET, *UNNAMED[:2]], True),
        ([*UNNAMED, RESET], [RESET], False),
        ([RESET], [RESET], True),
        (["certificate has expired"], [RESET], False),
    ],
)
def test_runs_with_the_same_failure(one: Sequence[str], other: Sequence[str], alike: bool) -> None:
    """The first lines weigh most, and names more than words."""
    assert same(shapes(one), shapes(other)) is alike


@given(SHAPES, SHAPES)
def test_it_does_not_matter_which_run_comes_first(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Of any two runs."""
    assert same(one, other) == same(other, one)


@given(st.lists(LINES, max_size=15))
def test_a_run_has_its_own_failure(lines: list[str]) -> None:
    """Unless it shows nothing that tells of one."""
    found = shapes(lines)
    assert len(found) <= SHAPES_MAX
    assert same(found, found) is bool(found)
