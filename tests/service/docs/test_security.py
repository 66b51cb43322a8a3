"""The threat model: each claim names a test, and each test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

from tests import ROOT

from .generated import DOCS

PAGE = (DOCS / "explanation/security.md").read_text()
_NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file."""
    return frozenset(one.name for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef))


def claims() -> list[str]:
    """Return the rows of the tables of claims."""
    held = PAGE.partition("## What holds")[2].partition("\n## ")[0]
    rows = [line for line in held.splitlines() if line.startswith("| ")]
    return [row for row in rows if not row.startswith("| claim |")]


def test_each_claim_names_a_test() -> None:
    """In its last column, and nothing else stands there."""
    assert len(claims()) > 30
    for row in claims():
        told = row.rstrip("| ").rpartition(" | ")[2]
        assert _NAMED.search(told), row
        assert not _NAMED.sub("", told).strip(" ,"), row


def test_each_test_that_is_named_exists() -> None:
    """So a claim goes when its test goes."""
    missing = [
        f"{path}::{name}"
        for path, name in _NAMED.findall(PAGE)
        if not (ROOT / "tests" / path).is_file() or name not in names_in(ROOT / "tests" / path)
    ]
    assert missing == []
