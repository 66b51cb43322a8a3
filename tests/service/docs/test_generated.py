"""The generated pages in the repository are up to date."""

from pathlib import Path

import pytest

from .generated import DOCS, PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_is_up_to_date(path: Path) -> None:
    """A change of a key, a command, a reason or a metric needs a new page."""
    assert path.read_text() == PAGES[path](), f"`make docs` writes {path.relative_to(DOCS.parent)} anew"
