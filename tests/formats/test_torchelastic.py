"""The error files of torch elastic: the root cause comes first, and what is not understood is said, not raised."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.written import file
from triggerbot.formats import Contents, registry
from triggerbot.formats.torchelastic import TORCHELASTIC


def died(text: str, at: object = None, **more: Any) -> str:
    """Write an error file."""
    extra = {"extraInfo": {"py_callstack": "Traceback ...", "timestamp": at}} if at is not None else {}
    return json.dumps({"message": {"message": text, **extra, "errorCode": 1}, **more})


def read(**texts: str | bytes) -> Contents:
    """Read the files of these ranks."""
    return TORCHELASTIC.read([file(f"attempt_0/{name[1:]}/error.json", text) for name, text in texts.items()])


def test_the_first_death_is_the_root_cause() -> None:
    """By time, whether it is a number or a text; ties by rank, as a number; without a time last."""
    found = read(
        r10=died("RuntimeError: tenth", "1700000001"), r2=died("RuntimeError: second", 1700000001),
        r0=died("ConnectionError: later", "1700000002"), r3=json.dumps({"message": "no time"}),
        r1=died("RuntimeError: first", "1700000000"),
    )  # fmt: skip
    assert found.failures == (
        "RuntimeError: first", "RuntimeError: second", "RuntimeError: tenth", "ConnectionError: later", "no time",
    )  # fmt: skip
    assert (found.tests, found.problems, found.files, found.failed) == (None, (), 5, True)


def test_a_traceback_ends_with_what_tells() -> None:
    """And a message begins with it."""
    found = read(
        r0=died('Traceback (most recent call last):\n  File "a.py"\nValueError: b\n', 1), r1=died("A: b\nc", 2)
    )
    assert found.failures == ("ValueError: b", "A: b")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1), ("{", 1), ('{\n"message":\n"cut', 3), ('{"message": "a"}\n}', 2), ("[]", 1), ("{}", 1), ('"a"', 1),
        ('{"message": {}}', 1), ('{"message": 1}', 1), ('{"message": {"message": []}}', 1), (b"\xff\xfe", 1),
        ("[" * 5000, 1),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(text: str | bytes, place: int) -> None:
    """With its file and line; the others are read."""
    found = read(r0=text, r1=died("RuntimeError: a", 1))
    (problem,) = found.problems
    assert (problem.file, problem.line) == ("attempt_0/0/error.json", place)
    assert problem.why.startswith('expected the error file of torch elastic, {"message": ...}')
    assert found.failures == ("RuntimeError: a",)


KEYS = st.sampled_from(["message", "extraInfo", "timestamp", "rank"])
VALUES = st.recursive(
    st.none() | st.text() | st.floats() | st.integers(), lambda one: st.lists(one) | st.dictionaries(KEYS, one)
)


@given(st.binary(max_size=60) | VALUES.map(lambda one: json.dumps(one).encode()))
def test_whatever_a_file_contains_is_read(data: bytes) -> None:
    """Nothing is raised."""
    found = read(r0=data)
    assert len(found.problems) + found.files == 1


def test_auto_knows_them() -> None:
    """By how they begin; other JSON is left alone."""
    files = [file("0/error.json", died("A: b", 1)), file("package.json", '{"name": "x"}')]
    assert registry.read(files).failures == ("A: b",)
    assert not registry.read(files).problems


@pytest.mark.parametrize("text", ["", '{"message": {"mess', "{bad"])
def test_auto_says_that_one_is_damaged(text: str) -> None:
    """A worker that is killed may leave half of it."""
    (problem,) = registry.read([file("0/error.json", text), file("other.json", "{bad")]).problems
    assert problem.file == "0/error.json"
    assert registry.read([file("error.json", '{"errors": []}')]).problems == ()
