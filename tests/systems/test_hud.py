"""PyTorch's HUD: a recorded grid of jobs by commits."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggerbot.core.branch.cells import CellKind
from triggerbot.core.errors import NotUnderstood
from triggerbot.systems import hud


def read(*jobs: Any) -> list[str]:
    """Read a recording of one job, and return what it did, as letters."""
    grid = [{"sha": f"sha{number}", "jobs": [job]} for number, job in enumerate(jobs)]
    [row] = hud.read(json.dumps({"jobNames": ["job"], "shaGrid": grid}).encode()).rows
    return [cell.kind.letter for cell in row.cells]


@pytest.mark.parametrize(
    ("job", "letter"),
    [
        ({}, "?"), (None, "?"), ({"conclusion": None}, "?"), ({"conclusion": None, "id": 7}, "P"),
        *(({"conclusion": word}, letter) for word, letter in {
            "success": "S", "failure": "F", "timed_out": "F", "skipped": "K", "neutral": "N", "cancelled": "C",
            "pending": "P", "startup_failure": "X",
        }.items()),
        ({"conclusion": "success", "failedPreviousRun": True}, "I"),
        ({"conclusion": "success", "sha": "abc", "durationS": 3, "more": {"of": "it"}}, "S"),
    ],
)  # fmt: skip
def test_what_became_of_a_job(job: Any, letter: str) -> None:
    """In GitHub's words; an empty object is a job that did not run."""
    assert read(job) == [letter]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"failureCaptures": ["test_a.py::test_one FAILED"]}, "test_a.py::test_one FAILED"),
        ({"failureCaptures": "test_a.py::test_one FAILED"}, "test_a.py::test_one FAILED"),
        ({"failureCaptures": ["Error", "code 1"], "failureLines": ["no"]}, ""),
        ({"failureCaptures": ["##[error]The action has timed out."]}, ""),
        ({"failureCaptures": []}, ""),
        ({"failureCaptures": None, "failureLines": [None, "ld: undefined symbol foo"]}, "ld: undefined symbol foo"),
        ({"failureLine": "ld: undefined symbol foo"}, "ld: undefined symbol foo"),
    ],
)
def test_what_a_failure_says(told: dict[str, Any], line: str) -> None:
    """What any failure may show is nothing."""
    data = {"jobNames": ["job"], "shaGrid": [{"sha": "a", "jobs": [{"conclusion": "failure", **told}]}]}
    [row] = hud.read(json.dumps(data).encode()).rows
    assert (row.cells[0].kind, row.cells[0].line, bool(row.cells[0].shapes)) == (CellKind.FAILED, line, bool(line))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected JSON"),
        ("[]", "Expected `object`, got `array`"),
        ("[" * 100_000, "expected"),
        ('{"jobNames": []}', "missing required field `shaGrid`"),
        ('{"jobNames": [1], "shaGrid": []}', r"\$\.jobNames\[0\]"),
        ('{"jobNames": ["a"], "shaGrid": [{"sha": "x", "jobs": [{"conclusion": 3}]}]}', r"shaGrid\[0\]\.jobs\[0\]"),
        ('{"jobNames": ["a"], "shaGrid": [{"sha": "", "jobs": [{}]}]}', r"shaGrid\[0\]\.sha"),
        ('{"jobNames": ["a"], "shaGrid": [{"sha": "x", "jobs": []}]}', r"shaGrid\[0\]\.jobs has 0 entries"),
        ('{"jobNames": ["a", "a"], "shaGrid": [{"sha": "x", "jobs": [{}, {}]}]}', r"jobNames\[1\] is 'a'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, why: str) -> None:
    """Nobody has to search a grid of 20,000 entries."""
    with pytest.raises(NotUnderstood, match=why):
        hud.read(text.encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["jobNames", "shaGrid", "sha", "jobs", "conclusion", "failureCaptures"]) | st.text(), inner,
        max_size=4,
    ),
)  # fmt: skip


@given(json_values.map(lambda value: json.dumps(value).encode()) | st.binary())
def test_any_file_is_read_or_rejected(data: bytes) -> None:
    """Never with another exception."""
    try:
        found = hud.read(data)
    except NotUnderstood:
        return
    assert all(len(row.cells) == len(found.revisions) for row in found.rows)


def test_a_conclusion_that_is_not_known_proves_nothing() -> None:
    """The rest is read, and its first place is named."""
    odd = {"sha": "x", "jobs": [{"conclusion": "odd"}, {"conclusion": "success"}]}
    found = hud.read(json.dumps({"jobNames": ["a", "b"], "shaGrid": [odd, {**odd, "sha": "y"}]}).encode())
    assert [[cell.kind.letter for cell in row.cells] for row in found.rows] == [["U", "U"], ["S", "S"]]
    assert found.unknown == {"odd": "shaGrid[0].jobs[0].conclusion"}
