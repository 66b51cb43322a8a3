"""The pages that are made from the code are those in the repository."""

from pathlib import Path

import pytest

from .generated import DOCS, PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_is_up_to_date(path: Path) -> None:
    """Whoever changes a key, a command, a reason or a metric makes the page anew."""
    assert path.read_text() == PAGES[path](), f"`make docs` writes {path.relative_to(DOCS.parent)} anew"
