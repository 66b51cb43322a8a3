"""Which jobs are shards of one, and what that one did."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.branch.rows import KINDS, revisions, row
from triggerbot.core.branch import shards as sharding
from triggerbot.core.branch.cells import CellKind
from triggerbot.core.branch.shards import shards
from triggerbot.core.branch.streaks import Row, along

PYTORCH = "linux-jammy / test (default, {}, {}, linux.2xlarge)"


def merged(rows: list[Row]) -> list[Row]:
    """Merge the shards among these rows."""
    return sharding.merged(rows, shards(one.job for one in rows))


def letters(one: Row) -> str:
    """Return a row as letters."""
    return "".join(cell.kind.letter for cell in one.cells)


@pytest.mark.parametrize(
    ("names", "job"),
    [
        ([PYTORCH.format(1, 5), PYTORCH.format(3, 5)], "linux-jammy / test (default, linux.2xlarge)"),
        ([PYTORCH.format(*of) for of in ((1, 1), (1, 2), (2, 2))], "linux-jammy / test (default, linux.2xlarge)"),
        (["test (1, 2)", "test (2, 2)"], "test"),
        (["e2e (1/3)", "e2e (3/3)"], "e2e"),
        (["e2e [shard, 1/3]", "e2e [shard, 2/3]"], "e2e [shard]"),
        ([f"test-linux1804-64/opt-mochitest-{n}" for n in (1, 2, 3)], "test-linux1804-64/opt-mochitest"),
        (["mochitest", "mochitest-1", "mochitest-2"], "mochitest-*"),
    ],
)  # fmt: skip
def test_shards_of_one_job(names: list[str], job: str) -> None:
    """In the forms of PyTorch, of Playwright, and of Mozilla."""
    assert {one.job for one in shards(names).values()} == {job}


@pytest.mark.parametrize(
    "names",
    [
        ["python-2", "python-3"],
        ["test-windows11-64-2009/opt", "test-windows10-64-2004/opt"],
        ["win11-2009", "win10-2004"],
        ["ubuntu-22", "ubuntu-24"],
        ["es-1", "es-5"],
        ["nightly-2026-11-1", "nightly-2026-11-2"],
        ["build (18, 20)", "build (20, 22)"],
        ["build (linux, 3, 11, gcc)", "build (linux, 3, 12, gcc)"],
        ["test (cuda, 12, 4)", "test (cuda, 11, 8)"],
        [PYTORCH.format(1, 1)],
        ["mochitest-1"],
        ["mochitest", "xpcshell"],
        ["", "-", "-1", "(1, 2)", "(2, 2)", "()", "(", "a (0, 2)", "a (2, 1)"],
    ],
)
def test_names_that_have_numbers_and_are_no_shards(names: list[str]) -> None:
    """Versions, dates and matrices have numbers, too."""
    assert shards(names) == {}


def test_a_failure_that_moves_between_shards_is_one_streak() -> None:
    """Tests are dealt out anew with each push."""
    rows = [row("F S S", "test_a FAILED", job=PYTORCH.format(1, 2)), row("S F S", job=PYTORCH.format(2, 2))]
    [one] = along(merged(rows), revisions("FFS")).failing
    assert (one.job, one.since, one.pushes) == ("linux-jammy / test (default, linux.2xlarge)", "r1", 2)
    assert along(rows, revisions("FFS")).failing == ()


@pytest.mark.parametrize(
    ("first", "second", "job"),
    [
        ("F", "S", "F"), ("F", "P", "F"), ("S", "S", "S"), ("S", "P", "P"), ("I", "A", "A"), ("I", "S", "I"),
        ("S", "C", "C"), ("S", "K", "K"), ("S", "X", "X"), ("?", "?", "?"), ("?", "S", "?"),
    ],
)  # fmt: skip
def test_a_job_passed_only_if_all_of_its_shards_did(first: str, second: str, job: str) -> None:
    """What failed before may be in the shard that did not run."""
    rows = [row(first, job="mochitest-1"), row(second, job="mochitest-2")]
    assert list(map(letters, merged(rows))) == [job]


def test_shards_that_a_job_does_not_have_any_more_are_not_waited_for() -> None:
    """Their number changes with the configuration."""
    mozilla = [row("SS", job="mochitest-1"), row("?F", job="mochitest-2")]
    assert list(map(letters, merged(mozilla))) == ["SF"]
    pytorch = [
        row("?S", job=PYTORCH.format(1, 2)), row("?F", job=PYTORCH.format(2, 2)), row("S?", job=PYTORCH.format(1, 1)),
    ]  # fmt: skip
    assert list(map(letters, merged(pytorch))) == ["SF"]


def test_jobs_that_are_no_shards_stay_as_they_are() -> None:
    """Nothing is renamed."""
    rows = [row("FS", job="build"), row("SF", job="python-3")]
    assert merged(rows) == rows


@given(st.lists(st.text("".join(KINDS), min_size=3, max_size=3), min_size=2, max_size=4), st.randoms())
def test_the_order_of_shards_decides_nothing(texts: list[str], chance) -> None:
    """A failure is never merged away."""
    rows = [row(text, job=f"mochitest-{number}") for number, text in enumerate(texts, 1)]
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert list(map(letters, merged(rows))) == list(map(letters, merged(shuffled)))
    for place, cells in enumerate(zip(*texts, strict=True)):
        [one] = merged(rows)
        assert (one.cells[place].kind is CellKind.FAILED) is ("F" in cells)


@given(st.lists(st.text(), max_size=8))
def test_any_names_can_be_looked_at(names: list[str]) -> None:
    """Names are foreign text."""
    found = shards(names)
    assert set(found) <= set(names)
    assert all(one.job for one in found.values())


def test_what_is_no_shard_stays_as_it_is() -> None:
    """With the name by which its page is found."""
    one = replace(row("FS", job="linux"), name="linux")
    assert merged([one]) == [one]
